"""Wrong trees, each with all that `cmp` says about it: tests/data/invalid/trees.txt, under the same names as here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.model import NOTHING
from tests.support.harness import DATA
from tests.support.trees import CHART, REFERENCE, plant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.support.harness import Sandbox

FOLDER = DATA / "invalid"
RENDER = ("render", "shop", "--cluster", "dev")
DEV = "clusters/dev/shop"
IN_GIT = "file://../../.git/modules/x"


class Bad(NamedTuple):
    """One mistake: files beside those of REFERENCE, or a change by `spoil`; and the command that meets it."""

    name: str
    files: Mapping[str, str] = NOTHING
    argv: tuple[str, ...] = RENDER
    cwd: str = "."
    env: Mapping[str, str] = NOTHING
    code: int = 3
    spoil: Callable[[Path], object] = lambda _: None


def layout(text: str) -> dict[str, str]:
    return {"cmp.yaml": f"version: 1\nlayout: {{{text}}}\n"}


def render(app: str, cluster: str = "dev") -> tuple[str, ...]:
    return ("render", app, "--cluster", cluster)


def with_values(pattern: str) -> tuple[str, ...]:
    return (*RENDER, "--values", pattern)


def grown(root: Path) -> None:
    with (root / DEV / "b-values.yaml").open("wb") as file:
        file.truncate(100_000_000)


BAD = [
    Bad("a values file that is a link out of the tree", {f"{DEV}/x-values.yaml": "-> /etc/hostname"}),
    Bad("a values file that is a link into the folder of Git", {f"{DEV}/x-values.yaml": "-> ../../../.git/HEAD"}),
    Bad(
        "a secret file in the folder of Git",
        {"namespaces/shop/cmp-app.yaml": "secrets: {files: [k]}\n", "namespaces/shop/k": "-> ../../.git/HEAD"},
    ),
    Bad(
        "a chart in the folder of Git",
        {
            ".git/modules/x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n",
            "namespaces/shop/Chart.yaml": f"{CHART}dependencies: [{{name: x, version: 1.0.0, repository: {IN_GIT}}}]\n",
        },
    ),
    Bad(
        "a kustomization that names the configuration of Git",
        {"namespaces/k/kustomization.yaml": "resources: [../../.git/HEAD]\n", "clusters/dev/k/x": ""},
        render("k"),
    ),
    Bad(
        "a helmfile that names the configuration of Git",
        {
            "namespaces/h/helmfile.yaml": "environments: {default: {values: [../../.git/HEAD]}}\n",
            "clusters/dev/h/x": "",
        },
        render("h"),
    ),
    Bad(
        "a CUE package that embeds what a link into the folder of Git leads to",
        {
            "namespaces/c/x.cue": "@extern(embed)\npackage x\nobjects: [_] @embed(file=git/HEAD)\n",
            "namespaces/c/git": "-> ../../.git",
            "clusters/dev/c/x": "",
        },
        render("c"),
    ),
    Bad(
        "plain manifests that are a link into the folder of Git",
        {"namespaces/p/a.yaml": "-> ../../.git/HEAD", "clusters/dev/p/x": ""},
        render("p"),
    ),
    Bad("a values file that is a link to itself", {f"{DEV}/x-values.yaml": "-> x-values.yaml"}),
    Bad("a values file that is a link to nothing", {f"{DEV}/x-values.yaml": "-> nothing"}),
    Bad("an application that is a link out of the tree", {"namespaces/out": "-> ../.."}, render("out")),
    Bad("an instance folder that is a link to itself", {"clusters/stage/shop": "-> shop"}, render("shop", "stage")),
    Bad("an instance folder that is a file", {"clusters/stage/shop": ""}, render("shop", "stage")),
    Bad("a line break in the name of a values file", {f"{DEV}/a\nb-values.yaml": ""}),
    Bad("an escape sequence in the name of a values file", {f"{DEV}/\x1b[2J-values.yaml": ""}),
    Bad("a name that is not UTF-8", {f"{DEV}/caf\udce9-values.yaml": ""}),
    Bad("a line break in the name of an application", {"namespaces/a\nb/Chart.yaml": CHART}, ("apps",)),
    Bad(
        "a binary values file",
        code=7,
        spoil=lambda root: (root / DEV / "b-values.yaml").write_bytes(b"\x7fELF\x02\x00\xff\xfe"),
    ),
    Bad("a values file of 100 MB", spoil=grown),
    Bad("a named pipe for a values file", spoil=lambda root: os.mkfifo(root / DEV / "p-values.yaml")),
    Bad(
        "a named pipe for a values file that a path names",
        layout("values: [v/p.yaml], ignore: ['**']") | {"v/x": ""},
        spoil=lambda root: os.mkfifo(root / "v/p.yaml"),
    ),
    Bad("a folder for a values file", layout("values: [v/d.yaml], ignore: ['**']") | {"v/d.yaml/x": ""}),
    Bad("a values file that is not there", layout("values: ['envs/{cluster}.yaml'], ignore: ['**']")),
    Bad(
        "a values file of cmp-app.yaml that is not there",
        {"namespaces/shop/cmp-app.yaml": "values: ['namespaces/{app}/x.yaml']\n"},
    ),
    Bad("a values file of the command line that is not there", argv=with_values("x.yaml")),
    Bad("values of another application", {"namespaces/till/s.yaml": ""}, with_values("namespaces/till/s.yaml")),
    Bad("values above the tree", argv=with_values("../x.yaml")),
    Bad(
        "values through a link to another application",
        {"namespaces/till/s.yaml": "", f"{DEV}/v.yaml": "-> ../../../namespaces/till/s.yaml"},
        with_values(f"{DEV}/v.yaml"),
    ),
    Bad("a renamed values file", {f"{DEV}/dev-vals-shop.yaml": ""}),
    Bad("a renamed secret", {f"{DEV}/dev-values-shop.secrets.yml": ""}),
    Bad("a fact that no cluster has", layout("values: ['envs/{env}.yaml']")),
    Bad(
        "a fact that only another cluster has",
        {"cmp.yaml": "version: 1\nclusters: {dev: {}, prod: {env: live}}\nlayout: {values: ['envs/{env}.yaml']}\n"},
    ),
    Bad(
        "a fact that leads elsewhere",
        {"cmp.yaml": "version: 1\nclusters: {dev: {env: ../x}}\nlayout: {values: ['envs/{env}/a.yaml']}\n"},
    ),
    Bad("two engines", {"namespaces/shop/kustomization.yaml": ""}),
    Bad(
        "an overlay with nothing in it",
        {f"{DEV}/kustomization.yaml": "", f"{DEV}/cmp-app.yaml": "replace: true\n"},
        code=7,
    ),
    Bad("no engine", {"namespaces/docs/notes.txt": "", "clusters/dev/docs/x": ""}, render("docs")),
    Bad(
        "an engine without its file",
        {"namespaces/docs/cmp-app.yaml": "engine: helm\n", "clusters/dev/docs/x": ""},
        render("docs"),
    ),
    Bad("an application that is not there", argv=render("shpo")),
    Bad("an application named by a path", argv=render("../namespaces/shop")),
    Bad("an instance without application", {"clusters/dev/till/dev-values.yaml": ""}, render("till")),
    Bad("a cluster that is not there", argv=render("shop", "dve")),
    Bad(
        "a cluster that is not in the inventory",
        {"cmp.yaml": "version: 1\nclusters: {dev: {}, prod: {}}\n"},
        render("shop", "dve"),
    ),
    Bad("no cluster", argv=("render", "shop")),
    Bad("no application", argv=("render", "--cluster", "dev"), code=2),
    Bad("a folder of one cluster and the name of another", argv=("render", "--cluster", "prod"), cwd=DEV),
    Bad("a folder of one application and the name of another", argv=("render", "till"), cwd=DEV),
    Bad("a sidecar that is locked to another cluster", env={"CMP_CLUSTER": "prod"}),
    Bad("two applications of one name", layout("apps: 'a/{team}/{app}'") | {"a/x/shop/y": "", "a/y/shop/x": ""}),
    Bad(
        "an application whose name is no release name",
        {"namespaces/Shop_A/Chart.yaml": CHART, "clusters/dev/Shop_A/x": ""},
        render("Shop_A"),
    ),
    Bad("a secret file that is not there", {"namespaces/shop/cmp-app.yaml": "secrets: {files: [files/key]}\n"}),
    Bad("a cmp.yaml that is a folder", {"cmp.yaml/x": ""}),
    Bad("a cmp.yaml that is a link out of the tree", {"cmp.yaml": "-> /etc/hostname"}),
    Bad("a cmp.yaml that is a link to nothing", {"cmp.yaml": "-> nothing"}),
    Bad("a cmp-app.yaml that is a named pipe", spoil=lambda root: os.mkfifo(root / DEV / "cmp-app.yaml")),
    Bad("no repository", {"inner/.git/x": ""}, cwd="inner"),
    Bad(
        "a part of the repository in the sidecar",
        argv=("generate",),
        cwd="namespaces",
        env={"ARGOCD_APP_SOURCE_PATH": "namespaces/shop"},
    ),
    Bad(
        "a source path that is no application",
        argv=("generate",),
        cwd="namespaces",
        env={"ARGOCD_APP_SOURCE_PATH": "namespaces"},
    ),
    Bad(
        "a source path inside an application",
        {"namespaces/shop/sub/x": ""},
        argv=("generate",),
        cwd="namespaces/shop/sub",
        env={"ARGOCD_APP_SOURCE_PATH": "namespaces/shop/sub"},
    ),
    Bad(
        "a source path of one cluster and the parameter of another",
        argv=("generate",),
        cwd=DEV,
        env={
            "ARGOCD_APP_SOURCE_PATH": DEV,
            "ARGOCD_APP_PARAMETERS": '[{"name": "cluster", "string": "prod"}]',
        },
    ),
    Bad(
        "an unknown parameter",
        argv=("generate",),
        cwd=DEV,
        env={
            "ARGOCD_APP_SOURCE_PATH": DEV,
            "ARGOCD_APP_PARAMETERS": '[{"name": "value", "string": "x"}]',
        },
    ),
    Bad("no source path", argv=("generate",), cwd=DEV),
]


def said() -> dict[str, str]:
    _, *sections = (FOLDER / "trees.txt").read_text().split("==== ")
    return {name: text for name, _, text in (section.rstrip("\n").partition("\n") for section in sections)}


def test_every_wrong_tree_has_its_error() -> None:
    assert list(said()) == [bad.name for bad in BAD]


@pytest.mark.parametrize("bad", [pytest.param(bad, id=bad.name) for bad in BAD])
def test_a_wrong_tree_is_refused(bad: Bad, tmp_path: Path, sandbox: Sandbox) -> None:
    root = tmp_path / "repo"
    plant(root, {".git/HEAD": "", **REFERENCE, **bad.files})
    bad.spoil(root)
    sandbox.extra |= bad.env
    ran = sandbox.run(*bad.argv, cwd=root / bad.cwd)
    assert ran.stderr.replace(str(root), "‹root›").rstrip("\n") == said()[bad.name]
    assert (ran.stdout, ran.code) == ("", bad.code)
