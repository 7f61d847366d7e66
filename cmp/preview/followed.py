"""Revisions of this very repository that Applications follow, such as the tag that production runs.

An Application that the change lets follow another revision is compared at these two, wherever the branch stands; what
follows the branch, or stays with its tag, is compared as the branch has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.preview.elsewhere import OtherTree
from cmp.preview.sides import BuiltinSource
from cmp.repository.clones import commit_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.preview.sides import RenderRequest
    from cmp.repository.git import Git
    from cmp.repository.submodules import Submodules

HEAD = "HEAD"


def is_trunk(revision: str, trunk: str) -> bool:
    """Say whether a target revision is the trunk; one without a name, and HEAD, are taken for it."""
    return revision in ("", HEAD, trunk)


class Followed:
    """The trees of this repository at revisions that Applications follow, each read once; nothing is fetched.

    `trunk` is the branch that the change goes to: who follows that has the tree of each side.
    """

    def __init__(self, git: Git, prefix: str, trunk: str, submodules: Submodules) -> None:
        self._git = git
        self._prefix = prefix
        self._trunk = trunk
        self._submodules = submodules
        self._trees: dict[str, OtherTree | None] = {}

    def is_trunk(self, revision: str) -> bool:
        """Say whether a revision is the branch that the change goes to."""
        return is_trunk(revision, self._trunk)

    def has(self, revision: str) -> bool:
        """Say whether the clone has a revision."""
        return self.is_trunk(revision) or self.tree(revision) is not None

    def tree(self, revision: str) -> OtherTree | None:
        """Return the tree at a revision; None for the trunk, and for one that the clone does not have."""
        if self.is_trunk(revision):
            return None
        if revision not in self._trees:
            self._trees[revision] = self._read(revision)
        return self._trees[revision]

    def _read(self, revision: str) -> OtherTree | None:
        commit = commit_of(self._git, revision)
        if commit is None:
            return None
        (tree,) = self._submodules.filled(self._git.tree(commit, self._prefix))
        return OtherTree.of(tree)


def promoted(
    sides: tuple[Sequence[RenderRequest], Sequence[RenderRequest]], followed: Followed, *, is_untrusted: bool
) -> tuple[list[RenderRequest], list[RenderRequest]]:
    """Return the requests of both sides, those with another revision at the trees that they follow.

    Of an untrusted change only revisions are read that the base side names.
    """
    before, after = ({request.id: request for request in side} for side in sides)
    named = {revision for request in sides[0] for revision in _revisions(request)}
    for key in before.keys() & after.keys():
        was, now = _revisions(before[key]), _revisions(after[key])
        if was == now or len(was) != 1 or len(now) != 1:
            continue
        (old,), (new,) = was, now
        if (is_untrusted and new not in named) or not (followed.has(old) and followed.has(new)):
            continue
        before[key] = before[key]._replace(followed=followed.tree(old), is_promoted=True)
        after[key] = after[key]._replace(followed=followed.tree(new), is_promoted=True)
    return [*before.values()], [*after.values()]


def _revisions(request: RenderRequest) -> set[str]:
    """Return the revisions that the sources of an Application in this repository follow."""
    return {*_each(request)}


def _each(request: RenderRequest) -> Iterator[str]:
    for source in request.sources:
        if not isinstance(source, BuiltinSource):
            yield source.build_env.target_revision or HEAD
        elif source.home is None and not source.source.source.chart:
            yield source.source.source.target_revision or HEAD
