"""The language in which the keys of a YAML document are specified.

One specification checks a document (every mistake, with its place), builds its value, and gives the JSON Schema
(`jsonschema.py`), which accepts the same documents as the check.  Every shape has a `noun` for "expected …, found …"
and, where people read it, a `doc`.  The shapes are plain classes: a named tuple takes eight times as long to define,
and each render imports this module.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar

from cmp.errors import suggestion
from cmp.model import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, Protocol, Self

    class Place(Protocol):
        """Something that is written in a file; lines and columns count from 1, 0 is unknown."""

        @property
        def line(self) -> int: ...
        @property
        def column(self) -> int: ...

    class AnyField(Place, Protocol):
        """A value in a map, with the place of its key."""

        @property
        def value(self) -> AnyNode: ...

    class AnyNode(Place, Protocol):
        """A value and where it starts: a node of `yamldoc.nodes`, or one of `json_node`."""

        @property
        def kind(self) -> Literal["scalar", "list", "map"]: ...
        @property
        def file(self) -> str: ...
        @property
        def place(self) -> str: ...
        @property
        def text(self) -> str: ...
        @property
        def is_null(self) -> bool: ...
        @property
        def is_true(self) -> bool: ...
        @property
        def meaning(self) -> str: ...
        @property
        def number(self) -> float | None: ...
        @property
        def items(self) -> tuple[AnyNode, ...]: ...
        @property
        def fields(self) -> Mapping[str, AnyField]: ...

    Mistake = tuple[Place, str]  # where, and the message

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MAX_QUOTED = 60


def quoted(text: str) -> str:
    """Show a text of a document in a message: on one line, printable and not too long."""
    if not text:
        return "an empty text"
    shown = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return f"`{shown if len(shown) <= MAX_QUOTED else shown[: MAX_QUOTED - 1] + '…'}`"


class Rule(NamedTuple):
    """A rule for texts: a regular expression for a whole text, which Python and ECMAScript read alike.

    `explain` turns a text that breaks the rule into the error's message; `holds` are expressions of which a text must
    contain each, unless it is empty.
    """

    regex: str
    explain: Callable[[str], str]
    holds: tuple[str, ...] = ()

    def accepts(self, text: str) -> bool:
        """Say whether a text follows the rule."""
        return bool(re.fullmatch(self.regex, text)) and (
            not text or all(re.search(piece, text) for piece in self.holds)
        )


class Dialect(NamedTuple):
    """A kind of documents: the messages of its mistakes, and the meaning of null in it.

    `unexpected` is the message for a node of another shape than the specification's, `missing` that for a missing key.
    Null is an `empty map` (`clusters:`), an ordinary `value`, or means that its `key` is absent; in that dialect no key
    is required.
    """

    unexpected: Callable[[Spec[Any], Any], str]
    missing: Callable[[Any, str], str]
    null: Literal["empty map", "value", "key"]


def _unexpected(spec: Spec[Any], node: AnyNode) -> str:
    kind = node.meaning if node.kind == "scalar" else f"a {node.kind}"
    # `release: {app}` is a map to YAML.
    is_bare = bool(node.fields) and all(field.value.is_null for field in node.fields.values())
    advice = "; a text that begins with `{` needs quotes" if is_bare and isinstance(spec, Text) else ""
    return f"expected {spec.noun}, found {kind}{advice}"


CONFIGURATION = Dialect(_unexpected, lambda _, key: f"`{key}` is missing here", "empty map")


def check(spec: Spec[Any], node: AnyNode, dialect: Dialect = CONFIGURATION) -> list[Problem]:
    """Return the mistakes in the structure of a document; none means that it has exactly the specified shape."""
    return [Problem(node.file, at.line, at.column, message) for at, message in spec.check(node, dialect)]


class Spec(Generic[T_co]):
    """A shape of nodes, from which it builds values; `kind` is that of the nodes which can have it."""

    kind: Literal["scalar", "list", "map", "any"] = "scalar"
    noun: str
    doc: str = ""

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        """Yield the mistakes of a node; none means that it has exactly this shape."""
        raise NotImplementedError

    def build(self, node: AnyNode) -> T_co:
        """Return the value of a node without a mistake."""
        raise NotImplementedError

    def described(self, doc: str) -> Self:
        """Return the same shape with another description."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, doc=doc)
        return copy


