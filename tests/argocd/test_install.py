"""docs/install.md, read and done: each command runs, in its order, against a real API server that keeps nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml

from cmp.artifacts import lockfile
from tests.argocd.trees import SHOP
from tests.image.build import CONTEXT
from tests.image.pod import kustomize, named, repo_server, sidecars, volumes
from tests.support.harness import CHECKOUT
from tests.support.versions import ARGOCD

if TYPE_CHECKING:
    from tests.argocd.world import ArgoCD

pytestmark = pytest.mark.every_argocd
HERE = Path(__file__).parent
TEXT = (CHECKOUT / "docs/install.md").read_text()
IMAGE = "registry.example/argocd-cmp:0.2.0"
REPOSITORY = "path/to/your/repository"
THEIRS = ("age.key", "repositories.yaml", "config.json")  # what a reader has
SECONDS = 120


def blocks(language: str) -> list[str]:
    """Return the content of every fenced block of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


class Done(NamedTuple):
    """A clone in which the document was followed, the commands that were given, and what they printed."""

    clone: Path
    record: list[str]
    stdout: str


@pytest.fixture(scope="module")
def done(argocd: ArgoCD, tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("install")
    clone = _clone(folder / "clone")
    record = folder / "record"
    env = {
        "PATH": f"{_programs(folder / 'bin')}:{os.defpath}",
        "HOME": str(folder),
        "CMP_TOOLS_DIR": tools_dir,
        "KUBECONFIG": str(argocd.kube.config),
        "READALONG_RECORD": str(record),
        "READALONG_KUBECTL": str(argocd.programs.kubectl),
        "READALONG_HELM": f"{tools_dir}/helm/3.18.6/helm",
        "READALONG_CHART": str(HERE / "chart"),
        "READALONG_ARGOCD": str(argocd.programs.manifests / "install.yaml"),
    }
    script = "".join(blocks("sh"))
    ran = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=clone, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Done(clone, record.read_text().splitlines(), ran.stdout)


def _clone(clone: Path) -> Path:
    clone.mkdir()
    for name in ("manifests", *CONTEXT):
        source = CHECKOUT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, clone / name)
    for name in THEIRS:
        (clone / name).write_text("theirs\n")
    for name, content in SHOP.items():
        path = clone / REPOSITORY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(content))
    return clone


def _programs(folder: Path) -> Path:
    shutil.copytree(HERE / "readalong", folder)
    (folder / "cmp").symlink_to(Path(sys.executable).with_name("cmp"))
    return folder


def test_what_kustomize_installs_runs_the_image_that_was_pushed(done: Done, argocd: ArgoCD) -> None:
    assert f"docker push {IMAGE}" in done.record
    assert f"buildah push {IMAGE}" in done.record
    assert "kubectl apply --server-side --force-conflicts --kustomize install" in done.record
    assert "deployment.apps/argocd-repo-server serverside-applied (server dry run)\n" in done.stdout
    spec = repo_server(kustomize(argocd.programs.kubectl, done.clone / "install"))
    assert {one["image"] for one in sidecars(spec)} == {IMAGE}


def test_the_chart_installs_the_same(done: Done) -> None:
    assert f"image: {IMAGE}\n" in done.stdout[done.stdout.index("NAME: argocd\n") :]
    assert (done.clone / "install/sidecar-values.yaml").read_bytes() == (
        CHECKOUT / "manifests/helm-values.yaml"
    ).read_bytes()


def test_every_secret_and_config_map_that_is_mounted_is_created_and_removed(done: Done, argocd: ArgoCD) -> None:
    created = {
        match[1]
        for line in done.record
        if (match := re.match(r"kubectl --namespace argocd create (?:secret generic|configmap) (\S+)", line))
    }
    kustomization = done.clone / "install/kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace("# - ../manifests/pgp", "- ../manifests/pgp"))
    mounted = volumes(repo_server(kustomize(argocd.programs.kubectl, done.clone / "install"))).values()
    names = {source.get("name") or source.get("secretName") for volume in mounted for source in volume.values()}
    assert {re.sub(r"^cmp-policy-\w+$", "cmp-policy", name) for name in names if name} == created
    (removed,) = (line for line in done.record if " delete " in line)
    assert set(re.findall(r"(?:secret|configmap)/(\S+)", removed)) == created


def test_the_commands_of_the_check_are_for_containers_that_exist(done: Done) -> None:
    checks = [line for line in done.record if re.search(" (exec|logs|rollout) ", line)]
    assert [line for line in checks if line.endswith("--container cmp -- cmp doctor")]
    assert len(checks) == 4


def test_the_lock_of_a_repository_becomes_that_of_the_image(done: Done) -> None:
    lock = lockfile.parse((done.clone / "image/tools.lock").read_bytes(), "image/tools.lock")
    assert {(tool.name, tool.version) for tool in lock.tools} == {("helm", "3.18.6"), ("sops", "3.10.2")}


def test_build_arguments_and_versions_are_those_of_the_project(done: Done) -> None:
    dockerfile = (CHECKOUT / "Dockerfile").read_text()
    declared = set(re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE))
    table = TEXT[TEXT.index("| build argument |") : TEXT.index("Behind a proxy")]
    assert set(re.findall("`([A-Z_]+)`", table)) == declared
    assert set(re.findall(r"--build-arg (\w+)=", "\n".join(done.record))) <= declared
    (fetched,) = (line for line in done.record if line.startswith("curl "))
    assert f"/v{ARGOCD[-1]}/" in fetched


def test_what_is_shown_of_an_application_is_in_the_example(done: Done) -> None:
    _, shown = blocks("yaml")
    example = yaml.safe_load((done.clone / "manifests/examples/application.yaml").read_text())
    source = yaml.safe_load(shown)["spec"]["source"]
    assert source.items() <= example["spec"]["source"].items()


def test_the_patch_with_settings_adds_them_to_those_of_the_component(done: Done, argocd: ArgoCD) -> None:
    patch, _ = blocks("yaml")
    with (done.clone / "install/kustomization.yaml").open("a") as file:
        file.write(patch)
    spec = repo_server(kustomize(argocd.programs.kubectl, done.clone / "install"))
    env = {variable["name"]: variable["value"] for variable in named(spec["containers"], "cmp")["env"]}
    assert {"CMP_CLUSTER": "dev-cluster", "CMP_RENDERS": "2", "CMP_DEADLINE": "90"}.items() <= env.items()
