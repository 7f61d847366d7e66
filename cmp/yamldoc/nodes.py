"""YAML as nodes with places: each scalar is the text in the file, each key has its line and column.

For the configuration, where `1.30` must stay 1.30 and a mistake must have its place.  A plain scalar is a number as in
the core schema of YAML 1.2, with which editors check configuration files.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from yaml._yaml import CParser  # exists only with libyaml, as `preload` has checked
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from cmp.yamldoc.document import YamlError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from yaml.events import CollectionStartEvent, Event

    Written = ScalarEvent | CollectionStartEvent

MAX_DEPTH = 64  # no configuration is that deep, and a hostile one must not exhaust the stack
MAX_NODES = 1_000_000  # with those that aliases repeat: few lines can repeat more than any memory holds
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})  # the plain scalars without a value

TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})

_NO_FIELDS: Mapping[str, Field] = MappingProxyType({})
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


class Node(NamedTuple):
    """A value and its place (lines and columns count from 1).

    A scalar has `text`, and is `plain` without quotes; a list has `items`; a map has `fields`.
    """

    kind: Literal["scalar", "list", "map"]
    line: int
    column: int
    text: str = ""
    plain: bool = False
    items: tuple[Node, ...] = ()
    fields: Mapping[str, Field] = _NO_FIELDS
    file: str = ""

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and terminals link it."""
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def is_null(self) -> bool:
        """Tell whether the value is missing (`key:`, `key: ~`)."""
        return self.plain and self.text in NOTHING

    @property
    def is_true(self) -> bool:
        """Tell whether a scalar that is true or false is true."""
        return self.text in TRUE

    @property
    def meaning(self) -> Literal["text", "a number", "true or false", "nothing"]:
        """The type of a scalar in YAML 1.2's core schema."""
        if not self.plain:
            return "text"
        if self.is_null:
            return "nothing"
        if self.text in TRUE or self.text in FALSE:
            return "true or false"
        return "a number" if _NUMBER.fullmatch(self.text) else "text"

    @property
    def number(self) -> float | None:
        """The number that a scalar is, however it is written."""
        if self.meaning != "a number":
            return None
        if self.text[:2] in {"0o", "0x"}:
            return int(self.text, 0)
        return float(self.text.lower().replace(".inf", "inf").replace(".nan", "nan"))

    def at(self, *keys: str) -> Node | None:
        """Return the value below these keys, if there is one."""
        node: Node | None = self
        for key in keys:
            field = node.fields.get(key) if node else None
            node = field.value if field else None
        return node


class Field(NamedTuple):
    """A value in a map, with the place of its key."""

    line: int
    column: int
    value: Node


class Mistake(NamedTuple):
    """A mistake in well-formed YAML, such as a key that stands twice."""

    problem: str
    line: int
    column: int


class Composed(NamedTuple):
    """The only document of a file; `root` is None when the file is empty or holds only comments."""

    root: Node | None
    mistakes: tuple[Mistake, ...]


def compose(data: bytes, file: str = "") -> Composed:
    """Read a file of one document; YamlError, with line and column and nothing of the text, when it is not well-formed.

    Aliases are followed and `<<` merges (keys that are written out win).  Of a key that stands twice the last value is
    kept, and the key is among the mistakes.
    """
    try:
        text = data.decode("utf-8-sig")
        return _Composer(data, file).document()
    except UnicodeDecodeError as error:
        failure = _error_after("this is not UTF-8 text", data[: error.start])
    except MarkedYAMLError as error:
        failure = _syntax_error(error, text)
    except ReaderError as error:
        failure = _error_after("a control character stands here", data[: error.position])
    raise failure  # outside of the blocks above: so no other exception, which may hold the text, is its context


