"""`cmp affected` and `cmp diff` of Applications without a plugin, in a repository that has nothing of cmp."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.compared_repository import ComparedRepository
from tests.support.git_repository import Repo
from tests.support.shares import Shares

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

URL = "https://git.example.test/platform/shop.git"
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: '{value}'}}\n"
HEADER = "apiVersion: argoproj.io/v1alpha1\nmetadata: {{name: {name}, namespace: argocd}}\n"
CHART = {
    "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "charts/web/values.yaml": "color: red\nsize: 1\n",
    "charts/web/templates/map.yaml": MAP.format(name="web", value="{{ .Values.color }} {{ .Values.size }}"),
    "values/web/prod.yaml": "size: 3\n",
}
SET = f"""\
{HEADER.format(name="web")}
kind: ApplicationSet
spec:
  generators: [{{list: {{elements: [{{cluster: test}}, {{cluster: prod}}]}}}}]
  template:
    metadata: {{name: 'web-{{{{cluster}}}}'}}
    spec:
      project: default
      destination: {{name: '{{{{cluster}}}}', namespace: web}}
      sources:
      - repoURL: {URL}
        path: charts/web
        helm: {{valueFiles: [values.yaml, '$values/values/web/{{{{cluster}}}}.yaml'], ignoreMissingValueFiles: true}}
      - {{repoURL: {URL}, ref: values}}
"""
PLAIN = f"""\
{HEADER.format(name="plain")}
kind: Application
spec:
  project: default
  destination: {{server: 'https://kubernetes.default.svc', namespace: plain}}
  source: {{repoURL: {URL}, path: plain}}
"""
FILES: dict[str, str | bytes | None] = {
    **CHART,
    "plain/map.yaml": MAP.format(name="plain", value="one"),
    "argocd/web.yaml": SET,
    "argocd/plain.yaml": PLAIN,
}


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> ComparedRepository:
    return ComparedRepository(tmp_path / "repo", FILES, sandbox)


def test_a_file_of_an_application_without_a_plugin_reaches_its_pairs(world: ComparedRepository) -> None:
    world.repo.commit({"plain/map.yaml": MAP.format(name="plain", value="two"), "values/web/prod.yaml": "size: 4\n"})
    ran = world.sandbox.run("affected", cwd=world.repo.folder)
    assert ran.stdout.splitlines() == [
        "CLUSTER     APP    BY                    HOW",
        "in-cluster  plain  plain/map.yaml        plain files",
        "prod        web    values/web/prod.yaml  value layer 2 of 2",
        "2 of 3 pairs are affected",
    ]
    assert ran.stderr == ""


def test_an_application_that_cannot_be_read_on_either_side_is_no_silence(world: ComparedRepository) -> None:
    """A plugin of helm in somebody's repo-server takes `secrets://`; the folder of the source counts all the same."""
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"argocd/web.yaml": SET.replace("[values.yaml, ", "['secrets://../../secret/web.yaml', ")})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"charts/web/values.yaml": "color: blue\n", "secret/web.yaml": "a: 1\n", "values/web/b.md": ""})
    ran = world.sandbox.run("affected", cwd=world.repo.folder)
    assert ran.stdout.splitlines() == [
        "CLUSTER  APP  BY                      HOW",
        "prod     web  charts/web/values.yaml  cannot be resolved",
        "prod     web  secret/web.yaml         cannot be resolved",
        "test     web  charts/web/values.yaml  cannot be resolved",
        "test     web  secret/web.yaml         cannot be resolved",
        "2 of 3 pairs are affected",
        "values/web/b.md belongs to no application (ignored: **/*.md)",
    ]
    diff = world.sandbox.run("diff", cwd=world.repo.folder)
    assert (diff.code, diff.stdout.splitlines()[0]) == (
        0,
        "Manifest diff: no manifest that was compared changes, 2 earlier failures",
    )
    assert "Argo CD does not allow the scheme secrets of values files" in diff.stdout


@pytest.mark.tools
def test_the_change_of_all_clusters_is_one_with_its_cause(world: ComparedRepository) -> None:
    setting = "version: 1\npreview: {applications: ['argocd/*'], argocd: {helm: 3.18.6, version: '3.6'}}\n"
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"cmp.yaml": setting})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"charts/web/values.yaml": "color: blue\nsize: 1\n"})
    report = world.report()
    (group,) = report["groups"]
    assert [member["subject"]["cluster"] for member in group["members"]] == ["prod", "test"]
    assert group["change"]["identity"]["namespace"] == "web", "an object without a namespace gets the destination's"
    assert [(cause["place"], cause["after"]) for cause in group["change"]["causes"]] == [
        ("charts/web/values.yaml:1", "blue")
    ]
    assert any("Argo CD 3.6 with helm 3.18.6" in note for note in report["notes"])


