"""Applications of kustomize in a repository, rendered by cmp and by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Self

from cmp.yamldoc import load_all
from tests.support import versions
from tests.support.harness import AGE_KEY_FILE
from tests.support.keys import SOPS_VERSION
from tests.support.repository import FAKES, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox

VERSIONS, ENDS = versions.KUSTOMIZE, versions.KUSTOMIZE_ENDS
NEWEST = VERSIONS[-1]
HELM = versions.DEFAULT_HELM
REVISION = "0123456789abcdef0123456789abcdef01234567"

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "shop:1.0"}, {name: side, image: "registry.example/side:2"}]}
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {color: none, size: none}
"""


class KustomizeRepository(Repository):
    """A repository with the application `web` on the cluster `dev`; the version of kustomize is a run's."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox, app="web")

    def write(self, files: Mapping[str, str | bytes]) -> Self:
        """Write files; names without a folder are those of the application."""
        return super().write({name if "/" in name else f"{self.app_folder}/{name}": files[name] for name in files})

    def run(self, *options: str, version: str = NEWEST, **env: str) -> Ran:
        return super().run("--kustomize-version", version, *options, **env)

    def generate(self, *parameters: object, **env: str) -> Ran:
        argocd = {"ARGOCD_APP_REVISION": REVISION, "ARGOCD_APP_SOURCE_REPO_URL": "https://git.example/repo"}
        return super().generate(*parameters, **{**argocd, **env})

    def install(self, script: str, version: str = NEWEST) -> None:
        """Put a shell script in the place of kustomize, which lies beside it as `real`; cmp gives it no PATH."""
        self.use_tools({"kustomize": version, "helm": HELM, "sops": SOPS_VERSION})
        self.replace_tool("kustomize", version, script.replace("\n", "\nPATH=/usr/bin:/bin\n", 1))

    def install_fake(self, fault: str, version: str = NEWEST) -> None:
        """Put tests/support/fakes/`fault` in the place of kustomize."""
        self.install((FAKES / fault).read_text(), version)

    def by_hand(self, folder: str = "namespaces/web", version: str = NEWEST) -> ByHand:
        """Return a copy of the repository for a person with kustomize, everything in it decrypted."""
        return ByHand(self, folder, version)


class ByHand:
    """A copy of the repository, and kustomize run in it as a person, or Argo CD's repo-server, does."""

    def __init__(self, repository: KustomizeRepository, folder: str, version: str) -> None:
        self.root = repository.sandbox.folder / "by-hand"
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(repository.root, self.root)
        self.folder = self.root / folder
        self.kustomize = f"{repository.sandbox.tools_dir}/kustomize/{version}/kustomize"
        self.sops = f"{repository.sandbox.tools_dir}/sops/{SOPS_VERSION}/sops"

    def decrypt(self, *names: str) -> ByHand:
        """Decrypt files in place."""
        for name in names:
            self._run(self.sops, "decrypt", "--in-place", name)
        return self

    def edit(self, *arguments: str) -> ByHand:
        """Run `kustomize edit` in the application's folder."""
        self._run(self.kustomize, "edit", *arguments, cwd=self.folder)
        return self

    def build(self, *flags: str) -> str:
        """Run `kustomize build` from the root of the repository."""
        return self._run(self.kustomize, "build", os.path.relpath(self.folder, self.root), *flags)

    def help(self, *command: str) -> str:
        """Return the help of a command."""
        return self._run(self.kustomize, *command, "--help")

    def _run(self, *argv: str, cwd: Path | None = None) -> str:
        env = {"HOME": "/nonexistent", "SOPS_AGE_KEY_FILE": str(AGE_KEY_FILE)}
        done = subprocess.run(argv, cwd=cwd or self.root, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()


def same(ours: str, theirs: str) -> bool:
    """Return whether two streams hold the same documents, as text and as values, in the same order."""
    return [*_texts(ours)] == [*_texts(theirs)] and objects(ours) == objects(theirs)


def _texts(stream: str) -> Iterator[str]:
    yield from (text.strip("\n") for text in f"\n{stream}".split("\n---\n") if text.strip())


def objects(stream: str) -> list[object]:
    """Return the values of a stream."""
    return load_all(stream.encode())


def maps(stream: str) -> list[dict[str, Any]]:
    """Return the objects of a stream."""
    return [value for value in objects(stream) if isinstance(value, dict)]
