"""Objects of custom kinds, judged by their CustomResourceDefinition as the API server judges them.

Each trait of a schema has what it takes, and near misses that it refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.checks.definitions import AMBIGUOUS, BROKEN, CustomKind, Definitions
from cmp.checks.schemas import ObjectKind
from cmp.checks.structural import CEL, PATTERNS
from cmp.errors import ConfigError
from cmp.system.tree import WorkTree
from cmp.yamldoc.access import mapping
from tests.support.objects import objects, value_of

if TYPE_CHECKING:
    from pathlib import Path

KITE = ObjectKind("toys.example.com", "v1", "Kite")


def _crd(version: str, more: str = "") -> str:
    return f"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: kites.toys.example.com}}
spec:
  group: toys.example.com
  names: {{kind: Kite, plural: kites}}
  scope: Namespaced
  {more}
  versions: [{version}]
"""


def _version(schema: str, more: str = "") -> str:
    return f"{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {schema}}}{more}}}"


def _with_spec(field: str, more: str = "") -> str:
    """Return a definition whose objects have one field: `spec`, by the schema `field`."""
    return _crd(_version(f"{{type: object, properties: {{spec: {field}}}}}", more))


def _kind(crd: str) -> CustomKind:
    kind = Definitions.of(objects(crd)).compiled(KITE)
    assert kind
    return kind


def _told(crd: str, fields: str) -> list[tuple[str, str]]:
    value = mapping(value_of(f"{{apiVersion: toys.example.com/v1, kind: Kite, metadata: {{name: it}}, {fields}}}"))
    return [(".".join(mistake.path), mistake.message) for mistake in _kind(crd).mistakes(value)]


def _fields(*properties: str, required: str = "[]", more: str = "") -> str:
    return f"{{type: object, required: {required}, properties: {{{', '.join(properties)}}}{more}}}"


A_TEXT, A_NUMBER = "{type: string}", "{type: integer}"
KEEPS = "x-kubernetes-preserve-unknown-fields: true"
EMBEDDED = f"{{type: object, x-kubernetes-embedded-resource: true, {KEEPS}}}"
PORTS = (
    "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [port, protocol], items: "
    "{type: object, required: [port], properties: {port: {type: integer}, protocol: {type: string, default: TCP}}}}"
)
EITHER = "{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}], pattern: '^[0-9]+%$'}"
ONE_OF = _fields(f"a: {A_TEXT}", f"b: {A_TEXT}", more=", oneOf: [{required: [a]}, {required: [b]}]")
INNER = _fields(f"b: {A_TEXT}")
HERE = "spec.a"

