"""A Git repository that Argo CD reads by a file:// URL."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.argocd.processes import PATH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BRANCH = "main"
ENV = {
    "PATH": PATH,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "test"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "test@example.com"),
}


class Repository:
    """A repository with a branch `main`, and its work tree `folder`, which may also be written by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._git("init", "--quiet", f"--initial-branch={BRANCH}")

    @property
    def url(self) -> str:
        """The URL for `spec.source.repoURL`."""
        return f"file://{self.folder}"

    def commit(self, files: Mapping[str, str | bytes | None] | None = None, tree: Path | None = None) -> str:
        """Commit what the work tree holds and return the commit's id, also when nothing changed.

        First the folder `tree` is copied over it, links as links; then `files` are written by path.  None deletes a
        file or a folder.
        """
        if tree:
            shutil.copytree(tree, self.folder, symlinks=True, dirs_exist_ok=True)
        for path, content in (files or {}).items():
            _write(self.folder / path, content)
        self._git("add", "--all", "--force")
        self._git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.head

    @property
    def head(self) -> str:
        """The id of the newest commit."""
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.folder, env=ENV, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"git {' '.join(args)}: {done.stderr}"
        return done.stdout


def _write(path: Path, content: str | bytes | None) -> None:
    if content is None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
