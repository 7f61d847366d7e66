"""A folder of rendered manifests, in which `cmp render --all` writes, and removes, only its own files.

A marker file in it names every file that it wrote: any other file is never touched, and one of its own is removed when
no pair renders it any more.  Each file is replaced as a whole.
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

_TEMPORARY = re.compile(r"\.\d+\.new\Z")  # half-written by a run that was killed


class RenderedTree:
    """The folder, which may be missing; UsageError where it holds a file that its marker does not name."""

    def __init__(self, folder: str, mode: int = PUBLIC) -> None:
        self._folder = folder
        self._mode = mode
        existing, marked = set(_below(folder)), self._marked()
        if foreign := sorted(name for name in existing if _TEMPORARY.sub("", name) not in marked):
            raise UsageError(
                f"this folder holds what `cmp render --all` did not write: {and_more(foreign, MAX_LISTED)}",
                file=folder,
                hint="name an empty folder, or remove that",
            )
        self._stale = existing - {MARKER}
        self._written: set[str] = set()

    def expect(self, names: Iterable[str]) -> None:
        """Name the files that will be written in the marker: after an interruption they still count as its own."""
        self._mark({*self._stale, *names})

    def write(self, name: str, data: bytes) -> None:
        """Write a file, in place of an older one."""
        self._write(name, data, self._mode)
        self._written.add(name)
        self._stale.discard(name)

    def finish(self) -> int:
        """Remove the files that were not written this time, and return how many."""
        for name in self._stale:
            os.unlink(self._path(name))
            with suppress(OSError):  # it holds other files
                os.rmdir(os.path.dirname(self._path(name)))
        self._mark(self._written)
        return len(self._stale)

    def _marked(self) -> set[str]:
        try:
            with open(self._path(MARKER), encoding="utf-8") as file:
                return {MARKER, *file.read().splitlines()}
        except (FileNotFoundError, NotADirectoryError):  # a write reports it
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
    """Yield every file, and every link, also one to a folder."""
    for above, folders, names in os.walk(folder):
        links = (name for name in folders if os.path.islink(os.path.join(above, name)))
        for name in (*names, *links):
            yield os.path.relpath(os.path.join(above, name), folder)
