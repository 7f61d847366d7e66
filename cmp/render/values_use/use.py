"""The keys of values that something reads: a tree of keys, some of which are read with all below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    Path = tuple[str, ...]

GLOBAL = "global"


class Use:
    """The read keys of a chart and its subcharts, by their path in the values of the chart at the top.

    A `global` is one for all of them, wherever it stands.  `reads_files` says that templates read files of their chart.
    """

    reads_files = False

    def __init__(self, charts: Iterable[Path]) -> None:
        """Take the paths of the values of each chart, `()` for that at the top."""
        self._charts = frozenset(charts)
        self._keys: dict[str, object] = {}
        self._globals: dict[str, object] = {}
        self._above = frozenset(path[:length] for path in self._charts for length in range(len(path) + 1))
        self._marked: set[tuple[Path, bool]] = set()
        for path in self._charts:
            self.read(path, whole=False)

    def read(self, path: Path, *, whole: bool = True) -> None:
        """Mark a key as read, or else as one below which others are."""
        if (path, whole) in self._marked:
            return
        self._marked.add((path, whole))
        root, path = self._place(path)
        start = root
        for key in path:
            below = root.setdefault(key, {})
            if not isinstance(below, dict):
                return
            root = below
        if whole:
            root[_ALL] = True
            if path in self._above and start is self._keys:
                self._globals[_ALL] = True

    def unread(self, path: Path) -> Path | None:
        """Return the beginning of a path from which on nothing reads it; None for a key that something reads."""
        whole = path
        root, path = self._place(path)
        start = len(whole) - len(path)
        for index, key in enumerate(path):
            if _ALL in root:
                return None
            below = root.get(key)
            if not isinstance(below, dict):
                return whole[: start + index + 1]
            root = below
        return None

    def known_beside(self, path: Path) -> list[str]:
        """Return the read keys at the place of the last one of a path."""
        root, path = self._place(path)
        for key in path[:-1]:
            below = root.get(key)
            if not isinstance(below, dict):
                return []
            root = below
        return sorted(key for key in root if key != _ALL)

    def is_whole(self) -> bool:
        """Say whether everything is read."""
        return _ALL in self._keys

    def _place(self, path: Path) -> tuple[dict[str, object], Path]:
        """Return the tree in which a path stands, and its rest there."""
        for index, key in enumerate(path):
            if key == GLOBAL and path[:index] in self._charts:
                return self._globals, path[index + 1 :]
        return self._keys, path


_ALL = "\0"  # no key of YAML
