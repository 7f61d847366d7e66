"""The options that name two revisions, shared by `affected` and `diff`, and the trees that they lead to."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial, wraps
from typing import TYPE_CHECKING, NamedTuple

import click

from cmp.changes import Revision
from cmp.cli import candidates
from cmp.cli.io import content
from cmp.errors import UsageError, and_more
from cmp.preview.comparison import MAX_APPLICATIONS, NO_OUTPUT, Comparer
from cmp.preview.elsewhere import OtherRepositories
from cmp.preview.followed import Followed
from cmp.preview.migration import against_applications
from cmp.render.pipeline import RenderOptions
from cmp.repository import instances
from cmp.repository.clones import Clones
from cmp.repository.git import REMOTE, WORK, Git, changed
from cmp.repository.submodules import Submodules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.changes import Supposition
    from cmp.cli import Invocation, Output
    from cmp.context import Context
    from cmp.preview.children import Printed
    from cmp.preview.comparison import Comparison
    from cmp.repository.git import GitTree

HEAD = "HEAD"
AGAINST = "--against"


class Sides(NamedTuple):
    """Two trees of the repository around the working directory, their revisions, and the paths that differ.

    `trunk` is the branch that the change will be merged into, by its name on the server, `remotes` the URLs of the
    clone, `others` are other repositories, `followed` other revisions of this one.  `printed` is what parents are known
    to print, by their fingerprints.  `suppositions` are versions that the newer tree has though no file says so.
    """

    base: GitTree
    head: GitTree
    before: Revision
    after: Revision
    changed: tuple[str, ...]
    trunk: str
    remotes: tuple[str, ...]
    others: OtherRepositories | None = None
    followed: Followed | None = None
    printed: Mapping[str, Printed] = NO_OUTPUT
    suppositions: tuple[Supposition, ...] = ()


class Revisions(NamedTuple):
    """The options' values; `is_checked` is one of `cmp diff` alone."""

    base: str
    head: str
    is_exact: bool
    is_work: bool
    applications: tuple[str, ...]
    repository_urls: tuple[str, ...]
    repositories: tuple[str, ...]
    is_untrusted: bool
    max_applications: int
    is_checked: bool = False

    def _read(self, git: Git, prefix: str, submodules: Submodules, invocation: Invocation) -> Sides:
        name = self.base or git.trunk()
        tip, head = git.commit(name), git.commit(self.head or HEAD)
        base = tip if self.is_exact else git.merge_base(tip, head)
        if not (self.is_work or self.head):
            _warn(git.uncommitted(), invocation)
        before = git.tree(base, prefix)
        after = git.work_tree(prefix) if self.is_work else git.tree(head, prefix)
        before, after = submodules.filled(before, after)
        return Sides(
            base=before,
            head=after,
            before=Revision(name if self.is_exact else f"merge base of {name}", base),
            after=Revision(WORK, "") if self.is_work else Revision(self.head or HEAD, head),
            changed=tuple(changed(before, after)),
            trunk=name.removeprefix(REMOTE),
            remotes=git.remotes(),
        )

    def _one(self, git: Git, prefix: str, submodules: Submodules, invocation: Invocation, *, option: str) -> Sides:
        """Read the newer side alone, as both trees, as an option asks for."""
        if self.base or self.is_exact:
            raise UsageError(f"{option} compares two renders of one revision", hint="leave out --base and --exact")
        head = git.commit(self.head or HEAD)
        if not (self.is_work or self.head):
            _warn(git.uncommitted(), invocation)
        (tree,) = submodules.filled(git.work_tree(prefix) if self.is_work else git.tree(head, prefix))
        revision = Revision(WORK, "") if self.is_work else Revision(self.head or HEAD, head)
        return Sides(
            base=tree,
            head=tree,
            before=revision,
            after=revision,
            changed=(),
            trunk="" if option == AGAINST else _trunk(git),
            remotes=git.remotes(),
        )

    def render_options(self, comparison: Comparison, context: Context, *, is_keyless: bool) -> RenderOptions:
        """Return how both sides are rendered: an untrusted change gets no keys and no new repositories."""
        if not self.is_untrusted:
            return RenderOptions(is_keyless=is_keyless)
        known = comparison.base.chart_repositories(context.settings.helm_repository_config)
        return RenderOptions(is_keyless=True, known_repositories=known)

    def compared(self, sides: Sides, invocation: Invocation) -> Comparison:
        """Return the pairs that the change reaches; UsageError for a list of Applications that cannot be read."""
        return self._comparer(sides, invocation).compare(sides.base, sides.head, sides.changed)

    def migration(self, sides: Sides, invocation: Invocation) -> Comparison:
        """Return the Applications of the newer side without a plugin, with what would take their place."""
        return against_applications(sides.head, self._comparer(sides, invocation))

    def _comparer(self, sides: Sides, invocation: Invocation) -> Comparer:
        paths = [os.path.join(invocation.cwd, name) for name in self.applications]
        lists = tuple(zip(self.applications, (content(path, "", "the Applications") for path in paths), strict=True))
        return Comparer(
            lists,
            urls=(*self.repository_urls, *sides.remotes),
            trunk=sides.trunk,
            is_untrusted=self.is_untrusted,
            context=invocation.context,
            max_applications=self.max_applications,
            is_checked=self.is_checked,
            others=sides.others,
            followed=sides.followed,
            printed=sides.printed,
        )

    @contextmanager
    def opened(self, invocation: Invocation, *, alone: str = "") -> Iterator[Sides]:
        """Read both trees, or the newer one where an option wants it `alone`; git's programs end with the block.

        UsageError for a revision that is not there.
        """
        if self.is_work and self.head:
            raise UsageError("--work-tree and --head name two things to compare with the base", hint="give one")
        work = instances.open_checkout(invocation.cwd)
        git = Git(work.repository, invocation.context)
        clones = Clones(self.repositories, invocation.context)
        submodules = Submodules(work.repository, invocation.context)
        try:
            read = partial(self._one, option=alone) if alone else self._read
            sides = read(git, work.prefix, submodules, invocation)
            followed = Followed(git, work.prefix, sides.trunk, submodules)
            yield sides._replace(others=OtherRepositories(clones), followed=followed)
        finally:
            clones.close()
            submodules.close()
            git.close()


