"""What a render reads and is in clear: what stands there is no secret, even if a secret has the same words in it.

It is read only when a part of a secret was found in a message (cmp/secrets/redact.py), mostly never.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from cmp.artifacts.cache import SOURCE, ChartCache, Key, Record
from cmp.errors import CmpError
from cmp.system.tree import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.artifacts.charts import Restored
    from cmp.model import Instance
    from cmp.render.decrypt import Contents
    from cmp.system.tree import Tree

MAX_BYTES = 64 << 20  # of all; what comes after that is taken for secret where a secret holds it
_AS_GZIP = 31  # zlib's window and header of a .tar.gz


def inputs(
    tree: Tree, instance: Instance, paths: Iterable[str], contents: Contents, cached: Iterable[bytes]
) -> Iterator[bytes]:
    """Yield names and parameters, values, and the files and folders `paths` of the tree; `cached` are archives.

    An encrypted file is among them as it lies in Git, for its keys and some of its values are in clear.
    """
    room = MAX_BYTES
    for data in _all(tree, instance, paths, contents, cached):
        room -= len(data)
        if room < 0:
            return
        yield data


def archives(restored: Iterable[Restored], cache_dir: str) -> Iterator[bytes]:
    """Yield the archives that were put in place of dependencies, as the cache has them."""
    cache = ChartCache(cache_dir)
    for one in restored:
        key = Key(f"{SOURCE}{one.sha256}", one.name, one.version)
        record = cache.record(key) if one.how == "packaged" else Record(key, one.version, one.sha256)
        folder = os.path.dirname(cache.path(record)) if record and one.sha256 else ""
        with suppress(OSError):
            for name in os.listdir(folder) if folder else ():
                with open(os.path.join(folder, name), "rb") as file:
                    yield file.read()


def _all(
    tree: Tree, instance: Instance, paths: Iterable[str], contents: Contents, cached: Iterable[bytes]
) -> Iterator[bytes]:
    given = instance.parameters
    names = (*instance.known.values(), *(text for pair in (*given.set_values, *given.set_strings) for text in pair))
    yield "\n".join((instance.folder, instance.release, instance.namespace, *names)).encode("utf-8", "replace")
    yield from (content.data for content in contents.layers)
    for path in sorted({instance.app_folder, instance.instance_folder, *paths} - {""}):
        for file in walk(tree, path) if tree.kind(path) == "folder" else (path,):
            with suppress(CmpError):  # the render has told it, or did not read it
                data = tree.read(file)
                yield _unzipped(data) if file.endswith(".tgz") else data
    yield from map(_unzipped, cached)


def _unzipped(data: bytes) -> bytes:
    """Return an archive as it is before it is compressed, with the texts of its files in it."""
    try:
        return zlib.decompressobj(_AS_GZIP).decompress(data, MAX_BYTES)
    except zlib.error:  # it is none: whoever uses it says so
        return b""
