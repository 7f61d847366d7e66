"""New clusters beside the ones that were there before: what is as on their sister, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import inventory, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo


@story("A new cluster has four applications as its sister has them: names, domains and checksums are its own.")
def cluster_as_its_sister_added(repo: Monorepo) -> Iterator[None]:
    apps = ("api", "web", "worker", "zoo")
    _cluster(repo, "dev-1", *apps)
    repo.write({"cmp.yaml": inventory("dev-1")})
    yield
    _cluster(repo, "dev-2", *apps)
    repo.write({"cmp.yaml": inventory("dev-1", "dev-2")})


@story("A new cluster is not all as its sister: values, objects, secrets, applications, a name that was copied.")
def cluster_unlike_its_sister_added(repo: Monorepo) -> Iterator[None]:
    _cluster(repo, "dev-1", "api", "broken", "legacy", "login", "web", "worker")
    _cluster(repo, "prod-1", "api", "web")
    repo.write({"clusters/dev-1/broken/all.yaml": "{"})
    repo.write({"clusters/dev-1/login/secret.yaml": _secret("correct-horse")})
    repo.write({"cmp.yaml": inventory("dev-1", "prod-1")})
    yield
    _cluster(repo, "prod-2", "api", "broken", "login", "search", "web", "worker")
    repo.edit("clusters/prod-2/api/all.yaml", "replicas: 2", "replicas: 4")
    repo.write({"clusters/prod-2/web/all.yaml": _objects("dev-1", "web")})
    repo.append("clusters/prod-2/worker/all.yaml", _budget("worker"))
    repo.write({"clusters/prod-2/login/secret.yaml": _secret("battery-staple")})
    repo.write({"cmp.yaml": inventory("dev-1", "prod-1", "prod-2")})


@story("A new cluster shares no application with the others: there is none to compare it with.")
def cluster_without_a_sister_added(repo: Monorepo) -> Iterator[None]:
    _cluster(repo, "dev-1", "api", "web")
    repo.write({"cmp.yaml": inventory("dev-1")})
    yield
    _cluster(repo, "edge-1", "cache", "dns")
    repo.write({"cmp.yaml": inventory("dev-1", "edge-1")})


def _cluster(repo: Monorepo, cluster: str, *apps: str) -> None:
    """Write applications of plain files, each with the name of its cluster in it, and a checksum of that."""
    for app in apps:
        repo.write({f"clusters/{cluster}/{app}/all.yaml": _objects(cluster, app)})
        repo.write({f"namespaces/{app}/cmp-app.yaml": "engine: plain\n"})


def _objects(cluster: str, app: str) -> str:
    return f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {app}-settings, namespace: {app}}}
data:
  app.conf: |
    host {app}.{cluster}.example.com
    level info
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {app}, namespace: {app}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {app}}}}}
  template:
    metadata:
      labels: {{app: {app}}}
      annotations: {{checksum/config: "{len(cluster):04d}{sum(cluster.encode()):08x}"}}
    spec:
      containers:
      - name: {app}
        image: registry.example/{app}:1.0.0
        envFrom: [{{configMapRef: {{name: {app}-settings}}}}]
"""


def _budget(app: str) -> str:
    return f"""\
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {app}, namespace: {app}}}
spec: {{minAvailable: 1, selector: {{matchLabels: {{app: {app}}}}}}}
"""


def _secret(password: str) -> str:
    return f"""\
apiVersion: v1
kind: Secret
metadata: {{name: login, namespace: login}}
stringData: {{password: {password}}}
"""
