"""Fetch versions that the cache lacks: each once for all processes, and never another content for it in silence."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

from cmp.artifacts.cache import Archive, ChartCache
from cmp.artifacts.remotes import git
from cmp.artifacts.remotes.keys import CONTENT, NEWEST, key_of
from cmp.errors import ChartError
from cmp.system.download import Downloader, Source
from cmp.system.download.connections import DownloadError
from cmp.system.files import sha256
from cmp.system.locks import single_flight
from cmp.system.unpack import MAX_BYTES, MIB
from cmp.system.urls import origin
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from cmp.context import Context
    from cmp.model import RemoteRef
    from cmp.system.download import UrlCheck

MAX_FILE_BYTES = 16 * MIB  # as for a file of the source tree
LISTED = "an administrator who trusts that host lists it in charts.hosts of a policy (CMP_POLICY)"


def fetch(ref: RemoteRef, context: Context, check_url: UrlCheck | None = None) -> Archive:
    """Return an archive, in the cache from now on; ChartError when it cannot be had, or differs from the one before."""
    cache, key = ChartCache(context.settings.cache_dir), key_of(ref)
    with single_flight(cache.lock(key), context.deadline.remaining()):
        if archive := cache.find(key):  # another process was faster
            return archive
        archive = pull(ref, context, check_url)
        record = cache.record(key)
        if record and record.version != archive.version:
            raise ChartError(
                f"{ref.subject} has changed: it is {archive.version}, it was {record.version}",
                file=ref.place,
                hint="a published version must not change: find out why it did; "
                f"`cmp cache refresh {key.name}@{key.version}` accepts it",
                is_external=True,
            )
        cache.publish(key, archive)
    return archive._replace(is_fetched=True)


def pull(ref: RemoteRef, context: Context, check_url: UrlCheck | None = None) -> Archive:
    """Fetch a repository or file, whatever the cache has; ChartError when it cannot be had."""
    if ref.is_file:
        content = _download(ref, context, check_url)
        version, files = sha256(content), _pack(content)
        if ref.is_schema:
            _require_locked(ref, version)
    else:
        with Workspace(context.settings.tmp_dir) as workspace:
            version, files = git.commit(ref, workspace, context)
    if len(files) > MAX_BYTES:
        raise ChartError(f"{ref.subject}: it holds more than {MAX_BYTES // MIB} MiB", file=ref.place)
    packed = gzip.compress(files, mtime=0)
    return Archive(name=key_of(ref).name, version=version, sha256=sha256(packed), data=packed)


def _download(ref: RemoteRef, context: Context, check_url: UrlCheck | None) -> bytes:
    def is_of_origin(url: str, _led_by: str) -> bool:
        """Follow a redirect, but to no address of this machine or its cloud: the policy lists the first host alone."""
        return origin(url) == origin(ref.url)

    downloader = Downloader(context.settings, context.deadline, ChartError)
    source = Source(ref.subject, ref.url, MAX_FILE_BYTES, home=ref.url, check_url=check_url or is_of_origin)
    try:
        return downloader.read(source)
    except DownloadError as error:
        way = LISTED if ref.is_schema else "name the URL to which it redirects"
        hint = way if error.kind == "address" else ""
        what = f"{ref.subject} cannot be had: {error}"
        raise ChartError(what, file=ref.place, hint=hint, is_external=True) from None
    except ChartError as error:
        error.file = error.file or ref.place
        raise


def _require_locked(ref: RemoteRef, digest: str) -> None:
    """ChartError when a schema has another sha256 than in cmp.lock."""
    if ref.version not in (NEWEST, digest):
        raise ChartError(
            f"{ref.subject} has changed: its sha256 is {digest}, cmp.lock says {ref.version}",
            file=ref.place,
            hint="find out why it did; `cmp lock` accepts it",
            is_external=True,
        )


def _pack(content: bytes) -> bytes:
    """Put the file into an archive that depends on nothing but its bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(CONTENT)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
