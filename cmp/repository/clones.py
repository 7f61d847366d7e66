"""Clones of other repositories, which the command line names: each is read at the revision that a source follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.errors import UsageError
from cmp.repository.git import Git
from cmp.system.urls import repository_name, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.context import Context
    from cmp.repository.git import GitTree

HEAD = "HEAD"


class Clones:
    """Clones by the URLs of their repositories; `close` ends the programs that read them."""

    def __init__(self, texts: Iterable[str], context: Context) -> None:
        """Take texts such as `URL=FOLDER`; UsageError for another one."""
        self._context = context
        self._folders: dict[str, str] = {}
        self._git: dict[str, Git] = {}
        for text in texts:
            url, separator, folder = text.rpartition("=")
            if not (separator and url and folder):
                raise UsageError(f"--repository {text}: expected URL=FOLDER")
            self._folders[repository_name(url)] = folder

    def has(self, url: str) -> bool:
        """Say whether there is a clone of a repository."""
        return repository_name(url) in self._folders

    def tree(self, url: str, revision: str) -> GitTree | None:
        """Return the tree of a repository at a revision, as its remote has it; None for a repository without a clone.

        UsageError for a revision that the clone lacks.  The name of a repository (`repository_name`) serves as its URL.
        """
        name = url if url in self._folders else repository_name(url)
        if name not in self._folders:
            return None
        git = self._git.setdefault(name, Git(self._folders[name], self._context))
        commit = commit_of(git, revision)
        if commit is None:
            raise UsageError(
                f"the clone {self._folders[name]} has no revision {revision}",
                hint=f"fetch it there: it is that of a source in {shown(url)}",
            )
        return git.tree(commit)

    def close(self) -> None:
        """End the programs."""
        for git in self._git.values():
            git.close()


def commit_of(git: Git, revision: str) -> str | None:
    """Return the commit that a target revision is in a clone, as its remote has it; None where the clone lacks it."""
    for name in _names(revision):
        try:
            return git.commit(name)
        except UsageError:
            continue
    return None


def _names(revision: str) -> Iterator[str]:
    """Yield the names that a target revision may have in a clone: a branch of its remote first, as Argo CD sees it."""
    if revision in ("", HEAD):
        yield HEAD
        return
    yield from (f"refs/remotes/origin/{revision}", f"refs/tags/{revision}", revision)
