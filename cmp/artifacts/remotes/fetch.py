"""Fetch what the cache lacks: each version once, whoever asks for it, and never another content for it in silence."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

from cmp.artifacts import remotes
from cmp.artifacts.cache import Archive, ChartCache
from cmp.artifacts.remotes import git, schemas
from cmp.errors import ChartError
from cmp.system.download import Downloader, Source
from cmp.system.download.connections import DownloadError
from cmp.system.files import sha256
from cmp.system.locks import single_flight
from cmp.system.unpack import MAX_BYTES, MIB
from cmp.system.urls import origin
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from cmp.artifacts.remotes import Permit
    from cmp.context import Context
    from cmp.model import RemoteRef

MAX_FILE_BYTES = 16 * MIB  # as for a file of the source tree
LISTED = "an administrator who trusts that host lists it in charts.hosts of a policy (CMP_POLICY)"


def fetch(wanted: RemoteRef, context: Context, permit: Permit | None = None) -> Archive:
    """Return what is in the cache from now on; ChartError when it cannot be had, or is not what it was."""
    cache, key = ChartCache(context.settings.cache_dir), remotes.key_of(wanted)
    with single_flight(cache.lock(key), context.deadline.remaining()):
        if found := cache.find(key):  # somebody else was faster
            return found
        archive = pull(wanted, context, permit)
        before = cache.record(key)
        if before and before.version != archive.version:
            raise ChartError(
                f"{wanted.subject} has changed: it is {archive.version}, it was {before.version}",
                file=wanted.place,
                hint="a published version must not change: find out why it did; "
                f"`cmp cache refresh {key.name}@{key.version}` accepts it",
                is_external=True,
            )
        cache.publish(key, archive)
    return archive._replace(is_fetched=True)


def pull(wanted: RemoteRef, context: Context, permit: Permit | None = None) -> Archive:
    """Fetch it, whatever the cache has; ChartError when it cannot be had."""
    if wanted.is_file:
        content = _download(wanted, context, permit)
        version, files = sha256(content), _archive(content)
        if wanted.is_schema:
            schemas.require_locked(wanted, version)
    else:
        with Workspace(context.settings.tmp_dir) as workspace:
            version, files = git.commit(wanted, workspace, context)
    if len(files) > MAX_BYTES:
        raise ChartError(f"{wanted.subject}: it holds more than {MAX_BYTES // MIB} MiB", file=wanted.place)
    packed = gzip.compress(files, mtime=0)
    return Archive(remotes.key_of(wanted).name, version, sha256(packed), packed)


def _download(wanted: RemoteRef, context: Context, permit: Permit | None) -> bytes:
    def is_listed(url: str, _led_by: str) -> bool:
        """Follow a redirect, but to no address of this machine or its cloud: the policy lists the first host alone."""
        return origin(url) == origin(wanted.url)

    downloader = Downloader(context.settings, context.deadline, ChartError)
    source = Source(wanted.subject, wanted.url, MAX_FILE_BYTES, home=wanted.url, permit=permit or is_listed)
    try:
        return downloader.read(source)
    except DownloadError as error:
        way = LISTED if wanted.is_schema else "name the URL to which it redirects"
        hint = way if error.kind == "address" else ""
        what = f"{wanted.subject} cannot be had: {error}"
        raise ChartError(what, file=wanted.place, hint=hint, is_external=True) from None
    except ChartError as error:
        error.file = error.file or wanted.place
        raise


def _archive(content: bytes) -> bytes:
    """Put the file into an archive that depends on nothing but its bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(remotes.CONTENT)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
