"""A specification as a JSON Schema, for editors and CI.  No document is loaded with this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.schema.json_node import Json
from cmp.schema.spec import Choice, Converted, Either, Exactly, Flag, Items, Keys, Map, Switch, Text, Whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cmp.schema.spec import Rule, Spec

    Schema = dict[str, object]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def document(title: str, spec: Spec[Any]) -> Schema:
    """Return the JSON Schema (draft 2020-12) of a kind of document: it accepts what `check` accepts."""
    return {"$schema": _DIALECT, "title": title, **_schema(spec)}


def _schema(spec: Spec[Any]) -> Schema:
    shape = next(_SHAPES[base] for base in type(spec).__mro__ if base in _SHAPES)
    return {**({"description": spec.doc} if spec.doc else {}), **shape(spec)}


def _text(spec: Text) -> Schema:
    if spec.rule is None:
        return {"type": "string" if spec.is_strict else ["string", "number", "boolean"]}
    return {"type": "string", "pattern": _whole(spec.rule)}


def _items(spec: Items[Any]) -> Schema:
    return {
        "type": "array",
        "items": _schema(spec.item),
        **({"minItems": 1, "uniqueItems": True} if spec.is_set else {}),
    }


def _keys(spec: Keys[Any]) -> Schema:
    return {
        "type": ["object", "null"] if spec.may_be_null else "object",
        **({"properties": {name: _schema(value) for name, value in spec.known.items()}} if spec.known else {}),
        # A known key never follows the rule of the others, so that only one of the two speaks about it.
        **(_others(spec.others) if spec.others else {"additionalProperties": spec.is_open}),
        **({"required": list(spec.required)} if spec.required else {}),
        **({"minProperties": 1} if spec.is_filled else {}),
    }


def _map(spec: Map[Any]) -> Schema:
    return {
        "type": "object" if spec.is_filled else ["object", "null"],
        **_others(spec),
        **({"minProperties": 1} if spec.is_filled else {}),
    }


def _others(spec: Map[Any]) -> Schema:
    if spec.key is None:
        return {"additionalProperties": _schema(spec.value)}
    return {"patternProperties": {_whole(spec.key): _schema(spec.value)}, "additionalProperties": False}


def _switch(spec: Switch[Any]) -> Schema:
    condition = {"type": "object", "required": [spec.key]}
    return {"if": condition, "then": _schema(spec.present), "else": _schema(spec.absent)}


def _converted(spec: Converted[Any, Any]) -> Schema:
    schema = _schema(spec.spec)
    return {**schema, "description": spec.doc} if spec.doc else schema


def _whole(rule: Rule) -> str:
    needed = "".join(f"(?=.*{piece})" for piece in rule.holds)
    return f"^(?:$|{needed})(?:{rule.regex})$" if needed else f"^(?:{rule.regex})$"


_SHAPES: dict[type, Callable[[Any], Schema]] = {
    Text: _text,
    Flag: lambda _: {"type": "boolean"},
    Exactly: lambda spec: {"const": spec.number},
    Choice: lambda spec: {"enum": list(spec.words)},
    Items: _items,
    Keys: _keys,
    Map: _map,
    Either: lambda spec: {"anyOf": [_schema(shape) for shape in spec.shapes]},
    Switch: _switch,
    Converted: _converted,
    Whole: lambda spec: _schema(spec.spec),
    Json: lambda spec: _schema(spec.spec) if spec.spec else {},
}
