"""A repository for one test: files, encrypted files and a policy are written into it, then cmp runs in it.

    repository = Repository(sandbox).write({...}).seal({"namespaces/shop/common-values.secret.yaml": "{a: 1}"})
    assert "kind: ConfigMap" in repository.must()

The modules beside this one add to it what only one engine, a chart repository, a policy or a Git history needs.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import TYPE_CHECKING, Self

from cmp.artifacts import toolstore
from tests.support.harness import CHECKOUT, snapshot
from tests.support.keys import sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.harness import Ran, Sandbox

FAKES = CHECKOUT / "tests" / "support" / "fakes"


class Repository:
    """A repository below the sandbox's folder, with the reference layout: one application on one cluster."""

    def __init__(self, sandbox: Sandbox, app: str = "shop", cluster: str = "dev") -> None:
        self.sandbox = sandbox
        self.root = sandbox.folder / "repo"
        self.app_name, self.cluster = app, cluster
        self.app_folder, self.instance_folder = f"namespaces/{app}", f"clusters/{cluster}/{app}"
        (self.root / ".git").mkdir(parents=True, exist_ok=True)  # the top of a checkout
        self.write({f"{self.instance_folder}/.keep": ""})

    def write(self, files: Mapping[str, str | bytes]) -> Self:
        """Write files, by their paths from the root."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def write_app(self, files: Mapping[str, str | bytes]) -> Self:
        """Write files of the application, by their paths from its folder."""
        return self.write({f"{self.app_folder}/{name}": content for name, content in files.items()})

    def seal(self, files: Mapping[str, str], *options: str) -> Self:
        """Write files encrypted for the tests' age key; `options` are more arguments for sops."""
        return self.write({name: sealed(self.sandbox.tools_dir, name, files[name], *options) for name in files})

    def mount_policy(self, text: str) -> Path:
        """Let the administrator's policy say this, and return its file."""
        policy = self.sandbox.folder / "policy.yaml"
        policy.write_text(f"version: 1\n{text}")
        self.sandbox.extra["CMP_POLICY"] = str(policy)
        return policy

    def run(self, *options: str, **env: str) -> Ran:
        """Run `cmp render`; nothing in the repository may change, and no private folder may stay.

        `must` and `refused` hand their keywords on, so that a keyword of an extended `run` is one of theirs, too.
        """
        before = snapshot(self.root)
        ran = self.cmp("render", self.app_name, "--cluster", self.cluster, *options, **env)
        assert snapshot(self.root) == before
        assert list(self.sandbox.tmp.iterdir()) == []
        return ran

    def must(self, *options: str, **env: str) -> str:
        """Return what a render prints, which must succeed."""
        ran = self.run(*options, **env)
        assert ran.code == 0, ran.stderr
        return ran.stdout

    def refused(self, *options: str, **env: str) -> list[str]:
        """Return the lines of the error of a render that must fail."""
        ran = self.run(*options, **env)
        assert (ran.code != 0, ran.stdout) == (True, ""), ran.stdout
        return ran.stderr.splitlines()

    def generate(self, *parameters: object, **env: str) -> Ran:
        """Run `cmp generate` as Argo CD does for the instance folder."""
        argocd = {
            "ARGOCD_APP_NAME": self.app_name,
            "ARGOCD_APP_NAMESPACE": self.app_name,
            "ARGOCD_APP_SOURCE_PATH": self.instance_folder,
            "ARGOCD_APP_PARAMETERS": json.dumps(parameters) if parameters else "null",
        }
        return self.cmp("generate", cwd=self.instance_folder, **{**argocd, **env})

    def cmp(self, *argv: str, cwd: str = "", **env: str) -> Ran:
        """Run any command of cmp in a folder of the repository."""
        sandbox = replace(self.sandbox, extra={**self.sandbox.extra, **env})
        return sandbox.run(*argv, cwd=self.root / cwd)

    @contextmanager
    def started(self, command: str) -> Iterator[Popen[bytes]]:
        """Start `render` or `generate`, whose output nobody reads, and kill what is left of it."""
        argv, folder, env = ["render", self.app_name, "--cluster", self.cluster], self.root, {}
        if command == "generate":
            argv, folder = ["generate"], self.root / self.instance_folder
            env = {"ARGOCD_APP_NAME": self.app_name, "ARGOCD_APP_SOURCE_PATH": self.instance_folder}
        environment = {**self.sandbox.env(), **env}
        with Popen(self.sandbox.command(*argv), cwd=folder, env=environment, stdout=DEVNULL, stderr=DEVNULL) as process:
            try:
                yield process
            finally:
                process.kill()

    def use_tools(self, tools: Mapping[str, str]) -> Self:
        """Use a tool store of this test's own, with these real tools alone: versions by name."""
        real, store = Path(self.sandbox.tools_dir), self.sandbox.folder / "store"
        for name, version in tools.items():
            (store / name).mkdir(parents=True)
            (store / name / version).symlink_to(real / name / version)
        self.sandbox.tools_dir = str(store)
        return self

    def replace_tool(self, name: str, version: str, script: str) -> None:
        """Put a shell script in the place of a tool of `use_tools`, which lies beside it as `real`."""
        folder = Path(self.sandbox.tools_dir, name, version)
        real = folder.resolve() / name
        folder.unlink()
        folder.mkdir()
        (folder / "real").symlink_to(real)
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
        toolstore.write(str(folder), toolstore.describe(str(folder / name), "go", "stand-in"))
