"""The example monorepo in Argo CD: the clusters have what `cmp render` prints, and changes stay where they are."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from tests.argocd import monorepo
from tests.argocd.applications import sync_status
from tests.argocd.caller import request
from tests.argocd.monorepo import Instance, api_versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.argocd.kube import Object
    from tests.argocd.monorepo import Fleet
    from tests.argocd.world import ArgoCD

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
TRACKING = "argocd.argoproj.io/tracking-id"
HOOK = "helm.sh/hook"

COMMON_VALUES = "namespaces/search/common-values.yaml"
VALUES_OF_ONE_CLUSTER = "clusters/prod-cluster/namespace-a/prod-values-a.yaml"


@pytest.fixture(scope="module")
def fleet(argocd: ArgoCD, tools_dir: str) -> Iterator[Fleet]:
    with monorepo.fleet(argocd, tools_dir) as running:
        yield running


def test_every_application_is_on_every_cluster_what_cmp_render_prints(fleet: Fleet) -> None:
    assert len(fleet.instances) == 29
    for instance in fleet.instances:
        app = fleet.argocd.app(instance.name)
        assert sync_status(app) == "Synced"
        assert app["status"]["sync"]["revision"] == fleet.repository.head
        # Argo CD makes no use of Helm's hook `test`.
        rendered = [each for each in fleet.rendered(instance) if hook(each) != "test"]
        assert managed(app) == {identity(each) for each in rendered}
        for each in rendered:
            live = fleet.live(instance, each)
            assert sent(live) == each
            assert is_part(stored(each), live), f"{instance.name}: {identity(each)}"


def test_only_clusters_that_know_service_monitors_have_some(fleet: Fleet) -> None:
    kinds = {name: {each["kind"] for each in fleet.rendered(Instance("search", name))} for name in fleet.kubes}
    assert {name for name, found in kinds.items() if "ServiceMonitor" in found} == {*monorepo.MONITORED}


def test_a_change_of_values_reaches_exactly_the_applications_that_use_them(fleet: Fleet) -> None:
    before = {each: fleet.state(each) for each in fleet.instances}
    syncs = fleet.syncs()
    fleet.edit(COMMON_VALUES, 'QUIET_HOURS: "1:30"', 'QUIET_HOURS: "2:30"')
    fleet.edit(VALUES_OF_ONE_CLUSTER, "maxmemory: 1536mb", "maxmemory: 1280mb")

    fleet.refresh()

    after = {each: fleet.state(each) for each in fleet.instances}
    changed = {each: {name for name, _ in before[each].items() ^ after[each].items()} for each in fleet.instances}
    wanted = {Instance("search", name): together("search-indexer", "Deployment") for name in fleet.kubes}
    wanted[Instance("namespace-a", "prod-cluster")] = together("namespace-a-redis", "StatefulSet")
    assert {each: names for each, names in changed.items() if names} == wanted
    assert {each for each, count in fleet.syncs().items() if count != syncs[each]} == {*wanted}


def test_both_source_paths_give_the_same_bytes_and_a_person_in_the_pod_the_same_objects(fleet: Fleet) -> None:
    versions = api_versions(fleet.argocd.kube)
    for instance in (Instance("namespace-a", monorepo.HERE), Instance("edge-proxy", monorepo.HERE)):
        forms = (
            fleet.application(instance, f"clusters/{instance.cluster}/{instance.app}"),
            fleet.application(instance, f"namespaces/{instance.app}", cluster=instance.cluster),
        )
        asked = [request(app, kube_version=fleet.argocd.kube_version, api_versions=versions) for app in forms]
        by_cluster, by_parameter = (each.answer["manifests"] for each in fleet.argocd.ask("manifests", *asked))
        assert by_cluster == by_parameter
        assert [json.loads(text) for text in by_cluster] == fleet.rendered(instance)


def identity(each: Object) -> tuple[str, str, str]:
    metadata = each["metadata"]
    return each["kind"], metadata.get("namespace", ""), metadata["name"]


def together(name: str, workload: str) -> set[tuple[str, str]]:
    """Return a workload and its settings, whose checksum it holds."""
    return {(workload, name), ("ConfigMap", name)}


def managed(app: Object) -> set[tuple[str, str, str]]:
    """Return the identities of the objects of an Application that are there, its hooks too."""
    return {(each["kind"], each.get("namespace", ""), each["name"]) for each in app["status"]["resources"]}


def hook(each: Object) -> str:
    return str(each["metadata"].get("annotations", {}).get(HOOK, ""))


def sent(live: Object) -> Object:
    """Return the object as Argo CD applied it, without the marks by which it finds it again."""
    found: Object = json.loads(live["metadata"]["annotations"][LAST_APPLIED])
    metadata = found["metadata"]
    metadata["annotations"].pop(TRACKING, None)  # a CustomResourceDefinition has none
    if not metadata["annotations"]:
        del metadata["annotations"]
    if hook(found):
        assert metadata.pop("finalizers") == ["argocd.argoproj.io/hook-finalizer"]
    return found


def stored(each: Object) -> Object:
    """Return the object as the API server keeps it: a Secret's `stringData` is for writing only."""
    texts = each.get("stringData", {}) if each["kind"] == "Secret" else {}
    if not texts:
        return each
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    kept = {key: value for key, value in each.items() if key != "stringData"}
    return {**kept, "data": {**each.get("data", {}), **data}}


def is_part(part: object, whole: object) -> bool:
    """Return whether all that was rendered is there; the API server adds what it defaults, and keys only."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and is_part(part[key], whole[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) == len(whole) and all(map(is_part, part, whole))
    return bool(part == whole)