def test_an_element_that_goes_takes_its_application_along(world: ComparedRepository) -> None:
    world.repo.commit({"argocd/web.yaml": SET.replace(", {cluster: prod}", ""), "argocd/plain.yaml": None})
    report = json.loads(world.sandbox.run("affected", "--format", "json", cwd=world.repo.folder).stdout)
    assert [(pair["application"], pair["cluster"], pair["what"]) for pair in report["affected"]] == [
        ("plain", "in-cluster", "removed"),
        ("web", "prod", "removed"),
    ]


def test_an_application_of_another_repository_is_counted_in_the_verdict(world: ComparedRepository) -> None:
    far = PLAIN.replace("name: plain", "name: far").replace("platform/shop", "platform/far")
    world.repo.commit({"argocd/far.yaml": far, "plain/map.yaml": MAP.format(name="plain", value="two")})
    ran = world.sandbox.run("diff", cwd=world.repo.folder)
    assert ran.stdout.splitlines()[0].endswith(", 1 Application not compared, 1 file of no application")
    assert (
        "  - 1 Application is not compared: it has sources in https://git.example.test/platform/far.git, " in ran.stdout
    )


def test_a_source_in_another_repository_is_read_from_a_clone_at_its_revision(
    world: ComparedRepository, tmp_path: Path
) -> None:
    far = Repo(tmp_path / "far")
    for tag, value in (("v1", "one"), ("v2", "two")):
        far.commit({"deploy/map.yaml": MAP.format(name="far", value=value)})
        far.git("tag", tag)
    url = "https://git.example.test/platform/far.git"
    text = PLAIN.replace("name: plain", "name: far").replace(
        f"{URL}, path: plain", f"{url}, path: deploy, targetRevision: v1"
    )
    world.repo.git("checkout", "--quiet", "main")
    world.repo.commit({"argocd/far.yaml": text})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"argocd/far.yaml": text.replace("v1", "v2")})
    (left,) = world.report()["left_out"]
    assert (left["names"], left["reached"]) == (["far"], ["far"])
    report = world.report("--repository", f"{url}={far.folder}")
    assert report["left_out"] == []
    assert [one["text"] for one in report["applications"]] == [
        "will follow `v2` instead of `v1`: these two are compared"
    ]
    (group,) = report["groups"]
    assert [(field["path"], field["before"], field["after"]) for field in group["change"]["fields"]] == [
        (["data", "a"], "one", "two")
    ]
    world.repo.commit({"argocd/far.yaml": text.replace("v1", "v3")})
    (failure,) = world.report("--repository", f"{url}={far.folder}")["failures"]
    assert failure["lines"][0] == f"cmp: the clone {far.folder} has no revision v3"


def several(last: str) -> str:
    """Return an Application with three sources, two of the plugin and a folder."""
    return f"""\
{HEADER.format(name="shop")}
kind: Application
spec:
  project: default
  destination: {{name: prod, namespace: shop}}
  sources:
  - {{repoURL: {URL}, path: clusters/prod/front, plugin: {{name: cmp}}}}
  - {{repoURL: {URL}, path: clusters/prod/extras, plugin: {{name: cmp}}}}
  - {{repoURL: {URL}, path: {last}}}
"""


def test_sources_beside_one_that_fails_are_compared_and_belong_to_their_application(world: ComparedRepository) -> None:
    world.repo.git("checkout", "--quiet", "main")
    of_layout = {"cmp.yaml": "version: 1\nclusters: {prod: {}}\npreview: {applications: [argocd/*]}\n"}
    for app in ("front", "extras"):
        of_layout |= {f"clusters/prod/{app}/.keep": "", f"namespaces/{app}/map.yaml": MAP.format(name=app, value="one")}
    broken = MAP.format(name="broken", value="one") + "b: [\n"
    world.repo.commit({**of_layout, "argocd/shop.yaml": several("broken"), "broken/map.yaml": broken})
    world.repo.git("checkout", "--quiet", "-B", "change")
    world.repo.commit({"namespaces/front/map.yaml": MAP.format(name="front", value="two")})
    report = world.report()
    assert [(one["subject"]["app"], one["status"]) for one in report["outcomes"]] == [("shop", "changed")]
    assert [one["change"]["identity"]["name"] for one in report["groups"]] == ["front"]
    assert [(one["subject"]["app"], one["is_new"]) for one in report["failures"]] == [("shop", False)]


def test_a_folder_that_goes_while_its_application_stays_is_a_failure(world: ComparedRepository) -> None:
    world.repo.commit({"plain/map.yaml": None})
    report = world.report()
    (failure,) = report["failures"]
    assert failure["subject"]["app"] == "plain"
    assert failure["lines"][0] == "cmp: there is no folder plain in this checkout"
    assert "  where: argocd/plain.yaml:8" in failure["lines"]


def test_every_application_without_a_plugin_is_listed(world: ComparedRepository) -> None:
    ran = world.sandbox.run("apps", cwd=world.repo.folder)
    assert [line.split()[:2] for line in ran.stdout.splitlines()[1:]] == [
        ["plain", "in-cluster"],
        ["web", "prod"],
        ["web", "test"],
    ]
    assert ran.stderr == ""
    listed = json.loads(world.sandbox.run("apps", "--format", "json", cwd=world.repo.folder).stdout)
    assert [(pair["argocd"], pair["folder"], pair["values"]) for pair in listed] == [
        ("plain", "plain", []),
        ("web-prod", "charts/web", ["charts/web/values.yaml", "values/web/prod.yaml"]),
        ("web-test", "charts/web", ["charts/web/values.yaml"]),
    ]


