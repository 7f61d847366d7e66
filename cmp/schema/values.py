"""Values of a document as Go reads it, as nodes that a specification checks, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cmp import yamldoc
from cmp.schema.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.schema.spec import AnyNode, Dialect, Mistake
    from cmp.yamldoc import Document

    Path = tuple[str | int, ...]

NO_COLUMN = 0


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


class ValueNode:
    """A value with its location; the line is looked for only when it is asked for."""

    __slots__ = ("location", "value")

    column = NO_COLUMN

    def __init__(self, value: object, location: SourceLocation) -> None:
        self.value, self.location = value, location

    @property
    def kind(self) -> Literal["scalar", "list", "map"]:
        return "map" if isinstance(self.value, dict) else "list" if isinstance(self.value, list) else "scalar"

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
        return self.value if isinstance(self.value, str) else ""

    @property
    def is_nothing(self) -> bool:
        return self.value is None

    @property
    def is_true(self) -> bool:
        return self.value is True

    @property
    def meaning(self) -> Literal["text", "a number", "true or false", "nothing"]:
        if self.value is None:
            return "nothing"
        if isinstance(self.value, bool):
            return "true or false"
        return "a number" if isinstance(self.value, int | float) else "text"

    @property
    def number(self) -> float | None:
        return self.value if isinstance(self.value, int | float) and not isinstance(self.value, bool) else None

    @property
    def items(self) -> tuple[ValueNode, ...]:
        items = self.value if isinstance(self.value, list) else ()
        return tuple(ValueNode(item, self.location.inner(index)) for index, item in enumerate(items))

    @property
    def fields(self) -> dict[str, ValueField]:
        fields = self.value if isinstance(self.value, dict) else {}
        return {key: ValueField(ValueNode(item, self.location.inner(key))) for key, item in fields.items()}


class ValueField(NamedTuple):
    """A value in a map."""

    value: ValueNode

    @property
    def line(self) -> int:
        return self.value.line

    @property
    def column(self) -> int:
        return NO_COLUMN


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
        if not isinstance(node, ValueNode):
            raise TypeError("a configuration has texts, and no JSON")
        return node.value
