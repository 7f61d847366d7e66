"""References to remote bases and files: a folder of a Git repository, or a file of a web server.

Parsed as kustomize 5.7.1 and 5.8.2 do it (api/internal/git/repospec.go); older versions know some of these spellings,
with the same meaning.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cmp.errors import ConfigError
from cmp.model import RemoteRef

if TYPE_CHECKING:
    from cmp.engines.kustomize.kustomization import Reference

REMOTE_KEYS = ("resources", "bases", "components")  # keys under which there may be something remote
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


class RemoteReference(NamedTuple):
    """A repository or a file to fetch, and the folder of the base in it (empty for its root, and for a file)."""

    ref: RemoteRef
    folder: str = ""


def parse(reference: Reference) -> RemoteReference:
    """Parse a remote reference; ConfigError for unpinned references and insecure transports."""
    if reference.key not in REMOTE_KEYS:
        raise _refusal(reference, f"is remote, which is possible in {', '.join(REMOTE_KEYS)} alone")
    text = re.sub(r"^git::", "", reference.text, flags=re.IGNORECASE)
    scheme, address = _scheme(text, reference)
    host, _, path = address.partition("/")
    if not _HOST.fullmatch(host) or not path:
        raise _refusal(reference, "is an address in which no host and repository can be told apart")
    if scheme == "http" and not _LOOPBACK.fullmatch(host):
        raise _refusal(reference, "would be fetched without encryption", "write https://")
    location, _, query = path.partition("?")
    url = f"{scheme}://{host.lower()}/"
    if _is_file(reference, location, query):
        return _file(reference, url + path)
    return _base(reference, url, location, query)


def _scheme(text: str, reference: Reference) -> tuple[str, str]:
    """Return `https` or `http`, and the address behind it without a user's name."""
    scheme, separator, address = text.partition("://")
    if not separator:
        is_github = text.lower().startswith("github.com/")
        scheme, address = ("https" if is_github else "ssh" if "@" in text else ""), text
    scheme = scheme.lower()
    user = _USER.match(address)
    if user and ":" in user[0]:
        raise _refusal(
            reference._replace(text=f"{scheme}://…{address[user.end() :]}"), "holds a password", "let CMP_NETRC have it"
        )
    if scheme == "ssh":
        raise _refusal(
            reference, "is reached by SSH, for which no render has a key", "write https://HOST/ORGANIZATION/NAME"
        )
    if scheme not in ("https", "http"):
        reason = (
            f"is an address of the kind {scheme}, which is not fetched" if scheme else "is an address without https://"
        )
        raise _refusal(reference, reason, "write https://")
    return scheme, address[user.end() if user else 0 :]


def _is_file(reference: Reference, location: str, query: str) -> bool:
    """Say whether kustomize would find a file there: it asks the server, this must tell it from the text."""
    is_manifest = location.endswith((".yaml", ".yml", ".json"))
    has_marker = any(marker in location for marker in _MARKERS)
    return is_manifest and reference.key == "resources" and not _version(query) and not has_marker


def _file(reference: Reference, url: str) -> RemoteReference:
    parts = urlsplit(url).path.split("/")
    pins = [part for part in parts if _COMMIT.fullmatch(part) or _RELEASE.fullmatch(part)]
    if not pins:
        raise _refusal(
            reference, "is a file whose URL has no version", "take a URL with a tag (v1.2.3) or a full commit in it"
        )
    return RemoteReference(RemoteRef(url, pins[0], reference.place, is_file=True))


def _base(reference: Reference, url: str, location: str, query: str) -> RemoteReference:
    repository, folder = _split(location)
    version = re.sub("^(?:refs/)?tags/", "", _version(query))
    if not repository or posixpath.normpath(folder).startswith(".."):
        raise _refusal(reference, "is an address in which no host and repository can be told apart")
    if not version or version.startswith(("refs/", "heads/")):
        raise _refusal(
            reference, "is not pinned" if not version else "is pinned to a branch", f"write ?ref=, and {PIN}"
        )
    if not (_COMMIT.fullmatch(version) or _TAG.fullmatch(version)) or ".." in version:
        raise _refusal(reference, "has a version that can be no tag and no commit", PIN)
    folder = posixpath.normpath(folder)
    return RemoteReference(RemoteRef(url + repository, version, reference.place), "" if folder == "." else folder)


def _version(query: str) -> str:
    fields = parse_qs(query)
    return (fields.get("ref") or fields.get("version") or [""])[0]


def _split(location: str) -> tuple[str, str]:
    """Return the repository and the folder in it."""
    if "_git/" in location:  # Azure DevOps
        before, _, after = location.partition("_git/")
        name, _, folder = after.partition("/")
        return f"{before}_git/{name}", folder
    if "//" in location:
        repository, _, folder = location.partition("//")
        return repository, folder.strip("/")
    if ".git" in location:
        before, _, folder = location.partition(".git")
        return f"{before}.git", folder.strip("/")
    segments = location.split("/")
    if len(segments) < _SEGMENTS or not segments[1]:
        return "", ""
    return "/".join(segments[:_SEGMENTS]), "/".join(segments[_SEGMENTS:])


def _refusal(reference: Reference, reason: str, alternative: str = "") -> ConfigError:
    hint = f"{alternative}; or {COPY}" if alternative else COPY
    return ConfigError(f"{reference.text} ({reference.key}) {reason}", file=reference.place, hint=hint)
