"""Values as JSON, and the JSON Schema of them; both follow the annotations and the docstrings of their types."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import Literal, get_args, get_origin, get_type_hints

from cmp.system.visible import json_visible

Schema = dict[str, object]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    object: {},
}


def printed(version: int, judgement: object, value: object) -> str:
    """Return indented JSON that fits `document`: hidden characters are escapes, keys in the order of the types."""
    view = {"version": version, "judgement": mapping(judgement), **mapping(value)}
    text = json.dumps(view, ensure_ascii=False, indent=2, allow_nan=False)
    return "".join(f"{json_visible(line)}\n" for line in text.split("\n"))


def _plain(value: object) -> object:
    if hasattr(value, "_asdict"):
        return mapping(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def mapping(value: object) -> dict[str, object]:
    """Return a named tuple as a map."""
    return {name: _plain(item) for name, item in value._asdict().items()}  # type: ignore[attr-defined]


def document(title: str, version: int, judgement: type, kind: type) -> Schema:
    """Return the JSON Schema (draft 2020-12) of a view: `version`, `judgement` and the fields of `kind`."""
    definitions: dict[str, Schema] = {}
    properties: dict[str, Schema] = {
        "version": {"const": version},
        "judgement": _schema(judgement, definitions),
        **_properties(kind, definitions),
    }
    return {
        "$schema": _DIALECT,
        "title": title,
        **_record(properties, kind.__doc__),
        "$defs": dict(sorted(definitions.items())),
    }


def _schema(kind: object, definitions: dict[str, Schema]) -> Schema:
    if isinstance(kind, type) and issubclass(kind, tuple):
        return _reference(kind, definitions)
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), definitions)
    if isinstance(kind, UnionType):
        return {"anyOf": [_schema(member, definitions) for member in get_args(kind)]}
    return _SCALARS[kind]


def _tuple(kinds: tuple[object, ...], definitions: dict[str, Schema]) -> Schema:
    if kinds[-1] is Ellipsis:
        return {"type": "array", "items": _schema(kinds[0], definitions)}
    items = [_schema(kind, definitions) for kind in kinds]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _reference(kind: type, definitions: dict[str, Schema]) -> Schema:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = _record(_properties(kind, definitions), kind.__doc__)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _properties(kind: type, definitions: dict[str, Schema]) -> dict[str, Schema]:
    return {name: _schema(hint, definitions) for name, hint in get_type_hints(kind).items()}


def _record(properties: dict[str, Schema], doc: str | None) -> Schema:
    return {
        "type": "object",
        "description": " ".join((doc or "").split()),
        "properties": properties,
        "required": list(properties),
    }
