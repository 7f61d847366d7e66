"""`cmp tools` through the public door."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cmp.argocd.settings import BUNDLED
from cmp.argocd.settings import NEWEST as NEWEST_ARGOCD
from cmp.artifacts import toolstore
from cmp.repository.config.model import PINS
from tests.support import bare_tools
from tests.support.git_repository import Repo
from tests.support.go_proxy import MAIN, GoProxy, SilentProxy
from tests.support.harness import CHECKOUT, Sandbox
from tests.support.tool_stores import ARCH, OS
from tests.support.trees import CHART, plant
from tests.support.versions import GATOR, NEWEST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  destination: {name: dev, namespace: shop}
  source: {repoURL: https://git.example/shop.git, path: shop}
"""
CONTENT = b"#!/bin/sh\nexit 0\n"
SECONDS = "3"  # a busy machine has to be at work by then
SHA256 = "306c6ca7407560340797866e077e053627ad409277d1b9da58106fce4cf717cb"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store with one helm of two lines in it."""
    program = tmp_path / "tools" / "helm" / "3.18.6" / "helm"
    program.parent.mkdir(parents=True)
    program.write_bytes(CONTENT)
    program.chmod(0o755)
    toolstore.write(str(program.parent), toolstore.describe(str(program), "go", "helm.sh/helm/v3@v3.18.6"))
    return tmp_path / "tools"


@pytest.fixture
def sandbox(tmp_path: Path, store: Path) -> Sandbox:
    return Sandbox(tmp_path / "sandbox", str(store))


def test_list_says_what_is_in_the_store(sandbox: Sandbox, store: Path, tmp_path: Path) -> None:
    (store / "helm" / "3.9.0").mkdir()
    ran = sandbox.run("tools", "list", cwd=tmp_path)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout == (
        "helm      3.9.0     -       -           is not installed\n"
        f"helm      3.18.6    go      {f'{OS}/{ARCH}':<12}sha256:{SHA256}\n"
    )


def test_list_speaks_json(sandbox: Sandbox, store: Path, tmp_path: Path) -> None:
    ran = sandbox.run("tools", "list", "--format", "json", cwd=tmp_path)
    assert json.loads(ran.stdout) == [
        {
            "tool": "helm",
            "version": "3.18.6",
            "path": f"{store}/helm/3.18.6/helm",
            "problem": "",
            "sha256": SHA256,
            "size": 17,
            "os": OS,
            "arch": ARCH,
            "via": "go",
            "source": "helm.sh/helm/v3@v3.18.6",
        }
    ]


def test_an_empty_store_lists_nothing(sandbox: Sandbox, store: Path, tmp_path: Path) -> None:
    shutil.rmtree(store)
    ran = sandbox.run("tools", "list", cwd=tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")


def test_verify_is_content_with_what_was_installed(sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.run("tools", "verify", cwd=tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "helm 3.18.6 is what was installed\n", "")


def changed(program: Path) -> None:
    program.write_bytes(CONTENT.replace(b"0", b"1"))


def without_record(program: Path) -> None:
    (program.parent / "record.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [(changed, "has been changed: its sha256 is "), (without_record, "has no record of its sha256\n")],
)
def test_verify_exits_with_1_for_anything_else(
    sandbox: Sandbox, store: Path, tmp_path: Path, spoil: Callable[[Path], None], problem: str
) -> None:
    spoil(store / "helm" / "3.18.6" / "helm")
    ran = sandbox.run("tools", "verify", cwd=tmp_path)
    assert ran.code == 1
    assert ran.stdout.startswith(f"helm 3.18.6 {problem}")
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("argv", "stderr"),
    [
        (
            ["helm"],
            "cmp: 'helm' is not of the form tool@version\n  hint: for example: cmp tools install helm@3.18.6\n",
        ),
        (["helm@3.18.6", "--from", "cmp.lock"], "cmp: give either tools or --from, not both\n"),
    ],
)
def test_a_wrong_command_line_is_an_error(sandbox: Sandbox, tmp_path: Path, argv: list[str], stderr: str) -> None:
    ran = sandbox.run("tools", "install", *argv, cwd=tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (2, "", stderr)


def test_install_of_what_is_installed_says_where_it_is(sandbox: Sandbox, store: Path, tmp_path: Path) -> None:
    ran = sandbox.run("tools", "install", "helm@3.18.6", cwd=tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (0, f"helm 3.18.6 {store}/helm/3.18.6/helm\n", "")


def test_install_without_arguments_takes_the_pins_of_the_repository(tmp_path: Path, tools_dir: str) -> None:
    sandbox = Sandbox(tmp_path / "sandbox", tools_dir)
    ran = sandbox.run("tools", "install", cwd=CHECKOUT / "examples" / "monorepo" / "namespaces" / "search")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        f"{name} {version} {tools_dir}/{name}/{version}/{name}"
        for name, version in sorted({*NEWEST.items(), *(("helm", version) for version in bare_tools.PINS.values())})
    ]


def test_a_tool_that_fails_stops_no_other_and_the_last_line_names_it(
    sandbox: Sandbox, store: Path, tmp_path: Path
) -> None:
    ran = sandbox.run("tools", "install", "helm@2.17.0", "helm@3.18.6", "sops@3", cwd=tmp_path)
    assert (ran.code, ran.stdout) == (4, f"helm 3.18.6 {store}/helm/3.18.6/helm\n")
    assert ran.stderr == (
        "cmp: there is no recipe for helm 2.17.0; its versions start with: 3., 4.0.0, 4.\n"
        "cmp: sops 3 is not an exact version such as 3.18.6\n"
        "cmp: 2 of 3 tools failed: helm 2.17.0, sops 3\n"
    )


def test_a_tool_that_fails_alone_is_an_error_like_any_other(sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.run("tools", "install", "helm@2.17.0", cwd=tmp_path)
    assert (ran.code, ran.stdout) == (4, "")
    assert ran.stderr == "cmp: there is no recipe for helm 2.17.0; its versions start with: 3., 4.0.0, 4.\n"


def with_go(**env: str) -> dict[str, str]:
    """Return the variables by which the machine's own Go, with its cache of builds, asks another proxy."""
    cache = subprocess.run(["go", "env", "GOCACHE"], capture_output=True, check=True, text=True).stdout.strip()
    return {"PATH": os.environ["PATH"], "GOCACHE": cache, "GOTOOLCHAIN": "local", **env}


