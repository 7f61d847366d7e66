"""`cmp diff --kube-version`, `--pin` and `--chart`: what would change if a version were another one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import lockfile
from tests.support import charts
from tests.support.compared_repository import ComparedRepository
from tests.support.harness import snapshot
from tests.support.servers.charts import ChartRepository
from tests.support.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

CONFIG = """\
version: 1
layout:
  apps: apps/{app}
  instances: clusters/{cluster}/{app}
clusters:
  dev: {kubeVersion: "1.33", apiVersions: [v1], env: dev}
  prod:
    kubeVersion: 1.32   # one behind
  prod-2: {is: prod}
tools:
  helm: 3.18.6   # for all
"""
MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: about}
data: {kubernetes: "{{ .Capabilities.KubeVersion.Version }}", helm: "{{ .Capabilities.HelmVersion.Version }}"}
"""
PLAIN: dict[str, str | bytes | None] = {
    "cmp.yaml": CONFIG,
    "apps/web/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: one}\n",
    **{f"clusters/{cluster}/web/.keep": "" for cluster in ("dev", "prod", "prod-2")},
}
FILES: dict[str, str | bytes | None] = {
    "cmp.yaml": CONFIG,
    "apps/about/Chart.yaml": "apiVersion: v2\nname: about\nversion: 1.0.0\n",
    "apps/about/templates/map.yaml": MAP,
    "apps/old/Chart.yaml": "apiVersion: v2\nname: old\nversion: 1.0.0\n",
    "apps/old/templates/map.yaml": MAP.replace("about", "old"),
    "apps/old/cmp-app.yaml": "tools: {helm: 3.14.4}\n",
    **{f"clusters/{cluster}/about/.keep": "" for cluster in ("dev", "prod", "prod-2")},
    "clusters/prod/old/.keep": "",
}


@pytest.fixture
def plain(tmp_path: Path, sandbox: Sandbox) -> ComparedRepository:
    return ComparedRepository(tmp_path / "repo", PLAIN, sandbox)


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> ComparedRepository:
    return ComparedRepository(tmp_path / "repo", FILES, sandbox)


def said(ran: Ran) -> list[str]:
    assert ran.stdout == ""
    return ran.stderr.splitlines()


