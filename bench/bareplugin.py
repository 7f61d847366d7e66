"""A plugin that is nothing but `helm template`, and repositories that make this possible.

Their charts lie in Git, and so do their secrets, decrypted.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

from bench.scenario import HELM
from tests.argocd import fleet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.argocd.sidecar import Sidecar
    from tests.argocd.world import ArgoCD
    from tests.support.bare_tools import ByHand

NAME = "bare"
TEMPLATE = (
    'exec helm template "$ARGOCD_APP_NAME" . --namespace "$ARGOCD_APP_NAMESPACE" --kube-version "$KUBE_VERSION"'
    " --include-crds $ARGOCD_ENV_VALUES"
)


def start(argocd: ArgoCD, tools: Path) -> Sidecar:
    """Start it; an Application's variable VALUES holds its options `--values`."""
    sidecar = argocd.sidecar(NAME, PATH=f"{tools / 'helm' / HELM}:{os.defpath}")
    plugin = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ConfigManagementPlugin",
        "metadata": {"name": NAME},
        "spec": {"generate": {"command": ["sh", "-c", TEMPLATE]}},
    }
    (sidecar.sandbox.folder / "plugin.yaml").write_text(json.dumps(plugin))
    sidecar.process.restart()
    return sidecar


def monorepo(folder: Path, by_hand: ByHand) -> Path:
    """Make a copy of the example with charts and with all its values decrypted."""
    shutil.copytree(by_hand.root, folder)
    for path in folder.rglob("*.secret.yaml"):
        path.write_bytes(by_hand.decrypt(path))
    return folder


def values(root: Path, app: str, cluster: str) -> str:
    """Return the options for an application of that copy: common values before the cluster's, secrets after others."""
    folders = (root / "namespaces" / app, root / "clusters" / cluster / app)
    layers = [path for folder in folders for path in sorted(folder.glob("*-values*.yaml"), key=_strength)]
    return _options(f"../../{path.relative_to(root)}" for path in layers)


def _strength(path: Path) -> tuple[bool, str]:
    return path.name.endswith(".secret.yaml"), path.name


def fleet_tree(names: Sequence[str], archives: Path) -> dict[str, str | bytes]:
    """Return what `fleet.tree` has, with the archives of all charts and a layer that nobody has encrypted."""
    files = fleet.tree(names, "http://vendored.invalid", b"password: loud\n")
    for name in names:
        chart = json.loads(files[f"namespaces/{name}/Chart.yaml"])
        for dependency in chart["dependencies"]:
            archive = f"{dependency['name']}-{dependency['version']}.tgz"
            files[f"namespaces/{name}/charts/{archive}"] = (archives / archive).read_bytes()
    return files


def fleet_values(name: str) -> str:
    """Return the options for an application of `fleet_tree`."""
    return _options(("common-values.yaml", f"../../clusters/dev/{name}/dev-values.secret.yaml"))


def _options(paths: Iterable[str]) -> str:
    return " ".join(f"--values {path}" for path in paths)