def test_each_tool_has_the_time_of_the_deadline(sandbox: Sandbox, tmp_path: Path) -> None:
    with SilentProxy() as proxy:
        sandbox.extra |= with_go(GOPROXY=proxy.url, CMP_DEADLINE=SECONDS)
        specs = ("kustomize@5.7.1", "sops@3.10.2", "helm@3.18.6")
        ran = sandbox.run("tools", "install", "--via", "go", *specs, cwd=tmp_path)
        asked = {path.partition("/@v/")[0] for path in proxy.requests}
    assert asked == {"/sigs.k8s.io/kustomize/kustomize/v5", "/github.com/getsops/sops/v3"}
    assert (ran.code, len(ran.stdout.splitlines())) == (9, 1)
    late = (
        "go was still running when the deadline of 3 s passed\n  hint: allow each tool more time, as in CMP_DEADLINE=6"
    )
    assert ran.stderr == (
        "cmp: kustomize 5.7.1: building from sigs.k8s.io/kustomize/kustomize/v5\n"
        f"cmp: kustomize 5.7.1 cannot be installed\n  go: {late}\n"
        "cmp: sops 3.10.2: building from github.com/getsops/sops/v3\n"
        f"cmp: sops 3.10.2 cannot be installed\n  go: {late}\n"
        "cmp: 2 of 3 tools failed: kustomize 5.7.1, sops 3.10.2\n"
    )


def test_a_module_that_is_refused_is_named_and_what_is_behind_it_is_built(sandbox: Sandbox, tmp_path: Path) -> None:
    proxy = GoProxy(tmp_path / "proxy")
    required = "sigs.k8s.io/kustomize/kustomize/v5"
    main = 'package main\n\nimport _ "example.com/gone"\n\nfunc main() {}\n'
    require = "require example.com/gone v1.2.3\n"
    proxy.publish(required, "v5.99.0", f"module {required}\n\ngo 1.21\n{require}", {"main.go": main})
    proxy.publish("example.com/gone", "v1.2.3", "module example.com/gone\n")
    proxy.publish("cuelang.org/go", "v0.99.0", "module cuelang.org/go\n\ngo 1.21\n", {"cmd/cue/main.go": MAIN})
    sandbox.extra |= with_go(**proxy.env)
    ran = sandbox.run("tools", "install", "--via", "go", "kustomize@5.99.0", "cue@0.99.0", cwd=tmp_path)
    assert (ran.code, ran.stdout) == (4, f"cue 0.99.0 {sandbox.tools_dir}/cue/0.99.0/cue\n")
    lines = ran.stderr.splitlines()
    assert lines[2].startswith("  go: example.com/gone@v1.2.3 cannot be had: reading file://")
    assert lines[-1] == "cmp: 1 of 2 tools failed: kustomize 5.99.0"


def lock(folder: Path, arch: str, sha256: str) -> None:
    entry = f"{{os: {OS}, arch: {arch}, via: go, sha256: '{sha256}'}}"
    (folder / "cmp.lock").write_text(f"version: 1\ncharts: []\ntools: {{helm: {{3.18.6: [{entry}]}}}}\n")


