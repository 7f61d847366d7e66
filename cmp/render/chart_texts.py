"""The texts of the charts of a render: of folders of the tree, of packed charts in them, and of those obtained."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress
from typing import TYPE_CHECKING

from cmp.errors import CmpError
from cmp.render import cleartext
from cmp.render.unread import local_charts
from cmp.system.tree import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp.engines.protocol import Needs
    from cmp.system.tree import Tree

TEMPLATES = "/templates/"


def is_template(path: str) -> bool:
    """Say whether a path is that of a template of a chart."""
    return TEMPLATES in path


def texts(
    tree: Tree,
    needs: Needs,
    archives: Iterable[bytes],
    *,
    is_wanted: Callable[[str], bool] = is_template,
    word: bytes = b"",
) -> Iterator[bytes]:
    """Yield the content of the files of all charts whose paths are wanted; see `files`."""
    yield from (data for _, data in files(tree, needs, archives, is_wanted=is_wanted, word=word))


def files(
    tree: Tree,
    needs: Needs,
    archives: Iterable[bytes],
    *,
    is_wanted: Callable[[str], bool],
    word: bytes = b"",
) -> Iterator[tuple[str, bytes]]:
    """Yield the wanted files of all charts, by path; of packed ones only where the word is in them.

    `archives` are the charts that were obtained.  The path of a packed file is that in its archive.
    """
    for folder in {*needs.chart_folders, *local_charts(tree, needs.chart_folders)}:
        for path in walk(tree, folder):
            with suppress(CmpError):  # the render has reported it, or did not read the file
                if path.endswith(".tgz"):
                    yield from _packed(tree.read(path), is_wanted, word)
                elif is_wanted(path):
                    yield path, tree.read(path)
    for archive in archives:
        yield from _packed(archive, is_wanted, word)


def _packed(data: bytes, is_wanted: Callable[[str], bool], word: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a packed chart, and of those packed in it; none of what is no archive."""
    unpacked = cleartext.unzipped(data)
    if word not in unpacked and b".tgz" not in unpacked:
        return
    with suppress(tarfile.TarError), tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file and member.name.endswith(".tgz"):
                yield from _packed(file.read(), is_wanted, word)
            elif file and is_wanted(member.name):
                yield member.name, file.read()
