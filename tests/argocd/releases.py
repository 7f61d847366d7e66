"""Releases that the real helm installs into the cluster, and the users of kubeconfigs who read them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.argocd.processes import PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.argocd.kube import Kube
    from tests.argocd.world import ArgoCD
    from tests.support.harness import Ran, Sandbox

HELM = "3.18.6"
ACCOUNT = "reader"
READS_RELEASES: list[dict[str, Any]] = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]


class Helm(NamedTuple):
    """A version of helm, run as the administrator of the cluster."""

    program: Path
    kubeconfig: Path
    home: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of the administrator."""
        return {"PATH": PATH, "HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig)}

    def __call__(self, *argv: str, code: int = 0) -> str:
        """Run helm, which must end with this code, and return what it prints."""
        done = subprocess.run(
            [self.program, *argv],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    def install(self, name: str, chart: Path, namespace: str, *options: str) -> None:
        """Install a release, or upgrade it; no hook runs, as the cluster has nobody to run one."""
        where = ("--namespace", namespace, "--create-namespace")
        self("upgrade", "--install", name, str(chart), *where, "--no-hooks", *options)


def helm(argocd: ArgoCD, tools_dir: str, version: str = HELM) -> Helm:
    """Return a version of helm for the cluster of an Argo CD."""
    return Helm(Path(tools_dir, "helm", version, "helm"), argocd.kube.config, argocd.folder)


class Reader(NamedTuple):
    """A person with a kubeconfig who runs cmp in a clone."""

    sandbox: Sandbox
    kubeconfig: Path
    folder: Path

    def diff(self, *argv: str, **env: str) -> Ran:
        """Run `cmp diff --live`."""
        self.sandbox.extra = {"KUBECONFIG": str(self.kubeconfig), **env}
        return self.sandbox.run("diff", *argv, "--live", cwd=self.folder)


def account(kube: Kube, namespace: str, folder: Path, rules: Sequence[dict[str, Any]] = READS_RELEASES) -> Path:
    """Make an account that may do this in a namespace, and nothing else, and return its kubeconfig."""
    where = {"name": ACCOUNT, "namespace": namespace}
    of_rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": where}
    kube.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
        {**of_rbac, "kind": "Role", "rules": list(rules)},
        {
            **of_rbac,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", **where}],
        },
    )
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{ACCOUNT}/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
    token = json.loads(kube.raw("POST", path, asked, "application/json"))["status"]["token"]
    config = json.loads(kube.config.read_text())
    config["users"][0]["user"] = {"token": token}
    file = folder / "kubeconfig-of-reader"
    file.write_text(json.dumps(config))
    return file