def _error_after(problem: str, data: bytes) -> YamlError:
    before = data.decode("utf-8-sig", errors="replace")
    return YamlError(problem, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _syntax_error(error: MarkedYAMLError, text: str) -> YamlError:
    mark = error.problem_mark or error.context_mark
    problem = f"this is not valid YAML: {error.problem}"
    if mark is None:
        return YamlError(problem, 1, 1)
    line = text.split("\n", mark.line + 1)[mark.line :][:1]
    if line and line[0][mark.column : mark.column + 1] == "\t":
        problem = "a tab stands where YAML wants spaces"
    elif error.context and error.context_mark:
        problem += f" {error.context} that starts in line {error.context_mark.line + 1}"
    return YamlError(problem, mark.line + 1, mark.column + 1)


class _Composer:
    """Build nodes from libyaml's events (PyYAML's own composer recurses without limit and refuses reused anchors)."""

    def __init__(self, data: bytes, file: str) -> None:
        self._parser = CParser(data)
        self._file = file
        self._anchors: dict[str, tuple[Node, int]] = {}  # with the number of nodes in it
        self._count = 0
        self._mistakes: list[Mistake] = []

    def document(self) -> Composed:
        self._next()  # the start of the stream
        if type(self._next()) is StreamEndEvent:
            return Composed(None, ())
        root = self._node(self._next(), 0)
        self._next()  # the end of the document
        following = self._next()
        if type(following) is DocumentStartEvent:
            raise YamlError("a second document starts here; this file is one document", *_place(following))
        return Composed(root, tuple(self._mistakes))

    def _next(self) -> Any:  # noqa: ANN401  # an Event; the caller knows which
        return self._parser.get_event()

    def _node(self, event: AliasEvent | Written, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            return self._anchored(event)
        if depth > MAX_DEPTH:
            raise YamlError(f"nested deeper than {MAX_DEPTH} levels", *_place(event))
        if event.tag is not None:
            self._mistake("a YAML tag (`!`) has no meaning here", event)
        before = self._count
        self._count += 1
        node = self._content(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node, self._count - before  # only now: a node cannot hold itself
        return node

    def _anchored(self, event: AliasEvent) -> Node:
        if event.anchor not in self._anchors:
            raise YamlError("this alias names no anchor that is complete before it", *_place(event))
        node, count = self._anchors[event.anchor]
        self._count += count
        if self._count > MAX_NODES:
            raise YamlError("aliases repeat more than a configuration may hold", *_place(event))
        return node

    def _content(self, event: Written, depth: int) -> Node:
        line, column = _place(event)
        if isinstance(event, ScalarEvent):
            return Node("scalar", line, column, event.value, plain=not event.style, file=self._file)
        if isinstance(event, SequenceStartEvent):
            return Node("list", line, column, items=tuple(self._items(depth + 1)), file=self._file)
        return Node("map", line, column, fields=self._fields(depth + 1), file=self._file)

    def _items(self, depth: int) -> list[Node]:
        items = []
        while type(event := self._next()) is not SequenceEndEvent:
            items.append(self._node(event, depth))
        return items

    def _fields(self, depth: int) -> Mapping[str, Field]:
        fields: dict[str, Field] = {}
        merged: list[Node] = []
        while type(event := self._next()) is not MappingEndEvent:
            key = self._node(event, depth)
            value = self._node(self._next(), depth)
            if key.plain and key.text == "<<":
                merged += value.items if value.kind == "list" else (value,)
            elif key.kind != "scalar" or key.is_null:
                self._mistake("a key must be text", event)
            else:
                if key.text in fields:
                    self._mistake(f"this key stands twice, first in line {fields[key.text].line}", event)
                fields[key.text] = Field(*_place(event), value)
        for node in merged:
            self._merge(node, fields)
        return fields

    def _merge(self, node: Node, fields: dict[str, Field]) -> None:
        if node.kind != "map":
            self._mistakes.append(Mistake("`<<` merges maps, and this is none", node.line, node.column))
        for name, field in node.fields.items():
            fields.setdefault(name, field)

    def _mistake(self, problem: str, event: Event) -> None:
        self._mistakes.append(Mistake(problem, *_place(event)))


def _place(event: Event) -> tuple[int, int]:
    mark = event.start_mark  # always there: libyaml makes the events
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)
