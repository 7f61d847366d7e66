"""The pods of an object: their template, containers and configuration, and the changes that replace them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.yamldoc.access import dig, mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Field, Object
    from cmp.compare.pairing import MatchedObject

    Map = dict[str, object]

_TEMPLATE = ("spec", "template")
# Rollout is of Argo Rollouts; the meaning of a `template` in other custom resources is unknown here.
TEMPLATES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"), _TEMPLATE),
    **dict.fromkeys(("ReplicationController", "Job", "Rollout"), _TEMPLATE),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
# A ReplicaSet only uses the new template for pods that it has to make anyway; a job's pods end by themselves.
_REPLACING = frozenset(("Deployment", "StatefulSet", "DaemonSet", "Rollout"))


def pod_spec(subject: Object) -> Map:
    """Return the spec of the pods that an object makes or is; empty where it makes none."""
    keys = TEMPLATES.get(subject.identity.kind)
    return {} if keys is None else mapping(dig(subject.value, *keys, "spec"))


def containers(spec: Map) -> list[Map]:
    """Return the containers of a pod's spec: init containers, containers and ephemeral containers."""
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in maps(spec.get(kind))]


def configuration(spec: Map) -> set[tuple[str, str]]:
    """Return kind and name of each ConfigMap and Secret that the pods mount or take variables from."""
    return {(kind, name) for kind, name in _references(spec) if isinstance(name, str)}


def is_restart(matched: MatchedObject, fields: Sequence[Field]) -> bool:
    """Say whether running pods are replaced: by another template, or as the workload is created under another name.

    Not where the workload waits for somebody to delete the pods (`OnDelete`), is paused, or is to have no pods.
    `fields` are all differences, the folded ones included: Kubernetes knows nothing of a report's noise.
    """
    before, after = matched
    if before is None or after is None or after.identity.kind not in _REPLACING:
        return False
    if dig(after.value, "spec", "replicas") == 0:
        return False
    if matched.is_renamed:
        return True
    if dig(after.value, "spec", "updateStrategy", "type") == "OnDelete" or dig(after.value, "spec", "paused") is True:
        return False
    return any(_is_in_template(field.path, TEMPLATES[after.identity.kind]) for field in fields)


def _references(spec: Map) -> Iterator[tuple[str, object]]:
    for volume in maps(spec.get("volumes")):
        yield "ConfigMap", dig(volume, "configMap", "name")
        yield "Secret", dig(volume, "secret", "secretName")
        for source in maps(dig(volume, "projected", "sources")):
            yield "ConfigMap", dig(source, "configMap", "name")
            yield "Secret", dig(source, "secret", "name")
    for container in containers(spec):
        for source in maps(container.get("envFrom")):
            yield "ConfigMap", dig(source, "configMapRef", "name")
            yield "Secret", dig(source, "secretRef", "name")
        for variable in maps(container.get("env")):
            yield "ConfigMap", dig(variable, "valueFrom", "configMapKeyRef", "name")
            yield "Secret", dig(variable, "valueFrom", "secretKeyRef", "name")


def _is_in_template(path: tuple[str, ...], template: tuple[str, ...]) -> bool:
    length = min(len(path), len(template))
    return path[:length] == template[:length]
