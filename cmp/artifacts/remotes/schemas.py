"""A JSON Schema that a chart refers to: as cmp.lock has it, or else as it was when it was fetched for the first time.

`version` of a key is the sha256 that cmp.lock demands, or NEWEST: two locks may want two contents of one URL.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp.artifacts import remotes
from cmp.artifacts.cache import ChartCache
from cmp.errors import ChartError
from cmp.model import RemoteRef
from cmp.system.files import sha256

if TYPE_CHECKING:
    from cmp.artifacts.cache import Archive
    from cmp.artifacts.remotes import Permit
    from cmp.context import Context

NEWEST = "newest"


class Schema(NamedTuple):
    """The content that a URL has, and its sha256."""

    url: str
    content: bytes
    sha256: str
    how: Literal["cache", "fetched"]


def ref(url: str, locked: str, place: str) -> RemoteRef:
    """Return what is wanted; `locked` is the sha256 in cmp.lock, or empty."""
    return RemoteRef(url, locked or NEWEST, place, is_file=True, is_schema=True)


def find(wanted: RemoteRef, context: Context) -> Schema | None:
    """Return what the cache has; None when that is nothing, or is not what cmp.lock says."""
    cache = ChartCache(context.settings.cache_dir)
    is_locked = wanted.version != NEWEST
    for one in (wanted, *([wanted._replace(version=NEWEST)] if is_locked else [])):
        found = cache.find(remotes.key_of(one))
        schema = _schema(wanted, found) if found else None
        if schema and (schema.sha256 == wanted.version or not is_locked):
            return schema
    return None


def obtain(wanted: RemoteRef, context: Context, permit: Permit | None = None) -> Schema:
    """Return it from the cache or over the network; ChartError when it cannot be had, or is not what cmp.lock says."""
    return find(wanted, context) or _schema(wanted, remotes.obtain(wanted, context, permit))


def require_locked(wanted: RemoteRef, found: str) -> None:
    """ChartError when what was fetched has another sha256 than in cmp.lock."""
    if wanted.version not in (NEWEST, found):
        raise ChartError(
            f"{wanted.subject} has changed: its sha256 is {found}, cmp.lock says {wanted.version}",
            file=wanted.place,
            hint="find out why it did; `cmp lock` accepts it",
            is_external=True,
        )


def _schema(wanted: RemoteRef, archive: Archive) -> Schema:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive.data))) as files:
        file = files.extractfile(remotes.CONTENT)
        content = file.read() if file else b""
    return Schema(wanted.url, content, sha256(content), "fetched" if archive.is_fetched else "cache")
