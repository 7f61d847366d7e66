"""The options of a kustomize application mean what they mean to Argo CD's built-in kustomize, with the same program.

Each case is asked twice of the same repo-server: once with the options in `spec.source.kustomize`, which it executes
itself, and once with the same options in cmp-app.yaml, which the plugin executes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.argocd import caller
from tests.argocd.applications import application

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.argocd.git import Repository
    from tests.argocd.kube import Object
    from tests.argocd.world import ArgoCD

APP, INSTANCE = "namespaces/web", "clusters/dev/web"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {tier: front}
  annotations: {note: "ours, $HOME"}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "registry.example.com/web:1.0"}
        - {name: side, image: "registry.example.com/side@sha256:%s"}
"""
KUSTOMIZATION = """\
resources: [deployment.yaml, service.yaml, ../../base]
configMapGenerator:
  - {name: settings, literals: [a=1, b=はい]}
"""
TREE: dict[str, str | bytes | None] = {
    f"{APP}/deployment.yaml": DEPLOYMENT % ("0" * 64),
    f"{APP}/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}}\n",
    f"{APP}/kustomization.yaml": KUSTOMIZATION,
    f"{APP}/more.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {paused: true}\n",
    f"{APP}/charts/tiny/Chart.yaml": "apiVersion: v2\nname: tiny\nversion: 1.0.0\n",
    f"{APP}/charts/tiny/values.yaml": "",
    f"{APP}/charts/tiny/templates/map.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: tiny}\n"
        'data: {kube: "{{ .Capabilities.KubeVersion }}", '
        'has: "{{ .Capabilities.APIVersions.Has "example.com/v1/Widget" }}"}\n'
    ),
    "base/kustomization.yaml": "resources: [map.yaml]\n",
    "base/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base, namespace: elsewhere}\ndata: {k: v}\n",
    "components/quiet/kustomization.yaml": (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {quiet: 'yes'}\n"
    ),
    f"{INSTANCE}/.keep": "",
}
WITH_CHART = KUSTOMIZATION + "helmCharts: [{name: tiny, releaseName: tiny}]\n"
LABELS = {"team": "orders", "of": "${ARGOCD_APP_NAME}"}

OPTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "names": {"namePrefix": "a-", "nameSuffix": "-z"},
    "a prefix like a flag": {"namePrefix": "-x"},
    "namespace": {"namespace": "orders"},
    "images": {
        "images": [
            "registry.example.com/web=mirror.example.com/web:2.0",
            "registry.example.com/side:$ARGOCD_APP_NAME",
        ]
    },
    "replicas": {"replicas": [{"name": "web", "count": 5}]},
    "labels": {"commonLabels": LABELS},
    # One label only: of two, kustomize takes the second for one that is there already.
    "a label without selectors": {"commonLabels": {"team": "orders"}, "labelWithoutSelector": True},
    "a label in templates": {
        "commonLabels": {"team": "orders"},
        "labelWithoutSelector": True,
        "labelIncludeTemplates": True,
    },
    "labels by force": {"commonLabels": LABELS, "forceCommonLabels": True},
    "annotations": {"commonAnnotations": {"a": "$ARGOCD_APP_NAME", "b": "はい, 'yes'"}},
    "annotations from the environment": {
        "commonAnnotations": {"a": "$ARGOCD_APP_NAME/${ARGOCD_APP_NAMESPACE}"},
        "commonAnnotationsEnvsubst": True,
    },
    "annotations by force": {"commonAnnotations": {"a": "1"}, "forceCommonAnnotations": True},
    "a patch": {
        "patches": [
            {
                "patch": '[{"op": "replace", "path": "/spec/paused", "value": true}]',
                "target": {"kind": "Deployment", "labelSelector": "tier=front"},
            },
            {"path": "more.yaml"},
        ]
    },
    "a patch that renames": {
        "patches": [
            {
                "patch": '[{"op": "replace", "path": "/metadata/name", "value": "renamed"}]',
                "target": {"kind": "Deployment"},
                "options": {"allowNameChange": True},
            }
        ]
    },
    "a component": {"components": ["../../components/quiet"]},
    "a component that is not there": {
        "components": ["../../components/quiet", "../../components/none"],
        "ignoreMissingComponents": True,
    },
}
OLD = ("names", "namespace", "images", "replicas", "labels", "annotations", "a patch")
OPTIONS["those of every version"] = {key: value for name in OLD for key, value in OPTIONS[name].items()}
CASES = [
    *(("5.7.1", name) for name in OPTIONS),
    *((version, "those of every version") for version in ("4.5.7", "3.8.7")),
]


@pytest.mark.parametrize(("version", "name"), CASES)
def test_an_option_makes_the_same_objects(
    version: str, name: str, argocd: ArgoCD, repository: Repository, tools_dir: str
) -> None:
    options = OPTIONS[name]
    repository.commit({**TREE, **configured(version, options)})

    assert plugin(argocd, repository) == builtin(argocd, repository, kustomize(tools_dir, version), options)


def test_charts_of_a_kustomization_see_the_same_cluster(argocd: ArgoCD, repository: Repository, tools_dir: str) -> None:
    repository.commit(
        {**TREE, f"{APP}/kustomization.yaml": WITH_CHART, **configured("5.7.1", {"enableHelm": True}, helm="3.18.6")}
    )
    capabilities = {"kube_version": "1.31.4", "api_versions": ["v1", "example.com/v1/Widget"]}
    helm = os.path.join(tools_dir, "helm", "3.18.6", "helm")
    program = {**kustomize(tools_dir, "5.7.1"), "buildOptions": f"--enable-helm --helm-command {helm}"}

    made = plugin(argocd, repository, **capabilities)

    assert made == builtin(argocd, repository, program, {}, **capabilities)
    (tiny,) = (one for one in made if one["metadata"]["name"] == "tiny")
    assert tiny["data"] == {"kube": "v1.31.4", "has": "true"}


def configured(version: str, options: Mapping[str, Any], **tools: str) -> dict[str, str]:
    """Return the files that let the plugin do what the built-in kustomize is asked to do."""
    config = {"version": 1, "tools": {"kustomize": version, **tools}}
    return {"cmp.yaml": yaml.safe_dump(config), f"{APP}/cmp-app.yaml": yaml.safe_dump({"kustomize": dict(options)})}


def kustomize(tools_dir: str, version: str) -> dict[str, str]:
    """Return the program as the repo-server is told of it."""
    return {"binaryPath": os.path.join(tools_dir, "kustomize", version, "kustomize")}


def plugin(argocd: ArgoCD, repository: Repository, **capabilities: Any) -> list[Object]:  # noqa: ANN401
    """Return what the plugin makes."""
    return sorted_(argocd.manifests(application("web", repository.url, INSTANCE, to="shop"), **capabilities))


def builtin(
    argocd: ArgoCD,
    repository: Repository,
    program: Mapping[str, str],
    options: Mapping[str, Any],
    **capabilities: Any,  # noqa: ANN401
) -> list[Object]:
    """Return what the repo-server makes of the same folder by itself."""
    app = application("web", repository.url, APP, to="shop")
    del app["spec"]["source"]["plugin"]
    app["spec"]["source"]["kustomize"] = dict(options)
    request = {**caller.request(app, **capabilities), "kustomize": dict(program)}
    return sorted_(caller.manifests_of(argocd.ask("manifests", request)[0]))


def sorted_(objects: list[Object]) -> list[Object]:
    """Return objects by kind and name: the order is not what is compared."""
    return sorted(objects, key=lambda one: (one["kind"], one["metadata"]["name"]))
