"""A JSON Schema that a chart refers to: as cmp.lock has it, or else as it was when it was first fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp.artifacts import remotes
from cmp.artifacts.cache import ChartCache
from cmp.artifacts.remotes.keys import NEWEST, key_of
from cmp.model import RemoteRef
from cmp.system.files import sha256

if TYPE_CHECKING:
    from cmp.artifacts.cache import Archive
    from cmp.context import Context
    from cmp.system.download import UrlCheck


class Schema(NamedTuple):
    """The content of a URL, and its sha256."""

    url: str
    content: bytes
    sha256: str
    how: Literal["cache", "fetched"]


def ref(url: str, locked: str, place: str) -> RemoteRef:
    """Return the reference to a schema; `locked` is the sha256 in cmp.lock, or empty."""
    return RemoteRef(url, locked or NEWEST, place, is_file=True, is_schema=True)


def find(wanted: RemoteRef, context: Context) -> Schema | None:
    """Return the schema in the cache; None when the cache lacks it, or has another content than cmp.lock says."""
    cache = ChartCache(context.settings.cache_dir)
    is_locked = wanted.version != NEWEST
    for candidate in (wanted, *([wanted._replace(version=NEWEST)] if is_locked else [])):
        if archive := cache.find(key_of(candidate)):
            schema = _schema(wanted, archive)
            if schema.sha256 == wanted.version or not is_locked:
                return schema
    return None


def obtain(wanted: RemoteRef, context: Context, check_url: UrlCheck | None = None) -> Schema:
    """Return a schema from the cache or over the network.

    ChartError when it cannot be had, or has another content than cmp.lock says.
    """
    return find(wanted, context) or _schema(wanted, remotes.obtain(wanted, context, check_url))


def _schema(wanted: RemoteRef, archive: Archive) -> Schema:
    content = remotes.content(archive)
    how: Literal["fetched", "cache"] = "fetched" if archive.is_fetched else "cache"
    return Schema(wanted.url, content, sha256=sha256(content), how=how)
