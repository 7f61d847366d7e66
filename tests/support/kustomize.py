"""Applications of kustomize in a repository, rendered by cmp and by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp.artifacts import toolstore
from cmp.yamldoc import load_all
from tests.support.harness import AGE_KEY_FILE, CHECKOUT, snapshot
from tests.support.keys import SOPS_VERSION, encrypt, sops_tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.harness import Ran, Sandbox

VERSIONS = ("3.8.7", "4.5.7", "5.7.1")
NEWEST = VERSIONS[-1]
RECIPIENT = next(line.split()[-1] for line in AGE_KEY_FILE.read_text().splitlines() if "public key" in line)
STANDINS = CHECKOUT / "tests" / "support" / "fakes"

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


@dataclass
class World:
    """A repository with the reference layout; `web` is the application, `dev` the cluster, unless told otherwise."""

    sandbox: Sandbox

    def __post_init__(self) -> None:
        self.root = self.sandbox.folder / "repo"
        self.write({".git/HEAD": "", "clusters/dev/web/.keep": ""})

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files; names without a folder are those of the application."""
        for name, content in files.items():
            path = self.root / (name if "/" in name else f"namespaces/web/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def seal(self, files: Mapping[str, str], *options: str) -> None:
        """Write encrypted files; `options` are more arguments for sops."""
        tool, folder = sops_tool(self.sandbox.tools_dir), self.sandbox.folder / "plain"
        for name, text in files.items():
            folder.mkdir()
            self.write({name: encrypt(tool, folder / Path(name).name, text, "--age", RECIPIENT, *options)})
            shutil.rmtree(folder)

    def run(self, *options: str, version: str = NEWEST, **env: str) -> Ran:
        """Run `cmp render`; nothing in the repository may change, and nothing may stay."""
        before = snapshot(self.root)
        argv = ("render", "web", "--cluster", "dev", "--kustomize-version", version, *options)
        ran = replace(self.sandbox, extra={**self.sandbox.extra, **env}).run(*argv, cwd=self.root)
        assert snapshot(self.root) == before
        assert list(self.sandbox.tmp.iterdir()) == []
        return ran

    def must(self, *options: str, version: str = NEWEST, **env: str) -> str:
        """Return what a render prints, which must succeed."""
        ran = self.run(*options, version=version, **env)
        assert ran.code == 0, ran.stderr
        return ran.stdout

    def refused(self, *options: str, version: str = NEWEST, **env: str) -> list[str]:
        """Return the lines of the error of a render that must fail."""
        ran = self.run(*options, version=version, **env)
        assert (ran.code != 0, ran.stdout) == (True, ""), ran.stdout
        return ran.stderr.splitlines()

    def generate(self, *parameters: object, **env: str) -> Ran:
        """Run `cmp generate` as Argo CD does for the instance folder."""
        source = "clusters/dev/web"
        argocd = {
            "ARGOCD_APP_NAME": "web",
            "ARGOCD_APP_NAMESPACE": "web",
            "ARGOCD_APP_REVISION": "0123456789abcdef0123456789abcdef01234567",
            "ARGOCD_APP_SOURCE_REPO_URL": "https://git.example/repo",
            "ARGOCD_APP_SOURCE_PATH": source,
            "ARGOCD_APP_PARAMETERS": json.dumps(parameters) if parameters else "null",
        }
        environment = replace(self.sandbox, extra={**self.sandbox.extra, **argocd, **env})
        return environment.run("generate", cwd=self.root / source)

    @contextmanager
    def started(self, door: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a render through one of the doors `render` and `generate`, and kill what is left of it."""
        folder = self.root
        argv: tuple[str, ...] = ("render", "web", "--cluster", "dev")
        more: dict[str, str] = {}
        if door == "generate":
            folder, argv = self.root / "clusters/dev/web", ("generate",)
            more = {"ARGOCD_APP_NAME": "web", "ARGOCD_APP_SOURCE_PATH": "clusters/dev/web"}
        with subprocess.Popen(
            self.sandbox.command(*argv),
            cwd=folder,
            env={**self.sandbox.env(), **more},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def stand_in(self, fault: str, version: str = NEWEST) -> None:
        """Put tests/support/fakes/`fault` in the place of kustomize."""
        self.install((STANDINS / fault).read_text(), version)

    def install(self, script: str, version: str = NEWEST) -> None:
        """Put a shell script in the place of kustomize, which lies beside it as `real`; cmp gives it no PATH."""
        real, store = Path(self.sandbox.tools_dir), self.sandbox.folder / "store"
        folder = store / "kustomize" / version
        folder.mkdir(parents=True)
        for tool in ("helm", "sops"):
            (store / tool).symlink_to(real / tool)
        (folder / "real").symlink_to(real / "kustomize" / version / "kustomize")
        (folder / "kustomize").write_text(script.replace("\n", "\nPATH=/usr/bin:/bin\n", 1))
        (folder / "kustomize").chmod(0o755)
        toolstore.write(str(folder), toolstore.describe(str(folder / "kustomize"), "go", "stand-in"))
        self.sandbox.tools_dir = str(store)

    def by_hand(self, folder: str = "namespaces/web", version: str = NEWEST) -> ByHand:
        """Return a copy of the repository for a person with kustomize, everything in it decrypted."""
        return ByHand(self, folder, version)


class ByHand:
    """A copy of the repository, and kustomize run in it as a person, or Argo CD's repo-server, does."""

    def __init__(self, world: World, folder: str, version: str) -> None:
        self.root = world.sandbox.folder / "by-hand"
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(world.root, self.root)
        self.folder = self.root / folder
        self.kustomize = f"{world.sandbox.tools_dir}/kustomize/{version}/kustomize"
        self.sops = f"{world.sandbox.tools_dir}/sops/{SOPS_VERSION}/sops"

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
    """Say whether two streams hold the same documents, as text and as values, in the same order."""
    return [*_texts(ours)] == [*_texts(theirs)] and objects(ours) == objects(theirs)


def _texts(stream: str) -> Iterator[str]:
    yield from (text.strip("\n") for text in f"\n{stream}".split("\n---\n") if text.strip())


def objects(stream: str) -> list[object]:
    """Return the values of a stream."""
    return load_all(stream.encode())


def maps(stream: str) -> list[dict[str, Any]]:
    """Return the objects of a stream."""
    return [value for value in objects(stream) if isinstance(value, dict)]
