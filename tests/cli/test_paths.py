"""`cmp paths`: an annotation that Argo CD matches with everything that a render reads, and one that is checked."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.genpaths.annotation import covers, item_of_pattern, items, matches, without_covered
from cmp.genpaths.paths import RenderPaths
from cmp.repository import layout
from cmp.system.tree import join
from tests.support.trees import CHART, REFERENCE, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.no_tools

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
LAYOUT = """\
version: 1
layout:
  values:
    - path: common/{app}/*.yaml
    - path: envs/{env}/{app}.yaml
      optional: true
    - path: all/**/{app}.yaml
clusters: {file: inventory.yaml}
"""
INVENTORY = "dev: {env: test}\nprod: {env: live}\n"
ENGINES = {
    "cmp.yaml": LAYOUT.replace("values:", "ignore: ['clusters/**']\n  values:"),
    "inventory.yaml": INVENTORY,
    # helm: charts of the same tree, one below the other, and values of three patterns
    "namespaces/till/Chart.yaml": CHART
    + "dependencies: [{name: one, version: 1.0.0, repository: 'file://../../charts/one'}]\n",
    "namespaces/till/templates/a.yaml": CONFIG_MAP + "data: {all: {{ toJson .Values | quote }}}\n",
    "charts/one/Chart.yaml": "apiVersion: v2\nname: one\nversion: 1.0.0\n"
    "dependencies: [{name: two, version: 1.0.0, repository: 'file://../two'}]\n",
    "charts/two/Chart.yaml": "apiVersion: v2\nname: two\nversion: 1.0.0\n",
    "charts/two/templates/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
    "charts/three/Chart.yaml": "apiVersion: v2\nname: three\nversion: 1.0.0\n",
    "common/till/a.yaml": "a: 1\n",
    "envs/test/till.yaml": "b: 2\n",
    "all/x/y/till.yaml": "c: 3\n",
    "clusters/dev/till/x": "",
    "clusters/prod/till/x": "",
    # kustomize: an overlay in the instance folder, a base and a component elsewhere, a patch behind a link
    "namespaces/web/kustomization.yaml": "resources: [web.yaml]\n",
    "namespaces/web/web.yaml": DEPLOYMENT,
    "clusters/dev/web/kustomization.yaml": "resources: [../../../namespaces/web, ../../../bases/net]\n"
    "components: [../../../bases/label]\npatches: [{path: deep/er/patch.yaml}]\n",
    "clusters/dev/web/deep/er/patch.yaml": "-> ../../../../../shared/patch.yaml",
    "shared/patch.yaml": DEPLOYMENT + "spec: {replicas: 3}\n",
    "shared/other.yaml": "",
    "clusters/prod/web/kustomization.yaml": "resources: [../../../namespaces/web]\n",
    "bases/net/kustomization.yaml": "resources: [net.yaml]\n",
    "bases/net/net.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
    "bases/label/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    "labels: [{pairs: {a: b}}]\n",
    "bases/unused/kustomization.yaml": "",
    # CUE: a package of the module above
    "cue.mod/module.cue": 'module: "example.test/all"\nlanguage: version: "v0.14.1"\n',
    "shapes/map.cue": 'package shapes\n#Map: {apiVersion: "v1", kind: "ConfigMap", metadata: name: string}\n',
    "namespaces/lamp/lamp.cue": 'package lamp\nimport "example.test/all/shapes"\n'
    'objects: [shapes.#Map & {metadata: name: "lamp"}]\n',
    "namespaces/lamp/cmp-app.yaml": "cue: {expression: objects}\n",
    "clusters/dev/lamp/x": "",
    # helmfile: a chart of its own, values from elsewhere
    "namespaces/ship/helmfile.yaml": "releases: [{name: ship, chart: ./chart, values: [../../shared/ship.yaml]}]\n",
    "namespaces/ship/chart/Chart.yaml": CHART,
    "namespaces/ship/chart/templates/a.yaml": CONFIG_MAP + "data: {all: {{ toJson .Values | quote }}}\n",
    "shared/ship.yaml": "sails: 3\n",
    "clusters/dev/ship/x": "",
}
PAIRS = [("till", "dev"), ("till", "prod"), ("web", "dev"), ("web", "prod"), ("lamp", "dev"), ("ship", "dev")]


@pytest.mark.parametrize(
    ("annotation", "path", "is_meant"),
    [
        (".", "source/path/a.yaml", True),
        (".", "source/path/deep/er/a.yaml", True),
        (".", "source/pathological/a.yaml", False),
        (".", "source/a.yaml", False),
        ("/source", "source/path/a.yaml", True),
        ("/", "anything", True),
        ("/other", "source/path/a.yaml", False),
        ("/other;.", "source/path/a.yaml", True),
        (";;.", "source/path/a.yaml", True),
        (" .", "source/path/a.yaml", False),  # nothing is trimmed
        ("/source/path/a.yaml", "source/path/a.yaml", True),
        ("/source/path/a.yaml", "source/path/a.yaml.bak", False),
        ("a.yaml", "source/path/a.yaml", True),
        ("../a.yaml", "source/a.yaml", True),
        ("../../../a.yaml", "a.yaml", False),  # only a folder above the root is the root
        ("../../..", "a.yaml", True),
        ("/source/path/../b", "source/b/c", True),
        ("/source/*/a.yaml", "source/path/a.yaml", True),
        ("/source/*", "source/path/a.yaml", False),  # a star crosses no `/`, and is no folder
        ("/source/**", "source/path/a.yaml", False),
        ("*/shared.yaml", "source/path/x/shared.yaml", True),
        ("/source/pat?/a.yaml", "source/path/a.yaml", True),
        ("/source/[o-q]ath/a.yaml", "source/path/a.yaml", True),
        ("/source/[^p]ath/a.yaml", "source/path/a.yaml", False),
        (r"/source/pa\th/a.yaml", "source/path/a.yaml", True),
        ("/source/[path/a.yaml", "source/path/a.yaml", False),  # malformed: it means nothing
    ],
)
def test_an_item_means_what_argo_cd_takes_it_for(annotation: str, path: str, *, is_meant: bool) -> None:
    assert covers(items(annotation, "source/path"), path) == is_meant


@pytest.mark.parametrize(
    ("pattern", "name", "is_matched"),
    [
        ("*", "", True),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "aXb/c", False),
        ("*[/b]*c", "ab/c", False),  # Go takes the first place that fits, and does not come back
        ("[^a]", "/", True),
        ("[]a]", "]", False),
        ("[a-]", "a", False),
        ("[z-a]", "m", False),
        ("[^z-a]", "m", True),
        (r"[\]]", "]", True),
        ("[^]", "^", False),
        ("\\", "\\", False),
    ],
)
def test_a_pattern_matches_what_go_matches(pattern: str, name: str, *, is_matched: bool) -> None:
    assert matches(pattern, name) == is_matched


PIECES = {"a": "a", "b*": "b-", "*": "x", "{app}": "shop", "{app}-{n}.yaml": "shop-1.yaml", "**": "d/e"}


@given(st.lists(st.sampled_from(sorted(PIECES)), min_size=1, max_size=5), st.sampled_from(["", "deploy"]))
def test_the_item_of_a_pattern_means_every_file_that_the_pattern_finds(pieces: list[str], prefix: str) -> None:
    path = "/".join([*(PIECES[piece] for piece in pieces), *(["f"] if pieces[-1] == "**" else [])])
    pattern = layout.parse("/".join(pieces))
    assert layout.match(pattern, path, {"app": "shop"}) is not None
    assert covers([item_of_pattern(pattern, {"app": "shop"}, prefix)], join(prefix, path))


ITEMS = ("/", "/a", "/a/b", "/a/*", "/*/b", "/a/*/*", "/a/b*", "/a/bc", "/a*", r"/\*", "/a/[b]", "/*/*")
FILES = ("a", "a/b", "a/b/c", "a/bc", "b/b", "*", "a/*", "a/[b]", "ab", "a/d/e/f")


@given(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=6))
def test_fewer_items_mean_the_same_files(every: list[str]) -> None:
    fewer = without_covered(every)
    assert [path for path in FILES if covers(fewer, path)] == [path for path in FILES if covers(every, path)]


def test_one_value_serves_all_clusters_and_the_files_that_may_come(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, REFERENCE)
    ran = sandbox.run("paths", cwd=tmp_path)
    assert (ran.stdout, ran.stderr, ran.code) == (
        "shop  /clusters/*/shop/*;/cmp.lock;/cmp.yaml;/namespaces/shop\n",
        "",
        0,
    )
    assert sandbox.run("paths", "shop", "--cluster", "dev", cwd=tmp_path).stdout == (
        "shop  /clusters/dev/shop;/cmp.lock;/cmp.yaml;/namespaces/shop\n"
    )


def test_json_has_the_value_of_each_cluster_too_and_what_keeps_one_from_being_known(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    plant(tmp_path, {**REFERENCE, "clusters/dev/ghost/x": ""})
    ran = sandbox.run("paths", "--format", "json", cwd=tmp_path)
    ghost, shop = json.loads(ran.stdout)
    assert ran.code == 3
    assert ghost["error"]["what"].startswith("there is no application ghost")
    assert shop == {
        "application": "shop",
        "value": "/clusters/*/shop/*;/cmp.lock;/cmp.yaml;/namespaces/shop",
        "clusters": {
            "dev": "/clusters/dev/shop;/cmp.lock;/cmp.yaml;/namespaces/shop",
            "prod": "/clusters/prod/shop;/cmp.lock;/cmp.yaml;/namespaces/shop",
        },
        "error": None,
    }
    assert sandbox.run("paths", "ghost", cwd=tmp_path).stdout.startswith("ghost  error: there is no application ghost")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("shpo",), "cmp: there is no application shpo\n  hint: did you mean `shop`?\n"),
        (("shop", "--cluster", "x"), "cmp: nothing of this runs on a cluster x\n"),
        (
            ("--check", "--cluster", "dev"),
            "cmp: --check looks at every cluster that an annotation is for: --cluster does not go with it\n",
        ),
        (
            ("--check", "no.yaml"),
            "cmp: cannot read this file: No such file or directory\n  where: no.yaml\n",
        ),
    ],
)
def test_what_is_not_there_is_said(argv: tuple[str, ...], said: str, tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, REFERENCE)
    ran = sandbox.run("paths", *argv, cwd=tmp_path)
    assert (ran.stdout, ran.stderr, ran.code) == ("", said, 2)


def test_a_tree_below_the_root_of_git_is_named_from_there(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / ".git").mkdir()
    plant(tmp_path / "deploy/x", {**REFERENCE, "cmp.yaml": "version: 1\n"})
    ran = sandbox.run("paths", "--cluster", "dev", cwd=tmp_path / "deploy/x")
    assert ran.stdout == (
        "shop  /cmp.yaml;/deploy/x/clusters/dev/shop;/deploy/x/cmp.lock;/deploy/x/cmp.yaml;/deploy/x/namespaces/shop\n"
    )


def test_patterns_of_values_become_items_as_narrow_as_argo_cd_allows(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, ENGINES)
    values = dict(line.split("  ") for line in sandbox.run("paths", cwd=tmp_path).stdout.splitlines())
    assert values["till"].split(";") == [
        "/all",
        "/charts/one",
        "/charts/two",
        "/clusters/*/till/*",
        "/cmp.lock",
        "/cmp.yaml",
        "/common/till/*.yaml",
        "/envs/*/till.yaml",
        "/inventory.yaml",
        "/namespaces/till",
    ]
    on_dev = sandbox.run("paths", "till", "--cluster", "dev", cwd=tmp_path).stdout
    assert "/envs/test/till.yaml;" in on_dev
    assert values["web"].split(";") == [
        "/all",
        "/bases/label/kustomization.yaml",
        "/bases/net/kustomization.yaml",
        "/bases/net/net.yaml",
        "/clusters/*/web/*",
        "/clusters/*/web/*/*",
        "/clusters/*/web/*/*/*",
        "/cmp.lock",
        "/cmp.yaml",
        "/common/web/*.yaml",
        "/envs/*/web.yaml",
        "/inventory.yaml",
        "/namespaces/web",
        "/shared/patch.yaml",
    ]


@pytest.mark.tools
@pytest.mark.parametrize(("app", "cluster"), PAIRS)
@pytest.mark.parametrize("scope", ["of the application", "of the pair"])
def test_what_a_value_does_not_mean_no_render_reads(
    app: str, cluster: str, scope: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    tree = plant(tmp_path / "whole", ENGINES)
    paths = RenderPaths(tree)
    pairs = [pair for pair in paths.repository.pairs() if pair.app == app]
    chosen = pairs if scope == "of the application" else [pair for pair in pairs if pair.cluster == cluster]
    value = paths.items([paths.of(pair) for pair in chosen])
    for path in (name for name in ENGINES if covers(value, name)):
        (tmp_path / "part" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "whole" / path, tmp_path / "part" / path, follow_symlinks=False)
    whole, part = (sandbox.run("render", app, "--cluster", cluster, cwd=tmp_path / name) for name in ("whole", "part"))
    assert (whole.code, part.code, part.stderr.count("error")) == (0, 0, 0), whole.stderr + part.stderr
    assert part.stdout == whole.stdout
    assert not covers(value, "shared/other.yaml")
    assert not covers(value, "bases/unused/kustomization.yaml")
    assert not covers(value, "charts/three/Chart.yaml")


def test_a_link_counts_and_so_does_what_it_leads_to(tmp_path: Path) -> None:
    files = {
        **REFERENCE,
        "namespaces/shop/files": "-> ../../shared/files",
        "shared/files/deep/a.txt": "",
        "shared/files/again": "-> ../more",
        "shared/more/b.txt": "",
        "clusters/stage": "-> dev",
    }
    paths = RenderPaths(plant(tmp_path, files))
    pairs = {pair.cluster: pair for pair in paths.repository.pairs()}
    on_dev = paths.items([paths.of(pairs["dev"])])
    assert on_dev == (
        *("/clusters/dev/shop", "/cmp.lock", "/cmp.yaml", "/namespaces/shop"),
        *("/shared/files", "/shared/more"),
    )
    on_stage = paths.items([paths.of(pairs["stage"])])
    assert {"/clusters/stage", "/clusters/dev/shop"} <= {*on_stage}


def test_names_that_mean_something_to_argo_cd_are_kept_literal(tmp_path: Path) -> None:
    value = _value(tmp_path, "values: ['envs/{env}/{app}*.yaml']", {"envs/t[1]/shop-x.yaml": ""})
    assert value == ("/clusters/dev/shop", "/cmp.lock", "/cmp.yaml", r"/envs/t\[1]/shop*.yaml", "/namespaces/shop")
    assert covers(value, "envs/t[1]/shop-x.yaml")
    assert not covers(value, "envs/t1/shop-x.yaml")


def test_no_item_can_have_a_semicolon_so_a_folder_above_is_named(tmp_path: Path) -> None:
    value = _value(tmp_path, "values: ['more/b;c/{app}/*.yaml']", {"more/b;c/shop/x.yaml": ""})
    assert value == ("/clusters/dev/shop", "/cmp.lock", "/cmp.yaml", "/more", "/namespaces/shop")


def _value(root: Path, values: str, files: dict[str, str]) -> tuple[str, ...]:
    written = f"version: 1\nlayout:\n  {values}\nclusters: {{dev: {{env: 't[1]'}}}}\n"
    app = {"cmp.yaml": written, "namespaces/shop/Chart.yaml": CHART, "clusters/dev/shop/x": ""}
    paths = RenderPaths(plant(root, {**app, **files}))
    return paths.items([paths.of(pair) for pair in paths.repository.pairs()])
