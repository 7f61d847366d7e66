"""Dangers of permissions: only those that one side newly has (test_dangers.py has every case)."""

from __future__ import annotations

import pytest

from cmp.changes import Danger
from cmp.compare.dangers.permissions import account_permissions, pod_permissions
from tests.support.objects import matched

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {hostPID: false, containers: [{name: web, securityContext: {}}]}
"""
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: ["", apps], resources: [pods], verbs: [get]}]
"""
BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, namespace: shop, name: web}]
"""


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("hostPID: false", "hostPID: true", "host-namespace"),
        ("hostPID: false", "volumes: [{hostPath: {path: /}}]", "host-path"),
        ("securityContext: {}", "securityContext: {privileged: true}", "privileged"),
        ("securityContext: {}", "securityContext: {capabilities: {add: [SYS_ADMIN]}}", "capability"),
    ],
)
def test_pods_get_a_permission_on_their_node(old: str, new: str, rule: str) -> None:
    after = POD.replace(old, new)
    assert [danger.rule for danger in pod_permissions(matched(POD, after))] == [rule]
    assert [danger.rule for danger in pod_permissions(matched("", after))] == [rule]
    assert list(pod_permissions(matched(after, after))) == []
    assert list(pod_permissions(matched(after, POD))) == []


def test_a_role_allows_every_verb() -> None:
    after = ROLE.replace("verbs: [get]", 'verbs: ["*"]')
    assert list(account_permissions(matched(ROLE, after))) == [
        Danger("wildcard-verbs", "allows every verb on `pods.apps`"),
        Danger("wildcard-verbs", "allows every verb on `pods`"),
    ]
    assert list(account_permissions(matched(ROLE, ROLE.replace("[get]", "[get, list, watch]")))) == []


def test_an_account_gets_a_role_in_the_whole_cluster() -> None:
    assert list(account_permissions(matched("", BINDING))) == [
        Danger("cluster-binding", "gives ServiceAccount `shop/web` the ClusterRole `view` in every namespace")
    ]
    admin = BINDING.replace("name: view", "name: cluster-admin")
    assert list(account_permissions(matched(BINDING, admin))) == [
        Danger("cluster-admin", "gives ServiceAccount `shop/web` the ClusterRole `cluster-admin` in every namespace")
    ]
    assert list(account_permissions(matched(BINDING, ""))) == []
