"""The cleartext that a render reads: its words are no secrets, even if a secret contains the same words.

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
    from cmp.render.decrypt import SourceFiles
    from cmp.system.tree import Tree

MAX_BYTES = 64 << 20  # of all; words of later files are taken for secret where a secret contains them
_AS_GZIP = 31  # zlib's window and header of a .tar.gz


def inputs(
    tree: Tree, instance: Instance, paths: Iterable[str], files: SourceFiles, archives: Iterable[bytes]
) -> Iterator[bytes]:
    """Yield names and parameters, values, the files and folders `paths` of the tree, and the content of `archives`.

    An encrypted file is among them as it lies in Git, for its keys and some of its values are in clear.
    """
    room = MAX_BYTES
    for data in _all(tree, instance, paths, files, archives):
        room -= len(data)
        if room < 0:
            return
        yield data


def archives(restored: Iterable[Restored], cache_dir: str) -> Iterator[bytes]:
    """Yield the archives that were put in place of dependencies, as the cache has them."""
    cache = ChartCache(cache_dir)
    for chart in restored:
        key = Key(f"{SOURCE}{chart.sha256}", chart.name, chart.version)
        record = cache.record(key) if chart.how == "packaged" else Record(key, chart.version, chart.sha256)
        folder = os.path.dirname(cache.path(record)) if record and chart.sha256 else ""
        with suppress(OSError):
            for name in os.listdir(folder) if folder else ():
                with open(os.path.join(folder, name), "rb") as file:
                    yield file.read()


def _all(
    tree: Tree, instance: Instance, paths: Iterable[str], files: SourceFiles, archives: Iterable[bytes]
) -> Iterator[bytes]:
    parameters = instance.parameters
    set_texts = (text for pair in parameters.set_pairs for text in pair)
    names = (*instance.placeholders.values(), *set_texts)
    yield "\n".join((instance.folder, instance.release, instance.namespace, *names)).encode("utf-8", "replace")
    yield from (layer.data for layer in files.layers)
    for path in sorted({instance.app_folder, instance.instance_folder, *paths} - {""}):
        for file in walk(tree, path) if tree.kind(path) == "folder" else (path,):
            with suppress(CmpError):  # the render has reported it, or did not read the file
                data = tree.read(file)
                yield unzipped(data) if file.endswith(".tgz") else data
    yield from map(unzipped, archives)


def unzipped(data: bytes) -> bytes:
    """Return an archive uncompressed, with the texts of its files in it."""
    try:
        return zlib.decompressobj(_AS_GZIP).decompress(data, MAX_BYTES)
    except zlib.error:  # no archive: its reader reports that
        return b""
