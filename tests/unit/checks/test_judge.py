"""Rendered objects judged by the schemas of a version of Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from cmp.changes import Object
from cmp.checks.definitions import KIND, Definitions
from cmp.checks.judge import Judge, Judged
from cmp.checks.structural import CEL
from cmp.findings import Unjudged
from cmp.model import Identity
from tests.support.judge_cases import right

if TYPE_CHECKING:
    from collections.abc import Sequence

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: web:1
"""


def judged(text: str, version: str = "1.36", api_versions: Sequence[str] = ()) -> Judged:
    objects = []
    for value in yaml.safe_load_all(text):
        api_version = str(value["apiVersion"])
        identity = Identity(api_version.rpartition("/")[0], value["kind"], "", value["metadata"]["name"])
        objects.append(Object(api_version, identity, value, ""))
    return Judge(version, api_versions).judge(objects)


def told(text: str, version: str = "1.36", api_versions: Sequence[str] = ()) -> list[tuple[str, str, str, str]]:
    return [
        (finding.rule, finding.level, ".".join(finding.path), finding.message)
        for finding in judged(text, version, api_versions).findings
    ]


@pytest.mark.parametrize("version", ["1.25", "v1.30.4", "v1.30.4-gke.1", "1.37.0+k3s1"])
def test_a_right_object_is_right_in_every_version(version: str) -> None:
    assert judged(DEPLOYMENT, version) == Judged((), (), ())


CONTAINER = "spec.template.spec.containers.[0]"
MISTAKES = (
    (
        "name: web\nspec",
        "name: web\n  labls: {}\nspec",
        "unknown-field",
        "metadata.labls",
        "is not a known field: did you mean `labels`?",
    ),
    ("spec:\n  sel", "spec:\n  replicas: '3'\n  sel", "schema", "spec.replicas", "is text, not a whole number"),
    ("spec:\n  sel", "spec:\n  replicas: 1.5\n  sel", "schema", "spec.replicas", "is a fraction, not a whole number"),
    ("- name: web\n", "-\n", "schema", f"{CONTAINER}.name", "is missing"),
    ("image: web:1", "image: [web]", "schema", f"{CONTAINER}.image", "is a list, not text"),
    (
        "image: web:1",
        "image: web:1\n          resources: {limits: {cpu: 1 m}}",
        "value",
        f"{CONTAINER}.resources.limits.cpu",
        "is not a quantity, such as `500m` or `2Gi`",
    ),
    (
        "image: web:1",
        "image: web:1\n          imagePullPolicy: always",
        "value",
        f"{CONTAINER}.imagePullPolicy",
        "is `always`, not one of `Always`, `IfNotPresent`, `Never`",
    ),
    (
        "image: web:1",
        "image: web:1\n          ports: [{containerPort: 80000}]",
        "value",
        f"{CONTAINER}.ports.[0].containerPort",
        "is not a port, from 1 to 65535",
    ),
    (
        "labels: {app: web}",
        "labels: {app: shop}",
        "value",
        "spec.selector.matchLabels.app",
        "is not among the labels of the pods: spec.template.metadata.labels",
    ),
)


@pytest.mark.parametrize(("before", "after", "rule", "path", "message"), MISTAKES)
def test_a_mistake_is_told_by_its_field_and_in_words(
    before: str, after: str, rule: str, path: str, message: str
) -> None:
    assert told(DEPLOYMENT.replace(before, after, 1)) == [(rule, "error", path, message)]


def test_what_the_server_stores_unread_is_a_warning() -> None:
    ports = "image: web:1\n          ports: [{containerPort: 80000}]"
    stateful = DEPLOYMENT.replace("kind: Deployment", "kind: StatefulSet").replace("image: web:1", ports)
    message = "is not a port, from 1 to 65535; some servers take it, and no pod comes of it"
    assert told(stateful) == [("value", "warning", f"{CONTAINER}.ports.[0].containerPort", message)]
    limits = "image: web:1\n          resources: {limits: {cpu: 1 m}}"
    assert [level for _, level, _, _ in told(stateful.replace("image: web:1", limits))] == ["error", "warning"]


def test_a_group_is_looked_up_by_its_whole_name() -> None:
    clone = DEPLOYMENT.replace("apps/v1", "apps.kruise.io/v1").replace("spec:\n  sel", "spec:\n  lifecycle: {}\n  sel")
    result = judged(clone)
    assert result.findings == ()
    assert [one.api_version for one in result.custom] == ["apps.kruise.io/v1"]


def refused(api_version: str, kind: str, version: str, api_versions: Sequence[str] = ()) -> list[tuple[str, ...]]:
    text = f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: web}}, spec: {{}}}}"
    return [*told(text, version, api_versions)]


def test_a_kind_that_the_version_does_not_serve_is_refused() -> None:
    message = "is `Deploment`, and Kubernetes 1.36 serves no such kind in apps/v1: did you mean `Deployment`?"
    assert refused("apps/v1", "Deploment", "1.36") == [("unknown-kind", "error", "kind", message)]
    message = "is `apps/v2`, which Kubernetes 1.36 does not serve: write `apps/v1`"
    assert refused("apps/v2", "Deployment", "1.36") == [("unknown-kind", "error", "apiVersion", message)]
    message = "is `DeviceClass`, which Kubernetes serves in resource.k8s.io/v1 since 1.34"
    assert refused("resource.k8s.io/v1", "DeviceClass", "1.30") == [("unknown-kind", "error", "kind", message)]


