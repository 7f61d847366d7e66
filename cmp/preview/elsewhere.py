"""Sources in other repositories, whose clones the command line names: each at the revision that a source follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.engines import ENGINES
from cmp.render.fingerprint import FingerprintIndex
from cmp.repository.instances import Repository
from cmp.system.urls import repository_name

if TYPE_CHECKING:
    from cmp.argocd.source import Source
    from cmp.repository.clones import Clones
    from cmp.repository.git import GitTree


class OtherTree(NamedTuple):
    """A revision of another repository, read as a repository, and the fingerprints of what lies in it."""

    tree: GitTree
    repository: Repository
    fingerprints: FingerprintIndex

    @classmethod
    def of(cls, tree: GitTree) -> OtherTree:
        """Read a tree as a repository."""
        repository = Repository(tree, ENGINES)
        return cls(tree, repository, FingerprintIndex(repository.tree))


class OtherRepositories:
    """The trees of other repositories, each revision read once, so that both sides of a comparison have the same."""

    def __init__(self, clones: Clones) -> None:
        self._clones = clones
        self._trees: dict[tuple[str, str], OtherTree] = {}

    def has(self, url: str) -> bool:
        """Tell whether there is a clone of a repository."""
        return self._clones.has(url)

    def of(self, source: Source) -> OtherTree | None:
        """Return the tree that a source is in, None without a clone; UsageError for a revision that the clone lacks."""
        key = repository_name(source.repo_url), source.target_revision
        if key not in self._trees:
            tree = self._clones.tree(*key)
            if tree is None:
                return None
            self._trees[key] = OtherTree.of(tree)
        return self._trees[key]
