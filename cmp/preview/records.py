"""Named tuples as JSON and back, by the types of their fields: what was written is read as the same, or not at all.

The types are those of `changes`: texts, numbers, truth values, None, Literal, tuples, other named tuples, and `object`
or `dict[str, object]` for a value that is JSON already.  Any other type of a field, or another value than its type
says, is a bug: TypeError.
"""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeGuard, TypeVar, get_args, get_origin, get_type_hints

SCALARS = (str, bool, int, float, NoneType)
JSON_MAP = dict[str, object]
_T = TypeVar("_T")


class RecordError(ValueError):
    """JSON that is no such value; the text names the place, as in `outcome.changes[0].what`."""


def record(value: object) -> dict[str, object]:
    """Return a named tuple as JSON values by the names of its fields."""
    kind: type = type(value)
    values = zip(_fields(kind).items(), _checked(value, kind), strict=True)
    return {name: _dumped(item, hint) for (name, hint), item in values}


def loaded(kind: type[_T], data: object) -> _T:
    """Return the named tuple that JSON values stand for; RecordError for others."""
    made: _T = _loaded(kind, data, "")
    return made


def _dumped(value: object, kind: object) -> object:
    if _is_record(kind):
        return record(_checked(value, kind))
    if get_origin(kind) is tuple:
        items = _checked(value, tuple)
        return [_dumped(item, hint) for item, hint in zip(items, _of_items(kind, len(items)), strict=True)]
    if isinstance(kind, UnionType):
        return None if value is None else _dumped(value, _other_than_none(kind))
    if kind is object or (kind == JSON_MAP and type(value) is dict):
        _require_json(value)
    elif not _fits(value, kind):
        raise TypeError(f"{type(value)} is no {kind}")
    return value


def _loaded(kind: Any, data: Any, place: str) -> Any:  # noqa: ANN401  # JSON
    if _is_record(kind):
        known = _fields(kind)
        if type(data) is not dict or data.keys() != known.keys():
            raise RecordError(f"{place}: no {kind.__name__}")
        return kind(**{name: _loaded(hint, data[name], f"{place}.{name}".lstrip(".")) for name, hint in known.items()})
    if get_origin(kind) is tuple:
        if type(data) is not list or len(_of_items(kind, len(data))) != len(data):
            raise RecordError(f"{place}: no list, or of another length")
        kinds = enumerate(_of_items(kind, len(data)))
        return tuple(_loaded(hint, data[at], f"{place}[{at}]") for at, hint in kinds)
    if isinstance(kind, UnionType):
        return None if data is None else _loaded(_other_than_none(kind), data, place)
    if kind == JSON_MAP:
        if type(data) is not dict:
            raise RecordError(f"{place}: no map")
        return data
    if kind is not object and not _fits(data, kind):
        raise RecordError(f"{place}: no {kind}")
    return data


@cache
def _fields(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _checked(value: object, kind: type) -> tuple[object, ...]:
    if type(value) is not kind or not isinstance(value, tuple):
        raise TypeError(f"{type(value)} is no {kind}")
    return value


def _of_items(kind: object, count: int) -> tuple[object, ...]:
    """Return the types of the items of a tuple with so many of them."""
    kinds = get_args(kind)
    return kinds[:1] * count if kinds[-1:] == (Ellipsis,) else kinds


def _other_than_none(kind: UnionType) -> object:
    others = [one for one in get_args(kind) if one is not NoneType]
    if len(others) != 1:
        raise TypeError(f"no field of a record has the type {kind}")
    return others[0]


def _is_record(kind: object) -> TypeGuard[type]:
    return isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")


def _fits(value: object, kind: object) -> bool:
    if get_origin(kind) is Literal:
        return any(type(value) is type(one) and value == one for one in get_args(kind))
    if kind not in SCALARS:
        raise TypeError(f"no field of a record has the type {kind}")
    return type(value) is kind


def _require_json(value: object) -> None:
    """TypeError for a value that JSON would change."""
    if type(value) is list:
        for item in value:
            _require_json(item)
    elif type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"{type(key)} is no key of JSON")
            _require_json(item)
    elif type(value) not in SCALARS:
        raise TypeError(f"{type(value)} is no JSON")