class Text(Spec[str]):
    """A scalar, kept as written.

    Without a rule a number or a boolean is text too (`1.30` stays 1.30), unless it `is_strict`; with one, what YAML
    does not read as text must be quoted.
    """

    def __init__(self, noun: str = "text", rule: Rule | None = None, doc: str = "", *, is_strict: bool = False) -> None:
        self.noun, self.rule, self.doc, self.is_strict = noun, rule, doc, is_strict

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if node.kind != "scalar" or node.is_null or (self.is_strict and node.meaning != "text"):
            yield node, dialect.unexpected(self, node)
        elif self.rule is not None:
            if not self.rule.accepts(node.text):
                yield node, self.rule.explain(node.text)
            elif node.meaning != "text":
                yield node, f"{quoted(node.text)} is {node.meaning} here; put it in quotes"

    def build(self, node: AnyNode) -> str:
        return node.text


class Flag(Spec[bool]):
    """`true` or `false`, without quotes."""

    noun = "true or false"

    def __init__(self, doc: str = "") -> None:
        self.doc = doc

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if node.kind != "scalar" or node.meaning != "true or false":
            yield node, dialect.unexpected(self, node)

    def build(self, node: AnyNode) -> bool:
        return node.is_true


class Exactly(Spec[int]):
    """One whole number, however it is written."""

    def __init__(self, number: int, doc: str = "") -> None:
        self.number, self.doc, self.noun = number, doc, f"the number {number}"

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if node.kind != "scalar" or node.number != self.number:
            yield node, dialect.unexpected(self, node)

    def build(self, node: AnyNode) -> int:  # noqa: ARG002  # there is only one
        return self.number


class Choice(Spec[str]):
    """One of some words; `what` is their name in messages ("engine")."""

    def __init__(self, what: str, words: tuple[str, ...], doc: str = "") -> None:
        self.what, self.words, self.doc = what, words, doc
        self.noun = " or ".join(f"`{word}`" for word in words)

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if node.kind != "scalar" or node.is_null:
            yield node, dialect.unexpected(self, node)
        elif node.text not in self.words:
            yield node, _unknown(self.what, node.text, self.words)

    def build(self, node: AnyNode) -> str:
        return node.text


class Items(Spec[tuple[T_co, ...]]):
    """A list of things of one shape; `is_set` refuses an empty list and repeated items."""

    kind = "list"

    def __init__(self, noun: str, item: Spec[T_co], doc: str = "", *, is_set: bool = False) -> None:
        self.noun, self.item, self.doc, self.is_set = noun, item, doc, is_set

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if node.kind != "list":
            yield node, dialect.unexpected(self, node)
            return
        for item in node.items:
            yield from self.item.check(item, dialect)
        if self.is_set:
            yield from self._repeated(node)

    def _repeated(self, node: AnyNode) -> Iterator[Mistake]:
        if not node.items:
            yield node, "this list is empty"
        seen: set[str] = set()
        for item in node.items:
            if item.kind == "scalar" and item.text in seen:
                yield item, f"{quoted(item.text)} stands twice in this list"
            seen.add(item.text)

    def build(self, node: AnyNode) -> tuple[T_co, ...]:
        return tuple(self.item.build(item) for item in node.items)


class Map(Spec[dict[str, T_co]]):
    """A map to values of one shape; its keys may be any that follow the rule `key`.

    No value at all (`clusters:`) is an empty map, unless it `is_filled` (has a key at least).
    """

    kind = "map"

    def __init__(
        self,
        value: Spec[T_co],
        noun: str = "a map",
        doc: str = "",
        *,
        key: Rule | None = None,
        is_filled: bool = False,
    ) -> None:
        self.value, self.noun, self.doc, self.key, self.is_filled = value, noun, doc, key, is_filled

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if node.kind != "map":
            if not (node.is_null and dialect.null == "empty map" and not self.is_filled):
                yield node, dialect.unexpected(self, node)
            return
        for name, field in node.fields.items():
            yield from self.check_field(name, field, dialect)
        if self.is_filled and not node.fields:
            yield node, "this map is empty"

    def check_field(self, name: str, field: AnyField, dialect: Dialect) -> Iterator[Mistake]:
        """Yield the mistakes of one key and its value."""
        if self.key is not None and not self.key.accepts(name):
            yield field, self.key.explain(name)
        elif not (dialect.null == "key" and field.value.is_null):
            yield from self.value.check(field.value, dialect)

    def build(self, node: AnyNode) -> dict[str, T_co]:
        return {name: self.value.build(field.value) for name, field in node.fields.items()}


