"""Submodules: the files of commits of other repositories, from their clones in the checkout.

A commit of this repository holds the hash of such a commit alone.  Where the checkout has the submodule's clone, and
that has the commit, its files stand in the tree in place of the hash.  Nothing is fetched.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ToolError, UsageError
from cmp.repository.git import SUBMODULE, Git, GitTree
from cmp.system.tree import GIT, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.context import Context
    from cmp.repository.git import Blob, BlobReader


class Submodules:
    """The clones of submodules below a checkout; `close` ends the programs that read them."""

    def __init__(self, top: str, context: Context) -> None:
        self._top = top
        self._context = context
        self._clones: dict[str, Git] = {}

    def filled(self, *trees: GitTree) -> list[GitTree]:
        """Return the trees with the files of each submodule that is known on all sides that have it.

        One that is known on one side alone stays unknown: all of it would seem to come, or to go.
        """
        paths = {path for tree in trees for path, blob in tree.blobs.items() if blob.mode == SUBMODULE}
        known: list[dict[str, GitTree]] = [{} for _ in trees]
        for path in sorted(paths):
            links = [tree.blobs.get(path) for tree in trees]
            found = [self._tree(join(tree.prefix, path), link) for tree, link in zip(trees, links, strict=True)]
            if all(one or link is None or link.mode != SUBMODULE for one, link in zip(found, links, strict=True)):
                for of_side, one in zip(known, found, strict=True):
                    of_side.update({path: one} if one else {})
        return [_with(tree, of_side) for tree, of_side in zip(trees, known, strict=True)]

    def _tree(self, path: str, link: Blob | None) -> GitTree | None:
        """Return the tree of a submodule, its own ones filled; None where the clone or its commit is not here."""
        folder = os.path.join(self._top, path)
        if link is None or link.mode != SUBMODULE or not os.path.lexists(os.path.join(folder, GIT)):
            return None
        git = self._clones.setdefault(path, Git(folder, self._context))
        try:
            tree = git.tree(git.commit(link.id)) if link.id else git.work_tree()
        except (UsageError, ToolError):  # the commit is not in this clone, or the clone is none
            return None
        inner = {
            below: one
            for below, blob in tree.blobs.items()
            if blob.mode == SUBMODULE and (one := self._tree(join(path, below), blob))
        }
        return _with(tree, inner)

    def close(self) -> None:
        """End the programs."""
        for git in self._clones.values():
            git.close()


class _Reader(NamedTuple):
    """A reader of a tree and of the submodules in it, by their paths from the repository's top."""

    main: BlobReader
    submodules: Mapping[str, GitTree]
    owners: Mapping[str, GitTree]

    def read(self, blob: Blob) -> bytes:
        owner = self.owners.get(blob.id)
        return owner.reader.read(blob) if owner else self.main.read(blob)

    def load(self, blobs: Iterable[Blob]) -> None:
        self.main.load(blob for blob in blobs if blob.id not in self.owners)

    def sizes(self, blobs: Iterable[Blob]) -> list[int]:
        blobs = [*blobs]
        sizes: dict[str, int] = {}
        readers: dict[int, tuple[BlobReader, list[Blob]]] = {}
        for blob in blobs:
            owner = self.owners.get(blob.id)
            reader = owner.reader if owner else self.main
            readers.setdefault(id(reader), (reader, []))[1].append(blob)
        for reader, of_reader in readers.values():
            sizes.update(zip((blob.id for blob in of_reader), reader.sizes(of_reader), strict=True))
        return [sizes[blob.id] for blob in blobs]

    def holding(self, commit: str, words: Sequence[str]) -> list[str]:
        found = self.main.holding(commit, words)
        for path, tree in self.submodules.items():
            found += [join(path, name) for name in tree.reader.holding(tree.commit, words)]
        return found


def _with(tree: GitTree, submodules: Mapping[str, GitTree]) -> GitTree:
    """Return a tree with the files of some submodules in place of their hashes."""
    if not submodules:
        return tree
    blobs = {path: blob for path, blob in tree.blobs.items() if path not in submodules}
    inner = {join(path, name): blob for path, one in submodules.items() for name, blob in one.blobs.items()}
    owners = {blob.id: one for one in submodules.values() for blob in one.blobs.values() if not blob.file}
    own = {blob.id for blob in blobs.values()}
    reader = _Reader(
        tree.reader,
        {join(tree.prefix, path): one for path, one in submodules.items()},
        {name: one for name, one in owners.items() if name not in own},
    )
    return GitTree(dict(sorted({**blobs, **inner}.items())), reader, tree.prefix, tree.commit)