# The schema of `spec`, and what it takes.
TAKEN = {
    "a missing field with a default": (
        _fields("a: {type: string, default: x}", f"b: {A_NUMBER}", required="[a, b]"),
        "{b: 1}",
    ),
    "a null with a default": (_fields("a: {type: string, default: x}", required="[a]"), "{a: null}"),
    "a default in a default": (
        _fields("a: {type: object, default: {}, required: [b], properties: {b: {type: string, default: x}}}"),
        "{}",
    ),
    "a default in an item": (
        f"{{type: array, items: {_fields('a: {type: string, default: x}', required='[a]')}}}",
        "[{}]",
    ),
    "a default in a map": (
        f"{{type: object, additionalProperties: {_fields('a: {type: string, default: x}', required='[a]')}}}",
        "{any: {}}",
    ),
    "a null of an optional field": (_fields(f"a: {A_TEXT}"), "{a: null}"),
    "a null that may be": (_fields("a: {type: string, nullable: true}", required="[a]"), "{a: null}"),
    "a null that may be, and is asked nothing": (
        _fields("a: {type: string, nullable: true, allOf: [{pattern: x}], not: {enum: [z]}}"),
        "{a: null}",
    ),
    "a null in a map of texts": (f"{{type: object, additionalProperties: {A_TEXT}}}", "{a: null}"),
    "unknown fields that are kept": (_fields(f"a: {A_TEXT}", more=f", {KEEPS}"), "{a: x, b: {c: [1]}}"),
    "unknown fields of items that are kept": (
        f"{{type: array, {KEEPS}, items: {_fields(f'a: {A_TEXT}')}}}",
        "[{a: x, b: 1}]",
    ),
    "any keys of a map": (f"{{type: object, additionalProperties: {A_NUMBER}}}", "{a: 1, b: 2}"),
    "values of no schema": ("{type: object, additionalProperties: true}", "{a: 1, b: [x], c: {}}"),
    "a number as number or text": (_fields(f"a: {EITHER}"), "{a: 3}"),
    "a text as number or text": (_fields(f"a: {EITHER}"), "{a: 3%}"),
    "a whole number that is written as another": (_fields(f"a: {A_NUMBER}"), "{a: 3.0}"),
    "a number": (_fields("a: {type: number, minimum: 1, exclusiveMinimum: true, maximum: 2}"), "{a: 2}"),
    "an embedded object": (_fields(f"a: {EMBEDDED}"), "{a: {apiVersion: v1, kind: Pod, metadata: {name: x}, b: 1}}"),
    "one of two shapes": (ONE_OF, "{a: x}"),
    "a set": ("{type: array, items: {}, x-kubernetes-list-type: set}".replace("{}", A_TEXT), "[a, b]"),
    "an atomic list": ("{type: array, items: {}, x-kubernetes-list-type: atomic}".replace("{}", A_TEXT), "[a, a]"),
    "a list with keys": (PORTS, "[{port: 1}, {port: 1, protocol: UDP}, {port: 2}]"),
    "a format": (_fields("a: {type: string, format: date-time}"), "{a: '2024-02-29T00:00:00Z'}"),
    "a format that the server ignores": (_fields("a: {type: string, format: semver}"), "{a: x}"),
    "a format of a number": (_fields("a: {type: integer, format: int32}"), "{a: 3}"),
    "a pattern of Go": (_fields("a: {type: string, pattern: '^[[:alpha:]]+$'}"), "{a: x}"),
    "a pattern of Go alone": (_fields(r"a: {type: string, pattern: '\Qa\E'}"), "{a: b}"),
    # What is left out of a rule must not make the whole stricter.
    "a pattern of Go alone, excluded": (_fields(r"a: {type: string, not: {pattern: '\Qa\E'}}"), "{a: b}"),
    "a pattern of Go alone, as one of two": (
        _fields(r"a: {type: string, oneOf: [{pattern: '\Qa\E'}, {pattern: '^b'}]}"),
        "{a: b}",
    ),
    "a format, excluded": (_fields("a: {type: string, not: {format: ipv4}}"), "{a: b}"),
    "an enumeration": (_fields("a: {type: string, enum: [x, z]}"), "{a: z}"),
    "the only field of its name": (_fields(f"metadata: {_fields(f'a: {A_TEXT}')}"), "{metadata: {a: x}}"),
}

