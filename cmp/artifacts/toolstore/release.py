"""Download a tool as its project released it, and accept only a file with the published sha256.

With a mirror, its base URL takes the place of scheme and host in every release URL: with
`CMP_TOOLS_MIRROR=https://mirror.example/tools`, `https://get.helm.sh/helm-v3.18.6-linux-amd64.tar.gz` is asked for as
`https://mirror.example/tools/helm-v3.18.6-linux-amd64.tar.gz`.  It publishes the sha256 too, so without TLS somebody
else on the way could publish both: then only a program whose sha256 cmp.lock names is taken.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import zlib
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from cmp.artifacts import toolstore
from cmp.artifacts.toolstore.recipes import UnavailableError
from cmp.errors import ToolError
from cmp.system.download import Downloader, Source, silent
from cmp.system.download.connections import DownloadError
from cmp.system.urls import origin

if TYPE_CHECKING:
    from cmp.artifacts.toolstore.recipes import Recipe, Release
    from cmp.model import Settings
    from cmp.system.download import Progress
    from cmp.system.download.connections import Kind
    from cmp.system.process import Deadline

MAX_BYTES = 1 << 29  # of a download and of a program; the largest tool has 200 MB
_MAX_CHECKSUM_BYTES = 1 << 20
_UNREACHABLE: tuple[Kind, ...] = ("name", "lookup", "connection")


class Downloads:
    """The downloads of one run: an unreachable host is not tried again, for the Go module waits as the next way."""

    def __init__(self, settings: Settings, deadline: Deadline, progress: Progress = silent) -> None:
        self._downloader = Downloader(settings, deadline, ToolError, progress=progress, final=_UNREACHABLE)
        self._unreachable: dict[str, str] = {}

    def save(self, url: str, path: str, limit: int) -> str:
        """Write the body, of at most `limit` bytes, to `path` and return its sha256.

        UnavailableError for a failed download, ToolError for a body that is too large.
        """
        host = origin(url).netloc
        if host in self._unreachable:
            raise UnavailableError(self._unreachable[host])
        try:
            with open(path, "wb") as file:
                self._downloader.save(Source(url, url, limit, home=url), file)
        except DownloadError as error:
            if error.kind in _UNREACHABLE:
                self._unreachable[host] = error.message
            raise UnavailableError(error.message) from None
        return toolstore.sha256(path)


def fetch(recipe: Recipe, output: str, mirror: str, downloads: Downloads, *, is_locked: bool) -> str:
    """Download the program as the file `output` and return the URL it came from.

    With `is_locked` the caller knows the sha256 of the program and refuses any other one.  UnavailableError for a
    failed download; ToolError for a file with another sha256 than the published one, and for a mirror without TLS where
    the caller does not know the sha256.
    """
    if recipe.release is None:
        raise UnavailableError(f"{recipe.name} has no release download")
    release = recipe.release._replace(
        url=mirrored(recipe.release.url, mirror), checksums=mirrored(recipe.release.checksums, mirror)
    )
    if urlsplit(release.url).scheme == "http" and not is_locked:
        what = f"{recipe.name} {recipe.version} cannot be fetched from {mirror}, a mirror without TLS"
        raise ToolError(
            f"{what}: nothing vouches for what comes",
            hint="let CMP_TOOLS_MIRROR be an https URL (CMP_CA_FILE may name its authority), or install what a "
            "cmp.lock names: `cmp tools install --from cmp.lock`",
        )
    archive = f"{output}.download"
    expected = _published(release, f"{output}.sha256", downloads)
    actual = downloads.save(release.url, archive, MAX_BYTES)
    if actual != expected:
        raise ToolError(
            f"{release.url} is not what was published: its sha256 is {actual}, {release.checksums} says {expected}",
            hint="nothing was installed; ask whoever runs that host, or the mirror in CMP_TOOLS_MIRROR",
        )
    if release.member:
        _unpack(archive, release, output)
    else:
        os.rename(archive, output)
    return release.url


def mirrored(url: str, mirror: str) -> str:
    """Put the mirror's base URL in place of scheme and host."""
    if not mirror:
        return url
    base = urlsplit(mirror)
    if "@" in base.netloc:
        raise ToolError("CMP_TOOLS_MIRROR must not hold a user name or a password")
    if base.scheme not in ("http", "https"):
        raise ToolError(f"CMP_TOOLS_MIRROR is {mirror!r}, not an http or https URL")
    return mirror.rstrip("/") + urlsplit(url).path


def _published(release: Release, path: str, downloads: Downloads) -> str:
    downloads.save(release.checksums, path, _MAX_CHECKSUM_BYTES)
    wanted = unquote(release.url.rpartition("/")[2])
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            match = re.fullmatch(r"([0-9a-f]{64})\s+\*?(\S+)\s*", line)
            if match and match[2].removeprefix("./") == wanted:  # as `find . | xargs sha256sum` names it
                return match[1]
    raise ToolError(f"{release.checksums} has no sha256 of {wanted}")


def _unpack(archive: str, release: Release, output: str) -> None:
    """Take one regular file out of the archive; all other members, links and outside paths too, stay in it."""
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                if member.isreg() and member.name.removeprefix("./") == release.member:
                    _copy(members, member, output)
                    return
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ToolError(f"{release.url} cannot be unpacked: {error}") from error
    raise ToolError(f"{release.url} holds no file {release.member}")


def _copy(members: tarfile.TarFile, member: tarfile.TarInfo, output: str) -> None:
    if member.size > MAX_BYTES:
        raise tarfile.TarError(f"{member.name} is larger than {MAX_BYTES >> 20} MiB")
    content = members.extractfile(member)
    assert content is not None  # noqa: S101  # it is a regular file
    with content, open(output, "wb") as file:
        shutil.copyfileobj(content, file)
