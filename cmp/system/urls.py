"""URLs of servers in one spelling: their origins, and which of them lie below another.

Functions import urllib themselves: a render without a URL in its policy must not pay for it.
"""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

PORTS = {"http": 80, "https": 443, "oci": 443}

_SSH_WITHOUT_COLON = re.compile(r"[^/:@]+@[^/:@]+/[^:@]+")  # Argo CD's sshURLRegex takes it, too

_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")


class Origin(NamedTuple):
    """The server that credentials are for: scheme, host in lower case, and port, by default that of the scheme."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def netloc(self) -> str:
        """The host, and the port if it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Tell whether the host itself means this machine; a name that resolves to it does not count."""
        return _LOOPBACK.fullmatch(self.host) is not None


def origin(url: str) -> Origin:
    """Return the origin of a URL; ValueError for a URL without a host."""
    from urllib.parse import urlsplit  # noqa: PLC0415  # see above

    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"no host in {url!r}")
    scheme = parts.scheme.lower()
    return Origin(scheme, parts.hostname.lower(), parts.port or PORTS.get(scheme, 0))


def is_url(text: str) -> bool:
    """Tell whether a text is a URL with a host, of a known scheme."""
    try:
        return origin(text).scheme in PORTS
    except ValueError:
        return False


def normal(url: str) -> str:
    r"""Return a URL in the one spelling in which it is compared: decoded, without credentials and query.

    Servers read `..`, `//`, `\` and `%2F` in a path differently, so each of them counts as the path that it may mean.
    """
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415  # see above

    path = posixpath.normpath("/" + unquote(urlsplit(url).path).replace("\\", "/").strip("/"))
    return f"{origin(url)}{'' if path == '/' else path}"


def repository_name(url: str) -> str:
    """Return host and path of a Git repository's URL, by which the same repository is known under its protocols.

    It is Argo CD's rule (NormalizeGitURL of util/git: lower case, no `.git`, `git@host:path` and `git@host/path` as
    URLs), with one addition: a clone by SSH has the same repository as an Application has by HTTPS.  Empty for no URL.
    """
    from urllib.parse import urlsplit  # noqa: PLC0415  # see above

    text = url.strip().lower()
    if "://" not in text:
        host, colon, path = text.partition(":")
        if _SSH_WITHOUT_COLON.fullmatch(text):
            host, _, path = text.partition("/")
        elif not colon or "/" in host:  # a path on this machine
            return text.rstrip("/").removesuffix(".git")
        text = f"ssh://{host}/{path}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return ""
    host = parts.hostname or ""
    is_default = port in (None, 22, *PORTS.values())
    return f"{host}{'' if is_default else f':{port}'}/{parts.path.strip('/').removesuffix('.git')}"


def is_below(url: str, above: str) -> bool:
    """Tell whether a URL is another one, or lies below it."""
    return f"{normal(url)}/".startswith(f"{normal(above)}/")


def shown(url: str) -> str:
    """Return a URL for a message, without user, password and query: a query may be signed."""
    from urllib.parse import urlsplit, urlunsplit  # noqa: PLC0415  # see above

    parts = urlsplit(url)
    query = "…" if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))
