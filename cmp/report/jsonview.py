"""The whole Report as JSON, and the schema of it; both follow the types in `changes`."""

from __future__ import annotations

import json
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Literal, get_args, get_origin, get_type_hints

from cmp.changes import Report
from cmp.report.judgement import Judgement, judge
from cmp.system.visible import json_visible

if TYPE_CHECKING:
    from cmp.report.document import Options

    Schema = dict[str, object]

VERSION = 1  # raised when a reader of the old would misread the new; another key is no reason
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: dict[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    object: {},
}


def view(report: Report, options: Options) -> str:
    """Return the Report and the judgement on it as JSON that fits `schema`, with keys in the order of the types."""
    value = {"version": VERSION, "judgement": _value(judge(report, options.gates)), **_mapping(report)}
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    return "".join(f"{json_visible(line)}\n" for line in text.split("\n"))


def schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of the JSON view; keys that it does not name may be added later."""
    definitions: dict[str, Schema] = {}
    properties: dict[str, Schema] = {
        "version": {"const": VERSION},
        "judgement": _schema(Judgement, definitions),
        **_properties(Report, definitions),
    }
    return {
        "$schema": _DIALECT,
        "title": "cmp diff --format json",
        **_record(properties, Report.__doc__),
        "$defs": dict(sorted(definitions.items())),
    }


def _value(value: object) -> object:
    if hasattr(value, "_asdict"):
        return _mapping(value)
    if isinstance(value, dict):
        return {key: _value(item) for key, item in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return value


def _mapping(value: object) -> dict[str, object]:
    return {name: _value(item) for name, item in value._asdict().items()}  # type: ignore[attr-defined]


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