def annotated(text: str, value: str) -> str:
    """Return an Application or a set with the annotation manifest-generate-paths."""
    annotations = f"annotations: {{'argocd.argoproj.io/manifest-generate-paths': '{value}'}}"
    return text.replace("namespace: argocd}", f"namespace: argocd, {annotations}}}")


def test_every_application_without_a_plugin_has_its_paths(world: ComparedRepository) -> None:
    ran = world.sandbox.run("paths", cwd=world.repo.folder)
    assert ran.stdout.splitlines() == [
        "plain  /plain/map.yaml",
        "web-prod  /charts/web;/values/web/prod.yaml",
        "web-test  /charts/web",
    ]
    assert world.sandbox.run("paths", "web-test", cwd=world.repo.folder).stdout == "web-test  /charts/web\n"


@pytest.mark.parametrize(("value", "code"), [(".", 0), ("/plain/*.yaml", 0), ("/charts", 1)])
def test_an_annotation_that_forgets_a_file_is_told(world: ComparedRepository, value: str, code: int) -> None:
    world.repo.commit({"argocd/plain.yaml": annotated(PLAIN, value)})
    ran = world.sandbox.run("paths", "--check", cwd=world.repo.folder)
    assert ran.code == code
    wanted = [
        "argocd/plain.yaml:1: Application plain: the annotation lacks /plain/map.yaml",
        "  right is /plain/map.yaml",
    ]
    assert ran.stdout.splitlines() == (wanted if code else [])
    assert ran.stderr.splitlines()[-1] == f"cmp: 1 Applications and ApplicationSets checked, {code} not right"


LAYOUT = """\
version: 1
layout:
  apps: charts/{app}
  instances: clusters/{cluster}/{app}
  values: [charts/web/values.yaml, {path: "values/{app}/{cluster}.yaml", optional: true}]
  release: "{app}-{cluster}"
  namespace: "{app}"
clusters: {test: {}, prod: {}}
tools: {helm: 3.18.6}
preview: {applications: ['argocd/*'], argocd: {version: "3.6", helm: 3.18.6}}
"""
PLUGIN: dict[str, str | bytes | None] = {
    "cmp.yaml": LAYOUT,
    "clusters/test/web/.keep": "",
    "clusters/prod/web/.keep": "",
}


@pytest.mark.tools
def test_a_move_to_the_plugin_is_proved_for_each_application(world: ComparedRepository) -> None:
    world.repo.commit(PLUGIN)
    ran = world.sandbox.run("diff", "--against", "applications", cwd=world.repo.folder, timeout=120)
    assert ran.code == 0, ran.stdout
    verdict = "Manifest diff: no manifest that was compared changes, 1 Application not compared"
    assert ran.stdout.splitlines()[0] == verdict
    report = world.report("--against", "applications")
    assert [outcome["status"] for outcome in report["outcomes"]] == ["equal", "equal"]
    (left,) = report["left_out"]
    assert left["text"].endswith("as the layout has nothing for the folder of the source on the cluster: plain")
    ran = world.diff("--against", "applications", "--work-tree")
    assert "  - Reproduce: cmp diff --against applications --work-tree\n" in ran.stdout


@pytest.mark.tools
def test_a_move_to_the_plugin_is_proved_in_shares(world: ComparedRepository, tmp_path: Path) -> None:
    world.repo.commit({**PLUGIN, "cmp.yaml": LAYOUT.replace("values/{app}/", "value/{app}/")})
    whole = world.diff("--against", "applications")
    shares = Shares(world.diff, tmp_path)
    shares.parts("--against", "applications")
    merged = shares.merge()
    assert (merged.code, merged.stdout) == (1, whole.stdout)


@pytest.mark.tools
def test_a_layer_that_a_move_forgets_shows(world: ComparedRepository) -> None:
    world.repo.commit({**PLUGIN, "cmp.yaml": LAYOUT.replace("values/{app}/", "value/{app}/")})
    ran = world.sandbox.run("diff", "--against", "applications", cwd=world.repo.folder, timeout=120)
    assert ran.code == 1
    assert "  -  a: red 3" in ran.stdout or "-  a: red 3" in ran.stdout
    assert "  - Compared: " in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--base", "main"), "cmp: --against compares two renders of one revision"),
        ((), "cmp: no Application without a plugin has its source in the folder of an application of the layout"),
    ],
)
def test_a_move_that_cannot_be_proved_says_why(
    world: ComparedRepository, arguments: tuple[str, ...], said: str
) -> None:
    world.repo.commit({"cmp.yaml": "version: 1\n"})
    ran = world.sandbox.run("diff", "--against", "applications", *arguments, cwd=world.repo.folder)
    assert (ran.first_line, ran.stdout) == (said, "")
    assert ran.code in (2, 3)
