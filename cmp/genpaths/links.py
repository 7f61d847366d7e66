"""Symbolic links: to Git a link and what it leads to are two paths, and a change of either changes what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.tree import Tree


class Links:
    """The links of one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, path: str) -> tuple[str, ...]:
        """Return what else counts for a file or folder: links on the way to it and in it, and where they lead."""
        if path not in self._known:
            self._known[path] = ()  # until it is known: a cycle ends here
            self._known[path] = tuple(dict.fromkeys(self._found(path)))
        return self._known[path]

    def _found(self, path: str) -> Iterator[str]:
        if self._tree.kind(path) == "missing":
            return
        real = self._tree.resolve(path)
        if real != path:
            yield from self._on_the_way(path)
            yield real
        for entry in self._tree.entries(real):
            inner = join(real, entry.name)
            if entry.is_link or entry.kind == "folder":
                yield from self.of(inner)

    def _on_the_way(self, path: str) -> Iterator[str]:
        above = ""
        for name in path.split("/"):
            below = join(self._tree.resolve(above), name)
            if self._tree.resolve(below) != below:
                yield below
            above = join(above, name)
