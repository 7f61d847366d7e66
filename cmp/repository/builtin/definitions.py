"""Objects of the whole tree that decide how others are read: CRDs, and whatever else a name finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.argocd.document import objects
from cmp.compare.namespaces import CRD, scopes_of
from cmp.errors import ConfigError
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cmp.argocd.document import Manifest
    from cmp.system.tree import Tree

SUFFIXES = (".yaml", ".yml", ".json")


def scopes_in(tree: Tree, held: Collection[str] | None = None) -> dict[tuple[str, str], bool]:
    """Return the kinds that CRDs define, each with its group, and whether their objects have a namespace.

    A CRD that a template makes is not found.  `held` are the files with the name of that kind, where they are known.
    """
    found: dict[tuple[str, str], bool] = {}
    for one in objects_with(tree, CRD[1], held):
        found.update(scopes_of(one.value))
    return found


def objects_with(tree: Tree, word: str, held: Collection[str] | None = None) -> Iterator[Manifest]:
    """Yield the objects of all files that hold a word; what cannot be read, as a template, is passed over.

    Where the files that hold it are known (`held`, without links), no other one is read.
    """
    for path in _files(tree, ""):
        try:
            if held is not None and tree.resolve(path) not in held:
                continue
            data = tree.read(path)
            manifests = [*objects(data, path)] if word.encode() in data else []
        except ConfigError:
            continue
        yield from manifests


def _files(tree: Tree, folder: str) -> Iterator[str]:
    try:
        entries = tree.entries(folder)
    except ConfigError:  # a link in it leads outside: whatever needs the folder says so
        return
    for entry in entries:
        path = join(folder, entry.name)
        if entry.kind == "file" and entry.name.endswith(SUFFIXES):
            yield path
        elif entry.kind == "folder" and not entry.is_link:
            yield from _files(tree, path)