class Keys(Spec[T_co]):
    """A map with known keys, built by `make`, whose arguments are the values of the keys that are written.

    They have the names of the keys: `kube_version` is `kubeVersion`.  Other keys are refused, unless the map has
    `others`, which become the argument `collected`, or `is_open`: then they are not looked at.

    No value at all (`clusters:`) is an empty map, unless a key is required or the map `is_filled` (has a key at least).
    `what` names a key in "unknown …".
    """

    kind = "map"

    def __init__(  # noqa: PLR0913  # all but two are rare
        self,
        known: Mapping[str, Spec[Any]],
        make: Callable[..., T_co],
        *,
        others: Map[Any] | None = None,
        collected: str = "",
        required: tuple[str, ...] = (),
        what: str = "key",
        noun: str = "a map",
        is_filled: bool = False,
        is_open: bool = False,
        doc: str = "",
    ) -> None:
        self.known, self.make, self.others, self.collected, self.required = known, make, others, collected, required
        self.what, self.noun, self.is_filled, self.is_open, self.doc = what, noun, is_filled, is_open, doc

    @property
    def may_be_null(self) -> bool:
        return not (self.required or self.is_filled)

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if node.kind != "map":
            if not (node.is_null and dialect.null == "empty map" and self.may_be_null):
                yield node, dialect.unexpected(self, node)
            return
        for name, field in node.fields.items():
            if name in self.known:
                if not (dialect.null == "key" and field.value.is_null):
                    yield from self.known[name].check(field.value, dialect)
            elif self.others is not None:
                yield from self.others.check_field(name, field, dialect)
            elif not self.is_open:
                yield field, _unknown(self.what, name, tuple(self.known))
        for name in self.required if dialect.null != "key" else ():
            if name not in node.fields:
                yield node, dialect.missing(node, name)
        if self.is_filled and not node.fields:
            yield node, "this map is empty"

    def build(self, node: AnyNode) -> T_co:
        values: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name, field in node.fields.items():
            value = field.value
            if value.is_null:
                continue
            if name in self.known:
                values[self.argument(name)] = self.known[name].build(value)
            elif self.others is not None:
                others[name] = self.others.value.build(value)
        return self.make(**values, **{self.collected: others}) if self.collected else self.make(**values)

    def argument(self, key: str) -> str:
        """Return the name of the argument that gets the value of a key."""
        return key if key.islower() else re.sub("[A-Z]+", lambda capitals: f"_{capitals[0].lower()}", key)


class Block(Keys[dict[str, object]]):
    """A map with known keys that is built as a dict of those that are written: such dicts are laid over each other."""

    def __init__(self, known: Mapping[str, Spec[Any]], doc: str = "", *, required: tuple[str, ...] = ()) -> None:
        super().__init__(known, dict, doc=doc, required=required)

    def argument(self, key: str) -> str:
        return key


class Either(Spec[T_co]):
    """One of several shapes, told apart by being a scalar, a list or a map."""

    kind = "any"

    def __init__(self, noun: str, shapes: tuple[Spec[T_co], ...], doc: str = "") -> None:
        self.noun, self.shapes, self.doc = noun, shapes, doc

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        for shape in self.shapes:
            if shape.kind == node.kind and not node.is_null:
                return shape.check(node, dialect)
        return iter([(node, dialect.unexpected(self, node))])

    def build(self, node: AnyNode) -> T_co:
        return next(shape for shape in self.shapes if shape.kind == node.kind).build(node)


class Switch(Spec[T_co]):
    """A map that has one shape if a key is there, and another if not."""

    kind = "map"

    def __init__(self, key: str, present: Spec[T_co], absent: Spec[T_co], doc: str = "") -> None:
        self.key, self.present, self.absent, self.doc = key, present, absent, doc
        self.noun = absent.noun

    def _chosen(self, node: AnyNode) -> Spec[T_co]:
        return self.present if self.key in node.fields else self.absent

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        return self._chosen(node).check(node, dialect)

    def build(self, node: AnyNode) -> T_co:
        return self._chosen(node).build(node)


class Converted(Spec[T_co], Generic[T, T_co]):
    """A value that is made of the built one and its node, which has its place."""

    def __init__(self, spec: Spec[T], convert: Callable[[T, AnyNode], T_co]) -> None:
        self.spec, self.convert = spec, convert
        self.kind, self.noun, self.doc = spec.kind, spec.noun, spec.doc

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        return self.spec.check(node, dialect)

    def build(self, node: AnyNode) -> T_co:
        return self.convert(self.spec.build(node), node)


class Whole(Spec[T_co]):
    """A value that is right or wrong as a whole: one mistake, which the noun explains, stands for all in it."""

    def __init__(self, spec: Spec[T_co], noun: str, doc: str = "") -> None:
        self.spec, self.kind, self.noun, self.doc = spec, spec.kind, noun, doc

    def check(self, node: AnyNode, dialect: Dialect) -> Iterator[Mistake]:
        if next(self.spec.check(node, dialect), None):
            yield node, dialect.unexpected(self, node)

    def build(self, node: AnyNode) -> T_co:
        return self.spec.build(node)


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    return f"unknown {what} {quoted(name)}; {suggestion(name, known)}"
