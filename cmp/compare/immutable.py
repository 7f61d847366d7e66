"""Dangers: fields that Kubernetes does not let anybody change (its validation of 1.34 was read for this)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Danger
from cmp.compare.pods import dig
from cmp.compare.syncoptions import FORCE, has_option, is_hook, is_made_anew

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.changes import Object
    from cmp.compare.matched import Matched

_SPEC: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): ("selector",),
    ("apps", "DaemonSet"): ("selector",),
    ("apps", "ReplicaSet"): ("selector",),
    ("apps", "StatefulSet"): ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"),
    ("batch", "Job"): ("selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"),
    ("", "PersistentVolumeClaim"): (
        *("accessModes", "dataSource", "dataSourceRef", "selector", "storageClassName", "volumeMode", "volumeName"),
    ),
    ("networking.k8s.io", "IngressClass"): ("controller",),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("group", "scope"),
}
_TOP: dict[tuple[str, str], tuple[str, ...]] = {
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
    ("", "Secret"): ("type",),
}
_SEALED = ("data", "stringData", "binaryData", "immutable")
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")


def immutable_field(matched: Matched) -> Iterator[Danger]:
    """Yield each change of an immutable field, and what Argo CD then does; hooks are always made anew."""
    before, after = matched
    if before is None or after is None or is_hook(after) or is_made_anew(after):
        return
    if (before.identity.namespace, before.identity.name) != (after.identity.namespace, after.identity.name):
        return
    ending = "so the sync fails unless the object is deleted first"
    if after.identity.kind in _BINDINGS:  # Argo CD asks `kubectl auth reconcile` first
        ending = "so Argo CD deletes the object and creates it again"
    elif has_option(after, FORCE):
        ending = "so Argo CD deletes the object and creates it again, as `Force=true` says"
    for keys in _paths(before):
        if dig(before.value, *keys) != dig(after.value, *keys):
            yield Danger("immutable-field", f"changes `{'.'.join(keys)}`, which is immutable, {ending}")
    if _is_other_address(before, after):
        yield Danger("immutable-field", f"changes `spec.clusterIP`, which is immutable, {ending}")


def _paths(before: Object) -> Iterable[tuple[str, ...]]:
    identity = before.identity
    yield from (("spec", key) for key in _SPEC.get((identity.group, identity.kind), ()))
    yield from ((key,) for key in _TOP.get((identity.group, identity.kind), ()))
    if identity.group == "" and identity.kind in ("ConfigMap", "Secret") and before.value.get("immutable") is True:
        yield from ((key,) for key in _SEALED)
    if identity.kind in _BINDINGS:
        yield ("roleRef",)


def _is_other_address(before: Object, after: Object) -> bool:
    """Say whether a Service asks for another address; one that asks for none any more keeps what it has."""
    if (after.identity.group, after.identity.kind) != ("", "Service"):
        return False
    if "ExternalName" in (dig(before.value, "spec", "type"), dig(after.value, "spec", "type")):
        return False
    old, new = (dig(side.value, "spec", "clusterIP") or None for side in (before, after))
    return new is not None and old != new