def test_a_version_that_is_gone_is_told_once() -> None:
    message = "is `policy/v1beta1`, which Kubernetes has not served since 1.25: write `policy/v1`"
    assert refused("policy/v1beta1", "PodDisruptionBudget", "1.25") == [("removed-api", "error", "apiVersion", message)]


def test_a_kind_behind_a_switch_is_a_warning_unless_the_cluster_lists_it() -> None:
    message = (
        "is `networking.k8s.io/v1alpha1`, which a server serves only where it is switched on: if it is, list it in"
        " apiVersions of the cluster"
    )
    warning = ("unknown-kind", "warning", "apiVersion", message)
    assert warning in refused("networking.k8s.io/v1alpha1", "IPAddress", "1.28")
    listed = refused("networking.k8s.io/v1alpha1", "IPAddress", "1.28", ["networking.k8s.io/v1alpha1"])
    assert warning not in listed


def test_a_version_without_schemas_is_judged_by_no_other_version() -> None:
    wrong = DEPLOYMENT.replace("image:", "imaje:")
    assert told(wrong) != []
    for version in ("1.38", "1.24.3", "", "latest"):
        result = judged(wrong, version)
        assert result.findings == ()
        assert [one.times for one in result.unjudged] == [1]
    what = "schemas: there are none of Kubernetes 1.38, but of 1.25 to 1.37"
    assert judged(wrong, "1.38").unjudged[0].what == what


def test_what_is_masked_is_not_judged() -> None:
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: ‹secret 1›, b: b}}"
    result = judged(secret)
    assert [(finding.path, finding.message) for finding in result.findings] == [(("data", "b"), "is not base64")]
    assert [tuple(one) for one in result.unjudged] == [("fields whose value is masked as a secret", 1)]


def test_the_items_of_a_list_are_judged() -> None:
    item = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: 1}}"
    assert told(f"{{apiVersion: v1, kind: List, metadata: {{name: ''}}, items: [{item}]}}") == [
        ("schema", "error", "data.a", "is a number, not text")
    ]


def test_many_mistakes_of_one_object_are_counted() -> None:
    data = ", ".join(f"k{number}: {number}" for number in range(30))
    findings = told(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: a}}, data: {{{data}}}}}")
    assert len(findings) == 21
    assert findings[-1] == ("schema", "error", "", "has 10 more mistakes like these")


CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: kites.toys.example.com}
spec:
  group: toys.example.com
  names: {kind: Kite, plural: kites}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              anyOf: [{properties: {size: {pattern: ^s}}}, {properties: {size: {pattern: ^l}}}]
              properties: {size: {type: string}, colour: {type: string, x-kubernetes-validations: [{rule: 'true'}]}}
    - {name: v1beta1, served: true, deprecated: true, storage: false, schema: {openAPIV3Schema: {type: object}}}
    - {name: v1alpha1, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
"""
SERVED = "`toys.example.com/v1`, `toys.example.com/v1beta1`"
NOT_SERVED = f"which the CustomResourceDefinition has, and does not serve; it serves {SERVED}"
KITE = "{apiVersion: toys.example.com/v1, kind: Kite, metadata: {name: it}, spec: {size: s}}"


def custom(text: str) -> Judged:
    """Judge objects of a custom kind by its definition, on a cluster whose version nobody knows."""
    value = yaml.safe_load(text)
    identity = Identity("toys.example.com", value["kind"], "", "it")
    definition = Object(
        "apiextensions.k8s.io/v1", Identity("apiextensions.k8s.io", KIND, "", "x"), yaml.safe_load(CRD), ""
    )
    judge = Judge("", (), Definitions.of([definition]))
    return judge.judge([Object(value["apiVersion"], identity, value, "")])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("size: s", "size: small", []),
        ("size: s", "sise: s", [("unknown-field", "error", "spec.sise", "is not a known field: did you mean `size`?")]),
        ("size: s", "size: [s]", [("schema", "error", "spec.size", "is a list, not text")]),
        ("size: s", "size: ‹secret 1›", []),  # whether it fits a shape, the secret says
        (
            "/v1,",
            "/v1alpha1,",
            [("unknown-kind", "error", "apiVersion", f"is `toys.example.com/v1alpha1`, {NOT_SERVED}")],
        ),
        (
            "/v1, kind: Kite, metadata: {name: it}, spec: {size: s}",
            "/v1beta1, kind: Kite, metadata: {name: it}",
            [("deprecated-api", "warning", "apiVersion", "is deprecated: toys.example.com/v1beta1 Kite is deprecated")],
        ),
    ],
)
def test_a_custom_object_is_judged_by_its_definition(
    before: str, after: str, expected: list[tuple[str, str, str, str]]
) -> None:
    found = custom(KITE.replace(before, after)).findings
    assert [(one.rule, one.level, ".".join(one.path), one.message) for one in found] == expected


def test_what_nothing_judges_of_a_custom_object_is_counted() -> None:
    assert custom(KITE).unjudged == (Unjudged(CEL, 1),)
    assert custom(KITE.replace("size: s", "size: ‹secret 1›")).unjudged == (
        Unjudged("fields whose value is masked as a secret", 1),
        Unjudged(CEL, 1),
    )
    other = custom(KITE.replace("kind: Kite", "kind: Top"))
    assert (other.findings, len(other.custom)) == ((), 1)


@pytest.mark.parametrize("version", ["1.30", "1.34", "1.37"])
def test_right_objects_of_every_common_kind_are_right(version: str) -> None:
    wrong = [(case.name, finding) for case in right().values() for finding in case.findings(version)]
    assert wrong == []
