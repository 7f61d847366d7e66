"""The values of templates, as far as they hold values of the chart: each is the set of what it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cmp.render.values_use.syntax import Chain, Function, Pipeline, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.render.values_use.syntax import Operand


class Root(NamedTuple):
    """The context that helm gives to the templates of a chart, whose values are at a path."""

    chart: tuple[str, ...]


class Siblings(NamedTuple):
    """The contexts of the subcharts of a chart."""

    chart: tuple[str, ...]


class Part(NamedTuple):
    """A part of the values, by its path in those of the chart at the top."""

    path: tuple[str, ...]


class TooMuchError(Exception):
    """The templates cannot be followed to their end."""


class Made(NamedTuple):
    """A map or a list that a template made; the key of items is ``*``.  `size` counts all maps and lists in it."""

    entries: tuple[tuple[str, Value], ...]
    size: int = 1


class Literal(NamedTuple):
    """A text that stands in a template."""

    text: str


class Output(NamedTuple):
    """A text that a named template printed."""


Atom: TypeAlias = Root | Siblings | Part | Made | Literal | Output
Value: TypeAlias = frozenset[Atom]

NOTHING: Value = frozenset()
ITEM = "*"
MOST_MAPS = 500  # in each other

_FRESH = ("dict", "deepCopy", "mustDeepCopy")
_EMPTY = (Function("dict"), Function("list"))


def map_of(entries: Iterable[tuple[str, Value]]) -> Value:
    """Return a map; TooMuchError where it holds more maps than anyone writes: each may be in it many times."""
    held = tuple(entries)
    size = 1 + sum(atom.size for _, value in held for atom in value if isinstance(atom, Made))
    if size > MOST_MAPS:
        raise TooMuchError
    return frozenset({Made(held, size)})


def list_of(values: Iterable[Value]) -> Value:
    return map_of([(ITEM, frozenset[Atom]().union(*values))])


def holds_output(value: Value) -> bool:
    return any(
        isinstance(atom, Output) or (isinstance(atom, Made) and any(holds_output(of_key) for _, of_key in atom.entries))
        for atom in value
    )


def path_of_template(operands: Sequence[Operand]) -> str:
    """Return the end of the path of a file that `include (print $.Template.BasePath "/a.yaml") .` names, or nothing."""
    for operand in operands[:1]:
        if isinstance(operand, Pipeline) and len(operand.commands) == 1:
            match operand.commands[0]:
                case (Function("print"), Chain(_, (*_, "Template", "BasePath")), Text(path)):
                    return f"/templates{path}"
    return ""


def items(value: Value) -> Value:
    """Return what the items of a value may be; those of a part are parts of what is read already."""
    found: set[Atom] = set()
    for atom in value:
        if isinstance(atom, Made):
            found.update(inner for _, of_key in atom.entries for inner in of_key)
        elif isinstance(atom, Part | Siblings):
            found.add(atom)
    return frozenset(found)


def is_fresh(operands: Sequence[Operand]) -> bool:
    """Say whether the first operand is a map that this very call makes."""
    match operands[:1]:
        case (Function(name),) | (Pipeline(((Function(name), *_),)),):
            return name in _FRESH
    return False


def is_empty_map(operands: Sequence[Operand]) -> bool:
    """Say whether an operand is `dict` or `list` without anything in it."""
    return operands[:1] in [(one,) for empty in _EMPTY for one in (empty, Pipeline(((empty,),)))]
