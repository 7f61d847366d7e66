"""Parameters as the controller has them: JSON, and two Go types that behave differently from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")

Parameters = dict[str, object]

_NAME_LENGTH = 253
_NOT_IN_NAMES = re.compile(r"[^-a-z0-9.]")
_SCIENTIFIC_BELOW, _SCIENTIFIC_FROM = -5, 6  # powers of ten


class Texts(dict[str, str]):
    """A `map[string]string`: `index` prints nothing for a missing key, and some functions refuse it."""


class Leaf(list[T]):
    """A list of one Go type, as `[]string`: Go's flattening does not look into it."""


def normalized(name: str) -> str:
    """Make a name of a Kubernetes object of a text."""
    return _NOT_IN_NAMES.sub("-", name.lower())[:_NAME_LENGTH].strip("-.")


def flattened(parameters: Mapping[str, object], *, has_texts: bool = True) -> Parameters:
    """Return all leaves by their paths, joined with dots; an empty map or list has none, nor has one of texts if so."""
    return dict(_leaves(parameters, "", has_texts=has_texts))


def _leaves(value: object, path: str, *, has_texts: bool) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and (has_texts or not isinstance(value, Texts)):
        items: Iterator[tuple[object, object]] = iter(value.items())
    elif isinstance(value, list) and not isinstance(value, Leaf):
        items = iter(enumerate(value))
    else:
        yield path, value
        return
    for key, item in items:
        yield from _leaves(item, f"{path}.{key}" if path else str(key), has_texts=has_texts)


def as_text(value: object) -> str:
    """Print a value as Go's `%v` does; every number of JSON is a float64 there."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "<nil>", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{as_text(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(as_text, value))}]"
    if isinstance(value, int | float):
        return _number(float(value))
    raise TypeError(f"{type(value).__name__} is no value of JSON")


def _number(value: float) -> str:
    """Print the fewest digits that are the same float (`repr` finds them), from a million on with an exponent."""
    from decimal import Decimal  # noqa: PLC0415  # only numbers need it

    number = Decimal(repr(value)).normalize()
    if not number or _SCIENTIFIC_BELOW < number.adjusted() < _SCIENTIFIC_FROM:
        return f"{number:f}"
    sign, digits, _ = number.as_tuple()
    mantissa = "".join(map(str, digits))
    fraction = f".{mantissa[1:]}" if mantissa[1:] else ""
    return f"{'-' * sign}{mantissa[0]}{fraction}e{number.adjusted():+03d}"


class Maps(NamedTuple):
    """The paths of maps of texts in parameters (`.metadata.labels`), and of `others` with the same last names."""

    of_texts: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    @property
    def names(self) -> set[str]:
        """The last names of the maps of texts."""
        return {last(path) for path in self.of_texts}


def last(path: str) -> str:
    """Return the last name of a path."""
    return path.rpartition(".")[2]


def maps_of(parameters: Parameters) -> Maps:
    """Find the maps of texts in parameters."""
    paths = list(_paths(parameters, ""))
    texts = frozenset(path for path, value in paths if isinstance(value, Texts))
    names = {last(path) for path in texts}
    return Maps(texts, frozenset(path for path, _ in paths if path not in texts and last(path) in names))


def _paths(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield the paths of all values that have a name; the items of a list have that of the list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield f"{path}.{key}", item
            yield from _paths(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, path)
