"""Dangers: an object is deleted with its data or its function, or to be created again because a field is immutable.

Source of the immutable fields: the validation of Kubernetes 1.34.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from cmp.changes import Danger
from cmp.compare.dangers.syncing import FORCE, PRUNE_CONFIRM, PRUNE_FALSE, has_option, is_always_recreated, is_hook
from cmp.yamldoc.access import dig, maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.changes import Object
    from cmp.compare.pairing import MatchedObject

_CONTENT_LOST = {
    ("", "PersistentVolumeClaim"): "is removed, and its data with it unless the volume is retained",
    ("", "PersistentVolume"): "is removed, and the cluster forgets where its data is",
    ("", "Namespace"): "is removed, and everything in it",
    ("apps", "StatefulSet"): "is removed, and its pods with it; its volume claims stay",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "is removed, and every object of its kind on the cluster",
}
_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
_WORKLOAD = ("workload-removed", "is removed, and its pods with it: nothing of it runs any more")
_FILTER = ("network-policy-removed", "is removed: connections that it kept out are let in, unless another policy does")
_ADMITTING = ("admission-removed", "is removed: requests that it refused or changed pass as they are")
_ALLOWING = ("permissions-removed", "is removed: accounts that have their permissions by it alone lose them")
_SERVICE = ("service-removed", "is removed: its name and its address are gone, and clients that use them fail")
_BUDGET = ("budget-removed", "is removed: a drain may evict all of its pods at once")
_FUNCTION_LOST: dict[tuple[str, str], tuple[str, str]] = {
    **{("apps", kind): _WORKLOAD for kind in ("Deployment", "DaemonSet", "ReplicaSet")},
    ("batch", "CronJob"): ("workload-removed", "is removed: its jobs are no longer started"),
    ("", "Pod"): _WORKLOAD,
    ("", "ReplicationController"): _WORKLOAD,
    ("argoproj.io", "Rollout"): _WORKLOAD,
    ("serving.knative.dev", "Service"): _WORKLOAD,
    ("networking.k8s.io", "NetworkPolicy"): _FILTER,
    **{("policy.networking.k8s.io", f"{name}AdminNetworkPolicy"): _FILTER for name in ("", "Baseline")},
    **{("cilium.io", f"Cilium{kind}NetworkPolicy"): _FILTER for kind in ("", "Clusterwide")},
    **{
        (f"{group}projectcalico.org", f"{kind}NetworkPolicy"): _FILTER
        for group in ("", "crd.")
        for kind in ("", "Global")
    },
    **{("security.istio.io", kind): _FILTER for kind in ("AuthorizationPolicy", "PeerAuthentication")},
    **{(_ADMISSION, f"{kind}WebhookConfiguration"): _ADMITTING for kind in ("Validating", "Mutating")},
    **{
        (_ADMISSION, f"{kind}AdmissionPolicy{binding}"): _ADMITTING
        for kind in ("Validating", "Mutating")
        for binding in ("", "Binding")
    },
    **{(_RBAC, kind): _ALLOWING for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")},
    ("", "ServiceAccount"): ("permissions-removed", "is removed: pods that run under it are no longer created"),
    ("", "Service"): _SERVICE,
    ("policy", "PodDisruptionBudget"): _BUDGET,
}
_SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout")

_IMMUTABLE_IN_SPEC: dict[tuple[str, str], tuple[str, ...]] = {
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
_IMMUTABLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
    ("", "Secret"): ("type",),
}
_IMMUTABLE_DATA = ("data", "stringData", "binaryData", "immutable")
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,3})?")
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)}
_SMALL = {letter: Decimal(1).scaleb(-power) for letter, power in (("m", 3), ("u", 6), ("n", 9))}
_FACTORS = {"": Decimal(1), **_BINARY, **_DECIMAL, **_SMALL}


def data_removed(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that an object is pruned with its content, or that an annotation keeps it; also for one that is renamed."""
    before = matched.before
    text = _CONTENT_LOST.get((before.identity.group, before.identity.kind)) if before else None
    is_pruned = matched.after is None or matched.is_renamed
    if before is None or text is None or not is_pruned or is_hook(before):
        return
    if dig(before.value, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
        text = "is removed, and with its pods its volume claims and their data"
    if matched.is_renamed:  # a report names the object as it will be
        was = "/".join(filter(None, (before.identity.namespace, before.identity.name)))
        text = text.replace("is removed", f"is removed as `{was}`", 1)
    yield _pruned(before, "data-removed", text)


def function_removed(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that something that ran, answered, allowed or kept out is pruned, or that an annotation keeps it.

    One that is renamed does the same under its new name, but for a Service, whose name is what its clients know.
    """
    before = matched.before
    if before is None or is_hook(before):
        return
    identity = before.identity
    rule, text = _FUNCTION_LOST.get((identity.group, identity.kind), ("", ""))
    if rule == "service-removed" and matched.after and matched.after.identity.name != identity.name:
        text = f"is removed under the name `{identity.name}`: clients that use it fail"
    elif matched.after is not None:
        return
    if rule:
        yield _pruned(before, rule, text)


def _pruned(before: Object, rule: str, text: str) -> Danger:
    if has_option(before, PRUNE_FALSE):
        return Danger("orphaned", "leaves the application and stays on the cluster, as `Prune=false` says")
    kept = dig(before.value, "metadata", "annotations", "helm.sh/resource-policy") == "keep"
    hint = (
        " (Argo CD heeds `helm.sh/resource-policy: keep` only where the whole application is deleted)" if kept else ""
    )
    confirmed = ", after somebody confirms it" if has_option(before, PRUNE_CONFIRM) else ""
    return Danger(rule, text + confirmed + hint)


def namespace_changed(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that an object changes its namespace: Kubernetes cannot move it."""
    before, after = matched
    if before and after and before.identity.namespace != after.identity.namespace:
        old, new = (side.identity.namespace or "(none)" for side in (before, after))
        yield Danger("namespace-changed", f"is deleted in namespace `{old}` and created anew in `{new}`")


def volume_shrink(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that a claim asks for less than it has, which the API server refuses."""
    before, after = matched
    if before is None or after is None or after.identity.kind != "PersistentVolumeClaim" or matched.is_renamed:
        return
    old, new = (dig(side.value, "spec", "resources", "requests", "storage") for side in (before, after))
    had, wants = _quantity(old), _quantity(new)
    if had is not None and wants is not None and wants < had:
        yield Danger("volume-shrink", f"asks for {new} instead of {old}: volumes cannot shrink, so the sync fails")


def replicas_zero(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that a running workload is scaled to no pods; a missing `replicas` is 1."""
    before, after = matched
    if before is None or after is None or after.identity.kind not in _SCALED:
        return
    old, new = (dig(side.value, "spec", "replicas") for side in (before, after))
    if new == 0 and old != 0:
        yield Danger(
            "replicas-zero", f"goes from {1 if old is None else old} to 0 replicas: nothing of it runs any more"
        )


def crd_version(matched: MatchedObject) -> Iterator[Danger]:
    """Yield versions of a CRD that are no longer served, and another storage version."""
    before, after = matched
    if before is None or after is None or after.identity.kind != "CustomResourceDefinition":
        return
    for version in sorted(_versions(before, "served") - _versions(after, "served")):
        yield Danger("crd-version", f"no longer serves version `{version}`: manifests and clients that use it fail")
    for version in sorted(_versions(before, "storage") - _versions(after, "storage")):
        yield Danger("crd-version", f"no longer stores objects as `{version}`: those in etcd have to be migrated")


def _versions(subject: Object, flag: str) -> set[str]:
    versions = maps(dig(subject.value, "spec", "versions"))
    return {str(version.get("name")) for version in versions if version.get(flag) is True}


def immutable_field(matched: MatchedObject) -> Iterator[Danger]:
    """Yield each change of an immutable field, and the reaction of Argo CD; hooks are always created anew."""
    before, after = matched
    if before is None or after is None or matched.is_renamed or is_hook(after) or is_always_recreated(after):
        return
    ending = "so the sync fails unless the object is deleted first"
    if after.identity.kind in _BINDINGS:  # Argo CD asks `kubectl auth reconcile` first
        ending = "so Argo CD deletes the object and creates it again"
    elif has_option(after, FORCE):
        ending = "so Argo CD deletes the object and creates it again, as `Force=true` says"
    for keys in _immutable_paths(before):
        if dig(before.value, *keys) != dig(after.value, *keys):
            yield Danger("immutable-field", f"changes `{'.'.join(keys)}`, which is immutable, {ending}")
    if _changes_address(before, after):
        yield Danger("immutable-field", f"changes `spec.clusterIP`, which is immutable, {ending}")


def _immutable_paths(before: Object) -> Iterable[tuple[str, ...]]:
    identity = before.identity
    yield from (("spec", key) for key in _IMMUTABLE_IN_SPEC.get((identity.group, identity.kind), ()))
    yield from ((key,) for key in _IMMUTABLE.get((identity.group, identity.kind), ()))
    if identity.group == "" and identity.kind in ("ConfigMap", "Secret") and before.value.get("immutable") is True:
        yield from ((key,) for key in _IMMUTABLE_DATA)
    if identity.kind in _BINDINGS:
        yield ("roleRef",)


def _changes_address(before: Object, after: Object) -> bool:
    """Say whether a Service asks for another address; a Service that no longer asks for one keeps its address."""
    if (after.identity.group, after.identity.kind) != ("", "Service"):
        return False
    if "ExternalName" in (dig(before.value, "spec", "type"), dig(after.value, "spec", "type")):
        return False
    old, new = (dig(side.value, "spec", "clusterIP") or None for side in (before, after))
    return new is not None and old != new


def _quantity(value: object) -> Decimal | None:
    """Return the number of a Kubernetes quantity (`10Gi`, `1.5`, `500m`, `1e3`), None for another text."""
    match = _QUANTITY.fullmatch(str(value))
    if not match:
        return None
    number, suffix = Decimal(match[1]), match[2] or ""
    factor = _FACTORS.get(suffix)
    return number.scaleb(int(suffix[1:])) if factor is None else number * factor
