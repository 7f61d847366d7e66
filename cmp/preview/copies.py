"""The effect of a change on the private copies of folders in which programs run, also by files that no program reads.

A copy has limits (cmp/system/workspace.py) and takes only files and folders: one file too many, and every render fails.
Of a submodule a commit holds the hash of another repository's commit, and no file: without its clone in the checkout
(cmp/repository/submodules.py) their content is not known here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository.git import SUBMODULE
from cmp.system.tree import is_below

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from cmp.errors import CmpError
    from cmp.preview.identity import PairId
    from cmp.preview.sides import ResolvedPair, Side
    from cmp.repository.git import GitTree

UNKNOWN = "a submodule: what is in it is not known here"


class CopyEffect(NamedTuple):
    """A changed path, and its effect on a private copy in words."""

    path: str
    how: str


class PrivateCopies:
    """The private copies of both sides; only those that hold a changed path are examined."""

    def __init__(self, base: Side, head: Side, changed: Sequence[str], keys: Collection[PairId]) -> None:
        """Examine the copies, for some pairs, of folders that hold `changed` paths, which are sorted."""
        self._sides = (base, head)
        self._changed = changed
        self._changed_below: dict[str, tuple[str, ...]] = {}
        pairs = [side.pairs[key] for side in self._sides for key in keys if key in side.pairs]
        folders = {folder for pair in pairs for folder in pair.copied_folders}
        changed_folders = sorted(folder for folder in folders if self._below(folder))
        submodules = (path for path in changed if self._is_submodule(path))
        self._submodules = {path: base.tree.names_of(path) | head.tree.names_of(path) for path in submodules}
        self._refused = tuple(side.refused_copies(changed_folders) for side in self._sides)

    def effects(self, key: PairId) -> Iterator[CopyEffect]:
        """Yield the effects on the copies of a pair; none where only one side has the pair."""
        before, after = (side.pairs.get(key) for side in self._sides)
        if before is None or after is None:
            return
        yield from (CopyEffect(path, UNKNOWN) for path in self._submodules if self._needs(key, path))
        if before.error or after.error:
            return
        was, now = (_refusal(refused, pair) for refused, pair in zip(self._refused, (before, after), strict=True))
        if now and not was:
            yield CopyEffect(now.file, f"every render will refuse it: {now.what}")
        elif was and not now:
            yield CopyEffect(was.file, "renders refuse it no more")
        for folder in dict.fromkeys((*before.folders, *after.folders)):
            yield from (CopyEffect(path, UNKNOWN) for path in self._below(folder) if path in self._submodules)

    def _needs(self, key: PairId, path: str) -> bool:
        """Tell whether a pair reads something in a submodule, or cannot be read because of that."""
        names = self._submodules[path]
        pairs = [side.pairs[key] for side in self._sides]
        read = {one for pair in pairs for source in pair.sources for paths in source.inputs for one in paths}
        read.update(folder for pair in pairs for folder in pair.folders)
        if any(is_below(one, names) for one in read) or any(is_below(link, read) for link in names - {path}):
            return True
        error = rf"error: .*(?<![\w./-])({'|'.join(map(re.escape, sorted(names)))})(?![\w.-])"
        return any(re.match(error, side.fingerprint(key), re.DOTALL) for side in self._sides)

    def _below(self, folder: str) -> tuple[str, ...]:
        """Return the changed paths in a folder."""
        if folder not in self._changed_below:
            first = bisect_left(self._changed, f"{folder}/") if folder else 0
            last = bisect_left(self._changed, f"{folder}0") if folder else len(self._changed)  # `0` comes after `/`
            self._changed_below[folder] = tuple(self._changed[first:last])
        return self._changed_below[folder]

    def _is_submodule(self, path: str) -> bool:
        return any(is_submodule(side.tree, path) for side in self._sides)


def is_submodule(tree: GitTree, path: str) -> bool:
    """Say whether a path is a submodule whose files are not known."""
    return path in tree.blobs and tree.blobs[path].mode == SUBMODULE


def _refusal(refused: Mapping[str, CmpError], pair: ResolvedPair) -> CmpError | None:
    return next((refused[folder] for folder in pair.copied_folders if folder in refused), None)


def unknown_submodule(path: str) -> CmpError:
    """Return the error for a submodule that changed."""
    return ConfigError(
        "a submodule changes, and its clone does not hold the files of both commits: what they do is not known",
        file=path,
        hint="check it out with its history: `git submodule update --init --recursive`, and `git fetch` in it",
    )
