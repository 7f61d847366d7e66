"""Each rule of dangers, word for word, and beside it a near miss that the rule must not report."""

from __future__ import annotations

from textwrap import dedent

import pytest

from cmp.compare.dangers import RULES, find
from cmp.compare.fields import differences
from cmp.compare.pairing import MatchedObject
from tests.support.objects import object_of, value_of

SYNC = "argocd.argoproj.io/sync-options"
FAILS = "so the sync fails unless the object is deleted first"
ANEW = "so Argo CD deletes the object and creates it again"


def _find(before: str, after: str) -> list[tuple[str, str]]:
    sides = [object_of(value_of(text)) if text else None for text in (before, after)]
    pair = MatchedObject(*sides)
    old, new = (side.value if side else None for side in sides)
    return [(danger.rule, danger.text) for danger in find(pair, differences(old, new))]


def _object(api_version: str, kind: str, body: str = "", *, name: str = "it", annotations: str = "{}") -> str:
    head = f"apiVersion: {api_version}\nkind: {kind}\n"
    return f"{head}metadata: {{name: {name}, namespace: shop, annotations: {annotations}}}\n{dedent(body)}"


def _claim(size: str = "10Gi", more: str = "", **metadata: str) -> str:
    return _object(
        "v1", "PersistentVolumeClaim", f"spec: {{resources: {{requests: {{storage: {size}}}}}, {more}}}", **metadata
    )


def _workload(spec: str, kind: str = "Deployment", **metadata: str) -> str:
    return _object("apps/v1", kind, f"spec: {{{spec}}}", **metadata)


def _pods(spec: str) -> str:
    return _workload(f"template: {{spec: {{{spec}}}}}")


def _container(context: str) -> str:
    return _pods(f"containers: [{{name: web, securityContext: {{{context}}}}}]")


