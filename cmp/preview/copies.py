"""What a change does to the private copies in which programs run, also by files that no program reads.

A copy has limits (cmp/system/workspace.py) and takes only files and folders: one file too many, and every render fails.
Of a submodule a commit holds the name of another repository's commit, and no file: what those do is not known here.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository.git import SUBMODULE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.errors import CmpError
    from cmp.preview.sides import Case, Key, Side

UNKNOWN = "a submodule: what is in it is not known here"


class Effect(NamedTuple):
    """What a changed path does to a copy, in words."""

    path: str
    how: str


class Copies:
    """The copies of both sides; of those that a change does not reach nothing is looked at."""

    def __init__(self, base: Side, head: Side, changed: Sequence[str]) -> None:
        """Look at the copies that the changed paths, sorted, lie in."""
        self._sides = (base, head)
        self._changed = changed
        self._reached: dict[str, tuple[str, ...]] = {}
        folders = {folder for side in self._sides for case in side.cases.values() for folder in case.copies}
        reached = sorted(folder for folder in folders if self._below(folder))
        self._refused = tuple(side.refused_copies(reached) for side in self._sides)

    def effects(self, key: Key) -> Iterator[Effect]:
        """Yield what the change does to the copies of a pair that both sides have."""
        before, after = (side.cases.get(key) for side in self._sides)
        if before is None or after is None or before.instance is None or after.instance is None:
            return
        was, now = (_first(refused, case) for refused, case in zip(self._refused, (before, after), strict=True))
        if now and not was:
            yield Effect(now.file, f"every render will refuse it: {now.what}")
        elif was and not now:
            yield Effect(was.file, "renders refuse it no more")
        for folder in dict.fromkeys((*before.copies, *after.copies)):
            yield from (Effect(path, UNKNOWN) for path in self._below(folder) if self._is_submodule(path))

    def _below(self, folder: str) -> tuple[str, ...]:
        """Return the changed paths in a folder."""
        if folder not in self._reached:
            first = bisect_left(self._changed, f"{folder}/") if folder else 0
            last = bisect_left(self._changed, f"{folder}0") if folder else len(self._changed)
            self._reached[folder] = tuple(self._changed[first:last])
        return self._reached[folder]

    def _is_submodule(self, path: str) -> bool:
        blobs = [side.tree.blobs[path] for side in self._sides if path in side.tree.blobs]
        return any(blob.mode == SUBMODULE for blob in blobs)


def _first(refused: dict[str, CmpError], case: Case) -> CmpError | None:
    return next((refused[folder] for folder in case.copies if folder in refused), None)


def unknown(path: str) -> CmpError:
    """Return the error for a submodule that changed."""
    return ConfigError(
        "a submodule changes, and this repository does not hold its files: what they do is not known",
        file=path,
        hint="render both commits in checkouts with their submodules (`cmp render`), and compare those",
    )
