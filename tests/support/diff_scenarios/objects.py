"""Objects of every kind, as plain files: what happens to them, and how dangerous that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import plain, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

FILE = "namespaces/base/all.yaml"
HOOK = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  namespace: shop
  annotations: {argocd.argoproj.io/hook: PreSync}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "registry.example/shop/migrate:1.0.0"}]
"""
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 20Gi}}}
"""
RULE = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from:
    - namespaceSelector: {matchLabels: {team: front}}
    - namespaceSelector: {matchLabels: {team: back}}
"""
BUDGET = """\
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example/shop/web:1.0.0"}]}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
WEBHOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: web}
"""
TEXT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: readme, namespace: shop}
data:
  README.md: |
    # Runbook
    Ask @platform-team, see #42 and https://example.com/runbook
    ```sh
    kubectl get pods
    ```
  settings.json: '{"level": "info", "limits": {"cpu": 1}}'
"""
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: shop}\n"
BINDING = """\
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: robot-is-admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: robot, namespace: shop}]
"""


@story("A plain file on three clusters.")
def plain_file(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT)
    yield
    repo.edit(FILE, "name: robot,", "name: robot, labels: {team: shop},")


@story("A hook gets another delete policy, and another image.")
def hook_with_delete_policy(repo: Monorepo) -> Iterator[None]:
    plain(repo, HOOK)
    yield
    repo.edit(FILE, "hook: PreSync", "hook: PreSync, argocd.argoproj.io/hook-delete-policy: BeforeHookCreation")
    repo.edit(FILE, "migrate:1.0.0", "migrate:1.1.0")


@story("The schema of a CRD is a line, not a wall.")
def schema_of_a_crd(repo: Monorepo) -> Iterator[None]:
    plain(repo, CRD)
    yield
    repo.edit(FILE, "size: {type: integer}", "size: {type: integer, minimum: 1}\n              color: {type: string}")


@story("A version that objects may be stored in is no longer there.")
def version_of_a_crd_removed(repo: Monorepo) -> Iterator[None]:
    old = (
        CRD[CRD.index("  - name: v1\n") :]
        .replace("name: v1\n", "name: v1beta1\n")
        .replace("storage: true", "storage: false")
    )
    plain(repo, CRD + old)
    yield
    repo.write({FILE: CRD})


@story("The same items in another order.")
def list_reordered(repo: Monorepo) -> Iterator[None]:
    plain(repo, RULE)
    yield
    repo.edit(FILE, "team: front", "team: middle")
    repo.edit(FILE, "team: back", "team: front")
    repo.edit(FILE, "team: middle", "team: back")


@story("Texts with fences, mentions, references and bidirectional marks stay what they are: texts.")
def markdown_in_a_config_map(repo: Monorepo) -> Iterator[None]:
    plain(repo, TEXT)
    yield
    repo.edit(
        FILE,
        "    kubectl get pods\n    ```\n",
        "    kubectl get pods -A\n    ```\n    ````\n    <b>@oncall</b> \u202ebad\u202c\n",
    )
    repo.edit(FILE, '"cpu": 1}', '"cpu": 2}')


@story("A claim goes, and its data with it.")
def claim_removed(repo: Monorepo) -> Iterator[None]:
    plain(repo, f"{ACCOUNT}---\n{CLAIM}")
    yield
    repo.write({FILE: ACCOUNT})


@story("All that let an application run, answer and stay unharmed goes.", "--fail-on", "any", "--exit-zero")
def functions_removed(repo: Monorepo) -> Iterator[None]:
    plain(repo, f"{ACCOUNT}---\n{DEPLOYMENT}---\n{SERVICE}---\n{RULE}---\n{BUDGET}---\n{WEBHOOK}")
    yield
    repo.write({FILE: ACCOUNT})


@story("A claim asks for less than it has.")
def claim_shrunk(repo: Monorepo) -> Iterator[None]:
    plain(repo, CLAIM)
    yield
    repo.edit(FILE, "20Gi", "5Gi")


@story("An account becomes the administrator of the cluster.", "--fail-on", "any", "--exit-zero")
def administrator_added(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT)
    yield
    repo.write({FILE: ACCOUNT + BINDING})


@story("An object moves to another namespace.")
def namespace_changed(repo: Monorepo) -> Iterator[None]:
    plain(repo, TEXT)
    yield
    repo.edit(FILE, "namespace: shop", "namespace: store")


@story("The same object by another version of its API.")
def api_version_changed(repo: Monorepo) -> Iterator[None]:
    plain(repo, BUDGET)
    yield
    repo.edit(FILE, "policy/v1beta1", "policy/v1")


@story("A new object beside an old one.")
def object_added(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT)
    yield
    repo.write({FILE: f"{ACCOUNT}---\n{RULE}"})