def _crd(versions: str) -> str:
    return _object("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"spec: {{versions: [{versions}]}}")


def _rbac(kind: str, body: str) -> str:
    return _object("rbac.authorization.k8s.io/v1", kind, body)


def _binding(kind: str, role: str, *accounts: str) -> str:
    subjects = ", ".join(f"{{kind: ServiceAccount, namespace: shop, name: {name}}}" for name in accounts)
    return _rbac(kind, f"roleRef: {{kind: ClusterRole, name: {role}}}\nsubjects: [{subjects}]")


def _service(spec: str) -> str:
    return _object("v1", "Service", f"spec: {{{spec}}}")


def _budget(spec: str) -> str:
    return _object("policy/v1", "PodDisruptionBudget", f"spec: {{{spec}}}")


def _hook(policy: str, kind: str = "Job", more: str = "") -> str:
    texts = f"{{argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: '{policy}'}}"
    return _object("batch/v1", kind, more, annotations=texts)


KEPT = "(Argo CD heeds `helm.sh/resource-policy: keep` only where the whole application is deleted)"
LOST_CLAIM = "is removed, and its data with it unless the volume is retained"

DANGERS = {
    "a claim": (_claim(), "", [("data-removed", LOST_CLAIM)]),
    "a claim of another name": (
        _claim(),
        _claim(name="other"),
        [("data-removed", LOST_CLAIM.replace("removed", "removed as `shop/it`", 1))],
    ),
    "a claim after confirmation": (
        _claim(annotations=f"{{{SYNC}: Prune=confirm}}"),
        "",
        [("data-removed", f"{LOST_CLAIM}, after somebody confirms it")],
    ),
    "a claim that Helm would keep": (
        _claim(annotations="{helm.sh/resource-policy: keep}"),
        "",
        [
            (
                "data-removed",
                f"{LOST_CLAIM} {KEPT}",
            )
        ],
    ),
    "a claim that Argo CD keeps": (
        _claim(annotations=f"{{{SYNC}: 'Validate=false, Prune=false'}}"),
        "",
        [("orphaned", "leaves the application and stays on the cluster, as `Prune=false` says")],
    ),
    "a volume": (
        _object("v1", "PersistentVolume"),
        "",
        [("data-removed", "is removed, and the cluster forgets where its data is")],
    ),
    "a namespace": (_object("v1", "Namespace"), "", [("data-removed", "is removed, and everything in it")]),
    "a stateful set": (
        _workload("", "StatefulSet"),
        "",
        [("data-removed", "is removed, and its pods with it; its volume claims stay")],
    ),
    "a stateful set with its claims": (
        _workload("persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}", "StatefulSet"),
        "",
        [("data-removed", "is removed, and with its pods its volume claims and their data")],
    ),
    "a definition": (
        _crd("{name: v1, served: true, storage: true}"),
        "",
        [("data-removed", "is removed, and every object of its kind on the cluster")],
    ),
    "a deployment": (
        _workload(""),
        "",
        [("workload-removed", "is removed, and its pods with it: nothing of it runs any more")],
    ),
    "a deployment that Argo CD keeps": (
        _workload("", annotations=f"{{{SYNC}: Prune=false}}"),
        "",
        [("orphaned", "leaves the application and stays on the cluster, as `Prune=false` says")],
    ),
    "a cron job after confirmation": (
        _object("batch/v1", "CronJob", annotations=f"{{{SYNC}: Prune=confirm}}"),
        "",
        [("workload-removed", "is removed: its jobs are no longer started, after somebody confirms it")],
    ),
    "a service": (
        _service(""),
        "",
        [("service-removed", "is removed: its name and its address are gone, and clients that use them fail")],
    ),
    "a service of another name": (
        _service(""),
        _service("").replace("name: it", "name: other"),
        [("service-removed", "is removed under the name `it`: clients that use it fail")],
    ),
    **{
        f"a {kind} of {version}": (
            _object(version, kind),
            "",
            [
                (
                    "network-policy-removed",
                    "is removed: connections that it kept out are let in, unless another policy does",
                )
            ],
        )
        for version, kind in (
            ("networking.k8s.io/v1", "NetworkPolicy"),
            ("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy"),
            ("cilium.io/v2", "CiliumClusterwideNetworkPolicy"),
            ("crd.projectcalico.org/v1", "GlobalNetworkPolicy"),
            ("security.istio.io/v1", "AuthorizationPolicy"),
        )
    },
    **{
        f"a {kind} that admits": (
            _object("admissionregistration.k8s.io/v1", kind),
            "",
            [("admission-removed", "is removed: requests that it refused or changed pass as they are")],
        )
        for kind in ("ValidatingWebhookConfiguration", "MutatingAdmissionPolicyBinding")
    },
    "a binding": (
        _binding("RoleBinding", "view", "web"),
        "",
        [("permissions-removed", "is removed: accounts that have their permissions by it alone lose them")],
    ),
    "an account": (
        _object("v1", "ServiceAccount"),
        "",
        [("permissions-removed", "is removed: pods that run under it are no longer created")],
    ),
    "a budget": (
        _budget("maxUnavailable: 1"),
        "",
        [("budget-removed", "is removed: a drain may evict all of its pods at once")],
    ),
    "another namespace": (
        _service(""),
        _service("").replace("namespace: shop", "namespace: store"),
        [("namespace-changed", "is deleted in namespace `shop` and created anew in `store`")],
    ),
    "a smaller claim": (
        _claim("1Ti"),
        _claim("1000Gi"),
        [("volume-shrink", "asks for 1000Gi instead of 1Ti: volumes cannot shrink, so the sync fails")],
    ),
    "no replicas": (
        _workload("replicas: 3"),
        _workload("replicas: 0"),
        [("replicas-zero", "goes from 3 to 0 replicas: nothing of it runs any more")],
    ),
    "no replicas instead of one": (
        _workload(""),
        _workload("replicas: 0"),
        [("replicas-zero", "goes from 1 to 0 replicas: nothing of it runs any more")],
    ),
    "a version of a definition": (
        _crd("{name: v1, served: true, storage: true}, {name: v1beta1, served: true, storage: false}"),
        _crd("{name: v1, served: true, storage: true}, {name: v1beta1, served: false, storage: false}"),
        [("crd-version", "no longer serves version `v1beta1`: manifests and clients that use it fail")],
    ),
    "another storage version": (
        _crd("{name: v1, served: true, storage: true}, {name: v2, served: true, storage: false}"),
        _crd("{name: v1, served: true, storage: false}, {name: v2, served: true, storage: true}"),
        [("crd-version", "no longer stores objects as `v1`: those in etcd have to be migrated")],
    ),
    "the selector of a deployment": (
        _workload("selector: {matchLabels: {app: a}}"),
        _workload("selector: {matchLabels: {app: b}}"),
        [("immutable-field", f"changes `spec.selector`, which is immutable, {FAILS}")],
    ),
    "what a stateful set claims": (
        _workload(
            "serviceName: a, volumeClaimTemplates: [{metadata: {labels: {helm.sh/chart: x-1.0.0}}}]", "StatefulSet"
        ),
        _workload(
            "serviceName: b, volumeClaimTemplates: [{metadata: {labels: {helm.sh/chart: x-1.0.1}}}]", "StatefulSet"
        ),
        [
            ("immutable-field", f"changes `spec.serviceName`, which is immutable, {FAILS}"),
            ("immutable-field", f"changes `spec.volumeClaimTemplates`, which is immutable, {FAILS}"),
        ],
    ),
    "the template of a job": (
        _object("batch/v1", "Job", "spec: {template: {spec: {containers: [{name: a, image: 'a:1'}]}}}"),
        _object("batch/v1", "Job", "spec: {template: {spec: {containers: [{name: a, image: 'a:2'}]}}}"),
        [("immutable-field", f"changes `spec.template`, which is immutable, {FAILS}")],
    ),
    "the template of a job that Argo CD may delete": (
        _object("batch/v1", "Job", "spec: {template: {a: 1}}", annotations=f"{{{SYNC}: Force=true}}"),
        _object("batch/v1", "Job", "spec: {template: {a: 2}}", annotations=f"{{{SYNC}: Force=true}}"),
        [("immutable-field", f"changes `spec.template`, which is immutable, {ANEW}, as `Force=true` says")],
    ),
    "the class of a claim": (
        _claim(more="storageClassName: slow"),
        _claim(more="storageClassName: fast"),
        [("immutable-field", f"changes `spec.storageClassName`, which is immutable, {FAILS}")],
    ),
    "the address of a service": (
        _service(""),
        _service("clusterIP: None"),
        [("immutable-field", f"changes `spec.clusterIP`, which is immutable, {FAILS}")],
    ),
    "the role of a binding": (
        _binding("RoleBinding", "view", "web"),
        _binding("RoleBinding", "edit", "web"),
        [("immutable-field", f"changes `roleRef`, which is immutable, {ANEW}")],
    ),
    "a sealed config map": (
        _object("v1", "ConfigMap", "immutable: true\ndata: {a: b}"),
        _object("v1", "ConfigMap", "immutable: true\ndata: {a: c}"),
        [("immutable-field", f"changes `data`, which is immutable, {FAILS}")],
    ),
    "parameters of a storage class": (
        _object("storage.k8s.io/v1", "StorageClass", "parameters: {type: a}"),
        _object("storage.k8s.io/v1", "StorageClass", "parameters: {type: b}"),
        [("immutable-field", f"changes `parameters`, which is immutable, {FAILS}")],
    ),
    "a privileged container": (
        _container(""),
        _container("privileged: true"),
        [("privileged", "runs container `web` privileged: it may do all that the node may")],
    ),
    "a privileged container that is new": (
        "",
        _pods("initContainers: [{name: web, securityContext: {privileged: true}}]"),
        [("privileged", "runs container `web` privileged: it may do all that the node may")],
    ),
    "the node's network": (
        _pods(""),
        _pods("hostNetwork: true"),
        [("host-namespace", "shares the node's own namespace: `hostNetwork`")],
    ),
    "the node's files": (
        _pods("volumes: [{name: a, hostPath: {path: /var/log}}]"),
        _pods("volumes: [{name: a, hostPath: {path: /}}]"),
        [("host-path", "mounts `/` of the node")],
    ),
    "a capability": (
        _container("capabilities: {add: [NET_BIND_SERVICE]}"),
        _container("capabilities: {add: [NET_BIND_SERVICE, SYS_ADMIN]}"),
        [("capability", "gives container `web` the capability `SYS_ADMIN`")],
    ),
    "a role in the whole cluster": (
        _binding("ClusterRoleBinding", "view", "web"),
        _binding("ClusterRoleBinding", "view", "web", "job"),
        [("cluster-binding", "gives ServiceAccount `shop/job` the ClusterRole `view` in every namespace")],
    ),
    "all rights in the whole cluster": (
        "",
        _binding("ClusterRoleBinding", "cluster-admin", "web"),
        [("cluster-admin", "gives ServiceAccount `shop/web` the ClusterRole `cluster-admin` in every namespace")],
    ),
    "all rights in a namespace": (
        "",
        _binding("RoleBinding", "cluster-admin", "web"),
        [("cluster-admin", "gives ServiceAccount `shop/web` the ClusterRole `cluster-admin` in namespace `shop`")],
    ),
    "every verb": (
        _rbac("Role", "rules: [{apiGroups: [apps, ''], resources: [secrets], verbs: [get, list]}]"),
        _rbac("Role", "rules: [{apiGroups: [apps, ''], resources: [secrets], verbs: ['*']}]"),
        [
            ("wildcard-verbs", "allows every verb on `secrets.apps`"),
            ("wildcard-verbs", "allows every verb on `secrets`"),
        ],
    ),
    "the type of a service": (
        _service(""),
        _service("type: LoadBalancer"),
        [("service-type", "changes its type from ClusterIP to LoadBalancer: its addresses change")],
    ),
    "the selector of a service": (
        _service("selector: {app: web, tier: front}"),
        _service("selector: {app: shop}"),
        [
            (
                "service-selector",
                "selects `app=shop` instead of `app=web`, `tier=front`: its traffic goes to other pods",
            )
        ],
    ),
    "a host": (
        _object("networking.k8s.io/v1", "Ingress", "spec: {rules: [{host: a.example.test}, {host: b.example.test}]}"),
        _object("networking.k8s.io/v1", "Ingress", "spec: {rules: [{host: b.example.test}]}"),
        [("host-removed", "no longer answers for `a.example.test`")],
    ),
    "the host of a listener": (
        _object("gateway.networking.k8s.io/v1", "Gateway", "spec: {listeners: [{name: a, hostname: a.example.test}]}"),
        _object("gateway.networking.k8s.io/v1", "Gateway", "spec: {listeners: [{name: a}]}"),
        [("host-removed", "no longer answers for `a.example.test`")],
    ),
    "the host of a route": (
        _object("gateway.networking.k8s.io/v1", "HTTPRoute", "spec: {hostnames: [a.example.test]}"),
        "",
        [("host-removed", "no longer answers for `a.example.test`")],
    ),
    "the host of a mesh's gateway": (
        _object("networking.istio.io/v1", "Gateway", "spec: {servers: [{hosts: [a.example.test]}]}"),
        _object("networking.istio.io/v1", "Gateway", "spec: {servers: []}"),
        [("host-removed", "no longer answers for `a.example.test`")],
    ),
    "no disruption": (
        _budget("maxUnavailable: 1"),
        _budget("maxUnavailable: 0"),
        [("disruption-blocked", "allows no disruption at all: nodes with these pods cannot be drained")],
    ),
    "a whole minimum": (
        "",
        _budget("minAvailable: 100%"),
        [("disruption-blocked", "allows no disruption at all: nodes with these pods cannot be drained")],
    ),
    "a replaced object": (
        _service(""),
        _object("v1", "Service", "spec: {}", annotations=f"{{{SYNC}: Replace=true}}"),
        [
            (
                "sync-replace",
                "is replaced as a whole from now on (`Replace=true`): what others set in it on the cluster is lost",
            )
        ],
    ),
    "an object made anew": (
        _object("v1", "Service", "spec: {a: 1}", annotations=f"{{{SYNC}: 'Force=true,Replace=true'}}"),
        _object("v1", "Service", "spec: {a: 2}", annotations=f"{{{SYNC}: 'Force=true,Replace=true'}}"),
        [("sync-force", "is deleted and created again, as `Force=true` and `Replace=true` say")],
    ),
    "a job made anew, whose template may therefore change": (
        _object("batch/v1", "Job", "spec: {template: {a: 1}}", annotations=f"{{{SYNC}: 'Replace=true, Force=true'}}"),
        _object("batch/v1", "Job", "spec: {template: {a: 2}}", annotations=f"{{{SYNC}: 'Replace=true, Force=true'}}"),
        [("sync-force", "is deleted and created again, as `Force=true` and `Replace=true` say")],
    ),
    "force where needed": (
        _service(""),
        _object("v1", "Service", "spec: {}", annotations=f"{{{SYNC}: Force=true}}"),
        [("sync-force", "is from now on deleted and created again where it cannot be patched (`Force=true`)")],
    ),
    "when a hook is deleted": (
        _hook("HookSucceeded"),
        _hook("BeforeHookCreation,HookFailed"),
        [
            (
                "hook-policy",
                "is a PreSync hook whose delete policy changes from HookSucceeded to BeforeHookCreation, HookFailed",
            )
        ],
    ),
    "a removed API": (
        _object("networking.k8s.io/v1", "Ingress"),
        _object("networking.k8s.io/v1beta1", "Ingress"),
        [("removed-api", "is written as `networking.k8s.io/v1beta1`, which Kubernetes 1.22 no longer has")],
    ),
    "a removed API of a new object": (
        "",
        _object("policy/v1beta1", "PodDisruptionBudget"),
        [("removed-api", "is written as `policy/v1beta1`, which Kubernetes 1.25 no longer has")],
    ),
}

HARMLESS = {
    "data-removed: a config map": (_object("v1", "ConfigMap"), ""),
    "workload-removed: a job, which may be done": (_object("batch/v1", "Job"), ""),
    "workload-removed: another name": (_workload(""), _workload("", name="other")),
    "workload-removed: new": ("", _workload("")),
    "network-policy-removed: another name": (
        _object("networking.k8s.io/v1", "NetworkPolicy"),
        _object("networking.k8s.io/v1", "NetworkPolicy", name="other"),
    ),
    "admission-removed: a webhook of another group": (_object("example.test/v1", "ValidatingWebhookConfiguration"), ""),
    "permissions-removed: a hook's account": (_object("v1", "ServiceAccount", annotations="{helm.sh/hook: test}"), ""),
    "service-removed: another group's": (_object("example.test/v1", "Service"), ""),
    "budget-removed: another name": (_budget("maxUnavailable: 1"), _budget("maxUnavailable: 1").replace("it", "that")),
    "data-removed: a claim of the same name": (_claim(), _claim(more="a: b")),
    "data-removed: a hook": (
        _object("v1", "PersistentVolumeClaim", annotations="{helm.sh/hook: pre-install}"),
        "",
    ),
    "data-removed: another group's kind": (_object("other.example.test/v1", "Namespace"), ""),
    "orphaned: without loss": (_object("v1", "ConfigMap", annotations=f"{{{SYNC}: Prune=false}}"), ""),
    "namespace-changed: another name": (_budget(""), _budget("").replace("name: it", "name: that")),
    "volume-shrink: the same size": (_claim("1Gi"), _claim("1024Mi")),
    "volume-shrink: larger, though the number is smaller": (_claim("900Mi"), _claim("1Gi")),
    "volume-shrink: no size": (_claim("some"), _claim("less")),
    "replicas-zero: fewer": (_workload("replicas: 3"), _workload("replicas: 1")),
    "replicas-zero: from none": (_workload("replicas: 0"), _workload("replicas: 0, paused: true")),
    "replicas-zero: new": ("", _workload("replicas: 0")),
    "replicas-zero: left to an autoscaler": (_workload("replicas: 3"), _workload("")),
    "crd-version: one more": (
        _crd("{name: v1, served: true, storage: true}"),
        _crd("{name: v1, served: true, storage: true}, {name: v2, served: true, storage: false}"),
    ),
    "crd-version: one that was not served": (
        _crd("{name: v1, served: true, storage: true}, {name: v0, served: false, storage: false}"),
        _crd("{name: v1, served: true, storage: true}"),
    ),
    "immutable-field: one that is not": (_workload("minReadySeconds: 1"), _workload("minReadySeconds: 2")),
    "immutable-field: the template of a deployment": (_pods("dnsPolicy: a"), _pods("dnsPolicy: b")),
    "immutable-field: a job that is a hook": (
        _hook("HookSucceeded", more="spec: {template: {a: 1}}"),
        _hook("HookSucceeded", more="spec: {template: {a: 2}}"),
    ),
    "immutable-field: a job of another name": (
        _object("batch/v1", "Job", "spec: {template: {a: 1}}", name="a"),
        _object("batch/v1", "Job", "spec: {template: {a: 2}}", name="b"),
    ),
    "immutable-field: an address that is not asked for any more": (_service("clusterIP: None"), _service("")),
    "immutable-field: an address of an external name": (
        _service("type: ExternalName"),
        _service("type: ExternalName, clusterIP: 10.0.0.1"),
    ),
    "immutable-field: an open config map": (
        _object("v1", "ConfigMap", "data: {a: b}"),
        _object("v1", "ConfigMap", "data: {a: c}\nimmutable: true"),
    ),
    "immutable-field: another group's deployment": (
        _object("other.example.test/v1", "Deployment", "spec: {selector: a}"),
        _object("other.example.test/v1", "Deployment", "spec: {selector: b}"),
    ),
    "privileged: as before": (_container("privileged: true"), _container("privileged: true, runAsUser: 1")),
    "privileged: no longer": (_container("privileged: true"), _container("")),
    "privileged: false": (_container(""), _container("privileged: false")),
    "host-namespace: false": (_pods(""), _pods("hostNetwork: false")),
    "host-path: another volume": (_pods(""), _pods("volumes: [{name: a, emptyDir: {}}]")),
    "capability: dropped": (_container(""), _container("capabilities: {drop: [ALL]}")),
    "cluster-binding: in one namespace": ("", _binding("RoleBinding", "view", "web")),
    "cluster-binding: fewer": (
        _binding("ClusterRoleBinding", "view", "web", "job"),
        _binding("ClusterRoleBinding", "view", "web"),
    ),
    "cluster-admin: as before": (
        _binding("ClusterRoleBinding", "cluster-admin", "web"),
        _binding("ClusterRoleBinding", "cluster-admin", "web") + "\nextra: 1",
    ),
    "wildcard-verbs: every resource, but only to read": (
        "",
        _rbac("ClusterRole", "rules: [{apiGroups: ['*'], resources: ['*'], verbs: [get]}]"),
    ),
    "service-type: the default": (_service(""), _service("type: ClusterIP")),
    "service-selector: the same": (_service("selector: {a: b}"), _service("selector: {a: b}, ports: [{port: 1}]")),
    "host-removed: one more": (
        _object("networking.k8s.io/v1", "Ingress", "spec: {rules: [{host: a.example.test}]}"),
        _object("networking.k8s.io/v1", "Ingress", "spec: {rules: [{host: b.example.test}, {host: a.example.test}]}"),
    ),
    "disruption-blocked: one": (_budget("maxUnavailable: 0"), _budget("maxUnavailable: 1")),
    "disruption-blocked: nearly": ("", _budget("minAvailable: 99%")),
    "disruption-blocked: as before": (_budget("maxUnavailable: 0"), _budget("maxUnavailable: '0%'")),
    "sync-replace: new": ("", _object("v1", "Service", annotations=f"{{{SYNC}: Replace=true}}")),
    "sync-replace: as before": (
        _object("v1", "Service", "spec: {a: 1}", annotations=f"{{{SYNC}: Replace=true}}"),
        _object("v1", "Service", "spec: {a: 2}", annotations=f"{{{SYNC}: Replace=true}}"),
    ),
    "sync-force: a definition is spared": (
        _object("v1", "Namespace", "spec: {a: 1}", annotations=f"{{{SYNC}: 'Force=true,Replace=true'}}"),
        _object("v1", "Namespace", "spec: {a: 2}", annotations=f"{{{SYNC}: 'Force=true,Replace=true'}}"),
    ),
    "hook-policy: the default": (
        _object("batch/v1", "Job", annotations="{argocd.argoproj.io/hook: PreSync}"),
        _hook("BeforeHookCreation"),
    ),
    "hook-policy: no hook": (
        _object("batch/v1", "Job"),
        _object("batch/v1", "Job", annotations="{argocd.argoproj.io/hook-delete-policy: HookFailed}"),
    ),
    "removed-api: the one that stays": ("", _object("networking.k8s.io/v1", "Ingress")),
    "removed-api: as before": (
        _object("policy/v1beta1", "PodDisruptionBudget", "spec: {maxUnavailable: 1}"),
        _object("policy/v1beta1", "PodDisruptionBudget", "spec: {maxUnavailable: 2}"),
    ),
    "removed-api: a kind that it never had": ("", _object("networking.k8s.io/v1beta1", "NetworkPolicy")),
    "removed-api: announced, and not done": ("", _object("lifecycle.k8s.io/v1alpha1", "Eviction")),
}


@pytest.mark.parametrize("case", DANGERS)
def test_danger(case: str) -> None:
    before, after, expected = DANGERS[case]
    assert _find(before, after) == expected


@pytest.mark.parametrize("case", HARMLESS)
def test_no_danger(case: str) -> None:
    assert _find(*HARMLESS[case]) == []


def test_every_rule_is_shown_above_with_what_it_does_not_mean() -> None:
    assert {rule for _, _, found in DANGERS.values() for rule, _ in found} == set(RULES)
    assert {case.partition(":")[0] for case in HARMLESS} == set(RULES)


def test_the_most_severe_comes_first() -> None:
    before = _claim("10Gi", "storageClassName: slow")
    after = _claim("1Gi", "storageClassName: fast").replace("namespace: shop", "namespace: store")
    assert [rule for rule, _ in _find(before, after)] == ["data-removed", "namespace-changed"]
    after = _claim("1Gi", "storageClassName: fast")
    assert [rule for rule, _ in _find(before, after)] == ["immutable-field", "volume-shrink"]


def test_equal_sides_are_not_dangerous() -> None:
    anew = _object("v1", "Service", annotations=f"{{{SYNC}: 'Force=true,Replace=true'}}")
    assert _find(anew, anew) == []


@pytest.mark.parametrize("body", ["spec: text", "spec: [1]", "spec: {template: 1}", "spec: {rules: [1, {host: 2}]}"])
def test_what_is_no_manifest_of_its_kind_raises_nothing(body: str) -> None:
    for kind in ("Deployment", "Ingress", "Service", "CustomResourceDefinition", "PodDisruptionBudget", "Role"):
        assert all(isinstance(text, str) for _, text in _find("", _object("v1", kind, body)))
        assert find(MatchedObject(object_of(value_of(_object("example.test/v1", kind, body))), None), ()) == ()


def test_a_danger_is_the_end_of_a_sentence_without_its_full_stop() -> None:
    texts = [text for _, _, found in DANGERS.values() for _, text in found]
    assert all(text[0].islower() and text[-1] != "." for text in texts)