# The schema of `spec`, what it refuses, where, and the words.
REFUSED = {
    "a required field": (_fields(f"a: {A_TEXT}", required="[a]"), "{}", HERE, "is missing"),
    "a null of a required field": (_fields(f"a: {A_TEXT}", required="[a]"), "{a: null}", HERE, "is missing"),
    "a null in a list": (f"{{type: array, items: {A_TEXT}}}", "[null]", "spec.[0]", "is null, not text"),
    "a null without a type that is enumerated": (
        _fields("a: {type: string, enum: [x], nullable: true}"),
        "{a: null}",
        HERE,
        "is `null`, not one of `x`",
    ),
    "a wrong default": (_fields("a: {type: string, default: x, enum: [z]}"), "{}", HERE, "is `x`, not one of `z`"),
    "an unknown field": (
        _fields(f"size: {A_NUMBER}"),
        "{sise: 1}",
        "spec.sise",
        "is not a known field: did you mean `size`?",
    ),
    "an unknown field below fields that are kept": (
        _fields(f"a: {_fields(f'b: {A_TEXT}')}", more=f", {KEEPS}"),
        "{a: {c: 1}}",
        "spec.a.c",
        "is not a known field: known here: b",
    ),
    "an unknown field below items that are kept": (
        f"{{type: array, {KEEPS}, items: {_fields(f'a: {INNER}')}}}",
        "[{a: {c: 1}}]",
        "spec.[0].a.c",
        "is not a known field: known here: b",
    ),
    "a field of an object without fields": ("{type: object}", "{a: 1}", HERE, "is not a known field: known here: none"),
    "a map in a value of no schema": (
        "{type: object, additionalProperties: true}",
        "{a: {b: 1}}",
        "spec.a.b",
        "is not a known field: known here: none",
    ),
    "a value of a map": (
        f"{{type: object, additionalProperties: {A_NUMBER}}}",
        "{a: x}",
        HERE,
        "is text, not a whole number",
    ),
    "a fraction as number or text": (
        _fields(f"a: {EITHER}"),
        "{a: 1.5}",
        HERE,
        "is a fraction, not a whole number or text",
    ),
    "a text as number or text": (_fields(f"a: {EITHER}"), "{a: x}", HERE, "does not match `^[0-9]+%$`"),
    "a bound that does not belong": (
        _fields("a: {type: number, minimum: 1, exclusiveMinimum: true}"),
        "{a: 1}",
        HERE,
        "is not more than 1",
    ),
    "an embedded object without a kind": (
        _fields(f"a: {EMBEDDED}"),
        "{a: {apiVersion: v1}}",
        "spec.a.kind",
        "is missing",
    ),
    "an embedded object with wrong metadata": (
        _fields(f"a: {EMBEDDED}"),
        "{a: {apiVersion: v1, kind: Pod, metadata: {labels: {b: 1}}}}",
        "spec.a.metadata.labels.b",
        "is a number, not text",
    ),
    "an unknown field of an embedded object": (
        _fields("a: {type: object, x-kubernetes-embedded-resource: true}"),
        "{a: {apiVersion: v1, kind: Pod, spec: {}}}",
        "spec.a.spec",
        "is not a known field: known here: apiVersion, kind, metadata",
    ),
    "none of two shapes": (ONE_OF, "{}", "spec", "needs one of `a`, `b`"),
    "both of two shapes": (ONE_OF, "{a: x, b: z}", "spec", "fits more than one of the 2 shapes that its schema allows"),
    "a set": (
        "{type: array, items: {}, x-kubernetes-list-type: set}".replace("{}", A_TEXT),
        "[a, b, a, a]",
        "spec.[2]",
        "has the same value as an item before it",
    ),
    "a list with keys": (
        PORTS,
        "[{port: 1}, {port: 2}, {port: 1, protocol: TCP}]",
        "spec.[2]",
        "has the same `port`, `protocol` as an item before it",
    ),
    "a format": (
        _fields("a: {type: string, format: date-time}"),
        "{a: '2024-02-29'}",
        HERE,
        "is not a time such as `2006-01-02T15:04:05Z`",
    ),
    "a pattern of Go": (
        _fields("a: {type: string, pattern: '^[[:alpha:]]+$'}"),
        "{a: '1'}",
        HERE,
        "is not text that matches `^[[:alpha:]]+$`",
    ),
    "an enumeration": (_fields("a: {type: string, enum: [x, z]}"), "{a: u}", HERE, "is `u`, not one of `x`, `z`"),
    "a null for the whole": (_fields(f"a: {A_TEXT}"), "x", "spec", "is text, not a map"),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_the_server_takes(case: str) -> None:
    schema, spec = TAKEN[case]
    assert _told(_with_spec(schema), f"spec: {spec}") == []


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_server_refuses(case: str) -> None:
    schema, spec, path, message = REFUSED[case]
    assert _told(_with_spec(schema), f"spec: {spec}") == [(path, message)]


def test_the_object_itself_stays_as_it_is() -> None:
    value = mapping(value_of("{apiVersion: toys.example.com/v1, kind: Kite, metadata: {name: it}, spec: {b: null}}"))
    kind = _kind(_with_spec(_fields("a: {type: string, default: x}", f"b: {A_TEXT}")))
    assert kind.mistakes(value) == []
    assert value["spec"] == {"b": None}


def test_a_field_beside_those_of_the_definition() -> None:
    assert _told(_with_spec(_fields()), "spec: {}, spic: {}") == [
        ("spic", "is not a known field: did you mean `spec`?")
    ]


METADATA = _crd(_version("{type: object, properties: {metadata: {type: object, properties: {name: {maxLength: 3}}}}}"))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("{name: it, labels: {a: b}, annotations: null, ownerReferences: [{kind: A}], finalizers: [x]}", []),
        ("{name: long}", [("metadata.name", "has 4 characters, and 3 are the most")]),
        ("{name: it, labels: {a: true}}", [("metadata.labels.a", "is true, not text")]),
        ("{name: it, label: {}}", [("metadata.label", "is not a known field: did you mean `labels`?")]),
    ],
)
def test_the_metadata_of_an_object(metadata: str, expected: list[tuple[str, str]]) -> None:
    value = mapping(value_of(f"{{apiVersion: toys.example.com/v1, kind: Kite, metadata: {metadata}}}"))
    assert [(".".join(one.path), one.message) for one in _kind(METADATA).mistakes(value)] == expected


