"""The pods of an object: their spec, their containers, the configuration that they read; when they are replaced."""

from __future__ import annotations

import pytest

from cmp.compare.fields import differences
from cmp.compare.pairing import MatchedObject
from cmp.compare.pods import configuration, containers, is_restart, pod_spec
from tests.support.objects import object_of, value_of

ONE = "spec: {template: {spec: {containers: [{name: a, image: 'a:1'}]}}}"
TWO = ONE.replace("a:1", "a:2")


def _restarts(before: str, after: str, kind: str = "Deployment", names: tuple[str, str] = ("a", "a")) -> bool:
    sides = zip((before, after), names, strict=True)
    old, new = (object_of(value_of(f"kind: {kind}\nmetadata: {{name: {name}}}\n{body}")) for body, name in sides)
    return is_restart(MatchedObject(old, new), differences(old.value, new.value))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Rollout"])
def test_another_template_replaces_pods(kind: str) -> None:
    assert _restarts(ONE, TWO, kind)


@pytest.mark.parametrize("kind", ["ReplicaSet", "Job", "CronJob", "Pod", "ConfigMap", "Thing"])
def test_pods_that_end_by_themselves_or_stay(kind: str) -> None:
    assert not _restarts(ONE, TWO, kind)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("spec: {template: {metadata: {labels: {a: b}}}}", "spec: {template: {metadata: {labels: {a: c}}}}"),
        ("spec: {replicas: 1}", "spec: {template: {a: b}}"),
        ("a: 1", "spec: {template: {a: b}}"),
        ("spec: {template: {a: [{name: x}, {name: y}]}}", "spec: {template: {a: [{name: y}, {name: x}]}}"),
    ],
)
def test_anything_in_the_template_counts(before: str, after: str) -> None:
    assert _restarts(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("spec: {replicas: 1}", "spec: {replicas: 2}"),
        ("spec: {templates: 1}", "spec: {templates: 2}"),
        ("other: {labels: {a: b}}", "other: {labels: {a: c}}"),
        (ONE, TWO.replace("spec: {template", "spec: {paused: true, template", 1)),
        (ONE, TWO.replace("spec: {template", "spec: {replicas: 0, template", 1)),
        (ONE, TWO.replace("spec: {template", "spec: {updateStrategy: {type: OnDelete}, template", 1)),
    ],
)
def test_pods_stay(before: str, after: str) -> None:
    assert not _restarts(before, after)


def test_a_workload_of_another_name_has_other_pods() -> None:
    assert _restarts(ONE, ONE, names=("a", "b"))
    assert not _restarts(ONE, ONE, "Job", names=("a", "b"))


def test_a_workload_that_comes_or_goes_does_not_restart() -> None:
    one = object_of(value_of(f"kind: Deployment\n{ONE}"))
    assert not is_restart(MatchedObject(one, None), differences(one.value, None))
    assert not is_restart(MatchedObject(None, one), differences(None, one.value))


@pytest.mark.parametrize(
    ("manifest", "spec"),
    [
        ("{kind: Deployment, spec: {template: {spec: {a: 1}}}}", {"a": 1}),
        ("{kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: {a: 1}}}}}}", {"a": 1}),
        ("{kind: Pod, spec: {a: 1}}", {"a": 1}),
        ("{kind: Deployment, spec: {template: null}}", {}),
        ("{kind: Widget, spec: {template: {spec: {a: 1}}}}", {}),
    ],
)
def test_the_spec_of_the_pods(manifest: str, spec: dict[str, object]) -> None:
    assert pod_spec(object_of(value_of(manifest))) == spec


def test_containers_of_all_kinds() -> None:
    spec = value_of(
        "{containers: [{name: b}, nonsense], initContainers: [{name: a}], ephemeralContainers: [{name: c}]}"
    )
    assert isinstance(spec, dict)
    assert [container["name"] for container in containers(spec)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("spec", "read"),
    [
        ("volumes: [{configMap: {name: a}}]", {("ConfigMap", "a")}),
        ("volumes: [{secret: {secretName: a}}]", {("Secret", "a")}),
        (
            "volumes: [{projected: {sources: [{configMap: {name: a}}, {secret: {name: b}}]}}]",
            {("ConfigMap", "a"), ("Secret", "b")},
        ),
        (
            "containers: [{envFrom: [{configMapRef: {name: a}}, {secretRef: {name: b}}]}]",
            {("ConfigMap", "a"), ("Secret", "b")},
        ),
        (
            "containers: [{env: [{valueFrom: {configMapKeyRef: {name: a}}}, {valueFrom: {secretKeyRef: {name: b}}}]}]",
            {("ConfigMap", "a"), ("Secret", "b")},
        ),
        ("volumes: [{emptyDir: {}}, {configMap: {name: 1}}]", set()),
    ],
)
def test_the_configuration_that_pods_read(spec: str, read: set[tuple[str, str]]) -> None:
    value = value_of(spec)
    assert isinstance(value, dict)
    assert configuration(value) == read
