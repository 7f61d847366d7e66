"""Git repositories and files of web servers, at a pinned version: from the cache, and only missing ones fetched.

keys.py     their keys in the chart cache
fetch.py    fetches a version that the cache lacks, once, and compares it with the one from before
git.py      a commit of a repository, by the git program
schemas.py  a JSON Schema, with the content that cmp.lock names

A part of a repository is found once in the whole tree and kept, for most of a tree is something else.  Its key has
`part+<sha256 of the whole's archive>` in place of a URL, and the part's name.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from cmp import __version__
from cmp.artifacts.cache import PART, Archive, ChartCache, Key, not_cached
from cmp.artifacts.remotes.keys import CONTENT, key_of
from cmp.errors import ChartError
from cmp.system.files import sha256
from cmp.system.tree import WorkTree
from cmp.system.unpack import unpack
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp.context import Context
    from cmp.model import RemoteRef
    from cmp.system.download import UrlCheck
    from cmp.system.tree import Tree


class Part(Protocol):
    """A name, the same for the same paths, and a function that finds those paths in the whole tree."""

    @property
    def name(self) -> str: ...
    @property
    def used(self) -> Callable[[Tree], Iterable[str]]: ...


def obtain(ref: RemoteRef, context: Context, check_url: UrlCheck | None = None) -> Archive:
    """Return a .tar.gz with the repository's files, or with the file; ChartError when it cannot be had.

    `check_url` is asked about each URL of a file before a server is.
    """
    if archive := ChartCache(context.settings.cache_dir).find(key_of(ref)):
        return archive
    if context.settings.offline:
        raise not_cached(ref.subject, ref.place)
    from cmp.artifacts.remotes import fetch  # noqa: PLC0415  # a warm run never needs it

    return fetch.fetch(ref, context, check_url)


def content(archive: Archive) -> bytes:
    """Return the file of a web server from its archive."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive.data))) as members:
        file = members.extractfile(CONTENT)
        return file.read() if file else b""


def obtain_part(ref: RemoteRef, part: Part, context: Context) -> Archive:
    """Return a .tar.gz with a part of a repository; raises the errors of `obtain` and `part.used`."""
    cache = ChartCache(context.settings.cache_dir)
    record = cache.record(key_of(ref))
    if record and (archive := cache.find(_part_key(record.sha256, ref, part))):
        return archive
    whole = obtain(ref, context)
    with Workspace(context.settings.tmp_dir) as workspace:
        folder = workspace.folder("whole")
        unpack(whole.data, folder, ref.subject)
        packed = _pack(folder, part.used(WorkTree(folder)))
    archive = Archive(name=whole.name, version=whole.version, sha256=sha256(packed), data=packed)
    with suppress(ChartError):  # a cache that was filled elsewhere may be read-only, and the whole is in it
        cache.publish(_part_key(whole.sha256, ref, part), archive)
    return archive._replace(is_fetched=whole.is_fetched)


def _part_key(whole: str, ref: RemoteRef, part: Part) -> Key:
    """Return the key of a part: the digest of the whole, and the release of cmp, which knows the paths that count."""
    return Key(f"{PART}{whole}", key_of(ref).name, f"{part.name} {__version__}")


def _pack(root: str, paths: Iterable[str]) -> bytes:
    """Pack files and folders, and the targets of links in them, without times and owners."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in sorted(set(_closed(root, paths))):
            archive.add(os.path.join(root, path), path, recursive=False, filter=_without_times_and_owners)
    return gzip.compress(stream.getvalue(), mtime=0)


def _closed(root: str, paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths and all that lies below them, and the same for the targets of links."""
    waiting, seen = [*paths], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        place = os.path.join(root, path)
        if os.path.islink(place):
            waiting.append(os.path.relpath(os.path.realpath(place), os.path.realpath(root)))
        elif os.path.isdir(place):
            waiting += [os.path.normpath(os.path.join(path, name)) for name in os.listdir(place)]
        yield path


def _without_times_and_owners(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
