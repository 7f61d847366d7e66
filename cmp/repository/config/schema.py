"""The specification of the configuration files as JSON Schemas, for editors and CI.  The loader does not need this."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.repository.config import keys
from cmp.repository.config.spec import Choice, Either, Exactly, Flag, Items, Keys, Switch, Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cmp.repository.config.keys import Engines
    from cmp.repository.config.spec import Rule, Spec

    Schema = dict[str, object]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def repository(engines: Engines) -> Schema:
    """Return the JSON Schema (draft 2020-12) of cmp.yaml: it accepts what the loader accepts, cross-checks aside."""
    return {"$schema": _DIALECT, "title": "cmp.yaml", **_schema(keys.repository(engines))}


def application(engines: Engines) -> Schema:
    """Return the JSON Schema of cmp-app.yaml."""
    return {"$schema": _DIALECT, "title": "cmp-app.yaml", **_schema(keys.application(engines))}


def inventory() -> Schema:
    """Return the JSON Schema of the file that `clusters: {file: …}` names."""
    return {"$schema": _DIALECT, "title": "inventory", **_schema(keys.INVENTORY)}


def _schema(spec: Spec) -> Schema:
    return {**({"description": spec.doc} if spec.doc else {}), **_SHAPES[type(spec)](spec)}


def _text(spec: Text) -> Schema:
    if spec.rule is None:
        return {"type": ["string", "number", "boolean"]}
    return {"type": "string", "pattern": _whole(spec.rule)}


def _items(spec: Items) -> Schema:
    return {
        "type": "array",
        "items": _schema(spec.item),
        **({"minItems": 1, "uniqueItems": True} if spec.is_set else {}),
    }


def _keys(spec: Keys) -> Schema:
    others = spec.others
    return {
        "type": ["object", "null"] if spec.may_be_nothing else "object",
        **({"properties": {name: _schema(value) for name, value in spec.known.items()}} if spec.known else {}),
        # A known key never follows the rule of the others, so that only one of the two speaks about it.
        **({"patternProperties": {_whole(others.name): _schema(others.value)}} if others else {}),
        "additionalProperties": False,
        **({"required": list(spec.required)} if spec.required else {}),
        **({"minProperties": 1} if spec.is_filled else {}),
    }


def _switch(spec: Switch) -> Schema:
    condition = {"type": "object", "required": [spec.key]}
    return {"if": condition, "then": _schema(spec.present), "else": _schema(spec.absent)}


def _whole(rule: Rule) -> str:
    needed = "".join(f"(?=.*{re.escape(piece)})" for piece in rule.holds)
    return f"^(?:$|{needed})(?:{rule.regex})$" if needed else f"^(?:{rule.regex})$"


_SHAPES: dict[type, Callable[[Any], Schema]] = {
    Text: _text,
    Flag: lambda _: {"type": "boolean"},
    Exactly: lambda spec: {"const": spec.number},
    Choice: lambda spec: {"enum": list(spec.words)},
    Items: _items,
    Keys: _keys,
    Either: lambda spec: {"anyOf": [_schema(shape) for shape in spec.shapes]},
    Switch: _switch,
}
