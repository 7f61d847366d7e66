"""A Git repository for one test: files written and committed by the real git.

Tests begin with equal commits over and over, and each git takes as long as a short run of cmp.  So what git has made of
an empty folder, and of the same files in it, is written again from memory.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.test",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.test",
    "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
# A commit starts a second program, which looks whether objects should be packed, and waits for the disk.
_QUICK = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "maintenance.auto", "GIT_CONFIG_VALUE_0": "false"} | {
    "GIT_CONFIG_KEY_1": "core.fsync",
    "GIT_CONFIG_VALUE_1": "none",
}


FEW_FILES = 200  # of a first commit that is kept
NEW = "a new repository"

Content = Mapping[str, str | bytes | None]
_kept: dict[object, dict[str, bytes]] = {}  # the files in `.git`, of a new repository and by those of a first commit


class Repo:
    """A repository whose main branch is `main`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        is_new = not any(folder.iterdir())
        if is_new and NEW in _kept:
            self._write_kept(NEW)
            return
        self.git("init", "--quiet", "--initial-branch=main", "--template=")
        if is_new:
            _kept[NEW] = self._files_of_git()

    def git(self, *arguments: str, stdin: str = "") -> str:
        """Run git and return what it prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **IDENTITY, **_QUICK},
            input=stdin.encode(),
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def write(self, files: Content) -> None:
        """Write files; None removes one."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: Content | None = None) -> str:
        """Write files and commit everything; return the commit."""
        files = files or {}
        is_new = [path.name for path in self.folder.iterdir()] == [".git"] and self._files_of_git() == _kept[NEW]
        key = tuple(sorted(files.items())) if is_new and len(files) <= FEW_FILES else None
        self.write(files)
        if key in _kept:
            self._write_kept(key)
        else:
            self.git("add", "--all", "--force")
            self.git("commit", "--quiet", "--allow-empty", "--message=x")
            if key is not None:
                _kept[key] = self._files_of_git()
        return self._head().read_text().strip()

    def branch(self, name: str = "change") -> None:
        """Go to a new branch."""
        head = self._head()
        branch = self.folder / ".git" / "refs" / "heads" / name
        branch.parent.mkdir(parents=True, exist_ok=True)
        branch.write_bytes(head.read_bytes())
        (self.folder / ".git" / "HEAD").write_text(f"ref: refs/heads/{name}\n")

    def _head(self) -> Path:
        """Return the file with the commit that is checked out, which is as git has just made it."""
        head = self.folder / ".git" / "HEAD"
        text = head.read_text()
        return head.parent / text.removeprefix("ref: ").strip() if text.startswith("ref: ") else head

    def _files_of_git(self) -> dict[str, bytes]:
        folder = self.folder / ".git"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def _write_kept(self, key: object) -> None:
        folder = self.folder / ".git"
        for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):  # git knows a repository by them
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, data in _kept[key].items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def plant_bare_repository(folder: Path, command: str) -> None:
    """Write what git takes for a bare repository, with a configuration in which much leads to a command."""
    files = {
        "HEAD": "ref: refs/heads/main\n",
        "objects/keep": "",
        "refs/keep": "",
        "config": f"""\
[core]
    bare = false
    worktree = {folder}
    fsmonitor = "{command}; false"
    sshCommand = "{command}; false"
    pager = "{command}; false"
[remote "origin"]
    url = ssh://nowhere.example.test/x
    uploadpack = "{command}; false"
""",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
