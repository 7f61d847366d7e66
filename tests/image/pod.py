"""The Pod of argocd-repo-server as manifests/sidecar makes it, as far as containers of our image go."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from tests.image.runtime import USER, Container, Volume, writable_folder
from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFESTS = CHECKOUT / "manifests"
Object = dict[str, Any]


def kustomize(kubectl: Path, folder: Path) -> list[Object]:
    """Build a kustomization."""
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))


def installation(folder: Path, release: Path, *components: str) -> Path:
    """Write a kustomization of a release of Argo CD (one file) with our components, and return its folder."""
    shutil.copytree(MANIFESTS, folder / "manifests")
    shutil.copy(release, folder / "install.yaml")
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "argocd",
        "resources": ["install.yaml"],
        "components": [f"manifests/{name}" for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return folder


def repo_server(objects: list[Object]) -> Object:
    """Return the specification of the Pod."""
    found = (one for one in objects if (one["kind"], one["metadata"]["name"]) == ("Deployment", "argocd-repo-server"))
    spec: Object = next(found)["spec"]["template"]["spec"]
    return spec


def named(items: list[Object], name: str) -> Object:
    """Return the item of that name."""
    return next(item for item in items if item["name"] == name)


def sidecars(spec: Object) -> list[Object]:
    """Return our containers, init containers last."""
    return [one for one in (*spec["containers"], *spec["initContainers"]) if one["name"].startswith("cmp")]


def volumes(spec: Object) -> dict[str, Object]:
    """Return the sources of our volumes by name."""
    ours = [volume for volume in spec["volumes"] if volume["name"].startswith("cmp-")]
    return {volume["name"]: {key: value for key, value in volume.items() if key != "name"} for volume in ours}


class Pod(NamedTuple):
    """A Pod on this machine: volumes are folders below `folder`, and stay those between containers."""

    spec: Object
    folder: Path
    root: Path
    config: Object
    contents: Mapping[str, Mapping[str, bytes]]
    """Files by name, by the name of a ConfigMap or a Secret."""

    def container(self, name: str) -> Container:
        """Return a container as the Pod describes it, an init container too."""
        found = named([*self.spec["containers"], *self.spec["initContainers"]], name)
        _check(found["securityContext"])
        env = dict(variable.split("=", 1) for variable in self.config["Env"])
        env |= {variable["name"]: variable["value"] for variable in found.get("env", [])}
        volumes = tuple(self._volume(mount) for mount in found["volumeMounts"])
        return Container(self.root, self.folder / "containers", env, volumes, self.config["WorkingDir"])

    def command(self, name: str) -> list[str]:
        """Return what a container runs: what the Pod says, else the image."""
        found = named([*self.spec["containers"], *self.spec["initContainers"]], name)
        command: list[str] = found.get("command") or self.config["Entrypoint"]
        return [*command, *found.get("args", [])]

    def volume(self, name: str) -> Path:
        """Return the folder of a volume, made when it is asked for first."""
        folder = self.folder / "volumes" / name
        if not folder.exists():
            writable_folder(folder)
            volume = named(self.spec["volumes"], name)
            source = volume.get("configMap", {}).get("name") or volume.get("secret", {}).get("secretName")
            for file, content in self.contents.get(source, {}).items():
                (folder / file).write_bytes(content)
        return folder

    def _volume(self, mount: Object) -> Volume:
        return Volume(self.volume(mount["name"]), mount["mountPath"], mount.get("readOnly", False))


def _check(context: Object) -> None:
    """Require what the runtime gives every container."""
    assert context == {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
