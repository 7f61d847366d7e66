"""Structural schemas of CustomResourceDefinitions, as JSON Schemas that refuse what the API server refuses.

The server prunes an object, writes defaults into it (defaulting.py) and then validates it; with strict validation of
fields each pruned field is an error.  Here one schema does both.  What of a schema JSON Schema cannot say is left out
and counted, never guessed: an object is refused only by a rule that the server has.

Source: k8s.io/apiextensions-apiserver, pkg/apiserver/schema and pkg/apiserver/validation.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from cmp.checks.formats import known_format
from cmp.checks.patterns import UntranslatableError, translated
from cmp.checks.wording import EXPECTED
from cmp.yamldoc.access import mapping, maps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.yamldoc.access import Map

CEL = "rules in CEL of custom kinds (x-kubernetes-validations)"
PATTERNS = "patterns of custom kinds that only Go can read"

PRESERVE, EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
INT_OR_STRING, RULES = "x-kubernetes-int-or-string", "x-kubernetes-validations"

# Keywords that mean the same in JSON Schema.
_SAME = (
    *("minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties", "required"),
)
_COMPOSED = ("allOf", "anyOf", "oneOf")
_EITHER = [{"type": "integer"}, {"type": "string"}]  # an int-or-string says so a second time

_NULLABLE_MAP = ["object", "null"]
_META, _NOTHING = "ObjectMeta", "nothing"
_TEXT: Map = {"type": ["string", "null"]}
_TEXTS: Map = {"type": ["object", "null"], "additionalProperties": _TEXT}
_NUMBER: Map = {"type": ["integer", "null"]}
_FLAG: Map = {"type": ["boolean", "null"]}
_OWNER: Map = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(("apiVersion", "kind", "name", "uid"), _TEXT),
        **dict.fromkeys(("blockOwnerDeletion", "controller"), _FLAG),
    },
}
_DEFINITIONS: Map = {
    # Source: k8s.io/apimachinery, pkg/apis/meta/v1, ObjectMeta.
    _META: {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            **dict.fromkeys(("generateName", "name", "namespace", "resourceVersion", "selfLink", "uid"), _TEXT),
            **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _TEXT),
            **dict.fromkeys(("annotations", "labels"), _TEXTS),
            **dict.fromkeys(("deletionGracePeriodSeconds", "generation"), _NUMBER),
            "finalizers": {"type": ["array", "null"], "items": _TEXT},
            "managedFields": {"type": ["array", "null"]},
            "ownerReferences": {"type": ["array", "null"], "items": _OWNER},
        },
    },
    # A value that the server reads by no schema: it empties every map in it.
    _NOTHING: {"properties": {}, "additionalProperties": False, "items": {"$ref": f"#/$defs/{_NOTHING}"}},
}


class Converted(NamedTuple):
    """A JSON Schema, and what of the structural schema it does not say, how many times."""

    schema: Map
    unjudged: Mapping[str, int]


def converted(schema: Map, *, prunes: bool = True) -> Converted:
    """Return the JSON Schema of objects of a custom kind.

    Without `prunes` unknown fields are kept, as by a definition with `preserveUnknownFields: true`.
    """
    converter = _Converter()
    result = converter.node(schema, prunes=prunes, is_root=True)
    return Converted({**result, "$defs": _DEFINITIONS}, converter.left_out)


class _Converter:
    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        self._weakened = 0  # the number of rules that were left out so far

    def node(
        self,
        schema: Map,
        *,
        prunes: bool,
        keeps: bool = False,
        is_root: bool = False,
        takes_null: bool = True,
    ) -> Map:
        """Return the JSON Schema of one level and all below it.

        `prunes` says that unknown fields are an error there, but for this very level where it `keeps` them.  Without
        `takes_null` a null never gets here.
        """
        result = self._rules(schema, takes_null=takes_null, is_nested=not prunes)
        keeps = keeps or schema.get(PRESERVE) is True
        properties: Map = {
            name: self.node(mapping(inner), prunes=prunes) for name, inner in mapping(schema.get("properties")).items()
        }
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict):
            result["additionalProperties"] = self.node(additional, prunes=prunes)
        elif additional is True and prunes and not keeps:
            result["additionalProperties"] = {"$ref": f"#/$defs/{_NOTHING}"}
        elif additional is None and prunes and not keeps and result.get("type", "object") in ("object", _NULLABLE_MAP):
            result["additionalProperties"] = False
        if isinstance(items := schema.get("items"), dict):
            result["items"] = self.node(items, prunes=prunes, keeps=keeps)
        if is_root or (prunes and schema.get(EMBEDDED) is True):
            self._embed(schema, properties, result, is_root=is_root)
        if properties or result.get("additionalProperties") is False:  # a level that takes nothing has them, too
            result["properties"] = properties
        return result

    def _embed(self, schema: Map, properties: Map, result: Map, *, is_root: bool) -> None:
        """Add the fields that every object of Kubernetes has: nothing prunes them, whatever a schema says of them."""
        own = mapping(schema.get("properties"))
        for name in ("apiVersion", "kind", "metadata"):
            if name in own:
                properties[name] = self.node(mapping(own[name]), prunes=False)
        always = {"$ref": f"#/$defs/{_META}"}, *({"type": "string", "minLength": 1} for _ in range(2))
        for name, rule in zip(("metadata", "apiVersion", "kind"), always, strict=True):
            properties[name] = {"allOf": [rule, properties[name]]} if name in own else rule
        if not is_root:
            required = result.get("required")
            others = required if isinstance(required, list) else []
            result["required"] = [*dict.fromkeys(["apiVersion", "kind", *others])]

    def _rules(self, schema: Map, *, takes_null: bool, is_nested: bool) -> Map:
        """Return the rules for values of one level, not for what is in them."""
        result = {key: schema[key] for key in _SAME if schema.get(key) is not None}
        kinds = self._kinds(schema)
        is_nullable = schema.get("nullable") is True
        if kinds:
            result["type"] = [*kinds, "null"] if is_nullable else kinds if len(kinds) > 1 else kinds[0]
        for bound in ("Minimum", "Maximum"):  # in OpenAPI a flag beside the bound
            if schema.get(f"exclusive{bound}") is True and (limit := result.pop(bound.lower(), None)) is not None:
                result[f"exclusive{bound}"] = limit
        if isinstance(options := schema.get("enum"), list):
            result["enum"] = options
        self.left_out[CEL] += len(maps(schema.get(RULES)))
        # defaulting.py looks at the levels of the structure alone.
        if is_nested and known_format(schema.get("format"), schema.get("type")):
            self._weakened += 1
        composed = self._composed(schema)
        if isinstance(pattern := schema.get("pattern"), str):
            self._add_pattern(pattern, result, composed)
        if composed and takes_null and (is_nullable or not kinds):
            return {**result, "if": {"type": "null"}, "else": composed}  # the server asks no composed rule about null
        return {**result, **composed}

    @staticmethod
    def _kinds(schema: Map) -> list[object]:
        if schema.get(INT_OR_STRING) is True:
            return ["integer", "string"]
        return [schema["type"]] if schema.get("type") else []

    def _add_pattern(self, pattern: str, result: Map, composed: Map) -> None:
        try:
            written = translated(pattern)
        except UntranslatableError:
            self.left_out[PATTERNS] += 1
            self._weakened += 1
            return
        if written == pattern:
            result["pattern"] = pattern
        else:
            rule = {"pattern": written, EXPECTED: f"text that matches `{pattern}`"}
            composed["allOf"] = [*maps(composed.get("allOf")), rule]

    def _composed(self, schema: Map) -> Map:
        """Return the rules that are made of others, without those that a weaker part makes stricter."""
        result: Map = {}
        for keyword in _COMPOSED:
            before = self._weakened
            options = maps(schema.get(keyword))
            if schema.get(INT_OR_STRING) is True:
                options = [] if keyword == "anyOf" and options == _EITHER else options
                options = [one for one in options if keyword != "allOf" or one != {"anyOf": _EITHER}]
            inner = [self.node(one, prunes=False, takes_null=False) for one in options]
            if inner and (keyword != "oneOf" or self._weakened == before):
                result[keyword] = inner
        if isinstance(excluded := schema.get("not"), dict):
            before = self._weakened
            inner_not = self.node(excluded, prunes=False, takes_null=False)
            if self._weakened == before:
                result["not"] = inner_not
        return result