def _trunk(git: Git) -> str:
    """Return the branch that others merge into; empty where this clone has none, and nothing is compared with it."""
    try:
        return git.trunk().removeprefix(REMOTE)
    except UsageError:
        return ""


def _warn(uncommitted: list[str], invocation: Invocation) -> None:
    if uncommitted:
        paths = and_more(uncommitted, 1)
        text = f"not committed, so not compared: {paths} (--work-tree compares the files as they are)"
        invocation.context.log.warning(text)


OPTIONS = (
    click.option(
        "--base",
        default="",
        metavar="REV",
        shell_complete=candidates.revisions,
        help="Compare with this; without it, the main branch.",
    ),
    click.option(
        "--head",
        default="",
        metavar="REV",
        shell_complete=candidates.revisions,
        help="What is compared; without it, the commit checked out.",
    ),
    click.option("--exact", "is_exact", is_flag=True, help="Compare with the base itself, not with the merge base."),
    click.option(
        "--applications",
        multiple=True,
        metavar="FILE",
        shell_complete=candidates.files,
        help="Applications that a live Argo CD printed (`argocd app list -o json`); repeat.",
    ),
    click.option(
        "--repository-url",
        "repository_urls",
        multiple=True,
        metavar="URL",
        help="A URL under which Applications name this repository, beside its remotes; repeat.",
    ),
    click.option(
        "--repository",
        "repositories",
        multiple=True,
        metavar="URL=FOLDER",
        shell_complete=candidates.clones,
        help="A clone of another repository that Applications name; read at the revision of each source; repeat.",
    ),
    click.option(
        "--untrusted",
        "is_untrusted",
        is_flag=True,
        help="For a change by anybody: no keys, and the rules and chart repositories of the base alone.",
    ),
    click.option(
        "--max-applications",
        type=click.IntRange(min=0),
        default=MAX_APPLICATIONS,
        show_default=True,
        metavar="N",
        help="With --untrusted: compare no more Applications that only the change prints.",
    ),
    click.option("--work-tree", "is_work", is_flag=True, help="Compare the files as they lie here, committed or not."),
)


def revision_options(function: Callable[..., Output]) -> Callable[..., Output]:
    """Give a command the options above, folded into one `revisions` argument."""

    @wraps(function)
    def folded(
        *,
        base: str,
        head: str,
        is_exact: bool,
        is_work: bool,
        applications: tuple[str, ...],
        repository_urls: tuple[str, ...],
        repositories: tuple[str, ...],
        is_untrusted: bool,
        max_applications: int,
        **others: object,
    ) -> Output:
        revisions = Revisions(
            base=base,
            head=head,
            is_exact=is_exact,
            is_work=is_work,
            applications=applications,
            repository_urls=repository_urls,
            repositories=repositories,
            is_untrusted=is_untrusted,
            max_applications=max_applications,
        )
        return function(revisions=revisions, **others)

    for option in reversed(OPTIONS):
        folded = option(folded)
    return folded
