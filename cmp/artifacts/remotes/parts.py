"""The part of a repository that is needed: found once in the whole tree and kept, for most of a tree is something else.

part+<sha256 of the whole's archive>   in place of a URL: what was packed from it, under the part's name
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from cmp import __version__
from cmp.artifacts import remotes
from cmp.artifacts.cache import PART, Archive, ChartCache, Key
from cmp.errors import ChartError
from cmp.system.files import sha256
from cmp.system.tree import WorkTree
from cmp.system.unpack import unpack
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp.context import Context
    from cmp.model import RemoteRef
    from cmp.system.tree import Tree


class Part(Protocol):
    """A name, the same for the same paths, and what finds them in the whole tree."""

    @property
    def name(self) -> str: ...
    @property
    def used(self) -> Callable[[Tree], Iterable[str]]: ...


def obtain(wanted: RemoteRef, part: Part | None, context: Context) -> Archive:
    """Return a .tar.gz with a part of a tree, or everything; raises what `remotes.obtain` and `part.used` raise."""
    if part is None:
        return remotes.obtain(wanted, context)
    cache = ChartCache(context.settings.cache_dir)
    known = cache.record(remotes.key_of(wanted))
    if known and (found := cache.find(_key(known.sha256, wanted, part))):
        return found
    whole = remotes.obtain(wanted, context)
    with Workspace(context.settings.tmp_dir) as workspace:
        folder = workspace.folder("whole")
        unpack(whole.data, folder, wanted.subject)
        packed = _pack(folder, part.used(WorkTree(folder)))
    found = Archive(whole.name, whole.version, sha256(packed), packed)
    with suppress(ChartError):  # a cache that was filled elsewhere may be read-only, and the whole is in it
        cache.publish(_key(whole.sha256, wanted, part), found)
    return found._replace(is_fetched=whole.is_fetched)


def _key(whole: str, wanted: RemoteRef, part: Part) -> Key:
    """Name the part by what it is made of: the archive, and the release of cmp that knows which paths count."""
    return Key(f"{PART}{whole}", remotes.key_of(wanted).name, f"{part.name} {__version__}")


def _pack(root: str, paths: Iterable[str]) -> bytes:
    """Pack files and folders, and what links in them lead to, without times and owners."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in sorted(set(_closed(root, paths))):
            archive.add(os.path.join(root, path), path, recursive=False, filter=_bare)
    return gzip.compress(stream.getvalue(), mtime=0)


def _closed(root: str, paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths and all that lies below them, and again for what links lead to."""
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


def _bare(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
