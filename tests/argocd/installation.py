"""Argo CD's own objects in the cluster: those of its release, with the few settings that tests need."""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING, Any

from tests.support.leaks import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.argocd.kube import Kube, Object
    from tests.argocd.programs import Programs

NAMESPACE = "argocd"
CLUSTER = {"argocd.argoproj.io/secret-type": "cluster"}
IN_CLUSTER = "https://kubernetes.default.svc"

# Like the project of that name which Argo CD makes, but with applications in any namespace.
DEFAULT_PROJECT: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "default", "namespace": NAMESPACE},
    "spec": {
        "sourceRepos": ["*"],
        "destinations": [{"server": "*", "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        "sourceNamespaces": ["*"],
    },
}


def install(kube: Kube, programs: Programs) -> None:
    """Create namespace, custom resource definitions, configuration and the default project."""
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    kube.kubectl("apply", "--server-side", "-k", str(programs.manifests / "crds"))
    kube.kubectl("apply", "--server-side", "-n", NAMESPACE, "-k", str(programs.manifests / "base/config"))
    wait_until(lambda: all(_is_established(found) for found in kube.list("CustomResourceDefinition")), seconds=60)
    wait_until(lambda: kube.knows("Application", "ApplicationSet", "AppProject"), seconds=60)
    # What `argocd-server` would write when it starts.
    kube.patch("Secret", "argocd-secret", NAMESPACE, {"stringData": {"server.secretkey": secrets.token_hex(16)}})
    kube.apply(DEFAULT_PROJECT)


def _is_established(definition: Object) -> bool:
    conditions = definition["status"].get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def cluster_secret(
    kube: Kube, name: str, server: str, labels: Mapping[str, str], annotations: Mapping[str, str]
) -> dict[str, Any]:
    """Return the Secret by which Argo CD knows a cluster as `name`; `server` is a URL of the API server.

    To Argo CD, `kube.url`, `kube.other_url` and IN_CLUSTER are three clusters.
    """
    authority = base64.b64encode(kube.authority.read_bytes()).decode()
    config = {"bearerToken": kube.token, "tlsClientConfig": {"caData": authority}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"cluster-{name}",
            "namespace": NAMESPACE,
            "labels": {**CLUSTER, **labels},
            "annotations": {**annotations},
        },
        "stringData": {"name": name, "server": server, "config": json.dumps(config)},
    }
