"""Both sides of a comparison with their Applications as pairs, and the pairs of the layout that no Application renders.

Such a pair is one only where no Application of either side renders it: one that comes, or goes, is a pair that comes or
goes, though the folders stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.preview import application_changes, applications, left_out, staying
from cmp.preview.broken_sets import gone, repaired
from cmp.preview.declarations import known_urls, merged
from cmp.preview.followed import promoted
from cmp.preview.left_out import ChangedPaths
from cmp.preview.untrusted import admitted, identities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Failure, LeftOut
    from cmp.preview.application_changes import ApplicationChanges
    from cmp.preview.declarations import ApplicationSources, Declaration, Declared
    from cmp.preview.sides import Side

    Printed = tuple[tuple[Declaration, ...], tuple[Declaration, ...]]


class PairsOfApplications(NamedTuple):
    """Both sides with all pairs, sentences about Applications, and what is not compared.

    `assumptions` are sentences on what nobody said of the Argo CD.  `changes` are those of Applications themselves,
    `failures` those of ApplicationSets.
    """

    sides: tuple[Side, Side]
    notes: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    assumptions: tuple[str, ...]
    changes: ApplicationChanges
    failures: tuple[Failure, ...]


class ApplicationPairs:
    """Makes pairs of what files declare and pairs print.

    `layouts` are both sides with the pairs of the layout alone, `changed` the paths that differ.  With a `limit`, the
    change is not trusted.
    """

    def __init__(
        self,
        layouts: tuple[Side, Side],
        files: tuple[Declared, Declared],
        sources: ApplicationSources,
        *,
        changed: Sequence[str],
        limit: int | None,
    ) -> None:
        self._layouts = layouts
        self._files = files
        self._sources = sources
        self._changed = changed
        self._limit = limit
        self._latest: tuple[Printed, PairsOfApplications] | None = None

    def of(self, printed: Printed) -> PairsOfApplications:
        """Return both sides with the pairs of files and of what was printed."""
        if self._latest is None or self._latest[0] is not printed:
            self._latest = printed, self._made(printed)
        return self._latest[1]

    def _made(self, printed: Printed) -> PairsOfApplications:
        layouts, sources = self._layouts, self._sources
        base = merged(self._files[0], printed[0], sources)
        beyond: tuple[LeftOut, ...] = ()
        of_head = printed[1]
        if self._limit is not None:
            known = {*identities(base, sources), *identities(self._files[1], sources)}
            of_head, beyond = admitted(of_head, known, self._limit)
        head = merged(self._files[1], of_head, sources)
        head = staying.of_parents(base, head, sources)
        of_gone = tuple(gone(base, head, sources))
        base, head, failures, of_sets = repaired(base, head, sources)
        named = sources._replace(urls=self._urls(base, head))
        read = [
            applications.requests(layout.tree, layout.repository, declared, named)
            for layout, declared in zip(layouts, (base, head), strict=True)
        ]
        told_apart, clashes = applications.told_apart(read, has_argocds=bool(sources.argocds))
        if sources.followed:
            requests = promoted(
                (told_apart[0].requests, told_apart[1].requests), sources.followed, is_untrusted=self._limit is not None
            )
            told_apart = [
                side._replace(requests=tuple(of_side)) for side, of_side in zip(told_apart, requests, strict=True)
            ]
        covered = read[0].covered | read[1].covered
        # Without a cmp.yaml the layout is a guess, which a repository with Applications of its own does not mean.
        has_layout = any(
            layout.repository.config.source or of_side.has_plugins or not of_side.requests
            for layout, of_side in zip(layouts, read, strict=True)
        )
        before, after = (
            layout.with_requests((*of_side.requests, *(layout.requests_beside(covered) if has_layout else ())))
            for layout, of_side in zip(layouts, told_apart, strict=True)
        )
        changes = application_changes.find(
            (dict(told_apart[0].states), dict(told_apart[1].states)),
            (before, after),
        )
        changes = changes._replace(changes=tuple(sorted((*changes.changes, *of_gone))))
        reach = ChangedPaths(self._changed, before.tree.prefix, named.urls, sources.trunk)
        assumed = [side.argocd.assumed for side, of_side in zip(layouts, read, strict=True) if of_side.has_builtins]
        return PairsOfApplications(
            sides=(before, after),
            notes=tuple(dict.fromkeys((*clashes, *of_sets, *(note for side in read for note in side.notes)))),
            left_out=(
                *left_out.of_sides((read[0].uncompared, read[1].uncompared), reach),
                *beyond,
                *left_out.promotions(changes.changes, (*read[0].uncompared, *read[1].uncompared)),
            ),
            assumptions=tuple(dict.fromkeys(assumed)),
            changes=changes,
            failures=failures,
        )

    def _urls(self, base: Declared, head: Declared) -> tuple[str, ...]:
        """Return the names of this repository, of files first; of an untrusted change the base alone says them."""
        of_files, of_all = (self._files[0], self._files[1]), (base, head)
        if self._limit is not None:
            return known_urls(self._sources.urls, of_files[0]) or known_urls(self._sources.urls, base)
        return known_urls(self._sources.urls, *of_files) or known_urls(self._sources.urls, *of_all)
