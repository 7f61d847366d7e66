"""Events -> where the keys and the list items of a document stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from yaml.events import MappingEndEvent, SequenceEndEvent

from cmp.yamldoc.construct import Constructor, is_merge
from cmp.yamldoc.document import Duplicate
from cmp.yamldoc.events import Events

if TYPE_CHECKING:
    from cmp.yamldoc.document import Path


class Trace(NamedTuple):
    """Where the keys and the list items of a document stand."""

    lines: dict[Path, int]
    duplicates: tuple[Duplicate, ...]


def trace(text: bytes, line: int) -> Trace:
    """Return the lines of a document that `construct` has accepted."""
    tracer = _Tracer(Events(text, line))
    tracer.document()
    return Trace(tracer.lines, tuple(tracer.duplicates))


class _Tracer(Constructor):
    """Notes where keys stand, instead of building values."""

    def __init__(self, events: Events) -> None:
        super().__init__(events)
        self.lines: dict[Path, int] = {}
        self.duplicates: list[Duplicate] = []
        self._path: Path = ()

    def _sequence(self, depth: int) -> list[object]:
        here = self._path
        index = 0
        while type(event := self._next()) is not SequenceEndEvent:
            self._path = (*here, index)
            self.lines[self._path] = self._events.line(event)
            self._node(event, depth)
            index += 1
        self._path = here
        return []

    def _mapping(self, depth: int) -> dict[str | None, object]:
        here = self._path
        own = set()
        while type(event := self._next()) is not MappingEndEvent:
            key = self._key(event) or ""
            self._path = (*here, key)
            self.lines[self._path] = self._events.line(event)
            if not is_merge(event):
                if key in own:
                    self.duplicates.append(Duplicate(self._path, self._events.line(event)))
                own.add(key)
            self._node(self._next(), depth)
        self._path = here
        return {}