def test_a_status_of_its_own_is_dropped_after_its_names_were_read() -> None:
    schema = "{type: object, properties: {status: {type: object, properties: {ready: {type: boolean}}}}}"
    wrong, unknown = "status: {ready: 1}", "status: {redy: true}"
    found = [("status.redy", "is not a known field: did you mean `ready`?")]
    assert _told(_crd(_version(schema, ", subresources: {status: {}}")), wrong) == []
    assert _told(_crd(_version(schema, ", subresources: {status: {}}")), unknown) == found
    assert _told(_crd(_version(schema)), wrong) == [("status.ready", "is a number, not true or false")]


def test_what_is_not_judged_is_said() -> None:
    rules = "x-kubernetes-validations: [{rule: 'self > 0'}]"
    crd = _with_spec(_fields(f"a: {{type: integer, {rules}}}", r"b: {type: string, pattern: '\Qa\E'}"))
    assert _kind(crd).unjudged == (CEL, PATTERNS)
    assert _kind(_with_spec(_fields(f"a: {A_TEXT}"))).unjudged == ()


def test_a_schema_that_is_none_judges_nothing_and_says_so() -> None:
    kind = _kind(_with_spec("{type: thing}"))
    assert kind.unjudged == (BROKEN,)
    assert kind.mistakes({"spec": 1}) == []


def test_versions_that_are_not_served() -> None:
    served = _version("{type: object}")
    crd = _crd(f"{served}, {served.replace('v1', 'v1beta1').replace('served: true', 'served: false')}")
    found = Definitions.of(objects(crd))
    serves = "it serves `toys.example.com/v1`"
    assert found.refusal(KITE) == ""
    assert found.refusal(KITE._replace(version="v1beta1")) == (
        f"is `toys.example.com/v1beta1`, which the CustomResourceDefinition has, and does not serve; {serves}"
    )
    assert found.refusal(KITE._replace(version="v2")) == (
        f"is `toys.example.com/v2`, which the CustomResourceDefinition does not have; {serves}"
    )
    assert found.compiled(KITE._replace(version="v1beta1")) is None
    for unknown in (KITE._replace(kind="Top"), KITE._replace(group="example.com")):
        assert found.refusal(unknown) == ""  # another definition of the cluster may have it
        assert found.compiled(unknown) is None


def test_a_version_that_its_definition_has_deprecated() -> None:
    own = ", deprecated: true, deprecationWarning: fly v2"
    assert _kind(_crd(_version("{type: object}", own))).warning == "fly v2"
    plain = _kind(_crd(_version("{type: object}", ", deprecated: true")))
    assert plain.warning == "toys.example.com/v1 Kite is deprecated"
    assert _kind(_crd(_version("{type: object}"))).warning == ""


BETA = """\
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: kites.toys.example.com}
spec:
  group: toys.example.com
  names: {kind: Kite, plural: kites}
  version: v1
  validation: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}}}}}}
"""


