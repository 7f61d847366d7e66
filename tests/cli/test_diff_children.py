"""`cmp affected` and `cmp diff` of Applications that a chart, a kustomization or the plugin prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.compared_repository import ComparedRepository
from tests.support.shares import Shares

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.tools
URL = "https://git.example.test/platform/ships.git"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: radio}
spec:
  replicas: 2
  selector: {matchLabels: {app: radio}}
  template:
    metadata: {labels: {app: radio}}
    spec: {containers: [{name: radio, image: "registry.example.test/radio:{{ .Values.version }}"}]}
"""
CHILDREN = f"""\
{{{{- range .Values.ships }}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: radio-{{{{ . }}}}, namespace: argocd}}
spec:
  project: default
  destination: {{name: {{{{ . }}}}, namespace: radio}}
  source:
    repoURL: {URL}
    targetRevision: main
    path: radio
    helm: {{parameters: [{{name: version, value: {{{{ $.Values.version | quote }}}}}}]}}
  syncPolicy: {{automated: {{}}}}
{{{{- end }}}}
"""
ROOT = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: fleet, namespace: argocd}}
spec:
  project: default
  destination: {{server: 'https://kubernetes.default.svc', namespace: argocd}}
  source: {{repoURL: {URL}, targetRevision: main, path: fleet}}
