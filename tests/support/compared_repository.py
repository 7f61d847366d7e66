"""A repository on a branch, and `cmp diff` of that branch."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.support.git_repository import Repo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.harness import Ran, Sandbox


class ComparedRepository:
    """A repository whose main branch has some files, on a branch `change`, and `cmp diff` in it."""

    def __init__(self, folder: Path, files: Mapping[str, str | bytes | None], sandbox: Sandbox) -> None:
        self.repo = Repo(folder)
        self.repo.commit(dict(files))
        self.repo.branch()
        self.sandbox = sandbox

    def diff(self, *arguments: str, **env: str) -> Ran:
        """Run `cmp diff`."""
        return self.sandbox.run("diff", *arguments, cwd=self.repo.folder, timeout=120, **env)

    def started(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `cmp diff` in a process group of its own, to be ended by a signal."""
        return subprocess.Popen(
            self.sandbox.command("diff", *arguments),
            cwd=self.repo.folder,
            env=self.sandbox.env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )

    def bump_submodule(self, path: str) -> None:
        """Commit a submodule on the main branch, and another commit of it on a branch; nobody has its files."""
        for branch, digit in (("main", "1"), ("bump", "2")):
            self.repo.git("checkout", "--quiet", "-B", branch, "main")
            self.repo.git("update-index", "--add", "--cacheinfo", f"160000,{digit * 40},{path}")
            self.repo.git("commit", "--quiet", "--message=x")

    def report(self, *arguments: str, **env: str) -> dict[str, Any]:
        """Return the report of `cmp diff`."""
        found: dict[str, Any] = json.loads(self.diff("--format", "json", *arguments, **env).stdout)
        return found
