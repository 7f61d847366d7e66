"""The strict schemas of a minor version of Kubernetes, as JSON Schemas, and the kinds that this version serves.

They are the data of the package kubernetes-validate, made from the OpenAPI documents of Kubernetes; its code is not
used, for it finds a schema by the first word of a group.  One file, `_definitions.json`, has them all, each with the
groups, versions and kinds that it is for: reading it takes 0.05 s, a kind is compiled when an object of it comes.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cmp.checks import values
from cmp.checks.wording import Mistake, mistakes
from cmp.errors import UsageError
from cmp.lifecycle import release_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = dict[str, object]

EXTRA = "install it with `pip install 'argocd-cmp[check]'` (from a clone: `pip install '.[check]'`)"
MAJOR = 1

_REFERENCE = "#/$defs/"
_KINDS = "x-kubernetes-group-version-kind"
# What a schema says to people and to clients, and nothing here reads.
_UNREAD = frozenset(("description", "$schema", "$id"))
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"


class ObjectKind(NamedTuple):
    """The type of an object in an API."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @classmethod
    def of(cls, api_version: str, kind: str) -> ObjectKind:
        """Return the type that the fields `apiVersion` and `kind` of an object name."""
        group, _, version = api_version.rpartition("/")
        return cls(group, version, kind)


class Compiled:
    """One schema, compiled, which a value either fits or not."""

    def __init__(self, schema: Schema) -> None:
        from jsonschema_rs import Draft202012Validator, RegexOptions  # noqa: PLC0415  # for the commands that check

        self._schema = schema
        # This engine of regular expressions takes a time that grows with the text and nothing else.
        self._validator = Draft202012Validator(schema, pattern_options=RegexOptions())

    def mistakes(self, value: object) -> list[Mistake]:
        """Return what the schema refuses in a value, in the order of its fields."""
        if self._validator.is_valid(value):  # most are, and this takes a few microseconds
            return []
        return mistakes(self._validator.iter_errors(value), value, self._schema)


class Schemas:
    """All schemas of one minor version."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._compiled: dict[ObjectKind, Compiled] = {}
        self._names = dict(_served(definitions))
        self.groups = frozenset(kind.group for kind in self._names)

    def __contains__(self, kind: ObjectKind) -> bool:
        return kind in self._names

    def kinds(self, api_version: str) -> list[str]:
        """Return the kinds of one version of a group, without their lists, in the order of their names."""
        names = (kind.kind for kind in self._names if kind.api_version == api_version)
        return sorted(name for name in names if not name.endswith("List"))

    def versions(self, group: str, kind: str) -> list[str]:
        """Return the apiVersions in which a kind is served."""
        return sorted(one.api_version for one in self._names if (one.group, one.kind) == (group, kind))

    def compiled(self, kind: ObjectKind) -> Compiled:
        """Return the schema of a kind that is served."""
        if kind not in self._compiled:
            name = self._names[kind]
            self._compiled[kind] = Compiled(
                {
                    "$ref": f"{_REFERENCE}{name}",
                    "allOf": list(values.of_object(kind.group, kind.kind)),
                    "$defs": {needed: self._definitions[needed] for needed in self._needed(name)},
                }
            )
        return self._compiled[kind]

    def _needed(self, name: str) -> list[str]:
        needed = {name: None}
        waiting = [name]
        while waiting:
            new = [found for found in _references(self._definitions[waiting.pop()]) if found not in needed]
            needed.update(dict.fromkeys(new))
            waiting += dict.fromkeys(new)
        return list(needed)


@cache
def known_releases() -> tuple[int, ...]:
    """Return the releases (30 of 1.30) whose schemas are installed, in order.  Raises UsageError without the extra."""
    return tuple(sorted(release_of(path.name) for path in _folder().glob(f"v{MAJOR}.*.0-local-strict")))


@cache
def schemas_of(release: int) -> Schemas:
    """Return the schemas of one of the known releases, read once."""
    file = _folder() / f"v{MAJOR}.{release}.0-local-strict" / "_definitions.json"
    return Schemas({name: _adapted(name, schema) for name, schema in json.loads(file.read_bytes())["$defs"].items()})


def is_installed() -> bool:
    """Tell whether the extra is there, so that something can be judged."""
    return all(util.find_spec(name) for name in ("jsonschema_rs", "kubernetes_validate"))


def _folder() -> Path:
    if not is_installed():
        raise UsageError("the schemas of Kubernetes are not installed", hint=EXTRA)
    found = util.find_spec("kubernetes_validate")
    folders = found.submodule_search_locations if found else None
    return Path(next(iter(folders or ()))) / "kubernetes-json-schema"


def _served(definitions: Mapping[str, Schema]) -> Iterator[tuple[ObjectKind, str]]:
    for name, schema in definitions.items():
        kinds = schema.get(_KINDS)
        # DeleteOptions and WatchEvent are of every group: they are no objects.
        if isinstance(kinds, list) and len(kinds) == 1:
            (kind,) = kinds
            yield ObjectKind(kind["group"], kind["version"], kind["kind"]), name


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix(_REFERENCE)
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


def _adapted(name: str, schema: Schema) -> Schema:
    """Return a definition as the server reads values, with the rules that it has beside its types."""
    if name == _INT_OR_STRING:  # as written, null fits both branches, and `oneOf` refuses that
        return {"type": ["integer", "string", "null"], **values.INT32}
    if name in values.TEXTS:
        return values.TEXTS[name]
    adapted = _stripped(schema)
    properties = adapted.get("properties")
    if isinstance(properties, dict):
        listed = adapted.get("required")
        optional = values.OPTIONAL.get(name, ())
        required = [field for field in listed if field not in optional] if isinstance(listed, list) else []
        adapted["required"] = [*required, *values.REQUIRED.get(name, ())]
        for field in optional:
            if field in properties:
                properties[field] = _nullable(properties[field])
        for field, rule in values.FIELDS.get(name, {}).items():
            if field in properties:
                properties[field] = {"allOf": [properties[field], rule]}
    return adapted


def _nullable(schema: Schema) -> Schema:
    kind = schema.get("type")
    return {**schema, "type": [kind, "null"]} if isinstance(kind, str) else schema


def _stripped(schema: Schema) -> Schema:
    """Return a schema without its texts; numbers get the bounds of their format, and lists of kinds are gone."""
    kept: Schema = {}
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            kept[key] = {name: _stripped(inner) for name, inner in value.items()}
        elif isinstance(value, dict):
            kept[key] = _stripped(value)
        elif key == "format":
            kept.update(values.FORMATS.get(str(value), {}))
        elif key == _KINDS:
            kept[key] = value
        elif key == "enum" or key in _UNREAD or key.startswith("x-"):
            continue  # the only enumerations are those of apiVersion and kind, by which the schema was found
        else:
            kept[key] = value
    return kept
