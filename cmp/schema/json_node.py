"""JSON, such as a document that is read as Go reads it, in nodes that a specification checks, with their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cmp import yamldoc
from cmp.schema.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.schema.spec import AnyNode, Dialect, Mistake
    from cmp.yamldoc import Document

    Path = tuple[str | int, ...]


class SourceLocation(NamedTuple):
    """A value in a document of a file; its path are the keys and indexes that lead to it.

    The first `above` of them lead to an object in a list, which has a name of its own: messages leave them out.
    """

    file: str
    document: Document
    path: Path = ()
    above: int = 0

    def inner(self, *path: str | int) -> SourceLocation:
        """Return the location of a value below."""
        return self._replace(path=(*self.path, *path))

    @property
    def line(self) -> int:
        """The line of the value, or of the nearest one above it that is written there."""
        lines = yamldoc.lines(self.document)
        above = (self.path[:length] for length in range(len(self.path), 0, -1))
        return next((lines[path] for path in above if path in lines), min(lines.values(), default=self.document.line))

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"

    @property
    def name(self) -> str:
        """The path as text: `spec.sources[0].path`; empty for the whole document or object."""
        path = self.path[self.above :]
        return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


class JsonNode:
    """A value in a document; its location is put together only when it is asked for.

    A value in a map stands for its field too: the place of the key is not known apart.
    """

    __slots__ = ("_above", "_fields", "_items", "_key", "json")

    column = 0  # is not known

    def __init__(self, json: object, above: JsonNode | SourceLocation, key: str | int = "") -> None:
        self.json, self._above, self._key = json, above, key
        self._items: tuple[JsonNode, ...] | None = None
        self._fields: dict[str, JsonNode] | None = None

    @property
    def location(self) -> SourceLocation:
        """The location of the root, with the keys that lead from there."""
        if isinstance(self._above, SourceLocation):
            return self._above
        return self._above.location.inner(self._key)

    @property
    def value(self) -> JsonNode:
        return self

    @property
    def kind(self) -> Literal["scalar", "list", "map"]:
        return "map" if isinstance(self.json, dict) else "list" if isinstance(self.json, list) else "scalar"

    @property
    def file(self) -> str:
        return self.location.file

    @property
    def line(self) -> int:
        return self.location.line

    @property
    def place(self) -> str:
        return self.location.place

    @property
    def text(self) -> str:
        """The text of a string; empty for anything else."""
        return self.json if isinstance(self.json, str) else ""

    @property
    def is_null(self) -> bool:
        return self.json is None

    @property
    def is_true(self) -> bool:
        return self.json is True

    @property
    def meaning(self) -> Literal["text", "a number", "true or false", "nothing"]:
        if self.json is None:
            return "nothing"
        if isinstance(self.json, bool):
            return "true or false"
        return "a number" if isinstance(self.json, int | float) else "text"

    @property
    def number(self) -> float | None:
        return self.json if isinstance(self.json, int | float) and not isinstance(self.json, bool) else None

    @property
    def items(self) -> tuple[JsonNode, ...]:
        if self._items is None:
            items = self.json if isinstance(self.json, list) else ()
            self._items = tuple(JsonNode(item, self, index) for index, item in enumerate(items))
        return self._items

    @property
    def fields(self) -> dict[str, JsonNode]:
        if self._fields is None:
            fields = self.json if isinstance(self.json, dict) else {}
            self._fields = {key: JsonNode(item, self, key) for key, item in fields.items()}
        return self._fields


class Json(Spec[Any]):
    """A value that stays as it was read; it may have to have a shape."""

    kind = "any"

    def __init__(self, spec: Spec[Any] | None = None, doc: str = "") -> None:
        self.spec, self.doc = spec, doc
        self.noun = spec.noun if spec else "any value"

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if self.spec is not None:
            yield from self.spec.check(node, dialect)

    def build(self, node: AnyNode) -> Any:  # noqa: ANN401  # JSON
        if not isinstance(node, JsonNode):
            raise TypeError("a configuration has texts, and no JSON")
        return node.json
