"""Two sets of objects -> changes."""

from __future__ import annotations

import json

import pytest

from cmp.changes import Change, Field, Folded, Hunk, Rule, Subject
from cmp.compare import compare
from cmp.model import Identity
from tests.support.objects import object_of, objects

SUBJECT = Subject("storefront", "prod-kobe", "prod")
BASE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {helm.sh/chart: web-1.2.3}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "shop/web:8.2.0"}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}], selector: {app: web}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
data: {mode: fast}
"""


def _changes(before: str, after: str, *rules: Rule) -> tuple[Change, ...]:
    return compare(SUBJECT, objects(before), objects(after), rules)


def test_equal_objects_are_no_changes() -> None:
    assert _changes(BASE, BASE) == ()
    turned = "---".join(reversed(BASE.split("---")))
    assert _changes(BASE, turned) == ()


def test_a_change_says_what_happens_to_one_object() -> None:
    before, after = objects(BASE), objects(BASE.replace("replicas: 3", "replicas: 5"))
    after[0] = after[0]._replace(source="templates/web.yaml")
    assert compare(SUBJECT, before, after) == (
        Change(
            subject=SUBJECT,
            what="changed",
            identity=Identity("apps", "Deployment", "shop", "web"),
            was=None,
            api_versions=("apps/v1", "apps/v1"),
            source="templates/web.yaml",
            fields=(Field(("spec", "replicas"), "changed", 3, 5),),
            folded=(),
            hunks=(Hunk((" spec:", "-  replicas: 3", "+  replicas: 5"), (0,)),),
        ),
    )


def test_changes_are_ordered_by_identity() -> None:
    after = BASE.replace("80", "81").replace("fast", "slow").replace("8.2.0", "8.2.1")
    changes = _changes(BASE, after)
    assert [change.identity.kind for change in changes] == ["ConfigMap", "Service", "Deployment"]
    assert [change.is_restart for change in changes] == [False, False, True]


def test_another_version_of_the_api_is_a_change_of_that_field() -> None:
    (change,) = _changes(BASE, BASE.replace("apps/v1", "apps/v2"))
    assert (change.what, change.api_versions) == ("changed", ("apps/v1", "apps/v2"))
    assert change.fields == (Field(("apiVersion",), "changed", "apps/v1", "apps/v2"),)


def test_an_added_object_has_one_field_the_whole() -> None:
    first, _, last = BASE.partition("---")
    (added, _service) = _changes(first, BASE)
    assert (added.what, added.identity.kind, added.api_versions) == ("added", "ConfigMap", ("", "v1"))
    assert added.fields == (Field((), "added", None, objects(last)[1].value),)
    assert added.hunks[0].lines[:2] == ("+apiVersion: v1", "+data:")


def test_a_removed_object_too_and_its_dangers_are_found() -> None:
    claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}}"
    (removed,) = _changes(f"{BASE}\n---\n{claim}", BASE)
    assert (removed.what, removed.api_versions) == ("removed", ("v1", ""))
    assert removed.fields == (Field((), "removed", objects(claim)[0].value, None),)
    assert [danger.rule for danger in removed.dangers] == ["data-removed"]


def test_a_renamed_object_says_what_it_was() -> None:
    (change,) = _changes(BASE, BASE.replace("ConfigMap\nmetadata: {name: web", "ConfigMap\nmetadata: {name: site"))
    assert (change.what, change.identity.name, change.was) == (
        "renamed",
        "site",
        Identity("", "ConfigMap", "shop", "web"),
    )
    assert change.hunks == (((" metadata:", "-  name: web", "+  name: site"), (0,)),)


def test_folded_differences_are_in_no_hunk_and_not_lost() -> None:
    after = BASE.replace("web-1.2.3", "web-1.2.4")
    (change,) = _changes(BASE, after)
    label = Field(("metadata", "labels", "helm.sh/chart"), "changed", "web-1.2.3", "web-1.2.4")
    assert (change.fields, change.hunks, change.folded) == ((), (), (Folded("chart-labels", label),))
    (change,) = _changes(BASE, after.replace("replicas: 3", "replicas: 5"))
    assert [hunk.fields for hunk in change.hunks] == [(0,)]


def test_a_rule_of_the_user_folds_too() -> None:
    rule = Rule("my rule", kind="Deployment", path=("spec", "replicas"))
    (change,) = _changes(BASE, BASE.replace("replicas: 3", "replicas: 5"), rule)
    assert (change.fields, [folded.rule for folded in change.folded]) == ((), ["my rule"])


def test_dangers_and_restarts_count_folded_differences() -> None:
    rule = Rule("everything")
    (change,) = _changes(BASE, BASE.replace("app: web}}\n  template", "app: site}}\n  template"), rule)
    assert (change.fields, [danger.rule for danger in change.dangers]) == ((), ["immutable-field"])
    (change,) = _changes(BASE, BASE.replace("8.2.0", "8.2.1"), rule)
    assert (change.fields, change.is_restart) == ((), True)


def test_the_checksum_of_a_configuration_in_the_same_change_is_folded() -> None:
    annotated = BASE.replace("metadata: {labels", "metadata: {annotations: {checksum/config: ab}, labels")
    annotated = annotated.replace(
        "      containers", "      volumes: [{name: c, configMap: {name: web}}]\n      containers"
    )
    changes = _changes(
        annotated, annotated.replace("fast", "slow").replace("checksum/config: ab", "checksum/config: cd")
    )
    assert [(len(change.fields), [folded.rule for folded in change.folded]) for change in changes] == [
        (1, []),
        (0, ["checksum"]),
    ]
    (alone,) = _changes(annotated, annotated.replace("checksum/config: ab", "checksum/config: cd"))
    assert (len(alone.fields), alone.folded) == (1, ())


CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.test}
spec:
  group: example.test
  versions:
  - {name: v1alpha1, served: true, storage: false}
  - {name: v1, served: true, storage: true, schema: {type: object, description: long}}
"""