def test_install_from_a_lock_needs_no_repository(sandbox: Sandbox, store: Path, tmp_path: Path) -> None:
    lock(tmp_path, ARCH, SHA256)
    ran = sandbox.run("tools", "install", "--from", "cmp.lock", cwd=tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (0, f"helm 3.18.6 {store}/helm/3.18.6/helm\n", "")


def test_install_from_a_lock_insists_on_its_sha256(sandbox: Sandbox, tmp_path: Path) -> None:
    lock(tmp_path, ARCH, "0" * 64)
    ran = sandbox.run("tools", "install", "--from", "cmp.lock", cwd=tmp_path)
    assert ran.code == 4
    assert ran.first_line == (
        f"cmp: helm 3.18.6 is not the one of the lock file: its sha256 is {SHA256}, locked is {'0' * 64}"
    )


def test_install_from_a_lock_of_another_platform_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    lock(tmp_path, "s390x", SHA256)
    ran = sandbox.run("tools", "install", "--from", "cmp.lock", cwd=tmp_path)
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr == f"cmp: helm 3.18.6 is not locked for {OS}/{ARCH}\n  where: cmp.lock\n"


def test_install_from_a_lock_takes_no_commit(sandbox: Sandbox, tmp_path: Path) -> None:
    lock(tmp_path, ARCH, SHA256)
    commit = "3.18.7-0.20250715123456-0123456789ab"
    (tmp_path / "cmp.lock").write_text((tmp_path / "cmp.lock").read_text().replace("3.18.6", commit))
    ran = sandbox.run("tools", "install", "--from", "cmp.lock", cwd=tmp_path)
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.stderr == (
        f"cmp: helm {commit} names a commit (a Go pseudo-version), not a release such as 3.18.6\n"
        "  where: cmp.lock\n  hint: `cmp lock` writes this file\n"
    )


def test_install_from_a_lock_that_is_not_there_is_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    ran = sandbox.run("tools", "install", "--from", "cmp.lock", cwd=tmp_path)
    assert ran.code == 3
    assert "No such file or directory" in ran.stderr


def test_install_without_arguments_takes_a_default_that_some_render_needs(tmp_path: Path, tools_dir: str) -> None:
    sandbox = Sandbox(tmp_path / "sandbox", tools_dir)
    plant(
        tmp_path / "tree", {"cmp.yaml": "layout: {apps: '{app}', instances: '', values: []}\n", "web/Kustomization": ""}
    )
    ran = sandbox.run("tools", "install", cwd=tmp_path / "tree")
    version = PINS["kustomize"].version
    assert (ran.code, ran.stdout) == (0, f"kustomize {version} {tools_dir}/kustomize/{version}/kustomize\n")


def test_install_without_arguments_takes_what_judges_by_policies(tmp_path: Path, tools_dir: str) -> None:
    sandbox = Sandbox(tmp_path / "sandbox", tools_dir)
    files = {"namespaces/notes/map.yaml": "kind: ConfigMap\n", "clusters/dev/notes/.keep": ""}
    plant(tmp_path / "tree", {**files, "cmp.yaml": "checks: {policies: [policies]}\n"})
    ran = sandbox.run("tools", "install", cwd=tmp_path / "tree")
    assert (ran.code, ran.stdout) == (0, f"gator {GATOR} {tools_dir}/gator/{GATOR}/gator\n")


def test_install_without_cmp_yaml_takes_what_the_applications_of_argo_cd_need(tmp_path: Path, tools_dir: str) -> None:
    repo = Repo(tmp_path / "repo")
    repo.commit({"shop/Chart.yaml": CHART, "argocd/shop.yaml": APPLICATION})
    ran = Sandbox(tmp_path / "sandbox", tools_dir).run("tools", "install", cwd=repo.folder)
    version = BUNDLED[NEWEST_ARGOCD]["helm"]
    assert (ran.code, ran.stdout, ran.stderr) == (0, f"helm {version} {tools_dir}/helm/{version}/helm\n", "")


@pytest.mark.no_tools
def test_install_where_nothing_is_rendered_says_so(tmp_path: Path, sandbox: Sandbox) -> None:
    repo = Repo(tmp_path / "repo")
    ran = sandbox.run("tools", "install", cwd=repo.folder)
    assert ran.code == 3
    assert ran.stderr.splitlines() == [
        f"cmp: no tool is needed here: there is no application, and no Application of Argo CD, in {repo.folder}",
        "  hint: for example: cmp tools install helm@3.18.6",
    ]


@pytest.mark.no_tools
def test_install_where_no_program_renders_installs_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, {"namespaces/notes/map.yaml": "kind: ConfigMap\n", "clusters/dev/notes/.keep": ""})
    ran = sandbox.run("tools", "install", cwd=tmp_path)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")
