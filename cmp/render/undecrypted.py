"""The encrypted files that a render passed to its engine as they lie in Git, for the hint of a refused output."""

from __future__ import annotations

import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING

from cmp.artifacts.charts.dependencies import local_folders
from cmp.errors import CmpError
from cmp.secrets import sops
from cmp.system.tree import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Instance
    from cmp.render.decrypt import SourceFiles
    from cmp.system.tree import Tree


def names(tree: Tree, instance: Instance, files: SourceFiles) -> tuple[str, ...]:
    """Return the files as `secrets.files` names them, those of the folder that is built and of `file://` charts.

    A chart of a repository is built in no folder.
    """
    if instance.chart and not instance.folder:
        return ()
    done = {file.path for file in files.encrypted} | {*instance.kept_files}
    paths = (path for path in _paths(tree, instance.folder) if path not in done)
    encrypted = (path for path in paths if sops.is_encrypted(path, tree.read(path)))
    return tuple(posixpath.relpath(path, instance.folder) for path in dict.fromkeys(encrypted))


def _paths(tree: Tree, folder: str) -> Iterator[str]:
    for each in (folder, *local_folders(tree, folder)):
        with suppress(CmpError):  # what keeps it from being read has been told, or nothing reads it
            yield from walk(tree, each)