@pytest.mark.parametrize(
    ("before", "after", "summary"),
    [
        (
            CRD,
            CRD.replace("long", "longer"),
            "schema of widgets.example.test, +1 \N{MINUS SIGN}1 lines, versions unchanged",
        ),
        (
            CRD,
            CRD.replace("name: v1,", "name: v2,"),
            "schema of widgets.example.test, +6 \N{MINUS SIGN}6 lines, versions v1alpha1, v1 → v1alpha1, v2",
        ),
        (
            CRD,
            CRD.replace("type: object, description: long", "{}").replace("schema: {{}}", "schema: {}"),
            "schema of widgets.example.test, +0 \N{MINUS SIGN}2 lines, versions unchanged",
        ),
        (
            CRD,
            CRD.replace("long}", "long, required: [b, a]}"),
            "schema of widgets.example.test, +3 \N{MINUS SIGN}0 lines, versions unchanged",
        ),
        (
            CRD.replace("long}", "long, required: [a, b]}"),
            CRD.replace("long}", "long, required: [b, a]}"),
            "schema of widgets.example.test, +0 \N{MINUS SIGN}0 lines, versions unchanged",
        ),
        ("", CRD, "schema of widgets.example.test, +16 \N{MINUS SIGN}0 lines, versions v1alpha1, v1"),
        (CRD, "", "schema of widgets.example.test, +0 \N{MINUS SIGN}16 lines, versions v1alpha1, v1"),
    ],
)
def test_a_definition_is_one_line(before: str, after: str, summary: str) -> None:
    (change,) = _changes(before, after)
    assert (change.summary, change.hunks) == (summary, ())
    assert change.fields


def test_a_label_of_a_definition_is_shown() -> None:
    (change,) = _changes(CRD, CRD.replace("test}", "test, labels: {a: b}}"))
    assert (change.summary, change.hunks) == ("", (((" metadata:", "+  labels:", "+    a: b"), (0,)),))


def test_another_kind_of_that_name_has_hunks() -> None:
    other = CRD.replace("apiextensions.k8s.io", "example.test")
    (change,) = _changes(other, other.replace("long", "longer"))
    assert (change.summary, len(change.hunks)) == ("", 1)


def test_objects_that_only_their_place_tells_apart_are_all_compared() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    before = [object_of({**config, "data": {"n": str(n)}}) for n in range(2)]
    after = [object_of({**config, "data": {"n": str(n)}}) for n in (0, 5, 6)]
    assert [(change.what, json.dumps(change.fields[0].after)) for change in compare(SUBJECT, before, after)] == [
        ("changed", '"5"'),
        ("added", json.dumps(after[2].value)),
    ]
