"""Two trees -> two sides, and the impact of the change on them: the beginning of `affected` and of `diff`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.charts import repositories
from cmp.errors import CmpError
from cmp.preview import applications
from cmp.preview.affected import find_impact
from cmp.preview.applications import EVERY_FILE, ApplicationSources
from cmp.preview.sides import Side
from cmp.system.urls import is_url, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.context import Context
    from cmp.preview.affected import Impact
    from cmp.repository.git import GitTree


class Comparison(NamedTuple):
    """Both sides, the impact of the change, and sentences about Applications that could not be read.

    `left_out` is the number of Applications that are not compared, as a source of theirs is in another repository;
    `assumptions` are sentences on what nobody said of the Argo CD.
    """

    base: Side
    head: Side
    impact: Impact
    notes: tuple[str, ...]
    left_out: int = 0
    assumptions: tuple[str, ...] = ()

    def chart_repositories(self, repository_config: str) -> frozenset[str]:
        """Return the URLs of the repositories from which charts of the base come, as `urls.normal` has them.

        Aliases have the URLs of the file `repository_config`.
        """
        pairs = self.base.pairs.values()
        urls = {url for pair in pairs for source in pair.sources for url in source.repositories}
        known = repositories.load(repository_config) if any(map(repositories.is_alias, urls)) else ()
        real = {repositories.alias_url(url, known) if repositories.is_alias(url) else url for url in urls}
        return frozenset(normal(url) for url in real if is_url(url))


class _WithApplications(NamedTuple):
    """Both sides with their Applications, and as in `Comparison`."""

    base: Side
    head: Side
    notes: tuple[str, ...]
    left_out: int
    assumptions: tuple[str, ...]


class Comparer(NamedTuple):
    """Compares two trees.

    `lists` are files with Applications beside the repository, by name and content.  `urls` are those of this
    repository, as far as the clone and the command line know them.  `trunk` is the branch that the change goes to.
    """

    lists: tuple[tuple[str, bytes], ...]
    urls: tuple[str, ...]
    trunk: str
    is_untrusted: bool
    context: Context

    def compare(self, base_tree: GitTree, head_tree: GitTree, changed: Sequence[str]) -> Comparison:
        """Resolve both sides and find the impact of the paths that changed.

        The patterns of files to ignore are those of the base: no change may hide itself.
        """
        with _errors_of("the base revision"):
            base = Side(base_tree)
        head = base.successor(head_tree, changed)
        sources = self.sources(base, head)
        found = self._with_applications(base, head, sources) if sources.patterns or sources.lists else None
        base, head = (found.base, found.head) if found else (base, head)
        impact = find_impact(base, head, changed, base.repository.config.preview.ignore)
        if not found:
            return Comparison(base, head, impact, notes=())
        return Comparison(base, head, impact, found.notes, left_out=found.left_out, assumptions=found.assumptions)

    def sources(self, base: Side, head: Side) -> ApplicationSources:
        """Return where both sides have Applications.

        What either of them says counts for both: an Application that only one side's patterns find neither comes nor
        goes.  Of an untrusted change only the base says it.
        """
        before, after = base.repository.config.preview, head.repository.config.preview
        settings = (before,) if self.is_untrusted else (before, after)
        sides = (base,) if self.is_untrusted else (base, head)
        patterns = [pattern for setting in settings for pattern in setting.application_files]
        if not all(side.repository.config.source for side in sides):
            patterns += EVERY_FILE
        return ApplicationSources(
            patterns=tuple(dict.fromkeys(patterns)),
            lists=self.lists,
            argocds=before.argocds if self.is_untrusted else after.argocds or before.argocds,
            urls=(*self.urls, *(url for setting in settings for url in setting.urls)),
            trunk=self.trunk,
        )

    def _with_applications(self, base: Side, head: Side, sources: ApplicationSources) -> _WithApplications:
        """Return both sides with their Applications as pairs, and the pairs of the layout that no Application renders.

        Such a pair is one only where no Application of either side renders it: one that comes, or goes, is a pair
        that comes or goes, though the folders stay.
        """
        sides = (base, head)
        declared = [applications.declared(side.tree, side.repository, sources, self.context) for side in sides]
        named = sources._replace(urls=applications.known_urls(sources.urls, *declared))
        read = [
            applications.requests(side.tree, side.repository, of_side, named)
            for side, of_side in zip(sides, declared, strict=True)
        ]
        told_apart, clashes = applications.told_apart(read, has_argocds=bool(sources.argocds))
        covered = {pair for side in read for pair in side.covered.values()}
        # Without a cmp.yaml the layout is a guess, which a repository with Applications of its own does not mean.
        has_layout = any(
            side.repository.config.source or of_side.has_plugins or not of_side.requests
            for side, of_side in zip(sides, read, strict=True)
        )
        before, after = (
            side.with_requests((*of_side.requests, *(side.requests_beside(covered) if has_layout else ())))
            for side, of_side in zip(sides, told_apart, strict=True)
        )
        assumed = [side.argocd.assumed for side, of_side in zip(sides, read, strict=True) if of_side.has_builtins]
        return _WithApplications(
            base=before,
            head=after,
            notes=tuple(dict.fromkeys((*clashes, *(note for side in read for note in side.notes)))),
            left_out=len(read[0].elsewhere | read[1].elsewhere),
            assumptions=tuple(dict.fromkeys(assumed)),
        )


@contextmanager
def _errors_of(side: str) -> Iterator[None]:
    """Name the side in its errors: a reader takes any other error for one of the newer side."""
    try:
        yield
    except CmpError as error:
        error.what = f"{side}: {error.what}"
        raise
