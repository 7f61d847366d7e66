"""Git repositories and files of web servers, at a pinned version: from the cache, and only what is missing fetched.

parts.py   what of a repository is used                        schemas.py  a JSON Schema, as cmp.lock has it
fetch.py   what the cache lacks, once, whoever asks for it; compared with what it was before
git.py     a commit of a repository, by the git program

They lie in the chart cache: `repository` of a key is the URL behind `git+`, `file+` or `schema+`, `version` the tag,
the commit or the version in the URL.  What an entry calls the chart's version is what came: a commit, or the sha256 of
a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.artifacts.cache import FILE, GIT, SCHEMA, ChartCache, Key, not_cached

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.artifacts.cache import Archive
    from cmp.context import Context
    from cmp.model import RemoteRef

    # As for cmp/download: called with a URL and the one that led there, it raises or says whether the host is listed.
    Permit = Callable[[str, str], bool]

CONTENT = "content"  # the one member of a file's archive
MAX_NAME = 120


def obtain(wanted: RemoteRef, context: Context, permit: Permit | None = None) -> Archive:
    """Return a .tar.gz with the repository's files, or with the file as CONTENT; ChartError when it cannot be had.

    `permit` is asked about each URL of a file before a server is.
    """
    found = ChartCache(context.settings.cache_dir).find(key_of(wanted))
    if found:
        return found
    if context.settings.offline:
        raise not_cached(wanted.subject, wanted.place)
    from cmp.artifacts.remotes import fetch  # noqa: PLC0415  # what a warm run never needs

    return fetch.fetch(wanted, context, permit)


def key_of(wanted: RemoteRef) -> Key:
    """Return under what the cache has it."""
    # The schemas of many charts are called alike, and `cmp cache refresh` takes a name.
    text = wanted.url.partition("://")[2] if wanted.is_schema else wanted.url.rstrip("/").rpartition("/")[2]
    name = "".join(one if one.isalnum() or one in "._-" else "-" for one in text)
    prefix = SCHEMA if wanted.is_schema else FILE if wanted.is_file else GIT
    return Key(f"{prefix}{wanted.url}", name[-MAX_NAME:] if wanted.is_schema else name, wanted.version)


def ref_of(key: Key) -> RemoteRef | None:
    """Return what a key of the cache stands for; None for a chart's."""
    from cmp.model import RemoteRef  # noqa: PLC0415  # only for commands

    for prefix in (GIT, FILE, SCHEMA):
        if key.repository.startswith(prefix):
            url = key.repository.removeprefix(prefix)
            return RemoteRef(url, key.version, "", is_file=prefix != GIT, is_schema=prefix == SCHEMA)
    return None