"""
FILES: dict[str, str | bytes | None] = {
    "cmp.yaml": "version: 1\npreview: {applications: [root.yaml], argocd: {version: '3.6', helm: 3.18.6}}\n",
    "root.yaml": ROOT,
    "fleet/Chart.yaml": "apiVersion: v2\nname: fleet\nversion: 1.0.0\n",
    "fleet/values.yaml": "ships: [anna, berta]\nversion: 1.0.0\n",
    "fleet/templates/children.yaml": CHILDREN,
    "radio/Chart.yaml": "apiVersion: v2\nname: radio\nversion: 1.0.0\n",
    "radio/values.yaml": "version: none\n",
    "radio/templates/deployment.yaml": DEPLOYMENT,
}


class World(ComparedRepository):
    """A repository, `cmp diff` and `cmp affected` in it."""

    def affected(self, *arguments: str, warning: str = "") -> list[str]:
        """Return what `cmp affected` prints; it succeeds, with no warning but the one that is expected."""
        ran = self.sandbox.run("affected", *arguments, cwd=self.repo.folder, timeout=120)
        assert (ran.code, ran.stderr) == (0, warning)
        return ran.stdout.splitlines()


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> World:
    return World(tmp_path / "repo", FILES, sandbox)


def test_a_value_of_the_parent_that_is_a_parameter_of_its_children_restarts_them(world: World) -> None:
    world.repo.commit({"fleet/values.yaml": "ships: [anna, berta]\nversion: 2.0.0\n"})
    assert world.affected() == [
        "CLUSTER     APP    BY                 HOW",
        "in-cluster  fleet  fleet/values.yaml  helm files",
        "anna        radio  -                  parameters",
        "anna        radio  fleet/values.yaml  decides what fleet prints",
        "berta       radio  -                  parameters",
        "berta       radio  fleet/values.yaml  decides what fleet prints",
        "3 of 3 pairs are affected",
    ]
    report = world.report()
    assert report["restarts"] == 2
    assert [(line["bump"]["name"], line["bump"]["before"], line["bump"]["after"]) for line in report["bumps"]] == [
        ("registry.example.test/radio", "1.0.0", "2.0.0")
    ]


def test_children_that_come_and_go_are_in_every_format(world: World) -> None:
    world.repo.commit({"fleet/values.yaml": "ships: [anna, carla]\nversion: 1.0.0\n"})
    warning = (
        "cmp: warning: `radio-berta` will be deleted once somebody prunes it (`fleet`, which printed it, does not by "
        "itself), without its objects: they stay, and nobody manages them\n"
    )
    assert world.affected(warning=warning) == [
        "CLUSTER     APP    BY                 HOW",
        "in-cluster  fleet  fleet/values.yaml  helm files",
        "berta       radio  fleet/values.yaml  removed: decides what fleet prints",
        "carla       radio  fleet/values.yaml  added: decides what fleet prints",
        "3 of 4 pairs are affected",
    ]
    assert world.affected("--format", "names", warning=warning) == ["fleet in-cluster", "radio carla"]
    (matrix,) = world.affected("--format", "matrix", warning=warning)
    assert json.loads(matrix)["include"] == [
        {"name": "fleet on in-cluster", "pairs": "fleet in-cluster"},
        {"name": "radio on carla", "pairs": "radio carla"},
    ]
    outcomes = {(one["subject"]["cluster"], one["status"]) for one in world.report()["outcomes"]}
    assert outcomes == {("in-cluster", "changed"), ("berta", "removed"), ("carla", "added")}


def test_a_parent_that_cannot_be_rendered_any_more_fails_and_its_children_stay(world: World) -> None:
    world.repo.commit({"fleet/templates/children.yaml": f"{CHILDREN}{{{{ fail `no ship` }}}}\n"})
    ran = world.sandbox.run("affected", "--format", "names", cwd=world.repo.folder, timeout=120)
    assert (ran.code, ran.stdout) == (7, "fleet in-cluster\n")
    assert "the Applications that fleet prints are not known after the change, and taken as before it: " in ran.stderr
    report = world.report()
    assert [failure["subject"]["app"] for failure in report["failures"]] == ["fleet"]
    assert [outcome["status"] for outcome in report["outcomes"]] == ["failed"]


def test_without_its_tool_a_parent_is_a_failure_also_where_the_change_is_elsewhere(world: World) -> None:
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"cmp.yaml": "version: 1\npreview: {applications: [root.yaml], argocd: {helm: 3.0.9}}\n"})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"README": "more"})
    ran = world.sandbox.run("affected", cwd=world.repo.folder)
    assert ran.code == 4
    assert (
        "the Applications that fleet prints are not known before and after the change: helm 3.0.9 is not installed"
        in ran.stderr
    )
    ran = world.sandbox.run("diff", "--exit-zero", cwd=world.repo.folder)
    assert ran.code == 4
    assert "helm 3.0.9 is not installed" in ran.stdout


def test_a_kustomization_that_patches_the_applications_of_files(world: World) -> None:
    files: dict[str, str | bytes | None] = {
        "cmp.yaml": "version: 1\npreview: {applications: ['sets/*'], argocd: {version: '3.6', kustomize: 5.7.1}}\n",
        "sets/kustomization.yaml": "resources: [web.yaml, root.yaml]\npatches: [{path: patch.yaml}]\n",
        "sets/root.yaml": ROOT.replace("path: fleet", "path: sets"),
        "sets/web.yaml": ROOT.replace("name: fleet", "name: web").replace("path: fleet", "path: one"),
        "sets/patch.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: "
        "argocd}\nspec: {source: {path: two}}\n",
        "one/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n",
        "two/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
    }
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit(files)
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit(
        dict.fromkeys(("one/map.yaml", "two/map.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n")
    )
    assert world.affected() == [
        "CLUSTER     APP    BY            HOW",
        "in-cluster  fleet  one/map.yaml  its program sees the whole tree",
        "in-cluster  web    two/map.yaml  plain files",
        "2 of 2 pairs are affected",
        "one/map.yaml belongs to no application (UNOWNED: 1 pairs rendered)",
    ]


NAMED = """\
version: 1
layout: {apps: "units/{app}", instances: "", values: []}
clusters: {blue: {}}
tools: {helm: 3.18.6}
preview: {applications: [{app: fleet, cluster: blue}]}
"""


def test_a_pair_that_is_named_prints_its_children_by_the_plugin(world: World) -> None:
    files = {name.replace("fleet/", "units/fleet/"): text for name, text in FILES.items() if name != "root.yaml"}
    world.repo.git("checkout", "--quiet", "main")
    gone = dict.fromkeys(["fleet/Chart.yaml", "fleet/values.yaml", "fleet/templates/children.yaml", "root.yaml"])
    world.repo.commit({**gone, **files, "cmp.yaml": NAMED, "units/fleet/cmp-app.yaml": "clusters: all\n"})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"radio/templates/deployment.yaml": DEPLOYMENT.replace("replicas: 2", "replicas: 3")})
    assert world.affected("--format", "names") == ["radio anna", "radio berta"]


def test_an_untrusted_change_brings_a_limited_number_of_applications(world: World) -> None:
    world.repo.commit({"fleet/values.yaml": "ships: [anna, berta, carla, dora]\nversion: 1.0.0\n"})
    ran = world.sandbox.run("diff", "--untrusted", "--max-applications", "1", cwd=world.repo.folder, timeout=120)
    assert ran.stdout.splitlines()[0].endswith(", 1 Application not compared")
    assert "1 Application is not compared: only this change prints such, it is not trusted, and 1 are" in ran.stdout


def test_in_shares_the_plan_alone_renders_parents(world: World, tmp_path: Path) -> None:
    world.repo.commit({"fleet/values.yaml": "ships: [anna, carla]\nversion: 2.0.0\n"})
    whole = world.diff("--format", "json")
    shares = Shares(world.diff, tmp_path)
    shares.parts()
    assert shares.merge("--format", "json").stdout == whole.stdout
    # Without helm its own pairs fail, and what fleet prints is known all the same.
    assert shares.shard(0, CMP_TOOLS_DIR=str(tmp_path / "none")).code == 0
    merged = json.loads(shares.merge("--format", "json", CMP_TOOLS_DIR=str(tmp_path / "none")).stdout)
    assert {one["subject"]["app"] for one in merged["outcomes"]} == {"fleet", "radio"}


def test_in_shares_a_parent_that_fails_is_told_once(world: World, tmp_path: Path) -> None:
    world.repo.commit({"fleet/templates/children.yaml": f"{CHILDREN}{{{{ fail `no ship` }}}}\n"})
    whole = world.diff("--format", "json")
    shares = Shares(world.diff, tmp_path)
    planned = shares.plan()
    assert (planned.code, planned.stdout.splitlines()[-1]) == (
        0,
        "1 failure of Applications that are not known: the merge reports them",
    )
    shares.parts()
    merged = shares.merge("--format", "json")
    assert (merged.code, merged.stdout) == (whole.code, whole.stdout) == (7, whole.stdout)
