"""Both ways of installing put the same sidecar beside argocd-repo-server, and a real API server accepts all of it."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.image.pod import MANIFESTS, Object, installation, kustomize, named, repo_server, sidecars, volumes
from tests.support.bare_tools import MONOREPO
from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.argocd.world import ArgoCD
    from tests.support.harness import Sandbox

pytestmark = pytest.mark.every_argocd
HERE = Path(__file__).parent
CHART = HERE / "chart"
HELM_VALUES = MANIFESTS / "helm-values.yaml"
VOLUMES = {
    "cmp-age": {"secret": {"secretName": "cmp-age", "optional": True}},
    "cmp-cache": {"emptyDir": {}},
    "cmp-helm": {"secret": {"secretName": "cmp-helm", "optional": True}},
    "cmp-lock": {"configMap": {"name": "cmp-lock", "optional": True}},
    "cmp-memory": {"emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
    "cmp-policy": {"configMap": {"name": "cmp-policy"}},
    "cmp-state": {"emptyDir": {}},
    "cmp-work": {"emptyDir": {}},
}
PARAMS = {
    "controller.repo.server.timeout.seconds": "120",
    "server.repo.server.timeout.seconds": "120",
    "reposerver.plugin.tar.exclusions": ".git",
}


def params(objects: list[Object]) -> dict[str, str]:
    (found,) = (one for one in objects if one["metadata"]["name"] == "argocd-cmd-params-cm")
    return {name: value for name, value in found["data"].items() if name in PARAMS}


def helm(tools_dir: str, *argv: str) -> list[Object]:
    """Render the chart that uses values as the chart argo-cd does; the real one is not on this machine."""
    program = Path(tools_dir, "helm/3.18.6/helm")
    done = subprocess.run(
        [program, "template", "argocd", CHART, "--namespace=argocd", *argv], check=True, capture_output=True, env={}
    )
    return list(yaml.safe_load_all(done.stdout))


def apply(argocd: ArgoCD, objects: list[Object], image: str) -> str:
    """Ask the API server what it would do, unknown fields refused; and return that."""
    text = yaml.dump_all(objects, Dumper=yaml.CSafeDumper)
    assert image in text
    return argocd.kube.kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text
    )


@pytest.fixture(scope="module")
def installed(argocd: ArgoCD, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Object]]:
    """Return a function that builds an installation, each once: a release of Argo CD with some of our components."""

    @cache
    def built(release: str, *components: str) -> list[Object]:
        folder = tmp_path_factory.mktemp("installation") / "built"
        return kustomize(
            argocd.programs.kubectl, installation(folder, argocd.programs.manifests / release, *components)
        )

    return built


@pytest.mark.parametrize("release", ["install.yaml", "core-install.yaml", "namespace-install.yaml", "ha/install.yaml"])
def test_the_component_adds_the_sidecar_to_every_release_of_argo_cd(
    installed: Callable[..., list[Object]], release: str
) -> None:
    objects = installed(release, "sidecar")
    spec = repo_server(objects)
    assert [one["name"] for one in spec["containers"]] == ["argocd-repo-server", "cmp"]
    assert {one["name"] for one in spec["initContainers"]} == {"copyutil", "cmp-warm"}
    assert volumes(spec) == VOLUMES
    assert params(objects) == PARAMS


def test_an_api_server_accepts_the_whole_installation(argocd: ArgoCD, installed: Callable[..., list[Object]]) -> None:
    said = apply(argocd, installed("install.yaml", "sidecar", "pgp"), "argocd-cmp")
    assert "deployment.apps/argocd-repo-server serverside-applied (server dry run)\n" in said


def test_an_api_server_accepts_the_job_of_a_comparison_in_shares(argocd: ArgoCD) -> None:
    job = yaml.safe_load((CHECKOUT / "examples/ci/kubernetes-shares.yaml").read_text("utf-8"))
    assert "job.batch/cmp-shares serverside-applied (server dry run)\n" in apply(argocd, [job], "argocd-cmp")


def test_the_values_of_the_chart_give_the_same_sidecar(
    argocd: ArgoCD, installed: Callable[..., list[Object]], tools_dir: str
) -> None:
    by_kustomize = repo_server(installed("install.yaml", "sidecar"))
    objects = helm(tools_dir, f"--values={HELM_VALUES}")
    by_helm = repo_server(objects)
    image = "registry.example/argocd-cmp:0.2.0"
    assert sidecars(by_helm) == [{**one, "image": image} for one in sidecars(by_kustomize)]
    assert volumes(by_helm) == VOLUMES
    assert params(objects) == PARAMS
    assert "deployment.apps/argocd-repo-server" in apply(argocd, objects, image)


def test_every_mounted_volume_exists_and_nothing_of_the_repo_server_is_shared_but_the_two(
    installed: Callable[..., list[Object]],
) -> None:
    spec = repo_server(installed("install.yaml", "sidecar", "pgp"))
    mounted = {mount["name"] for one in sidecars(spec) for mount in one["volumeMounts"]}
    assert mounted - {*volumes(spec)} == {"var-files", "plugins"}
    assert {*volumes(spec)} <= mounted
    assert named(spec["volumes"], "cmp-gnupg")["emptyDir"]["medium"] == "Memory"


@pytest.mark.parametrize("name", sorted(path.name for path in MANIFESTS.glob("examples/*.yaml")))
def test_an_api_server_accepts_the_examples(argocd: ArgoCD, name: str) -> None:
    path = MANIFESTS / "examples" / name
    if name == "policy.yaml":
        argocd.kube.kubectl("create", "configmap", "cmp-policy", f"--from-file={path}", "--dry-run=server")
    else:
        argocd.kube.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", str(path))


def test_the_example_policy_lets_the_example_application_through_and_no_other_project(sandbox: Sandbox) -> None:
    app = yaml.safe_load((MANIFESTS / "examples/application.yaml").read_text())
    path = app["spec"]["source"]["path"]
    env = {
        "ARGOCD_APP_NAME": app["metadata"]["name"],
        "ARGOCD_APP_NAMESPACE": app["spec"]["destination"]["namespace"],
        "ARGOCD_APP_SOURCE_PATH": path,
        "ARGOCD_APP_SOURCE_REPO_URL": app["spec"]["source"]["repoURL"],
        "ARGOCD_APP_SOURCE_TARGET_REVISION": app["spec"]["source"]["targetRevision"],
        "CMP_POLICY": str(MANIFESTS / "examples/policy.yaml"),
    }
    sandbox.extra.update(env, ARGOCD_APP_PROJECT_NAME=app["spec"]["project"])
    assert "does not list its host 127.0.0.1:8879" in sandbox.run("generate", cwd=MONOREPO / path).stderr
    sandbox.extra.update(ARGOCD_APP_PROJECT_NAME="payments")
    assert sandbox.run("generate", cwd=MONOREPO / path).stderr.startswith(
        "cmp: AppProject payments may not render namespaces/namespace-a\n"
    )


def test_the_example_project_allows_what_the_example_application_wants() -> None:
    app, project = (
        yaml.safe_load((MANIFESTS / "examples" / name).read_text()) for name in ("application.yaml", "appproject.yaml")
    )
    assert app["spec"]["project"] == project["metadata"]["name"]
    assert app["spec"]["source"]["repoURL"] in project["spec"]["sourceRepos"]
    assert app["spec"]["destination"] in project["spec"]["destinations"]
    assert app["spec"]["source"]["plugin"] == {
        "name": yaml.safe_load((CHECKOUT / "plugin.yaml").read_text())["metadata"]["name"]
    }
