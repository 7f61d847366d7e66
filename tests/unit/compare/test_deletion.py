"""Dangers of deletion, each rule by its function: input and sentence on one screen (test_dangers.py has every case)."""

from __future__ import annotations

from cmp.changes import Danger
from cmp.compare.dangers import deletion
from tests.support.objects import matched

CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop, annotations: {}}
spec: {resources: {requests: {storage: 10Gi}}}
"""
STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec: {replicas: 3, serviceName: db}
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.test}
spec: {versions: [{name: v1, served: true, storage: true}, {name: v2, served: true, storage: false}]}
"""
REMOVED = Danger("data-removed", "is removed, and its data with it unless the volume is retained")


def test_a_removed_claim_loses_its_data() -> None:
    assert list(deletion.data_removed(matched(CLAIM, ""))) == [REMOVED]
    renamed = matched(CLAIM, CLAIM.replace("name: data", "name: other"))
    text = "is removed as `shop/data`, and its data with it unless the volume is retained"
    assert list(deletion.data_removed(renamed)) == [Danger("data-removed", text)]


def test_a_claim_that_comes_or_stays_does_not() -> None:
    assert list(deletion.data_removed(matched("", CLAIM))) == []
    assert list(deletion.data_removed(matched(CLAIM, CLAIM.replace("10Gi", "20Gi")))) == []


def test_prune_false_keeps_it_outside_the_application() -> None:
    kept = CLAIM.replace("annotations: {}", "annotations: {argocd.argoproj.io/sync-options: Prune=false}")
    (danger,) = deletion.data_removed(matched(kept, ""))
    assert danger == Danger("orphaned", "leaves the application and stays on the cluster, as `Prune=false` says")


def test_an_object_cannot_move_to_another_namespace() -> None:
    moved = CLAIM.replace("namespace: shop", "namespace: store")
    (danger,) = deletion.namespace_changed(matched(CLAIM, moved))
    assert danger == Danger("namespace-changed", "is deleted in namespace `shop` and created anew in `store`")
    assert list(deletion.namespace_changed(matched(CLAIM, CLAIM))) == []


def test_a_volume_cannot_shrink_but_may_be_written_otherwise() -> None:
    (danger,) = deletion.volume_shrink(matched(CLAIM, CLAIM.replace("10Gi", "10.5G")))
    assert danger.text == "asks for 10.5G instead of 10Gi: volumes cannot shrink, so the sync fails"
    assert list(deletion.volume_shrink(matched(CLAIM, CLAIM.replace("10Gi", "10240Mi")))) == []
    assert list(deletion.volume_shrink(matched(CLAIM, CLAIM.replace("10Gi", "11e9")))) == []
    assert list(deletion.volume_shrink(matched(CLAIM, CLAIM.replace("10Gi", "much")))) == []


def test_no_replicas_is_no_pods() -> None:
    (danger,) = deletion.replicas_zero(matched(STATEFUL, STATEFUL.replace("replicas: 3", "replicas: 0")))
    assert danger == Danger("replicas-zero", "goes from 3 to 0 replicas: nothing of it runs any more")
    assert list(deletion.replicas_zero(matched(STATEFUL, STATEFUL.replace("replicas: 3", "replicas: 1")))) == []


def test_versions_of_a_definition_are_no_longer_served_or_stored() -> None:
    after = CRD.replace("served: true, storage: true", "served: false, storage: false")
    after = after.replace("served: true, storage: false", "served: true, storage: true")
    assert [danger.text for danger in deletion.crd_version(matched(CRD, after))] == [
        "no longer serves version `v1`: manifests and clients that use it fail",
        "no longer stores objects as `v1`: those in etcd have to be migrated",
    ]


def test_an_immutable_field_makes_the_sync_fail_or_the_object_new() -> None:
    after = STATEFUL.replace("serviceName: db", "serviceName: database")
    (danger,) = deletion.immutable_field(matched(STATEFUL, after))
    assert danger.text == (
        "changes `spec.serviceName`, which is immutable, so the sync fails unless the object is deleted first"
    )
    forced = after.replace("shop}", "shop, annotations: {argocd.argoproj.io/sync-options: Force=true}}")
    (danger,) = deletion.immutable_field(matched(STATEFUL, forced))
    assert danger.text.endswith("so Argo CD deletes the object and creates it again, as `Force=true` says")
    assert list(deletion.immutable_field(matched(STATEFUL, STATEFUL.replace("replicas: 3", "replicas: 5")))) == []
