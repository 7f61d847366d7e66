"""The options that name two revisions, shared by `affected` and `diff`."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp import instances, revision
from cmp.changes import Revision
from cmp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.commands import Invocation, Output
    from cmp.revision import GitTree

HEAD = "HEAD"


class Sides(NamedTuple):
    """Two trees of the repository around us, the revisions they are, and the paths that differ."""

    base: GitTree
    head: GitTree
    before: Revision
    after: Revision
    changed: tuple[str, ...]


class Revisions(NamedTuple):
    """What the command line says."""

    base: str
    head: str
    is_exact: bool
    is_work: bool

    @contextmanager
    def opened(self, invocation: Invocation) -> Iterator[Sides]:
        """Read both trees; git's programs end with the block.  UsageError for a revision that is not there."""
        if self.is_work and self.head:
            raise UsageError("--work-tree and --head name two things to compare with the base", hint="give one")
        work, _ = instances.open_repository(invocation.cwd)
        git = revision.Git(work.repository, invocation.context)
        try:
            head = git.commit(self.head or HEAD)
            tip = git.commit(self.base or git.trunk())
            base = tip if self.is_exact else git.merge_base(tip, head)
            if not (self.is_work or self.head):
                _warn(git.uncommitted(), invocation)
            before = git.tree(base, work.prefix)
            after = git.work_tree(work.prefix) if self.is_work else git.tree(head, work.prefix)
            name = self.base or git.trunk()
            yield Sides(
                before,
                after,
                Revision(name if self.is_exact else f"merge base of {name}", base),
                Revision(revision.WORK, "") if self.is_work else Revision(self.head or HEAD, head),
                tuple(revision.changed(before, after)),
            )
        finally:
            git.close()


def _warn(uncommitted: list[str], invocation: Invocation) -> None:
    if uncommitted:
        more = f" and {len(uncommitted) - 1} more" if uncommitted[1:] else ""
        text = f"not committed, so not compared: {uncommitted[0]}{more} (--work-tree compares the files as they are)"
        invocation.context.log.warning(text)


OPTIONS = (
    click.option("--base", default="", metavar="REV", help="Compare with this; without it, the main branch."),
    click.option("--head", default="", metavar="REV", help="What is compared; without it, the commit checked out."),
    click.option("--exact", is_flag=True, help="Compare with the base itself, not with the merge base."),
    click.option("--work-tree", is_flag=True, help="Compare the files as they lie here, committed or not."),
)


def revision_options(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command the options above, folded into one `revisions` argument."""

    @wraps(function)
    def folded(base: str, head: str, *, exact: bool, work_tree: bool, **rest: object) -> Output:
        return function(revisions=Revisions(base, head, exact, work_tree), **rest)

    for option in reversed(OPTIONS):
        folded = option(folded)
    return folded
