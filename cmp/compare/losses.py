"""Dangers: what goes away, with its data or with what runs in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Danger
from cmp.compare.pods import dig, maps
from cmp.compare.quantity import quantity
from cmp.compare.syncoptions import PRUNE_CONFIRM, PRUNE_FALSE, has_option, is_hook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Object
    from cmp.compare.matched import Matched

_LOST = {
    ("", "PersistentVolumeClaim"): "is removed, and its data with it unless the volume is retained",
    ("", "PersistentVolume"): "is removed, and the cluster forgets where its data is",
    ("", "Namespace"): "is removed, and everything in it",
    ("apps", "StatefulSet"): "is removed, and its pods with it; its volume claims stay",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "is removed, and every object of its kind on the cluster",
}
_SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout")


def data_removed(matched: Matched) -> Iterator[Danger]:
    """Yield that an object is pruned with what it holds, or that an annotation keeps it; also under another name."""
    before = matched.before
    text = _LOST.get((before.identity.group, before.identity.kind)) if before else None
    if before is None or text is None or not _is_gone(matched) or is_hook(before):
        return
    if has_option(before, PRUNE_FALSE):
        yield Danger("orphaned", "leaves the application and stays on the cluster, as `Prune=false` says")
        return
    if dig(before.value, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
        text = "is removed, and with its pods its volume claims and their data"
    kept = dig(before.value, "metadata", "annotations", "helm.sh/resource-policy") == "keep"
    hint = (
        " (Argo CD heeds `helm.sh/resource-policy: keep` only where the whole application is deleted)" if kept else ""
    )
    confirmed = ", after somebody confirms it" if has_option(before, PRUNE_CONFIRM) else ""
    yield Danger("data-removed", text + confirmed + hint)


def _is_gone(matched: Matched) -> bool:
    before, after = matched
    if before is None or after is None:
        return before is not None
    return (before.identity.namespace, before.identity.name) != (after.identity.namespace, after.identity.name)


def namespace_changed(matched: Matched) -> Iterator[Danger]:
    """Yield that an object moves, which nothing in Kubernetes can do."""
    before, after = matched
    if before and after and before.identity.namespace != after.identity.namespace:
        old, new = (side.identity.namespace or "(none)" for side in (before, after))
        yield Danger("namespace-changed", f"is deleted in namespace `{old}` and created anew in `{new}`")


def volume_shrink(matched: Matched) -> Iterator[Danger]:
    """Yield that a claim asks for less than it has, which the API server refuses."""
    before, after = matched
    if before is None or after is None or after.identity.kind != "PersistentVolumeClaim" or _is_gone(matched):
        return
    old, new = (dig(side.value, "spec", "resources", "requests", "storage") for side in (before, after))
    had, wants = quantity(old), quantity(new)
    if had is not None and wants is not None and wants < had:
        yield Danger("volume-shrink", f"asks for {new} instead of {old}: volumes cannot shrink, so the sync fails")


def replicas_zero(matched: Matched) -> Iterator[Danger]:
    """Yield that a workload which ran is to have no pods; a missing `replicas` is 1."""
    before, after = matched
    if before is None or after is None or after.identity.kind not in _SCALED:
        return
    old, new = (dig(side.value, "spec", "replicas") for side in (before, after))
    if new == 0 and old != 0:
        yield Danger(
            "replicas-zero", f"goes from {1 if old is None else old} to 0 replicas: nothing of it runs any more"
        )


def crd_version(matched: Matched) -> Iterator[Danger]:
    """Yield versions of a CRD that are no longer served, and another version in which objects are stored."""
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
