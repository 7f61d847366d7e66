"""The annotations `manifest-generate-paths` of a repository, compared with the paths that the renders read."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import CmpError
from cmp.genpaths.annotation import (
    SEPARATOR,
    bind_expressions,
    covers,
    fill_expressions,
    has_expression,
    items,
    may_cover,
)
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.genpaths.applications import AnnotatedApplication, Source
    from cmp.genpaths.paths import PairPaths, RenderPaths
    from cmp.repository.instances import Pair


class Verdict(NamedTuple):
    """The result for one annotation, complete where it lacks no item.

    `missing` are items that the annotation lacks; `undecided` those that it may lack, depending on the values of its
    expressions `{{…}}`.  `corrected` is a value of the annotation that has them all.  `reason` tells why the annotation
    could not be compared.  `pairs` are the applications and clusters that it may stand for: none where its source is no
    application of this repository.
    """

    application: AnnotatedApplication
    pairs: tuple[tuple[str, str], ...]
    missing: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    corrected: str = ""
    reason: str = ""

    @property
    def is_complete(self) -> bool:
        return not (self.missing or self.undecided or self.reason)


class _Candidate(NamedTuple):
    """A pair that a source may stand for, its folder, and the values that the template's expressions have for it."""

    pair: Pair
    folder: str
    known: Mapping[str, str]


class Checker:
    """The annotations of a tree's Applications, checked one by one; `prefix` is the tree's root in Git."""

    def __init__(self, paths: RenderPaths, prefix: str) -> None:
        self._paths = paths
        self._prefix = prefix
        self._pairs = [pair for pair in paths.repository.pairs() if pair.app_folder]

    def check(self, application: AnnotatedApplication) -> Verdict:
        """Return the verdict; an annotation that cannot be compared does not count as complete."""
        candidates = [candidate for source in application.sources for candidate in self._candidates(source)]
        pairs = tuple(sorted({(candidate.pair.app, candidate.pair.cluster) for candidate in candidates}))
        verdict = Verdict(application, pairs)
        if not candidates or (application.annotation is None and not application.overridden_by):
            return verdict
        if application.overridden_by:
            return verdict._replace(reason=f"{application.overridden_by} may set another one than its template")
        try:
            return self._compared(verdict, candidates)
        except CmpError as error:
            return verdict._replace(reason=f"{error.application} cannot be rendered: {' '.join(error.what.split())}")

    def _compared(self, verdict: Verdict, candidates: Sequence[_Candidate]) -> Verdict:
        missing: dict[str, None] = {}
        undecided: dict[str, None] = {}
        for candidate in candidates:
            lacks, may_lack = self._lacks(verdict.application.annotation or "", candidate)
            missing |= dict.fromkeys(lacks)
            undecided |= dict.fromkeys(may_lack)
        if not (missing or undecided):
            return verdict
        paths = [self._paths.of(candidate.pair) for candidate in candidates]
        corrected = SEPARATOR.join(self._paths.items(paths, _names(candidates, paths)))
        return verdict._replace(missing=tuple(missing), undecided=tuple(undecided), corrected=corrected)

    def _candidates(self, source: Source) -> Iterator[_Candidate]:
        path = posixpath.normpath(source.path)
        for pair in self._pairs:
            for folder in dict.fromkeys(filter(None, (pair.instance_folder, pair.app_folder))):
                known = bind_expressions(path, join(self._prefix, folder))
                if known is not None and source.cluster:
                    known = bind_expressions(source.cluster, pair.cluster, known)
                if known is not None:
                    yield _Candidate(pair, folder, known)
                    break

    def _lacks(self, annotation: str, candidate: _Candidate) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the items that the annotation lacks for one pair, and those that it may lack."""
        every = items(fill_expressions(annotation, candidate.known), join(self._prefix, candidate.folder))
        if not every:
            return (), ()  # without items every change counts
        certain = [item for item in every if not has_expression(item)]
        uncertain = [item for item in every if has_expression(item)]
        paths = self._paths.of(candidate.pair)
        lost = [file for file in self._paths.files(paths) if not covers(certain, file)]
        perhaps = {file for file in lost if any(may_cover(item, file) for item in uncertain)}
        return (
            self._collapsed(paths, [file for file in lost if file not in perhaps]),
            self._collapsed(paths, [file for file in lost if file in perhaps]),
        )

    def _collapsed(self, paths: PairPaths, lost: Sequence[str]) -> tuple[str, ...]:
        """Return the items of which every file is lost, in place of those files, and the other files one by one."""
        if not lost:
            return ()
        files = self._paths.files(paths)
        remaining = dict.fromkeys(lost)
        lost_items = []
        for item in self._paths.items([paths]):
            below = [file for file in files if covers((item,), file)]
            if below and all(file in remaining for file in below):
                lost_items.append(item)
                remaining = {file: None for file in remaining if file not in below}
        return (*lost_items, *(f"/{file}" for file in remaining))


def _names(candidates: Sequence[_Candidate], paths: Sequence[PairPaths]) -> dict[str, str]:
    """Return the expressions that fill a placeholder for the application or the cluster, for every candidate."""
    names: dict[str, str] = {}
    filled = [pair.instance.placeholders for pair in paths]
    placeholders = dict.fromkeys(("app", "name", "cluster", *filled[0]))
    for name in candidates[0].known:
        for placeholder in placeholders:
            texts = [known.get(placeholder) for known in filled]
            if texts == [candidate.known.get(name) for candidate in candidates]:
                names.setdefault(placeholder, f"{{{{{name}}}}}")
                break
    return names
