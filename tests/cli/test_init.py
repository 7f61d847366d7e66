"""`cmp init`: a first cmp.yaml that loads, and in whose layout every application that is there is found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp import yamldoc
from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.repository import scaffold
from cmp.repository.config.model import PINS
from cmp.repository.scaffold.folders import walk
from tests.support.harness import CHECKOUT, snapshot
from tests.support.trees import CHART, REFERENCE, plant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.no_tools

KUSTOMIZATION = "resources: []\n"
ENVS, FOLDERS_OF_ONE = ("dev", "prod"), ("base", "dev/blue", "prod/blue", "prod/green")
VALUES = "a: 1\n"
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"
SEALED = "a: ENC[AES256_GCM,data:eA==,type:str]\nsops:\n  mac: ENC[AES256_GCM,data:eA==,type:str]\n"
HELM, SOPS = PINS["helm"].version, PINS["sops"].version
WRITTEN = """\
# How this repository is laid out, which clusters it serves, and which tools render it.
# `cmp init` wrote it from what lies here: read it through. `cmp schema` prints every key there is.
version: 1
layout:
  # The folders of the applications: each holds a chart, a kustomization or the like.
  apps: namespaces/{app}
  # The folders that say that an application runs on a cluster; empty: there are none.
  instances: clusters/{cluster}/{app}
  # The values files, weakest first. {app} and {cluster} are filled, * is any text in one name.
  values:
    - namespaces/{app}/common-values*.yaml
    - namespaces/{app}/common-values*.secret.yaml
    - clusters/{cluster}/{app}/*-values*.yaml
    - clusters/{cluster}/{app}/*-values*.secret.yaml
  # The release name. Without this key it is the Application's name in Argo CD, unknown to a checkout.
  # release: "{app}"
# Every cluster, with what charts and patterns may know of it, such as {kubeVersion: "1.33", env: prod}.
clusters:
  dev-cluster: {}
  prod-cluster: {}
  staging-cluster: {}
# The versions that render. An application's cmp-app.yaml, which `cmp pin --app` writes, may pin others.
tools:
  helm: HELM
  sops: SOPS
# Files with these ends must be encrypted by sops: one that is not is an error.
secrets:
  suffixes: [".secret.yaml"]
""".replace("HELM", HELM).replace("SOPS", SOPS)


def written(root: Path) -> dict[str, Any]:
    """Return what the file says."""
    found: Any = yamldoc.load_all((root / "cmp.yaml").read_bytes())[0]
    return dict(found)


def listed(sandbox: Sandbox, root: Path) -> set[tuple[str, str]]:
    """Return what `cmp apps` lists, none of it with an error."""
    ran = sandbox.run("apps", "--format", "json", cwd=root)
    rows = json.loads(ran.stdout)
    assert [row["error"] for row in rows if row["error"]] == []
    return {(row["application"], row["cluster"]) for row in rows}


def every(files: Iterable[str], text: str) -> dict[str, str]:
    return dict.fromkeys(files, text)


APPS, STAGES, CITIES = ("mail", "shop"), ("dev", "prod"), ("osaka", "tokyo")
ON_STAGES = {(app, cluster) for app in APPS for cluster in STAGES}
ON_CITIES = {(app, cluster) for app in APPS for cluster in CITIES}
EVERYWHERE = {(app, "") for app in APPS}
TREES: dict[str, tuple[dict[str, str], dict[str, Any], set[tuple[str, str]]]] = {
    "the reference layout": (
        {**REFERENCE, "namespaces/shop/common-values-shop.secret.yaml": SEALED},
        {
            "apps": "namespaces/{app}",
            "instances": "clusters/{cluster}/{app}",
            "values": [
                {"path": "namespaces/{app}/common-values-{app}.yaml", "optional": True},
                {"path": "namespaces/{app}/common-values-{app}.secret.yaml", "optional": True},
                {"path": "clusters/{cluster}/{app}/{cluster}-values-{app}.yaml", "optional": True},
                {"path": "clusters/{cluster}/{app}/{cluster}-values-{app}.secret.yaml", "optional": True},
            ],
        },
        {("shop", "dev"), ("shop", "prod")},
    ),
    "overlays": (
        every(
            (
                f"apps/{app}/{folder}/kustomization.yaml"
                for app in APPS
                for folder in ("base", "overlays/osaka", "overlays/tokyo")
            ),
            "resources: [../../base]\n",
        ),
        {"apps": "apps/{app}/base", "instances": "apps/{app}/overlays/{cluster}", "values": []},
        ON_CITIES,
    ),
    "a base beside the clusters": (
        every(
            (f"apps/{app}/{folder}/kustomization.yaml" for app in APPS for folder in ("base", *STAGES)),
            "resources: [../base]\n",
        ),
        {"apps": "apps/{app}/base", "instances": "apps/{app}/{cluster}", "values": []},
        ON_STAGES,
    ),
    "clusters at the top": (
        every((f"{cluster}/{app}/Chart.yaml" for app, cluster in ON_STAGES), CHART),
        {"apps": "{cluster}/{app}", "instances": "", "values": []},
        ON_STAGES,
    ),
    "clusters in a folder of their own": (
        every((f"clusters/{cluster}/{app}/Chart.yaml" for app, cluster in ON_CITIES), CHART),
        {"apps": "clusters/{cluster}/{app}", "instances": "", "values": []},
        ON_CITIES,
    ),
    "clusters below applications": (
        every((f"deploy/{app}/{cluster}/kustomization.yaml" for app, cluster in ON_STAGES), KUSTOMIZATION),
        {"apps": "deploy/{app}/{cluster}", "instances": "", "values": []},
        ON_STAGES,
    ),
    "values in a tree of their own": (
        {
            **every((f"apps/{app}/{file}" for app in APPS for file in ("values.yaml", "templates/web.yaml")), VALUES),
            **every((f"apps/{app}/Chart.yaml" for app in APPS), CHART),
            **every((f"envs/{cluster}/{app}/values.yaml" for app, cluster in ON_STAGES), VALUES),
            **every((f"envs/{cluster}/{app}/secrets.enc.yaml" for app, cluster in ON_STAGES), SEALED),
        },
        {
            "apps": "apps/{app}",
            "instances": "envs/{cluster}/{app}",
            "values": [
                {"path": "envs/{cluster}/{app}/values.yaml", "optional": True},
                {"path": "envs/{cluster}/{app}/secrets.enc.yaml", "optional": True},
            ],
        },
        ON_STAGES,
    ),
    "plain objects": (
        {**every((f"apps/{app}/web.yaml" for app in APPS), OBJECT), "docs/notes.yaml": VALUES},
        {"apps": "apps/{app}", "instances": "", "values": []},
        EVERYWHERE,
    ),
    "no clusters at all": (
        {"mail/Chart.yaml": CHART, "shop/kustomization.yaml": KUSTOMIZATION},
        {"apps": "{app}", "instances": "", "values": []},
        EVERYWHERE,
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_the_layout_is_found(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    files, layout, pairs = TREES[name]
    root = tmp_path / "tree"
    plant(root, files)
    ran = sandbox.run("init", cwd=root)
    assert (ran.code, ran.stderr) == (0, "")
    assert written(root)["layout"] == layout
    assert listed(sandbox, root) == pairs


def test_the_file_explains_itself(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    example = snapshot(CHECKOUT / "examples" / "monorepo")
    for name in example:
        of_two = not {"namespace-a", "payments"}.isdisjoint(name.split("/"))
        if name.startswith(("namespaces/", "clusters/")) and of_two and "cmp-app" not in name:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(example[name])
    ran = sandbox.run("init", "--dry-run", cwd=root)
    assert (ran.code, ran.stdout, ran.stderr) == (0, WRITTEN, "")
    assert not (root / "cmp.yaml").exists()


def test_nothing_else_is_written(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    plant(root, REFERENCE)
    before = snapshot(root)
    ran = sandbox.run("init", cwd=root)
    assert ran.stdout == "cmp.yaml: 1 application, 2 clusters; `cmp apps` lists them\n"
    assert {*snapshot(root)} - {*before} == {"cmp.yaml"}


def test_what_does_not_fit_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    plant(root, {**REFERENCE, "charts/common/Chart.yaml": CHART})
    ran = sandbox.run("init", cwd=root)
    assert (ran.code, ran.stderr) == (0, "cmp: warning: charts/common is no application in this layout\n")


def test_a_values_file_beside_the_chart_says_where_the_application_runs(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    plant(
        root, {"charts/shop/Chart.yaml": CHART, **every((f"charts/shop/values-{name}.yaml" for name in STAGES), VALUES)}
    )
    ran = sandbox.run("init", cwd=root)
    assert (ran.code, ran.stderr) == (0, "")
    assert written(root)["layout"]["instances"] == "charts/{app}/values-{cluster}.yaml"
    assert written(root)["layout"]["values"] == [{"path": "charts/{app}/values-{cluster}.yaml", "optional": True}]
    assert listed(sandbox, root) == {("shop", "dev"), ("shop", "prod")}


def test_a_values_file_of_one_stage_is_no_layer_of_all_clusters(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    plant(root, {**REFERENCE, "namespaces/shop/common-values-qa.yaml": VALUES})
    ran = sandbox.run("init", cwd=root)
    assert ran.stderr == (
        "cmp: warning: namespaces/shop/common-values-qa.yaml is no layer in this layout: which clusters is it for?\n"
    )
    assert {"path": "namespaces/{app}/common-values-{app}.yaml", "optional": True} in written(root)["layout"]["values"]


def test_an_end_that_other_files_have_too_declares_nothing(tmp_path: Path) -> None:
    tree = plant(
        tmp_path, {**REFERENCE, "clusters/dev/shop/a.values.yaml": SEALED, "clusters/prod/shop/a.values.yaml": VALUES}
    )
    assert 'suffixes: [".secret.yaml"]\n' in scaffold.draft(tree, ENGINES, lambda _: []).content


@pytest.mark.parametrize(
    ("installed", "version"),
    [([], HELM), (["3.14.4", HELM, "9.0.0"], HELM), (["3.14.4", "3.16.1"], "3.16.1")],
)
def test_pins_are_the_defaults_or_what_is_installed(tmp_path: Path, installed: list[str], version: str) -> None:
    draft = scaffold.draft(plant(tmp_path, REFERENCE), ENGINES, lambda _: installed)
    assert f"tools:\n  helm: {version}\n" in draft.content


def test_names_that_need_quotes_get_them(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    clusters = ("1.30", "on", "a: b", "東京", "0x1f")
    plant(
        root, {"apps/shop/Chart.yaml": CHART, **every((f"clusters/{one}/shop/values.yaml" for one in clusters), VALUES)}
    )
    assert sandbox.run("init", cwd=root).code == 0
    assert listed(sandbox, root) == {("shop", cluster) for cluster in clusters}


def refusal(files: dict[str, str], root: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        scaffold.draft(plant(root, files), ENGINES, lambda _: [])
    return error.value.lines()


def test_a_layout_in_which_something_fails_is_printed_and_not_written(sandbox: Sandbox, tmp_path: Path) -> None:
    whole = {f"components/a{at}/{name}/kustomization.yaml": KUSTOMIZATION for at in range(6) for name in FOLDERS_OF_ONE}
    baseless = {f"components/b{at}/{env}/blue/kustomization.yaml": KUSTOMIZATION for at in range(3) for env in ENVS}
    plant(tmp_path, {**whole, **baseless})
    ran = sandbox.run("init", cwd=tmp_path)
    assert (ran.code, ran.stdout, (tmp_path / "cmp.yaml").exists()) == (3, "", False)
    assert ran.stderr.endswith(
        "cmp: about 6 of 24 pairs of the layout that fits best have an error, so it is not written\n"
        "  hint: `cmp init --dry-run` prints it, to be corrected by hand; the warnings say what fails\n"
    )
    printed = sandbox.run("init", "--dry-run", cwd=tmp_path)
    assert printed.code == 3
    assert "\nversion: 1\nlayout:\n" in printed.stdout


def test_an_empty_repository_is_an_error(tmp_path: Path) -> None:
    what, hint = refusal({"README.md": "", "docs/notes.yaml": VALUES, ".hidden/Chart.yaml": CHART}, tmp_path)
    assert what == "cmp: there is nothing to render here"
    assert hint.startswith("  hint: an application's folder has one of Chart.yaml, kustomization.yaml, ")


@pytest.mark.parametrize(
    ("files", "folders"),
    [
        ({"Chart.yaml": CHART}, "."),
        (every(("base/kustomization.yaml", "overlays/dev/kustomization.yaml"), KUSTOMIZATION), "base, overlays/dev"),
    ],
)
def test_a_tree_of_one_application_cannot_be_described(tmp_path: Path, files: dict[str, str], folders: str) -> None:
    assert refusal(files, tmp_path) == [
        f"cmp: no pattern with {{app}} tells the applications apart: {folders}",
        "  hint: each needs a folder of its own, as namespaces/{app}; describe others in a cmp.yaml by hand",
    ]


def test_a_component_of_kustomize_is_no_application(tmp_path: Path) -> None:
    kind = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    tree = plant(tmp_path, {"tls/kustomization.yaml": kind, "web/kustomization.yaml": "components: [../tls]\n"})
    found = {folder.path: folder.engines for folder in walk.walk(tree, ENGINES)}
    assert found == {"tls": (), "web": ("kustomize",)}


def test_a_second_one_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    plant(root, {**REFERENCE, "cmp.yaml": "version: 1\n"})
    before = snapshot(root)
    for folder in (root, root / "namespaces"):
        ran = sandbox.run("init", cwd=folder)
        assert (ran.code, ran.stdout) == (3, "")
        assert ran.stderr == f"cmp: there is a cmp.yaml already\n  where: {root}/cmp.yaml\n"
    assert snapshot(root) == before
