"""Two trees -> two sides, and the impact of the change on them: the beginning of `affected` and of `diff`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.charts import repositories
from cmp.errors import CmpError
from cmp.preview import applications
from cmp.preview.affected import find_impact
from cmp.preview.applications import ApplicationSources, GatheredRequests
from cmp.preview.sides import Side
from cmp.system.urls import is_url, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.context import Context
    from cmp.preview.affected import Impact
    from cmp.repository.git import GitTree


class Comparison(NamedTuple):
    """Both sides, the impact of the change, and sentences about Applications that could not be read."""

    base: Side
    head: Side
    impact: Impact
    notes: tuple[str, ...]

    def chart_repositories(self, repository_config: str) -> frozenset[str]:
        """Return the URLs of the repositories from which charts of the base come, as `urls.normal` has them.

        Aliases have the URLs of the file `repository_config`.
        """
        pairs = self.base.pairs.values()
        urls = {url for pair in pairs for source in pair.sources for url in source.repositories}
        known = repositories.load(repository_config) if any(map(repositories.is_alias, urls)) else ()
        real = {repositories.alias_url(url, known) if repositories.is_alias(url) else url for url in urls}
        return frozenset(normal(url) for url in real if is_url(url))


class Comparer(NamedTuple):
    """Compares two trees.

    `lists` are files with Applications beside the repository, by name and content.  `trunk` is the branch that the
    change goes to.  Of an untrusted change, the patterns of files with Applications come from the base.
    """

    lists: tuple[tuple[str, bytes], ...]
    trunk: str
    is_untrusted: bool
    context: Context

    def compare(self, base_tree: GitTree, head_tree: GitTree, changed: Sequence[str]) -> Comparison:
        """Resolve both sides and find the impact of the paths that changed.

        The patterns of files to ignore are those of the base: no change may hide itself.  The patterns of files with
        Applications are each side's own, unless the change is not trusted.
        """
        with _errors_of("the base revision"):
            base = Side(base_tree)
        head = base.successor(head_tree, changed)
        settings = base.repository.config.preview
        patterns = settings.applications, head.repository.config.preview.applications
        notes: tuple[str, ...] = ()
        if any(patterns) or self.lists:
            before = self._requests(base_tree, patterns[0])
            after = self._requests(head_tree, patterns[0] if self.is_untrusted else patterns[1])
            base, head = base.with_requests(before.requests), head.with_requests(after.requests)
            notes = tuple(dict.fromkeys((*before.notes, *after.notes)))
        return Comparison(base, head, impact=find_impact(base, head, changed, settings.ignore), notes=notes)

    def _requests(self, tree: GitTree, patterns: tuple[str, ...]) -> GatheredRequests:
        sources = ApplicationSources(patterns, lists=self.lists, trunk=self.trunk)
        return applications.gather(tree, sources, self.context)


@contextmanager
def _errors_of(side: str) -> Iterator[None]:
    """Name the side in its errors: a reader takes any other error for one of the newer side."""
    try:
        yield
    except CmpError as error:
        error.what = f"{side}: {error.what}"
        raise
