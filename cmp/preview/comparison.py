"""Two trees -> two sides and what of them a change reaches: the beginning of `affected` and of `diff`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.charts import repositories
from cmp.errors import CmpError
from cmp.preview import affected, applications
from cmp.preview.applications import Gathered, Given
from cmp.preview.sides import Side
from cmp.system.urls import is_url, normal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.context import Context
    from cmp.preview.affected import Reach
    from cmp.repository.git import GitTree


class Compared(NamedTuple):
    """Both sides, what of them is affected, and sentences about what could not be read."""

    base: Side
    head: Side
    reach: Reach
    notes: tuple[str, ...]

    def repositories(self, repository_config: str) -> frozenset[str]:
        """Return the URLs of the repositories that charts of the base come from, as `urls.normal` has them.

        Aliases have the URLs of the file `repository_config`.
        """
        named = {url for case in self.base.cases.values() for url in case.repositories}
        known = repositories.load(repository_config) if any(repositories.is_alias(url) for url in named) else ()
        found = {repositories.alias_url(url, known) if repositories.is_alias(url) else url for url in named}
        return frozenset(normal(url) for url in found if is_url(url))


class Asker(NamedTuple):
    """Where Applications are told beside the repository, the branch that the change goes to, and whether to trust it.

    `lists` are the contents of files, with their names.
    """

    lists: tuple[tuple[str, bytes], ...]
    trunk: str
    is_untrusted: bool
    context: Context

    def compare(self, base_tree: GitTree, head_tree: GitTree, changed: Sequence[str]) -> Compared:
        """Resolve both sides and find what the change reaches.

        What the base says about files to ignore counts: no change may hide itself.  Where Applications are, each side
        says for itself, unless the change is not trusted.
        """
        with _side("the base revision"):
            base = Side(base_tree)
        head = base.successor(head_tree, changed)
        known = base.repository.config.preview
        patterns = known.applications, head.repository.config.preview.applications
        if not (any(patterns) or self.lists):
            return Compared(base, head, affected.find(base, head, changed, known.ignore), ())
        before = self._gathered(base_tree, patterns[0])
        after = self._gathered(head_tree, patterns[0] if self.is_untrusted else patterns[1])
        base = base.asking(before.asked)
        head = head.asking(after.asked)
        notes = dict.fromkeys((*before.notes, *after.notes))
        return Compared(base, head, affected.find(base, head, changed, known.ignore), tuple(notes))

    def _gathered(self, tree: GitTree, patterns: tuple[str, ...]) -> Gathered:
        return applications.gather(tree, Given(patterns, self.lists, self.trunk), self.context)


@contextmanager
def _side(name: str) -> Iterator[None]:
    """Say of an error on which side it is: of the newer one everybody thinks first."""
    try:
        yield
    except CmpError as error:
        error.what = f"{name}: {error.what}"
        raise
