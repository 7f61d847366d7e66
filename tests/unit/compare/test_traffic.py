"""Dangers for traffic: services, hosts and evictions (test_dangers.py has every case)."""

from __future__ import annotations

import pytest

from cmp.changes import Danger
from cmp.compare.dangers.traffic import disruption_blocked, hosts_removed, service_changed
from tests.support.objects import matched

SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: LoadBalancer, selector: {app: web}}}"
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: shop.example}, {host: www.shop.example}, {http: {}}]}
"""
BUDGET = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: web}, spec: {maxUnavailable: 1}}"


def test_another_type_changes_the_addresses() -> None:
    (danger,) = service_changed(matched(SERVICE, SERVICE.replace("type: LoadBalancer, ", "")))
    assert danger == Danger("service-type", "changes its type from LoadBalancer to ClusterIP: its addresses change")


def test_another_selector_sends_traffic_to_other_pods() -> None:
    (danger,) = service_changed(matched(SERVICE, SERVICE.replace("app: web", "app: api, tier: back")))
    assert danger == Danger(
        "service-selector", "selects `app=api`, `tier=back` instead of `app=web`: its traffic goes to other pods"
    )
    assert list(service_changed(matched(SERVICE, SERVICE.replace("name: web", "name: web, labels: {a: b}")))) == []


def test_a_host_is_no_longer_answered() -> None:
    after = INGRESS.replace("{host: shop.example}, ", "")
    assert list(hosts_removed(matched(INGRESS, after))) == [
        Danger("host-removed", "no longer answers for `shop.example`")
    ]
    assert list(hosts_removed(matched(after, INGRESS))) == []
    assert [danger.rule for danger in hosts_removed(matched(INGRESS, ""))] == ["host-removed", "host-removed"]


@pytest.mark.parametrize("spec", ["maxUnavailable: 0", "maxUnavailable: 0%", "minAvailable: 100%"])
def test_no_eviction_keeps_nodes_from_being_drained(spec: str) -> None:
    after = BUDGET.replace("maxUnavailable: 1", spec)
    assert [danger.rule for danger in disruption_blocked(matched(BUDGET, after))] == ["disruption-blocked"]
    assert list(disruption_blocked(matched(after, after))) == []
    assert list(disruption_blocked(matched(after, BUDGET))) == []
