"""The values of one top-level key, refused where two YAML parsers could read them differently.

For the metadata of sops: the checked metadata must be those that sops uses, and sops has a parser of its own.  Anything
in which the two could differ is refused in the value and on the way to it: anchors, aliases, tags, merges, keys that
stand twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from cmp.yamldoc.document import YamlError
from cmp.yamldoc.events import Events
from cmp.yamldoc.nodes import Field, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 16  # the metadata have five levels


class AmbiguousError(YamlError):
    """Well-formed YAML that another parser could read in another way."""


def top_level(data: bytes, name: str) -> list[Node]:
    """Return the values of a key in the top-level maps of all documents; YamlError, or AmbiguousError."""
    events = Events(data, 1)
    return events.guard(lambda: list(_Reader(events).values(name)))


class _Reader:
    def __init__(self, events: Events) -> None:
        self._events = events

    def values(self, name: str) -> Iterator[Node]:
        while not isinstance(event := self._next(), StreamEndEvent):
            if isinstance(event, DocumentStartEvent):
                root = self._next()
                if isinstance(root, MappingStartEvent):
                    yield from self._values_of(name)
                else:
                    self._skip(root)

    def _values_of(self, name: str) -> Iterator[Node]:
        is_known = False
        while not isinstance(key := self._next(), MappingEndEvent):
            value = None
            if isinstance(key, ScalarEvent):
                self._require_clear_key(key)
                value = self._next()
            elif isinstance(key, AliasEvent):
                raise self._ambiguous("an alias stands for a key", key)
            else:
                self._skip(key)
                value = self._next()
            if not (isinstance(key, ScalarEvent) and key.value == name):
                self._skip(value)
                continue
            if is_known:
                raise self._ambiguous(f"the key `{name}` stands twice", key)
            is_known = True
            yield self._node(value, 0)

    def _next(self) -> Any:  # noqa: ANN401  # an Event; the caller knows which
        return self._events.next()

    def _skip(self, event: object) -> None:
        depth = 0
        while True:
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth == 0:
                return
            event = self._next()

    def _node(self, event: Any, depth: int) -> Node:  # noqa: ANN401  # see above
        if isinstance(event, AliasEvent):
            raise self._ambiguous("an alias (`*`)", event)
        if event.tag is not None:
            raise self._ambiguous("a tag (`!`)", event)
        if event.anchor is not None:
            raise self._ambiguous("an anchor (`&`)", event)
        if depth > MAX_DEPTH:
            raise self._ambiguous(f"nested deeper than {MAX_DEPTH} levels", event)
        line, column = self._events.line(event), event.start_mark.column + 1
        if isinstance(event, ScalarEvent):
            return Node("scalar", line, column, event.value, plain=not event.style)
        if isinstance(event, SequenceStartEvent):
            return Node("list", line, column, items=tuple(self._items(depth + 1)))
        return Node("map", line, column, fields=self._fields(depth + 1))

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := self._next(), SequenceEndEvent):
            yield self._node(event, depth)

    def _fields(self, depth: int) -> dict[str, Field]:
        fields: dict[str, Field] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._node(event, depth)
            if key.kind != "scalar":
                raise self._ambiguous("a key that is no text", event)
            self._require_clear_key(event)
            if key.text in fields:
                raise self._ambiguous("a key that stands twice", event)
            fields[key.text] = Field(key.line, key.column, self._node(self._next(), depth))
        return fields

    def _require_clear_key(self, event: ScalarEvent) -> None:
        if event.tag is not None:
            raise self._ambiguous("a tag (`!`) on a key", event)
        if event.value == "<<" and not event.style:
            raise self._ambiguous("a merge key (`<<`)", event)

    def _ambiguous(self, problem: str, event: Any) -> AmbiguousError:  # noqa: ANN401  # see above
        return AmbiguousError(problem, self._events.line(event), event.start_mark.column + 1)
