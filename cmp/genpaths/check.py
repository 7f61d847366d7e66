"""The annotations `manifest-generate-paths` of a repository, compared with what the renders read that they are for."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import CmpError
from cmp.genpaths.annotation import SEPARATOR, bind, filled, is_template, items, matches, may_mean
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.genpaths.applications import Annotated, Source
    from cmp.genpaths.paths import Paths, Reader
    from cmp.repository.instances import Pair


class Verdict(NamedTuple):
    """What is to say of one annotation: nothing, when it has everything.

    `missing` are items that the annotation lacks; `open` those of which only the values of its `{{…}}` could tell;
    `right` is a value that has all.  `reason` says why nothing can be told.  `pairs` are the applications and clusters
    that it may stand for: none where its source is no application of this repository.
    """

    annotated: Annotated
    pairs: tuple[tuple[str, str], ...]
    missing: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    right: str = ""
    reason: str = ""

    @property
    def is_right(self) -> bool:
        return not (self.missing or self.open or self.reason)


class _Candidate(NamedTuple):
    """A pair that a source may be, in which folder, and what the expressions of the template stand for then."""

    pair: Pair
    folder: str
    known: Mapping[str, str]


class Checker:
    """Compare annotations with what the renders of a tree read."""

    def __init__(self, paths: Paths, prefix: str) -> None:
        self._paths = paths
        self._prefix = prefix
        self._pairs = [pair for pair in paths.repository.pairs() if pair.app_folder]

    def check(self, annotated: Annotated) -> Verdict:
        """Return the verdict; what cannot be decided does not count as right."""
        found = [one for source in annotated.sources for one in self._candidates(source)]
        pairs = tuple(sorted({(one.pair.app, one.pair.cluster) for one in found}))
        verdict = Verdict(annotated, pairs)
        if not found or (annotated.annotation is None and not annotated.rewritten):
            return verdict
        if annotated.rewritten:
            return verdict._replace(reason=f"{annotated.rewritten} may set another one than its template")
        try:
            return self._compared(verdict, found)
        except CmpError as error:
            return verdict._replace(reason=f"{error.application} cannot be rendered: {' '.join(error.what.split())}")

    def _compared(self, verdict: Verdict, found: Sequence[_Candidate]) -> Verdict:
        missing: dict[str, None] = {}
        doubtful: dict[str, None] = {}
        for one in found:
            lacks, may_lack = self._lacks(verdict.annotated.annotation or "", one)
            missing |= dict.fromkeys(lacks)
            doubtful |= dict.fromkeys(may_lack)
        if not (missing or doubtful):
            return verdict
        right = SEPARATOR.join(self._paths.items([self._paths.reader(one.pair) for one in found], _names(found)))
        return verdict._replace(missing=tuple(missing), open=tuple(doubtful), right=right)

    def _candidates(self, source: Source) -> Iterator[_Candidate]:
        path = posixpath.normpath(source.path)
        for pair in self._pairs:
            for folder in dict.fromkeys(filter(None, (pair.instance_folder, pair.app_folder))):
                known = bind(path, join(self._prefix, folder))
                if known is not None and source.cluster:
                    known = bind(source.cluster, pair.cluster, known)
                if known is not None:
                    yield _Candidate(pair, folder, known)
                    break

    def _lacks(self, annotation: str, one: _Candidate) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the annotation lacks for one pair, and what it may lack."""
        every = items(filled(annotation, one.known), join(self._prefix, one.folder))
        if not every:
            return (), ()  # without items every change counts
        certain = [item for item in every if not is_template(item)]
        doubtful = [item for item in every if is_template(item)]
        reader = self._paths.reader(one.pair)
        lost = [path for path in self._paths.files(reader) if not matches(certain, path)]
        may_be = {path for path in lost if any(may_mean(item, path) for item in doubtful)}
        return (
            self._shown(reader, [path for path in lost if path not in may_be]),
            self._shown(reader, [path for path in lost if path in may_be]),
        )

    def _shown(self, reader: Reader, lost: Sequence[str]) -> tuple[str, ...]:
        """Return the items of which nothing is meant, and the other files one by one."""
        if not lost:
            return ()
        files = self._paths.files(reader)
        rest = dict.fromkeys(lost)
        shown = []
        for item in self._paths.items([reader]):
            below = [path for path in files if matches((item,), path)]
            if below and all(path in rest for path in below):
                shown.append(item)
                rest = {path: None for path in rest if path not in below}
        return (*shown, *(f"/{path}" for path in rest))


def _names(found: Sequence[_Candidate]) -> dict[str, str]:
    """Return the expressions that are the application's name, or the cluster's, in every pair."""
    names: dict[str, str] = {}
    for name in found[0].known:
        if all(one.known.get(name) == one.pair.app for one in found):
            names.setdefault("app", f"{{{{{name}}}}}")
        elif all(one.known.get(name) == one.pair.cluster for one in found):
            names.setdefault("cluster", f"{{{{{name}}}}}")
    return names