def test_an_old_definition_keeps_unknown_fields_unless_it_says_otherwise() -> None:
    assert _told(BETA, "spec: {a: x, b: 1}") == []
    assert _told(BETA, "spec: {a: 1}") == [("spec.a", "is a number, not text")]
    strict = f"{BETA}  preserveUnknownFields: false\n"
    assert _told(strict, "spec: {a: x, b: 1}") == [("spec.b", "is not a known field: known here: a")]
    many = strict.replace("version: v1", "versions: [{name: v1, served: true}, {name: v2, served: false}]")
    assert _told(many, "spec: {b: 1}") == [("spec.b", "is not a known field: known here: a")]
    assert Definitions.of(objects(many)).compiled(KITE._replace(version="v2")) is None


@pytest.mark.parametrize(
    "broken",
    [
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: x}}",
        _crd("").replace("group: toys.example.com", "group: 1"),
        _crd(""),
        _crd(_version("{type: object}")).replace("apiextensions.k8s.io/v1", "example.com/v1"),
    ],
)
def test_what_is_no_definition_is_none(broken: str) -> None:
    assert Definitions.of(objects(broken)).compiled(KITE) is None


def test_two_different_definitions_of_one_cluster_judge_nothing() -> None:
    one, other = (Definitions.of(objects(_with_spec(_fields(f"{name}: {A_TEXT}")))) for name in "ab")
    both = one.merged(other)
    kind = both.compiled(KITE)
    assert kind
    assert kind.unjudged == (AMBIGUOUS,)
    assert kind.mistakes({"spec": {"c": 1}}) == []
    assert both.refusal(KITE._replace(version="v2")) == ""
    same = one.merged(Definitions.of(objects(_with_spec(_fields(f"a: {A_TEXT}"))))).compiled(KITE)
    assert same
    assert same.unjudged == ()


def test_the_rendered_definition_counts_and_not_that_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "crd.yaml").write_text(_with_spec(_fields(f"b: {A_TEXT}")))
    (tmp_path / "other.yaml").write_text(_with_spec(_fields()).replace("Kite", "Top"))
    folder = Definitions.read(WorkTree(str(tmp_path)), [""])
    kind = Definitions.of(objects(_with_spec(_fields(f"a: {A_TEXT}")))).over(folder).compiled(KITE)
    assert kind
    assert [mistake.path for mistake in kind.mistakes({"spec": {"a": "x", "b": "x"}})] == [("spec", "b")]
    assert folder.compiled(KITE._replace(kind="Top"))


def test_a_folder_may_have_what_kubectl_prints(tmp_path: Path) -> None:
    crd = _with_spec(_fields(f"a: {A_TEXT}"))
    item = "\n".join(f"  {line}" for line in crd.splitlines())
    (tmp_path / "all.yaml").write_text(f"apiVersion: v1\nkind: List\nitems:\n-\n{item}\n---\n{{kind: Service}}\n")
    (tmp_path / "README.md").write_text("{")
    assert Definitions.read(WorkTree(str(tmp_path)), [""]).compiled(KITE)


@pytest.mark.parametrize(
    ("files", "place", "message"),
    [
        ({}, "crds", "there is no file of YAML or JSON"),
        ({"a.yaml": "kind: Service\n"}, "crds/a.yaml", "there is no CustomResourceDefinition in it"),
        (
            {"a.yaml": f"a: 1\n---\n{_crd('')}"},
            "crds/a.yaml:4",
            "this CustomResourceDefinition has no group, kind or versions",
        ),
        (
            {"a.yaml": _with_spec(_fields()), "b.yaml": _with_spec(_fields(f"a: {A_TEXT}"))},
            "crds/b.yaml:2",
            "another CustomResourceDefinition of Kite is in crds/a.yaml:2",
        ),
        ({"a.yaml": "a: {{ x }}\n"}, "crds/a.yaml:1:5", "this is not YAML: a mapping or a list cannot be a key"),
    ],
)
def test_a_folder_without_definitions_is_an_error(
    tmp_path: Path, files: dict[str, str], place: str, message: str
) -> None:
    (tmp_path / "crds").mkdir()
    for name, text in files.items():
        (tmp_path / "crds" / name).write_text(text)
    with pytest.raises(ConfigError) as raised:
        Definitions.read(WorkTree(str(tmp_path)), ["crds"])
    assert (raised.value.file, raised.value.what) == (place, message)


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        Definitions.read(WorkTree(str(tmp_path)), ["crds"])
