"""How a kustomization spells what is not in its repository: a folder of a Git repository, or a file of a web server.

Split as kustomize 5.7.1 does it (api/internal/git/repospec.go); older versions know some of these spellings, with the
same meaning.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cmp.errors import ConfigError
from cmp.model import RemoteRef

if TYPE_CHECKING:
    from cmp.engines.kustomize.uses import Use

FOLDERS = ("resources", "bases", "components")  # keys under which there may be something remote
COPY = "copy what it names into this repository (`git subtree add`, or those files alone) and name that folder"
PIN = "pin a tag or a full commit (40 hexadecimal digits): a branch is another tree tomorrow"

_COMMIT = re.compile(r"[0-9a-f]{40}")
_TAG = re.compile(r"[\w][\w.+-]*(?:/[\w][\w.+-]*)*")
_RELEASE = re.compile(r"v?\d+(?:\.\d+)+(?:[-+][\w.+-]*)?")
_USER = re.compile(r"[^/@]*@")
_HOST = re.compile(r"(?:[a-z0-9][a-z0-9.-]*|\[[0-9a-f:.]+\])(?::\d+)?", re.IGNORECASE)
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?")
_MARKERS = ("_git/", "//", ".git/")
_SEGMENTS = 2  # of a repository's path where no marker ends it: organization and name


class Reference(NamedTuple):
    """What to fetch, and the folder in it that is meant (empty for its root, and for a file)."""

    wanted: RemoteRef
    folder: str = ""


def parse(use: Use) -> Reference:
    """Read what a use names; ConfigError for what is not pinned, or reached in a way that nobody can vouch for."""
    if use.key not in FOLDERS:
        raise _refusal(use, f"is remote, which is possible in {', '.join(FOLDERS)} alone")
    text = re.sub(r"^git::", "", use.text, flags=re.IGNORECASE)
    scheme, rest = _scheme(text, use)
    host, _, path = rest.partition("/")
    if not _HOST.fullmatch(host) or not path:
        raise _refusal(use, "is an address in which no host and repository can be told apart")
    if scheme == "http" and not _LOOPBACK.fullmatch(host):
        raise _refusal(use, "would be fetched without encryption", "write https://")
    where, _, query = path.partition("?")
    url = f"{scheme}://{host.lower()}/"
    return _file(use, url + path) if _is_file(use, where, query) else _tree(use, url, where, query)


def _scheme(text: str, use: Use) -> tuple[str, str]:
    """Return `https` or `http`, and what follows without a user's name."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        is_github = text.lower().startswith("github.com/")
        scheme, rest = ("https" if is_github else "ssh" if "@" in text else ""), text
    scheme = scheme.lower()
    user = _USER.match(rest)
    if user and ":" in user[0]:
        raise _refusal(
            use._replace(text=f"{scheme}://…{rest[user.end() :]}"), "holds a password", "let CMP_NETRC have it"
        )
    if scheme == "ssh":
        raise _refusal(use, "is reached by SSH, for which no render has a key", "write https://HOST/ORGANIZATION/NAME")
    if scheme not in ("https", "http"):
        kind = (
            f"is an address of the kind {scheme}, which is not fetched" if scheme else "is an address without https://"
        )
        raise _refusal(use, kind, "write https://")
    return scheme, rest[user.end() if user else 0 :]


def _is_file(use: Use, where: str, query: str) -> bool:
    """Say whether kustomize would find a file there: it asks the server, this must know it from the text."""
    is_manifest = where.endswith((".yaml", ".yml", ".json"))
    return is_manifest and use.key == "resources" and not _version(query) and not any(one in where for one in _MARKERS)


def _file(use: Use, url: str) -> Reference:
    parts = urlsplit(url).path.split("/")
    pins = [part for part in parts if _COMMIT.fullmatch(part) or _RELEASE.fullmatch(part)]
    if not pins:
        raise _refusal(
            use, "is a file whose URL has no version", "take a URL with a tag (v1.2.3) or a full commit in it"
        )
    return Reference(RemoteRef(url, pins[0], use.place, is_file=True))


def _tree(use: Use, url: str, where: str, query: str) -> Reference:
    repository, folder = _split(where)
    version = re.sub("^(?:refs/)?tags/", "", _version(query))
    if not repository or posixpath.normpath(folder).startswith(".."):
        raise _refusal(use, "is an address in which no host and repository can be told apart")
    if not version or version.startswith(("refs/", "heads/")):
        raise _refusal(use, "is not pinned" if not version else "is pinned to a branch", f"write ?ref=, and {PIN}")
    if not (_COMMIT.fullmatch(version) or _TAG.fullmatch(version)) or ".." in version:
        raise _refusal(use, "has a version that can be no tag and no commit", PIN)
    folder = posixpath.normpath(folder)
    return Reference(RemoteRef(url + repository, version, use.place), "" if folder == "." else folder)


def _version(query: str) -> str:
    found = parse_qs(query)
    return (found.get("ref") or found.get("version") or [""])[0]


def _split(where: str) -> tuple[str, str]:
    """Part the repository from the folder in it."""
    if "_git/" in where:  # Azure DevOps
        before, _, after = where.partition("_git/")
        name, _, folder = after.partition("/")
        return f"{before}_git/{name}", folder
    if "//" in where:
        repository, _, folder = where.partition("//")
        return repository, folder.strip("/")
    if ".git" in where:
        before, _, folder = where.partition(".git")
        return f"{before}.git", folder.strip("/")
    segments = where.split("/")
    if len(segments) < _SEGMENTS or not segments[1]:
        return "", ""
    return "/".join(segments[:_SEGMENTS]), "/".join(segments[_SEGMENTS:])


def _refusal(use: Use, why: str, instead: str = "") -> ConfigError:
    hint = f"{instead}; or {COPY}" if instead else COPY
    return ConfigError(f"{use.text} ({use.key}) {why}", file=use.place, hint=hint)
