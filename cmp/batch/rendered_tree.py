"""A folder of rendered manifests that is ours alone.

A marker in it names every file that we wrote: a file of somebody else is never touched, and one of ours is removed when
nothing renders it any more.  Each file appears as a whole.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from cmp.errors import UsageError, and_more
from cmp.system import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARKER = ".cmp-rendered"
HEADER = "# The files that `cmp render --all` wrote here; it removes what nothing renders any more.\n"
MAX_LISTED = 5
PUBLIC, PRIVATE = 0o644, 0o600

_BESIDE = re.compile(r"\.\d+\.new\Z")  # what a run that was killed left half-written


class RenderedTree:
    """The folder, which need not be there; UsageError where it holds something that we did not write."""

    def __init__(self, folder: str, mode: int = PUBLIC) -> None:
        self._folder = folder
        self._mode = mode
        found, marked = set(_below(folder)), self._marked()
        if foreign := sorted(name for name in found if _BESIDE.sub("", name) not in marked):
            raise UsageError(
                f"this folder holds what `cmp render --all` did not write: {and_more(foreign, MAX_LISTED)}",
                file=folder,
                hint="name an empty folder, or remove that",
            )
        self._stale = found - {MARKER}
        self._written: set[str] = set()

    def expect(self, names: Iterable[str]) -> None:
        """Say which files will be written: whatever happens then, they are known as ours."""
        self._mark({*self._stale, *names})

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place."""
        self._write(name, data, self._mode)
        self._written.add(name)
        self._stale.discard(name)

    def finish(self) -> int:
        """Remove the files that were not written this time, and return how many."""
        for name in self._stale:
            os.unlink(self._path(name))
            with suppress(OSError):  # it holds others
                os.rmdir(os.path.dirname(self._path(name)))
        self._mark(self._written)
        return len(self._stale)

    def _marked(self) -> set[str]:
        try:
            with open(self._path(MARKER), encoding="utf-8") as file:
                return {MARKER, *file.read().splitlines()}
        except (FileNotFoundError, NotADirectoryError):  # who writes will say so
            return set()

    def _mark(self, names: set[str]) -> None:
        text = HEADER + "".join(f"{name}\n" for name in sorted(names))
        self._write(MARKER, text.encode(), PUBLIC)

    def _write(self, name: str, data: bytes, mode: int) -> None:
        path = self._path(name)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            files.replace(path, data, mode)
        except OSError as error:
            raise UsageError(f"cannot write this file: {error.strerror}", file=path) from None

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)


def _below(folder: str) -> Iterator[str]:
    """Yield every file, and every link, whatever it leads to."""
    for above, folders, names in os.walk(folder):
        links = (name for name in folders if os.path.islink(os.path.join(above, name)))
        for name in (*names, *links):
            yield os.path.relpath(os.path.join(above, name), folder)
