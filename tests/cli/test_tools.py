"""`cmp tools` through the public door."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import toolstore
from tests.support.harness import CHECKOUT, Sandbox
from tests.support.tool_stores import ARCH, OS
from tests.support.trees import plant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = b"#!/bin/sh\nexit 0\n"
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
        for name, version in (
            *(("cue", "0.14.1"), ("helm", "3.14.4"), ("helm", "3.18.6"), ("helm", "4.0.0")),
            *(("helmfile", "1.1.7"), ("kustomize", "5.7.1"), ("sops", "3.10.2")),
        )
    ]


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
    assert (ran.code, ran.stdout) == (0, f"kustomize 5.7.1 {tools_dir}/kustomize/5.7.1/kustomize\n")
