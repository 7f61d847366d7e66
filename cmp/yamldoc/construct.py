"""Events -> values, as go-yaml v2 decodes them (its decode.go), and the lines of their keys and items."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from cmp.yamldoc.document import MAX_DEPTH, YamlError
from cmp.yamldoc.events import Events
from cmp.yamldoc.scalar import NUMBER_START, WORDS, key_text, resolve_number, resolve_tagged

if TYPE_CHECKING:
    from cmp.yamldoc.document import Path
    from cmp.yamldoc.events import Event

# go-yaml's bounds on aliases: of a document's nodes they may make 99 %, of a very large document's 10 %.
_FREE_ALIASED, _FREE_NODES = 100, 1000
_SMALL, _LARGE = 400_000, 4_000_000

_MERGE_TAG = "tag:yaml.org,2002:merge"


def construct(text: bytes, line: int) -> tuple[object, list[bool]]:
    """Return the value of a document that starts on `line`, and of each duplicate key whether its values are equal.

    The keys are in the order of their values' ends.  Raises YamlError.
    """
    events = Events(text, line)
    constructor = Constructor(events)
    value = events.guard(constructor.document)
    return value, constructor.repetitions


class _Anchor:
    """An anchored value, which is the anchor itself while its node is read; `nodes` is its size."""

    __slots__ = ("nodes", "value")

    def __init__(self) -> None:
        self.value: object = self
        self.nodes = 1


class Constructor:
    def __init__(self, events: Events) -> None:
        self.repetitions: list[bool] = []
        self._events = events
        self._next = events.next
        self._anchors: dict[str, _Anchor] = {}
        self._nodes = 2  # go-yaml counts the document, its root, and each key, value and item: also those of aliases
        self._aliased = 0  # those of aliases alone
        self._flow = 0  # levels of brackets around the present node
        # The errors of values that Go decodes but cannot write as JSON, unless a later duplicate key replaces them.
        self._json_errors: list[YamlError] = []

    def document(self) -> object:
        self._next()  # the start of the stream
        event = self._next()
        if type(event) is StreamEndEvent:
            return None
        if event.version not in {None, (1, 1)}:
            raise self._events.error("found incompatible YAML document", event.start_mark)
        value = self._node(self._next(), 0)
        self._check_aliases(self._next())
        event = self._next()
        if type(event) is not StreamEndEvent:
            raise self._events.error("text after the end of the document", event.start_mark)
        if self._json_errors and not _is_json(value):
            raise self._json_errors[0]
        return value

    def _node(self, event: Event, depth: int) -> object:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        if depth == MAX_DEPTH:
            raise self._events.error(f"more than {MAX_DEPTH} levels of nesting", event.start_mark)
        read = self._mapping if kind is MappingStartEvent else self._sequence
        before = self._nodes
        anchor = self._anchor(event)
        self._flow += event.flow_style
        value = read(depth + 1)
        self._flow -= event.flow_style
        if anchor:
            anchor.value = value
            anchor.nodes += self._nodes - before
        return value

    def _anchor(self, event: Event) -> _Anchor | None:
        if event.anchor is None:
            return None
        anchor = self._anchors[event.anchor] = _Anchor()  # an anchor may be defined again
        return anchor

    def _scalar(self, event: Event) -> object:
        value = event.value
        if self._flow and "?" in value and event.style == "":  # libyaml reads it, to go-yaml the mark starts a key
            raise self._events.error("a question mark in a plain scalar between brackets", event.start_mark)
        if event.tag is not None:
            value = self._finite(self._tagged(event), event)
        elif event.implicit[0]:  # plain
            value = self._finite(resolve_number(value), event) if value[:1] in NUMBER_START else WORDS.get(value, value)
        if event.anchor is not None:
            anchor = self._anchors[event.anchor] = _Anchor()
            anchor.value = value
        return value

    def _finite(self, value: object, event: Event) -> object:
        if type(value) is float and not isfinite(value):
            self._json_errors.append(self._events.error("not a number that JSON can hold", event.start_mark))
        return value

    def _tagged(self, event: Event) -> object:
        try:
            return resolve_tagged(event.tag, event.value)
        except ValueError as error:
            problem = str(error)
        raise self._events.error(problem, event.start_mark)

    def _sequence(self, depth: int) -> list[object]:
        result = []
        while type(event := self._next()) is not SequenceEndEvent:
            self._nodes += 1
            result.append(self._node(event, depth))
        return result

    def _mapping(self, depth: int) -> dict[str | None, object]:
        result: dict[str | None, object] = {}
        own = result  # the keys that are written out, not merged in
        next_event = self._next
        while type(event := next_event()) is not MappingEndEvent:
            key = self._key(event)
            if key == "<<" and is_merge(event):
                own = dict(own)
                self._merge(result, depth)
                continue
            event = next_event()
            self._nodes += 2
            value = self._scalar(event) if type(event) is ScalarEvent else self._node(event, depth)
            if key in own:
                self.repetitions.append(_is_same(own[key], value))
            result[key] = value
            if own is not result:
                own[key] = value
        return result

    def _key(self, event: Event) -> str | None:
        """Return the text of a key; None, with an error for later, where it cannot be a key in JSON."""
        value = self._scalar(event) if type(event) is ScalarEvent else self._key_by_alias(event)
        if type(value) is str:
            return value
        text = key_text(value)
        if text is None:
            self._json_errors.append(
                self._events.error("null or a number beyond 64 bits cannot be a key", event.start_mark)
            )
        return text

    def _key_by_alias(self, event: Event) -> object:
        if type(event) is AliasEvent:
            value = self._alias(event, 0)
            if type(value) is not dict and type(value) is not list:
                return value
        raise self._events.error("a mapping or a list cannot be a key", event.start_mark)

    def _merge(self, result: dict[str | None, object], depth: int) -> None:
        """Read the value of a `<<`: its keys replace those before it (the YAML specification differs)."""
        event = self._next()
        self._nodes += type(event) is not SequenceStartEvent
        value: Any = self._node(event, depth)
        parts = value[::-1] if type(event) is SequenceStartEvent else [value]
        if any(type(part) is not dict for part in parts):
            raise self._events.error("a merge needs a mapping or a list of mappings", event.start_mark)
        for part in parts:
            result.update(part)

    def _alias(self, event: Event, depth: int) -> object:
        """Return a copy of the anchored value, so that no two places of a document are one object."""
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            raise self._events.error("unknown anchor", event.start_mark)
        if anchor.value is anchor:
            raise self._events.error("the anchor's value contains itself", event.start_mark)
        self._nodes += anchor.nodes
        self._aliased += anchor.nodes
        self._check_aliases(event)
        too_deep = self._events.error(f"more than {MAX_DEPTH} levels of nesting", event.start_mark)
        return _copy(anchor.value, MAX_DEPTH - depth, too_deep)

    def _check_aliases(self, event: Event) -> None:
        share = 0.99 - 0.89 * (min(max(self._nodes, _SMALL), _LARGE) - _SMALL) / (_LARGE - _SMALL)
        if self._aliased > _FREE_ALIASED and self._nodes > _FREE_NODES and self._aliased > self._nodes * share:
            raise self._events.error("document contains excessive aliasing", event.start_mark)


def is_merge(event: Event) -> bool:
    return type(event) is ScalarEvent and event.value == "<<" and (event.implicit[0] or event.tag == _MERGE_TAG)


def _is_same(value: object, other: object) -> bool:
    """Return whether two values are equal in JSON, where 1, 1.0 and true are three."""
    if type(value) is not type(other):
        return False
    if isinstance(value, dict) and isinstance(other, dict):
        return value.keys() == other.keys() and all(_is_same(item, other[key]) for key, item in value.items())
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(_is_same, value, other))
    return value == other


def _copy(value: object, room: int, too_deep: YamlError) -> object:
    if type(value) is not dict and type(value) is not list:
        return value
    if room == 0:
        raise too_deep
    if type(value) is dict:
        return {key: _copy(item, room - 1, too_deep) for key, item in value.items()}
    return [_copy(item, room - 1, too_deep) for item in value]


def _is_json(value: object) -> bool:
    if type(value) is dict:
        return None not in value and all(map(_is_json, value.values()))
    if type(value) is list:
        return all(map(_is_json, value))
    return type(value) is not float or isfinite(value)


class Trace(NamedTuple):
    """The lines of the keys and the list items of a document, and path and line of its duplicate keys.

    These are in the order of their values' ends, as in `construct`.
    """

    lines: dict[Path, int]
    duplicates: tuple[tuple[Path, int], ...]


def trace(text: bytes, line: int) -> Trace:
    """Return the lines and duplicate keys of a document that `construct` has accepted."""
    tracer = _Tracer(Events(text, line))
    tracer.document()
    return Trace(tracer.lines, tuple(tracer.duplicates))


class _Tracer(Constructor):
    """Collect the lines of keys and list items instead of building values."""

    def __init__(self, events: Events) -> None:
        super().__init__(events)
        self.lines: dict[Path, int] = {}
        self.duplicates: list[tuple[Path, int]] = []
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
        own: set[str | None] = set()
        while type(event := self._next()) is not MappingEndEvent:
            key = self._key(event)
            path = self._path = (*here, key or "")
            self.lines[path] = self._events.line(event)
            self._node(self._next(), depth)
            if not is_merge(event):
                if key in own:
                    self.duplicates.append((path, self._events.line(event)))
                own.add(key)
        self._path = here
        return {}
