"""Charts, dependencies and pins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import bumped_charts
from tests.support.changes import APP, CHART, COMMON, config_map, inventory, own, shop, story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

TWO = ("dev-1", "prod-tokyo")
LIBRARY = {
    "charts/audit/Chart.yaml": "apiVersion: v2\nname: audit\nversion: 0.3.0\n",
    "charts/audit/templates/audit.yaml": (
        "apiVersion: v1\nkind: ConfigMap\n"
        'metadata: {name: audit, labels: {helm.sh/chart: "audit-{{ .Chart.Version }}"}}\ndata: {keep: 30d}\n'
    ),
}
OWN = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: runner, namespace: shop}
data:
  level: info{{ if eq .Release.Name "web" }}-front{{ end }}
"""
VERSION = config_map("version", "helm: {{ .Capabilities.HelmVersion.Version }}")


@story("A chart in the repository that others depend on: another version, and what it prints.")
def chart_of_the_repository_bumped(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    depend = "dependencies: [{name: audit, version: ^0, repository: 'file://../../charts/audit'}]\n"
    repo.write({**LIBRARY, f"{APP}/Chart.yaml": CHART + depend})
    yield
    repo.edit("charts/audit/Chart.yaml", "0.3.0", "0.4.0")
    repo.edit("charts/audit/templates/audit.yaml", "keep: 30d", "keep: 90d")


@story(
    "A library chart of three applications prints another value, in which each has its own name; one has its own way."
)
def library_of_several_applications_changed(repo: Monorepo) -> Iterator[None]:
    account = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: "{{ .Release.Name }}-runner", namespace: shop}\n'
    depend = "dependencies: [{name: runner, version: ^0, repository: 'file://../../charts/runner'}]\n"
    repo.write({"cmp.yaml": inventory(*TWO), "charts/runner/templates/account.yaml": account})
    repo.write({"charts/runner/Chart.yaml": "apiVersion: v2\nname: runner\nversion: 0.3.0\n"})
    for app in ("api", "web", "worker"):
        repo.write({f"namespaces/{app}/Chart.yaml": f"apiVersion: v2\nname: {app}\nversion: 1.0.0\n{depend}"})
        repo.write({f"clusters/{cluster}/{app}/.keep": "" for cluster in TWO if (app, cluster) != ("worker", "dev-1")})
    repo.write({"charts/runner/templates/own.yaml": OWN})
    yield
    repo.edit(
        "charts/runner/templates/account.yaml",
        "namespace: shop",
        'namespace: shop, labels: {of: "{{ .Release.Name }}"}',
    )
    repo.edit("charts/runner/templates/own.yaml", "level: info", "level: debug")


@story("A packaged dependency from a chart repository.")
def chart_of_a_repository_bumped(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    depend = f"dependencies:\n- name: redis\n  version: 1.2.3\n  repository: {repo.world.charts}\n"
    repo.write({f"{APP}/Chart.yaml": CHART + depend})
    yield
    repo.edit(f"{APP}/Chart.yaml", "version: 1.2.3", "version: 1.3.0")


@story("A dependency in a new version: what its authors say, and what of its defaults the values here stand against.")
def dependency_bumped_under_values_of_ours(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    depend = "dependencies: [{name: queue, version: %s, alias: jobs}]\n"
    repo.write({f"{APP}/Chart.yaml": CHART + depend % "1.9.0"})
    repo.write(bumped_charts.within(f"{APP}/charts/queue", bumped_charts.older()))
    repo.append(COMMON, "jobs:\n  replicas: 5\n  persistence: {size: 20Gi}\n")
    repo.append(own("prod-tokyo"), "jobs:\n  auth: {user: shop}\n  resources: null\n")
    yield
    repo.edit(f"{APP}/Chart.yaml", "1.9.0", "2.0.0")
    repo.write(bumped_charts.within(f"{APP}/charts/queue", bumped_charts.newer()))


@story("The version of the application's own chart, and nothing else: only labels.")
def own_chart_bumped(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    yield
    repo.edit(f"{APP}/Chart.yaml", "1.4.0", "2.0.0")


@story("The same, with what is folded.", "--show-noise")
def own_chart_bumped_with_noise_shown(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    yield
    repo.edit(f"{APP}/Chart.yaml", "1.4.0", "2.0.0")
    repo.edit(COMMON, "level: info", "level: debug")


@story("Another helm, the same manifests: good news, and said.", code=0)
def pin_bump_without_effect(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO, more="tools: {helm: 3.14.4}\n")
    yield
    repo.edit("cmp.yaml", "helm: 3.14.4", "helm: 3.18.6")


@story("Another helm, which the manifests show.")
def pin_bump_with_effect(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO, more="tools: {helm: 3.14.4}\n")
    repo.write({f"{APP}/templates/version.yaml": VERSION})
    yield
    repo.edit("cmp.yaml", "helm: 3.14.4", "helm: 3.18.6")


@story("A template that makes up a password in each render.")
def random_template(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: session}\nstringData: {salt: {{ randAlphaNum 24 }}}\n"
    repo.write({f"{APP}/templates/session.yaml": text})
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story("A template's file gets another name, and its object too.")
def template_renamed(repo: Monorepo) -> Iterator[None]:
    shop(repo, *TWO)
    yield
    repo.rename(f"{APP}/templates/config.yaml", f"{APP}/templates/settings.yaml")
    repo.edit(f"{APP}/templates/settings.yaml", "name: settings", "name: web-settings")
    repo.edit(f"{APP}/templates/deployment.yaml", "/config.yaml", "/settings.yaml")
    repo.edit(f"{APP}/templates/deployment.yaml", "name: settings", "name: web-settings")
