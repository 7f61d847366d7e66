"""The other engines: kustomize, helmfile, CUE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import config_map, inventory, story
from tests.support.kustomize import DEPLOYMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

TWO = ("dev-1", "prod-tokyo")
CUE = """\
package rates

stage: string @tag(env)
objects: [{
	apiVersion: "v1"
	kind:       "ConfigMap"
	metadata: name: "rates"
	data: {env: stage, tax: "8"}
}]
"""
CHART = {
    "namespaces/rates/charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "namespaces/rates/charts/web/templates/web.yaml": config_map(
        "{{ .Release.Name }}", "tax: {{ .Values.tax | quote }}"
    ),
}
HELMFILE = "releases:\n- name: rates\n  chart: ./charts/web\n  values:\n  - tax: 8\n"


def _on_two(repo: Monorepo, *apps: str) -> None:
    repo.write({"cmp.yaml": inventory(*TWO)})
    repo.write({f"clusters/{cluster}/{app}/.keep": "" for cluster in TWO for app in apps})


@story("Two kustomizations share a base.")
def base_of_two_applications(repo: Monorepo) -> Iterator[None]:
    _on_two(repo, "web", "admin")
    repo.write(
        {
            "bases/web/kustomization.yaml": "resources: [deployment.yaml]\n",
            "bases/web/deployment.yaml": DEPLOYMENT,
            "namespaces/web/kustomization.yaml": "namespace: web\nresources: [../../bases/web]\n",
            "namespaces/admin/kustomization.yaml": "resources: [../../bases/web]\nnamespace: admin\nnamePrefix: a-\n",
        }
    )
    yield
    repo.edit("bases/web/deployment.yaml", "replicas: 1", "replicas: 2")


@story("The overlay of one cluster alone.")
def overlay_of_one_cluster(repo: Monorepo) -> Iterator[None]:
    _on_two(repo, "web")
    for cluster in TWO:
        overlay = "resources: [../../../namespaces/web]\nreplicas: [{name: web, count: 2}]\n"
        repo.write({f"clusters/{cluster}/web/kustomization.yaml": overlay})
    repo.write(
        {
            "namespaces/web/kustomization.yaml": "namespace: web\nresources: [deployment.yaml]\n",
            "namespaces/web/deployment.yaml": DEPLOYMENT,
        }
    )
    yield
    repo.edit("clusters/prod-tokyo/web/kustomization.yaml", "count: 2", "count: 4")


@story("kustomize names a Secret by its content: the new name is not news, the new content is.")
def name_with_a_hash(repo: Monorepo) -> Iterator[None]:
    _on_two(repo, "web")
    mounted = DEPLOYMENT.replace('"shop:1.0"}', '"shop:1.0", envFrom: [{secretRef: {name: token}}]}')
    repo.write(
        {
            "namespaces/web/kustomization.yaml": (
                "namespace: web\nresources: [deployment.yaml]\n"
                "secretGenerator: [{name: token, literals: [key=first-token-1]}]\n"
            ),
            "namespaces/web/deployment.yaml": mounted,
        }
    )
    yield
    repo.edit("namespaces/web/kustomization.yaml", "first-token-1", "second-token-2")


@story("A value in a helmfile.")
def value_of_helmfile(repo: Monorepo) -> Iterator[None]:
    _on_two(repo, "rates")
    repo.write({**CHART, "namespaces/rates/helmfile.yaml": HELMFILE})
    yield
    repo.edit("namespaces/rates/helmfile.yaml", "tax: 8", "tax: 10")


@story("A CUE package reads a fact of the cluster, and the fact changes.")
def fact_for_cue(repo: Monorepo) -> Iterator[None]:
    _on_two(repo, "rates")
    repo.write({"namespaces/rates/rates.cue": CUE})
    yield
    repo.edit("cmp.yaml", "dev-1: {env: dev", "dev-1: {env: test")
