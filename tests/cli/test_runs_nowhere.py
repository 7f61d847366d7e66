"""Applications that run nowhere are named with the reason, and a command that has nothing else to do fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.no_tools

EMPTY = "APPLICATION  CLUSTER  ENGINE  FOLDER  VALUES\n"
BY_FILES = """\
version: 1
layout: {apps: "charts/{app}", instances: "", values: [{path: "charts/{app}/values-{cluster}.yaml", optional: true}]}
clusters: {tokyo: {env: prod}}
"""
BY_FOLDERS = """\
version: 1
layout: {apps: "charts/{app}", instances: "sites/{cluster}/{app}", values: ["sites/{cluster}/{app}/values.yaml"]}
clusters: {tokyo: {}}
"""
NO_CHOICE = "no `clusters` in its cmp-app.yaml says where"
HINT = (
    "write `clusters: all`, names or facts into its cmp-app.yaml; "
    "or say by `layout: {{instances: …}}` that a file such as {} is enough"
)
TREES = {
    "nothing says where, and a file of the cluster is there": (
        {"cmp.yaml": BY_FILES, "charts/shop/Chart.yaml": CHART, "charts/shop/values-tokyo.yaml": "a: 1\n"},
        "shop runs nowhere: " + NO_CHOICE,
        HINT.format("charts/{app}/values-{cluster}.yaml"),
    ),
    "no folder of an instance": (
        {"cmp.yaml": BY_FOLDERS, "charts/mail/Chart.yaml": CHART, "charts/shop/Chart.yaml": CHART},
        "mail, shop run nowhere: there is no sites/{cluster}/{app} for it, and " + NO_CHOICE,
        HINT.format("sites/{cluster}/{app}/values.yaml"),
    ),
    "a choice that is true of no cluster": (
        {"cmp.yaml": BY_FILES, "charts/shop/Chart.yaml": CHART, "charts/shop/cmp-app.yaml": "clusters: {env: test}\n"},
        "shop runs nowhere: no cluster of the inventory is one of its `clusters` (charts/shop/cmp-app.yaml:1:11)",
        "`clusters` of cmp.yaml lists the clusters with their facts: add one, or correct the choice",
    ),
    "an inventory without a cluster": (
        {"cmp.yaml": BY_FILES.rpartition("clusters:")[0], "charts/shop/Chart.yaml": CHART},
        "shop runs nowhere: the layout needs a cluster, and `clusters` of cmp.yaml lists none",
        "list them, such as `clusters: {prod: {}}`, and write `clusters: all` into its cmp-app.yaml",
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_an_empty_list_of_pairs_says_why(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    files, what, hint = TREES[name]
    plant(tmp_path / "repo", files)
    ran = sandbox.run("apps", cwd=tmp_path / "repo")
    assert (ran.stdout, ran.stderr, ran.code) == (EMPTY, f"cmp: warning: {what} ({hint})\n", 3)
    ran = sandbox.run("render", "--all", "--output-dir", str(tmp_path / "out"), cwd=tmp_path / "repo")
    assert (ran.stdout, ran.stderr, ran.code) == ("", f"cmp: {what}\n  hint: {hint}\n", 3)
    assert not (tmp_path / "out").exists()
    examined = sandbox.run("doctor", cwd=tmp_path / "repo").stdout
    assert f"FAIL  applications: {what}\n      {hint}\n" in examined
    assert "nothing will go wrong" not in examined


def test_one_of_several_is_a_warning(sandbox: Sandbox, tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "cmp.yaml": BY_FILES,
            "charts/shop/Chart.yaml": CHART,
            "charts/shop/cmp-app.yaml": "clusters: all\n",
            "charts/mail/Chart.yaml": CHART,
            "charts/notes/list.yaml": "a: 1\n",
        },
    )
    ran = sandbox.run("apps", cwd=tmp_path)
    assert ran.code == 0
    assert ran.stderr.startswith("cmp: warning: mail runs nowhere: no `clusters` in its cmp-app.yaml says where (")
    assert ran.stdout.count("\n") == 2
    assert "warn  applications: mail runs nowhere" in sandbox.run("doctor", cwd=tmp_path).stdout


def test_a_layout_that_finds_no_application_renders_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    plant(tmp_path / "repo", {"cmp.yaml": BY_FILES, "apps/shop/Chart.yaml": CHART})
    ran = sandbox.run("render", "--all", "--output-dir", str(tmp_path / "out"), cwd=tmp_path / "repo")
    assert (ran.stdout, ran.code) == ("", 3)
    assert ran.stderr == (
        "cmp: there is nothing to render: the layout finds no application\n"
        "  hint: `layout.apps` of cmp.yaml is the pattern of their folders\n"
    )


def test_the_same_finding_on_many_clusters_is_one_line(sandbox: Sandbox, tmp_path: Path) -> None:
    clusters = [f"c{number}" for number in range(7)]
    plant(
        tmp_path,
        {
            "cmp.yaml": BY_FILES.replace("tokyo: {env: prod}", ", ".join(f"{name}: {{}}" for name in clusters)),
            "charts/shop/Chart.yaml": CHART,
            "charts/shop/cmp-app.yaml": "clusters: all\nengine: kustomize\n",
        },
    )
    examined = sandbox.run("doctor", cwd=tmp_path).stdout
    found = [line for line in examined.splitlines() if line.startswith("FAIL  shop")]
    assert found == [found[0]]
    assert found[0].startswith("FAIL  shop on c0, shop on c1, shop on c2, shop on c3, shop on c4 and 2 more: ")


def test_a_folder_that_says_that_it_is_no_application_is_not_named(sandbox: Sandbox, tmp_path: Path) -> None:
    files = {
        "charts/shop/Chart.yaml": CHART,
        "sites/tokyo/shop/values.yaml": "a: 1\n",
        "charts/template/Chart.yaml": CHART,
        "charts/template/cmp-app.yaml": "clusters: []\n",
    }
    plant(tmp_path, {"cmp.yaml": BY_FOLDERS, **files})
    ran = sandbox.run("apps", cwd=tmp_path)
    assert (ran.code, ran.stderr, ran.stdout.count("\n")) == (0, "", 2)


def test_a_mistake_in_a_folder_that_no_cluster_has_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    layout = 'layout: {apps: "charts/{env}/{app}", instances: "", values: []}\nclusters: {tokyo: {env: prod}}\n'
    files = {
        "charts/prod/shop/Chart.yaml": CHART,
        "charts/test/mail/Chart.yaml": CHART,
        "charts/test/mail/cmp-app.yaml": "clusterz: all\n",
    }
    plant(tmp_path, {"cmp.yaml": f"version: 1\n{layout}", **files})
    ran = sandbox.run("apps", cwd=tmp_path)
    assert "mail runs nowhere: unknown key `clusterz`" in ran.stderr
    assert "shop" in ran.stdout