def changed(world: ComparedRepository, *options: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Return what changes in each pair: the fields by their last key, before and after."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for outcome in world.report(*options)["outcomes"]:
        subject = outcome["subject"]
        for change in outcome["changes"]:
            fields = {field["path"][-1]: (field["before"], field["after"]) for field in change["fields"]}
            found[f"{subject['app']} on {subject['cluster']}"] = fields
    return found


@pytest.mark.tools
def test_another_kubernetes_reaches_the_charts_that_ask_for_it(world: ComparedRepository) -> None:
    before = snapshot(world.repo.folder)
    assert changed(world, "--kube-version", "dev=1.38") == {
        "about on dev": {"kubernetes": ("v1.33.0", "v1.38.0")},
    }
    assert changed(world, "--kube-version", "prod=1.38.2") == {
        "about on prod": {"kubernetes": ("v1.32.0", "v1.38.2")},
        "about on prod-2": {"kubernetes": ("v1.32.0", "v1.38.2")},
        "old on prod": {"kubernetes": ("v1.32.0", "v1.38.2")},
    }
    assert [*changed(world, "--kube-version", "v1.33")] == ["about on prod", "about on prod-2", "old on prod"]
    assert snapshot(world.repo.folder) == before


@pytest.mark.tools
def test_a_version_for_a_cluster_is_stronger_than_that_for_all(world: ComparedRepository) -> None:
    found = changed(world, "--kube-version", "prod-2=1.36", "--kube-version", "1.38")
    assert {pair: fields["kubernetes"][1] for pair, fields in found.items()} == {
        "about on dev": "v1.38.0",
        "about on prod": "v1.38.0",
        "about on prod-2": "v1.36.0",
        "old on prod": "v1.38.0",
    }


@pytest.mark.tools
def test_the_report_says_what_is_supposed_and_names_the_line_as_a_cause(world: ComparedRepository) -> None:
    ran = world.diff("--kube-version", "prod=1.38")
    lines = [" ".join(line.split()) for line in ran.stdout.splitlines()]
    assert ran.code == 1
    assert "What if: Kubernetes 1.38 on prod, and prod-2, which inherits it (cmp.yaml:8)" in lines
    commit = world.repo.git("rev-parse", "HEAD")[:12]
    assert f"Reproduce: cmp diff --kube-version prod=1.38 --head {commit}" in ran.stdout
    assert f"Compared: {commit} (HEAD) → {commit} (HEAD with Kubernetes 1.38 on prod" in ran.stdout
    report = world.report("--kube-version", "prod=1.38")
    assert report["suppositions"] == [
        {
            "text": "Kubernetes 1.38 on prod, and prod-2, which inherits it",
            "places": ["cmp.yaml:8"],
            "remark": "",
        }
    ]
    causes = {cause["place"] for group in report["groups"] for cause in group["change"]["causes"]}
    assert causes == {"cmp.yaml"}


@pytest.mark.tools
def test_a_pin_reaches_those_that_have_none_of_their_own(world: ComparedRepository) -> None:
    assert sorted(changed(world, "--pin", "helm=3.14.4")) == ["about on dev", "about on prod", "about on prod-2"]
    assert changed(world, "--pin", "old:helm=3.18.6") == {"old on prod": {"helm": ("v3.14.4", "v3.18.6")}}
    assert [*changed(world, "--pin", "about@dev:helm=3.14.4")] == ["about on dev"]


@pytest.mark.tools
def test_several_things_at_once(world: ComparedRepository) -> None:
    options = ("--pin", "helm=3.14.4", "--kube-version", "dev=1.38")
    assert changed(world, *options)["about on dev"] == {
        "helm": ("v3.18.6", "v3.14.4"),
        "kubernetes": ("v1.33.0", "v1.38.0"),
    }
    texts = [one["text"] for one in world.report(*options)["suppositions"]]
    assert texts == ["Kubernetes 1.38 on dev", "helm 3.14.4"]


@pytest.mark.tools
def test_the_report_is_that_of_the_real_edit(world: ComparedRepository) -> None:
    """All but the names of the sides, and what only a supposition has."""
    supposed = world.report("--pin", "helm=3.14.4")
    pinned = world.sandbox.run("pin", "helm", "3.14.4", cwd=world.repo.folder)
    assert pinned.stdout.splitlines()[-2:] == [
        "helm 3.14.4 is installed here",
        "what it changes in the manifests: cmp diff --pin helm=3.14.4",
    ]
    assert changed(world, "--pin", "helm=3.14.4") == changed(world, "--work-tree"), "nothing of it is committed"
    world.repo.git("add", "--all")
    world.repo.git("commit", "--quiet", "--message=pin")
    real = world.report()
    of_sides = ("base", "head", "suppositions")
    assert {key: real[key] for key in real if key not in of_sides} == {
        key: supposed[key] for key in supposed if key not in of_sides
    }


@pytest.mark.tools
def test_a_tool_that_is_not_installed_says_how(world: ComparedRepository) -> None:
    ran = world.diff("--pin", "helm=3.99.9")
    assert ran.code == 4
    assert "cmp tools install helm@3.99.9" in ran.stdout + ran.stderr


@pytest.mark.tools
def test_a_lock_holds_the_tool_that_is_supposed(world: ComparedRepository) -> None:
    assert world.sandbox.run("lock", cwd=world.repo.folder).code == 0
    world.repo.git("add", "--all")
    world.repo.git("commit", "--quiet", "--message=lock")
    world.repo.write({"apps/old/cmp-app.yaml": "tools: {helm: 3.18.6}\n"})
    assert world.sandbox.run("lock", cwd=world.repo.folder).code == 0
    assert "3.14.4" not in (world.repo.folder / "cmp.lock").read_text()
    assert [*changed(world, "--work-tree", "--pin", "old:helm=3.14.4")] == ["old on prod"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Iterator[ChartRepository]:
    with ChartRepository(charts.publish(tmp_path_factory.mktemp("charts"), tools_dir)) as served:
        yield served


def depending(version: str, url: str, *more: dict[str, object]) -> str:
    dependencies = [charts.dependency("redis", version, url), *more]
    chart = {"apiVersion": "v2", "name": "shop", "version": "1.0.0", "dependencies": dependencies}
    return json.dumps(chart, indent=1)


def shop(tmp_path: Path, sandbox: Sandbox, chart: str, **files: str) -> ComparedRepository:
    return ComparedRepository(
        tmp_path / "repo",
        {"cmp.yaml": CONFIG, "apps/shop/Chart.yaml": chart, "clusters/dev/shop/.keep": "", **files},
        sandbox,
    )


def objects(world: ComparedRepository, *options: str) -> list[tuple[str, str]]:
    report = world.report(*options)
    changes = [change for outcome in report["outcomes"] for change in outcome["changes"]]
    assert not report["failures"], report["failures"]
    return sorted((change["what"], change["identity"]["name"]) for change in changes)


@pytest.mark.tools
def test_another_version_of_a_dependency(tmp_path: Path, sandbox: Sandbox, server: ChartRepository) -> None:
    world = shop(tmp_path, sandbox, depending("1.2.2", server.url))
    assert objects(world, "--chart", "redis=1.3.0") == [("added", "redis-1.3.0"), ("removed", "redis-1.2.2")]
    report = world.report("--chart", "redis=1.3.0")
    assert report["suppositions"] == [{"text": "chart redis 1.3.0", "places": ["apps/shop/Chart.yaml:8"], "remark": ""}]
    assert [(line["bump"]["name"], line["bump"]["after"]) for line in report["bumps"]] == [("redis", "1.3.0")]


@pytest.mark.tools
def test_a_lock_of_helm_goes_along_and_binds_the_others_on(
    tmp_path: Path, sandbox: Sandbox, server: ChartRepository
) -> None:
    """Without its lock, postgresql would be resolved anew, and the range of redis too."""
    chart = depending("~1.2.0", server.url, charts.dependency("postgresql", ">=4", server.url))
    world = shop(tmp_path, sandbox, chart)
    helm = f"{sandbox.tools_dir}/helm/{charts.HELM}/helm"
    charts.write_lock(helm, world.repo.folder / "apps/shop", tmp_path)
    world.repo.git("add", "--all")
    world.repo.git("commit", "--quiet", "--message=lock")
    ran = world.diff("--chart", "redis=1.2.2")
    assert "does not belong to the dependencies" not in ran.stderr
    assert objects(world, "--chart", "redis=1.2.2") == [("added", "redis-1.2.2"), ("removed", "redis-1.2.3")]


@pytest.mark.tools
def test_cmp_lock_binds_the_version_that_is_supposed(tmp_path: Path, sandbox: Sandbox, server: ChartRepository) -> None:
    world = shop(tmp_path, sandbox, depending("1.2.2", server.url))
    assert world.sandbox.run("lock", cwd=world.repo.folder).code == 0
    world.repo.git("add", "--all")
    world.repo.git("commit", "--quiet", "--message=lock")
    assert objects(world, "--chart", "redis=1.3.0") == [("added", "redis-1.3.0"), ("removed", "redis-1.2.2")]
    locked = lockfile.parse((world.repo.folder / "cmp.lock").read_bytes(), "cmp.lock")
    assert [chart.version for chart in locked.charts] == ["1.2.2"], "the file itself stays"


@pytest.mark.tools
def test_a_vendored_chart_gives_way(tmp_path: Path, sandbox: Sandbox, server: ChartRepository) -> None:
    world = shop(tmp_path, sandbox, depending("1.2.2", server.url))
    world.repo.commit({"apps/shop/charts/redis-1.2.2.tgz": server.files["/redis-1.2.2.tgz"]})
    assert objects(world, "--chart", "redis=1.3.0") == [("added", "redis-1.3.0"), ("removed", "redis-1.2.2")]


@pytest.mark.tools
def test_a_chart_that_the_repository_does_not_have(tmp_path: Path, sandbox: Sandbox, server: ChartRepository) -> None:
    ran = shop(tmp_path, sandbox, depending("1.2.2", server.url)).diff("--chart", "redis=9.9.9")
    assert ran.code == 5
    assert "chart redis 9.9.9" in ran.stdout


@pytest.mark.no_tools
def test_without_a_program_the_head_and_the_json_tell_the_same(plain: ComparedRepository) -> None:
    ran = plain.diff("--kube-version", "1.38")
    assert (ran.code, ran.stdout.splitlines()[0]) == (0, "Manifest diff: no manifest changes")
    assert "Kubernetes 1.38 on all 3 clusters of the inventory (cmp.yaml:6, cmp.yaml:8)" in ran.stdout
    assert "the inventory lists the API versions of dev" in " ".join(ran.stdout.split())
    report = plain.report("--work-tree", "--pin", "kustomize=5.8.2")
    assert report["suppositions"] == [{"text": "kustomize 5.8.2", "places": ["cmp.yaml:12"], "remark": ""}]
    assert report["head"] == {"name": "the work folder with kustomize 5.8.2", "commit": "", "is_live": False}


@pytest.mark.no_tools
def test_shares_suppose_the_same(plain: ComparedRepository, tmp_path: Path) -> None:
    shares = Shares(plain.diff, tmp_path)
    whole = plain.report("--kube-version", "prod=1.38")
    shares.parts("--kube-version", "prod=1.38")
    merged = json.loads(shares.merge("--format", "json").stdout)
    assert merged == whole
    for options, was in (
        (("--kube-version", "prod=1.39"), "with another value"),
        (("--pin", "helm=4.0.0"), "without it"),
    ):
        ran = shares.shard(0, *options)
        assert said(ran)[0] == f"cmp: {options[0]}: the plan was made {was}"


WRONG = [
    (
        ("--kube-version", "prd=1.38"),
        3,
        "--kube-version prd=1.38: the inventory has no cluster prd",
        "did you mean `prod`?",
    ),
    (("--kube-version", "prod=1"), 2, "--kube-version prod=1: expected VERSION or CLUSTER=VERSION", "1.38 or 1.38.2"),
    (("--kube-version", "=1.38"), 2, "--kube-version =1.38: expected VERSION or CLUSTER=VERSION", ""),
    (("--kube-version", "prod=1.32"), 2, "--kube-version prod=1.32: prod has this version already", ""),
    (
        ("--kube-version", "prod=1.38", "--kube-version", "prod=1.39"),
        2,
        "prod=1.38 and prod=1.39 ask for two versions of one thing",
        "give one of them",
    ),
    (("--pin", "helm"), 2, "--pin helm: expected TOOL=VERSION", "APP:TOOL=VERSION"),
    (("--pin", ":helm=3.18.6"), 2, "--pin :helm=3.18.6: expected TOOL=VERSION", ""),
    (("--pin", "hlem=3.18.6"), 2, "there is no tool hlem to pin", "did you mean `helm`?"),
    (("--pin", "helm=3"), 2, "`3` is not an exact version; a pin names one, such as 3.18.6", ""),
    (("--pin", "helm=3.18.6"), 2, "--pin helm=3.18.6: helm is 3.18.6 already", "--pin APP:TOOL=VERSION"),
    (("--pin", "shpo:helm=3.18.6"), 3, "there is no application shpo", "`shop`"),
    (("--pin", "web@prd:helm=3.18.6"), 3, "the inventory has no cluster prd", "did you mean `prod`?"),
    (("--chart", "redis"), 2, "--chart redis: expected NAME=VERSION, an exact version", ""),
    (("--chart", "redis=^1"), 2, "--chart redis=^1: expected NAME=VERSION, an exact version", "15.2.0"),
    (("--chart", "rediss=1.3.0"), 2, "--chart rediss=1.3.0: no file names a chart rediss of a repository", "`redis`"),
    (("--chart", "redis=1.2.2"), 2, "--chart redis=1.2.2: apps/shop/Chart.yaml names this version already", ""),
    (("--chart", "local=2.0.0"), 2, "--chart local=2.0.0: no file names a chart local of a repository", ""),
    (("--pin", "helm=4.0.0", "--base", "main"), 2, "--pin compares two renders of one revision", "--base"),
    (("--pin", "helm=4.0.0", "--exact"), 2, "--pin compares two renders of one revision", "--exact"),
    (("--pin", "helm=4.0.0", "--untrusted"), 2, "--pin and --untrusted exclude each other", "--keyless"),
    (("--chart", "redis=1.3.0", "--live"), 2, "--chart and --live name two things to compare with", ""),
    (
        ("--kube-version", "1.38", "--against", "applications"),
        2,
        "--kube-version and --against name two things to compare with",
        "",
    ),
]


@pytest.mark.no_tools
@pytest.mark.parametrize(("options", "code", "what", "hint"), WRONG)
def test_what_cannot_be_supposed(
    plain: ComparedRepository, options: tuple[str, ...], code: int, what: str, hint: str
) -> None:
    local = charts.dependency("local", "1.0.0", "file://../../charts/local")
    plain.repo.commit({"apps/shop/Chart.yaml": depending("1.2.2", "https://charts.example.test", local)})
    ran = plain.diff(*options)
    lines = said(ran)
    assert ran.code == code, lines
    assert lines[0].startswith(f"cmp: {what}")
    assert hint in lines[-1]


@pytest.mark.no_tools
def test_without_an_inventory_nobody_knows_a_version(tmp_path: Path, sandbox: Sandbox) -> None:
    world = ComparedRepository(tmp_path / "repo", {**PLAIN, "cmp.yaml": CONFIG.partition("clusters:\n")[0]}, sandbox)
    ran = world.diff("--kube-version", "1.38")
    assert (ran.code, said(ran)) == (
        3,
        [
            "cmp: --kube-version 1.38: there is no inventory that says which version a cluster has",
            "  where: cmp.yaml",
            '  hint: `clusters: {prod: {kubeVersion: "1.37"}}` in cmp.yaml begins one',
        ],
    )
