"""The steps of the API server around the validation of a custom object: defaults before it, lists and formats after it.

A null where none may be is dropped, or becomes the default; a field that is missing gets its default; the status of a
kind whose status is a resource of its own is dropped.  The object itself stays as it is.  Only rules of the structure
count, those in `allOf`, `anyOf`, `oneOf` and `not` fill in nothing.

Source: k8s.io/apiextensions-apiserver, pkg/apiserver/schema/defaulting and pkg/apiserver/schema/listtype.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, NamedTuple

from cmp.checks.formats import FORMATS, known_format
from cmp.checks.wording import Mistake, steps
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp.yamldoc.access import Map

    Part = str | int

_MISSING = object()
_ADDITIONAL, _KEYS = "additionalProperties", "x-kubernetes-list-map-keys"


class Level(NamedTuple):
    """One level of a structural schema; `default` is a value, or _MISSING.

    `defaults` are the names of fields that have one.  Items of a list are told apart by their `keys`, or as a whole by
    the list type `set`.  `format` is a name in FORMATS.
    """

    properties: Mapping[str, Level]
    additional: Level | None
    items: Level | None
    default: object
    defaults: tuple[str, ...]
    is_nullable: bool
    list_type: str
    keys: tuple[str, ...]
    format: str

    def of(self, name: str) -> Level | None:
        """Return the level of a field."""
        return self.properties.get(name, self.additional)


def level(schema: Map) -> Level:
    """Return one level of a structural schema and all below it."""
    properties = {name: level(mapping(inner)) for name, inner in mapping(schema.get("properties")).items()}
    additional, items, keys = (schema.get(key) for key in (_ADDITIONAL, "items", _KEYS))
    default = schema.get("default")
    return Level(
        properties,
        level(additional) if isinstance(additional, dict) else None,
        level(items) if isinstance(items, dict) else None,
        _MISSING if default is None else default,
        tuple(name for name, inner in properties.items() if inner.default is not _MISSING),
        schema.get("nullable") is True,
        str(schema.get("x-kubernetes-list-type") or ""),
        tuple(str(key) for key in keys) if isinstance(keys, list) else (),
        known_format(schema.get("format"), schema.get("type")),
    )


def defaulted(value: object, at: Level | None) -> object:
    """Return a copy of a value with its defaults, and without nulls that may not be there."""
    if at is None:
        return value
    if isinstance(value, dict):
        result: Map = {}
        for name, inner in value.items():
            below = at.of(name)
            filled = _filled(inner, below)
            if filled is not _MISSING:
                result[name] = defaulted(filled, below)
        for name in at.defaults:
            if name not in result:
                result[name] = defaulted(deepcopy(at.properties[name].default), at.properties[name])
        return result
    if isinstance(value, list):
        filled_items = (_filled(item, at.items) for item in value)
        return [defaulted(None if item is _MISSING else item, at.items) for item in filled_items]
    return value


def _filled(value: object, at: Level | None) -> object:
    """Return a value, or the default in place of a null that may not be there; _MISSING without a default."""
    if value is not None or at is None or at.is_nullable:
        return value
    return at.default if at.default is _MISSING else deepcopy(at.default)


def mistakes(value: object, at: Level | None, path: tuple[Part, ...] = ()) -> Iterator[Mistake]:
    """Yield the texts without the format that they should have, and the items of lists that are there twice."""
    if at is None:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from mistakes(inner, at.of(name), (*path, name))
    elif isinstance(value, list):
        for index in _repeated(value, at):
            what = "the same " + ", ".join(f"`{key}`" for key in at.keys) if at.list_type == "map" else "the same value"
            yield Mistake("x-kubernetes-list-type", steps((*path, index)), f"has {what} as an item before it")
        for index, item in enumerate(value):
            yield from mistakes(item, at.items, (*path, index))
    elif isinstance(value, str) and at.format:
        is_valid, expected = FORMATS[at.format]
        if not is_valid(value):
            yield Mistake("format", steps(path), f"is not {expected}")


def _repeated(items: list[object], at: Level) -> Iterable[int]:
    """Return the positions of the items that make a list with a type invalid: of several equal ones the second."""
    if at.list_type == "set":
        marks = [_mark(item) for item in items]
    elif at.list_type == "map" and all(item is None or isinstance(item, dict) for item in items):
        maps = [mapping(item) for item in items]
        marks = [_mark({key: item[key] for key in at.keys if key in item}) for item in maps]
    else:
        return []
    return [index for index, mark in enumerate(marks) if marks[:index].count(mark) == 1]


def _mark(value: object) -> str:
    """Return a text that two values have in common only if they are equal: 1 and 1.0 are not, and neither is true."""
    return json.dumps(value, sort_keys=True)
