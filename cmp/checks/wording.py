"""The mistakes that a JSON Schema finds in a value, in words for people: the field, what is expected, what is there.

No value is quoted but the one that an enumeration refuses; the caller masks that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import suggestion, with_ellipsis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jsonschema_rs import ValidationError

    Part = str | int
    Schema = Mapping[str, object]

# A keyword of a schema, beside the one that it explains: what the value should be, as a noun.  `title` means it too.
EXPECTED = "x-expected"
# A keyword beside one without which a value cannot be read at all: its mistakes have this keyword.
READING = "x-reading"
MAX_OPTIONS = 12
MAX_QUOTED = 40  # characters

_NOUNS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a map",
    "string": "text",
}
_LEAST = {
    "minItems": "has {have} items, and needs {limit} at least",
    "minLength": "has {have} characters, and needs {limit} at least",
    "minProperties": "has {have} keys, and needs {limit} at least",
}
_MOST = {
    "maxItems": "has {have} items, and {limit} are the most",
    "maxLength": "has {have} characters, and {limit} are the most",
    "maxProperties": "has {have} keys, and {limit} are the most",
}
_BOUNDS = {
    "minimum": "is less than {limit}",
    "maximum": "is more than {limit}",
    "exclusiveMinimum": "is not more than {limit}",
    "exclusiveMaximum": "is not less than {limit}",
    "multipleOf": "is no multiple of {limit}",
}


class Mistake(NamedTuple):
    """A reason for which a schema refuses a value.

    `keyword` is that of the schema, `additionalProperties` for an unknown field; `path` and `message` are as in a
    Finding.
    """

    keyword: str
    path: tuple[str, ...]
    message: str


def mistakes(errors: Iterable[ValidationError], value: object, schema: Schema) -> list[Mistake]:
    """Return the mistakes in a value, in the order of its fields, each once; `schema` is the document that found them.

    A choice of which no branch fits is one mistake: that of the branch that comes nearest.
    """
    found = [mistake for error in errors for mistake in _explained(error, value, schema)]
    return list({(mistake.path, mistake.keyword): mistake for mistake in found}.values())


def noun(value: object) -> str:
    """Return what kind of thing a value of JSON is, as in `is text`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    kinds = ((str, "text"), (int, "a number"), (float, "a number"), (list, "a list"), (dict, "a map"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "something else")


def steps(path: Iterable[Part]) -> tuple[str, ...]:
    """Return a path as a Finding has it: positions in brackets."""
    return tuple(f"[{part}]" if isinstance(part, int) else part for part in path)


def _explained(error: ValidationError, value: object, schema: Schema) -> Iterator[Mistake]:
    keyword, path = error.kind.name, list(error.instance_path)
    at = _inner(value, path)
    owner = _owner(schema, error.schema_path)
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        known = _known(schema, error.schema_path)
        for name in getattr(error.kind, "unexpected", ()):
            yield Mistake(keyword, steps([*path, name]), f"is not a known field: {suggestion(name, known)}")
    elif keyword == "required":
        name = str(getattr(error.kind, "property", ""))
        yield Mistake(keyword, steps([*path, name]), "is missing")
    elif keyword in ("anyOf", "oneOf"):
        yield from _nearest(error, value, schema)
    elif keyword == "propertyNames":
        inner = getattr(error.kind, "error", None)
        if inner is not None:
            name = str(inner.instance)
            expected = owner.get("propertyNames")
            words = expected.get(EXPECTED) if isinstance(expected, dict) else None
            yield Mistake(keyword, steps([*path, name]), f"has a name that is not {words or 'allowed here'}")
    else:
        is_unreadable = keyword != "type" and READING in owner
        yield Mistake(READING if is_unreadable else keyword, steps(path), _message(error, at, owner))


def _message(error: ValidationError, value: object, owner: Schema) -> str:
    keyword, kind = error.kind.name, error.kind
    expected = owner.get(EXPECTED)
    if keyword == "type":
        names = [name for name in getattr(kind, "types", ()) if name != "null"]
        return f"is {_given(value, names)}, not {' or '.join(_NOUNS.get(name, name) for name in sorted(names))}"
    if expected is not None:
        return f"is not {expected}"
    if keyword in ("enum", "const"):
        options = getattr(kind, "options", None) or [getattr(kind, "expected_value", None)]
        known = [_quoted(option) for option in options if option not in ("", None)]
        return f"is {_quoted(value)}, not one of {with_ellipsis(known, MAX_OPTIONS)}"
    limit = getattr(kind, "limit", getattr(kind, "multiple_of", None))
    if keyword in _BOUNDS:
        return _BOUNDS[keyword].format(limit=limit)
    if (counted := {**_LEAST, **_MOST}.get(keyword)) and isinstance(value, (list, dict, str)):
        return counted.format(have=len(value), limit=limit)
    plain = {
        "pattern": f"does not match `{getattr(kind, 'pattern', '')}`",
        "format": f"is no {getattr(kind, 'format', '')}",
        "uniqueItems": "has the same item twice",
        "not": "is what the schema excludes",
        "contains": "has no item that the schema asks for",
    }
    return plain.get(keyword, f"breaks the rule `{keyword}` of its schema")


def _given(value: object, wanted: Sequence[str]) -> str:
    """Name what is there; a fraction where only whole numbers are taken, is said to be one."""
    is_fraction = isinstance(value, float) and not value.is_integer()
    return "a fraction" if is_fraction and "integer" in wanted else noun(value)


def _nearest(error: ValidationError, value: object, schema: Schema) -> Iterator[Mistake]:
    """Yield the mistakes of the branch that took the value furthest, or say that no branch, or more than one, does.

    A branch whose complaint is about the value itself (of another type) never was meant.
    """
    keyword, path = error.kind.name, list(error.instance_path)
    branches = [list(branch) for branch in getattr(error.kind, "context", ())]
    meant = [
        branch
        for branch in branches
        if branch and not any(one.kind.name == "type" and list(one.instance_path) == path for one in branch)
    ]
    if len(meant) == 1:
        for inner in meant[0]:
            yield from _explained(inner, value, schema)
        return
    wanted = {str(name) for branch in branches for one in branch for name in getattr(one.kind, "types", ())} - {"null"}
    if wanted and not meant:
        nouns = " or ".join(_NOUNS.get(name, name) for name in sorted(wanted))
        yield Mistake(keyword, steps(path), f"is {_given(_inner(value, path), list(wanted))}, not {nouns}")
        return
    missing = sorted({str(getattr(one.kind, "property", "")) for branch in meant for one in branch} - {""})
    if missing and all(one.kind.name == "required" for branch in meant for one in branch):
        names = with_ellipsis([f"`{name}`" for name in missing], MAX_OPTIONS)
        yield Mistake(keyword, steps(path), f"needs one of {names}")
        return
    how = "more than one" if any(not branch for branch in branches) else "none"
    yield Mistake(keyword, steps(path), f"fits {how} of the {len(branches)} shapes that its schema allows")


def _inner(value: object, path: Iterable[Part]) -> object:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        else:
            value = value[part] if isinstance(value, list) and isinstance(part, int) else None
    return value


def _owner(schema: Schema, path: Sequence[Part]) -> Schema:
    """Return the schema that has the keyword to which a path in a schema document leads."""
    node = _inner(schema, path[:-1])
    return node if isinstance(node, dict) else {}


def _known(schema: Schema, path: Sequence[Part]) -> list[str]:
    properties = _owner(schema, path).get("properties")
    return list(properties) if isinstance(properties, dict) else []


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text[:MAX_QUOTED]}…`" if len(text) > MAX_QUOTED else f"`{text}`"
