"""The example ApplicationSet: an Application per cluster, and what Argo CD knows of a cluster in its helm values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.argocd.installation import NAMESPACE, cluster_secret
from tests.argocd.trees import CHART
from tests.support.harness import CHECKOUT
from tests.support.leaks import wait_until

if TYPE_CHECKING:
    from tests.argocd.git import Repository
    from tests.argocd.world import ArgoCD

pytestmark = pytest.mark.every_argocd
EXAMPLE = CHECKOUT / "manifests/examples/applicationset.yaml"
DOMAIN = "platform.example.com/domain"  # an annotation of a cluster's Secret; `env` is a label of it
TOLD = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: told}
data: {{- toYaml .Values.global | nindent 2 }}
"""
TREE: dict[str, str | bytes | None] = {
    "cmp.yaml": "version: 1\ntools: {helm: 3.18.6}\n",
    "namespaces/namespace-a/Chart.yaml": CHART,
    "namespaces/namespace-a/templates/told.yaml": TOLD,
    "clusters/north/namespace-a/north-values.yaml": "",
    "clusters/south/namespace-a/south-values.yaml": "",
}


def test_each_cluster_gets_an_application_that_knows_its_name_label_and_annotation(
    argocd: ArgoCD, repository: Repository
) -> None:
    repository.commit(TREE)
    servers = {"north": argocd.kube.url, "south": argocd.kube.other_url}
    for name, server in servers.items():
        facts = {"env": f"env-of-{name}"}, {DOMAIN: f"{name}.example.com"}
        argocd.apply(cluster_secret(argocd.kube, name, server, *facts))

    argocd.apply(example(repository))

    for name, server in servers.items():
        app = argocd.wait(f"namespace-a-{name}")
        assert app["spec"]["destination"]["server"] == server
        assert told(argocd, name) == {"cluster": name, "env": f"env-of-{name}", "domain": f"{name}.example.com"}

    argocd.kube.patch("Secret", "cluster-north", NAMESPACE, {"metadata": {"labels": {"env": "another"}}})

    wait_until(lambda: told(argocd, "north")["env"] == "another", seconds=300)
    argocd.wait("namespace-a-north")
    assert told(argocd, "south")["env"] == "env-of-south"

    argocd.kube.patch("Secret", "cluster-south", NAMESPACE, {"metadata": {"annotations": {DOMAIN: None}}})

    wait_until(lambda: f"cluster south has no annotation {DOMAIN}" in conditions(argocd), seconds=300)
    assert told(argocd, "south")["domain"] == "south.example.com"  # nothing is taken away for that


def conditions(argocd: ArgoCD) -> str:
    """Return what the ApplicationSet says about itself."""
    status: dict[str, Any] = argocd.kube.get("ApplicationSet", "namespace-a", NAMESPACE).get("status", {})
    return " ".join(condition["message"] for condition in status.get("conditions", []))


def told(argocd: ArgoCD, cluster: str) -> dict[str, str]:
    """Return the helm values that the application has on a cluster."""
    data: dict[str, str] = argocd.kube.get("ConfigMap", "told", f"fleet-{cluster}")["data"]
    return data


def example(repository: Repository) -> dict[str, Any]:
    """Return the example with another repository, the default project, and a namespace per cluster.

    Both clusters are one API server here, which could not hold the same objects twice.
    """
    found: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    git = found["spec"]["generators"][0]["matrix"]["generators"][1]["git"]
    spec = found["spec"]["template"]["spec"]
    git["repoURL"] = spec["source"]["repoURL"] = repository.url
    spec["project"] = "default"
    spec["destination"]["namespace"] = "fleet-{{ .name }}"
    return found
