"""A repository on a branch, and `cmp diff` of that branch."""

from __future__ import annotations

import json
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

    def report(self, *arguments: str, **env: str) -> dict[str, Any]:
        """Return the report of `cmp diff`."""
        found: dict[str, Any] = json.loads(self.diff("--format", "json", *arguments, **env).stdout)
        return found
