"""Causes that are established: the newer side rendered once more with one changed file as the older side has it.

A difference that goes by that has this file as a cause.  The same files over many pairs are tried on one of them, and
there is a limit of renders; where it ends, the changed files are named as touched, not as causes.

    1. A pair with one changed input needs no proof: nothing else differs.
    2. A group whose every field shows the value of a changed line needs none either.
    3. Else each changed file is tried; of many, those of one chart's templates together.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Cause
from cmp.preview import copies
from cmp.preview.causes import effective, visible_causes
from cmp.preview.worker import Retrial
from cmp.repository.git import LINK
from cmp.system import workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.changes import Change, Group, Outcome, Subject
    from cmp.model import Identity
    from cmp.preview.affected import TouchedPair
    from cmp.preview.sides import ResolvedPair, Side
    from cmp.preview.worker import Worker

    Files = tuple[str, ...]
    Place = tuple[Identity, tuple[str, ...]]  # an object, and the path of a field; no path for the object itself

MOST_RENDERS = 60  # for all proofs of a report
MOST_PARTS = 8  # files, or charts, that are tried for one pair
TEMPLATES = "/templates/"


class Probe(NamedTuple):
    """A pair to be rendered once more for each part of its changed files."""

    pair: TouchedPair
    parts: tuple[Files, ...]


class Probed(NamedTuple):
    """The differences that remain without each part of a change; None where it cannot be rendered without it."""

    remaining: tuple[frozenset[Place] | None, ...]


class Prober(NamedTuple):
    """Renders probes in a worker process."""

    worker: Worker

    def run(self, probe: Probe) -> Probed:
        """Render a pair without each part of its change; never raises an error that a user can meet."""
        try:
            retrial = Retrial(self.worker, probe.pair)
        except Exception:  # noqa: BLE001  # a render that fails proves nothing
            return Probed((None,) * len(probe.parts))
        return Probed(tuple(self._remaining(retrial, probe.pair, part) for part in probe.parts))

    def _remaining(self, retrial: Retrial, pair: TouchedPair, part: Files) -> frozenset[Place] | None:
        try:
            side, resolved = without(self.worker.base, self.worker.head, pair, part)
            changes = retrial.changes(side, resolved)
        except Exception:  # noqa: BLE001  # a render that fails proves nothing
            return None
        return None if changes is None else frozenset(place for change in changes for place in places(change))


def places(change: Change) -> Iterator[Place]:
    """Yield the places of a change: its fields, and where the object comes or goes, the object."""
    if change.what != "changed":
        yield change.identity, ()
    for field in change.fields:
        yield change.identity, field.path


def without(base: Side, head: Side, pair: TouchedPair, files: Files) -> tuple[Side, ResolvedPair]:
    """Return the newer side with some files as the older one has them, and the pair on it."""
    tree = head.tree
    for path in files:
        tree = tree.with_file(path, base.tree.read(path)) if path in base.tree.blobs else tree.without_file(path)
    side = head.with_tree(tree)
    request = head.pairs[pair.key].request
    if request.place.partition(":")[0] in files:
        request = base.pairs[pair.key].request
    return side, side.resolve(request)


class _Case(NamedTuple):
    """Members of a group with the same changed files, each with its change; `parts` are those files."""

    members: tuple[tuple[Subject, Change], ...]
    parts: tuple[Files, ...]

    @property
    def is_open(self) -> bool:
        """Tell whether a proof is needed, and possible."""
        _, change = self.members[0]
        is_made_up = change.fields and len(change.unstable) == len(change.fields)
        return 1 < len(self.parts) <= MOST_PARTS and not is_made_up and not _is_explained(change)


class Proofs:
    """Finds the causes of the groups of a comparison."""

    def __init__(self, worker: Worker, pairs: Sequence[TouchedPair], jobs: int) -> None:
        self._worker = worker
        self._pairs = {pair.subject: pair for pair in pairs}
        self._jobs = jobs
        self._parts = {subject: self._parts_of(pair) for subject, pair in self._pairs.items()}

    def of(self, outcomes: Sequence[Outcome], groups: Sequence[Group]) -> list[Outcome]:
        """Return the outcomes with the causes of their changes, or the files that are touched where none is known."""
        by_subject = {outcome.subject: outcome for outcome in outcomes}
        cases = [case for group in groups for case in self._cases(group, by_subject)]
        probed = self._probed(cases)
        judged: dict[tuple[Subject, int], Change] = {}
        for case in cases:
            proven = self._proven(case, probed)
            for subject, change in case.members:
                judged[subject, id(change)] = _judged(change, by_subject[subject], case.parts, proven)
        return [
            outcome._replace(
                changes=tuple(judged.get((outcome.subject, id(change)), change) for change in outcome.changes)
            )
            for outcome in outcomes
        ]

    def _cases(self, group: Group, outcomes: Mapping[Subject, Outcome]) -> Iterator[_Case]:
        """Yield the members of a group by their changed files."""
        cases: dict[tuple[Files, ...], list[tuple[Subject, Change]]] = defaultdict(list)
        for member in group.members:
            outcome = outcomes.get(member.subject)
            if outcome and (change := _change_of(outcome, group.change)):
                cases[self._parts.get(member.subject, ())].append((member.subject, change))
        yield from (_Case(tuple(members), parts) for parts, members in cases.items())

    def _probed(self, cases: Sequence[_Case]) -> dict[Subject, Probed]:
        """Render the pairs that the cases need, as few as can be, and no more than the limit allows."""
        chosen: dict[Subject, Probe] = {}
        left = MOST_RENDERS
        for case in cases:
            if not case.is_open or any(subject in chosen for subject, _ in case.members):
                continue
            cost = len(case.parts) + 1  # the older side is rendered as well
            if cost <= left:
                left -= cost
                subject, _ = case.members[0]
                chosen[subject] = Probe(self._pairs[subject], case.parts)
        probes = [*chosen.values()]
        done = workers.run(probes, Prober(self._worker).run, self._jobs)
        return {probes[index].pair.subject: result for index, result in done if result is not None}

    def _proven(self, case: _Case, probed: Mapping[Subject, Probed]) -> tuple[Files, ...] | None:
        """Return the parts by which the change of a case goes; None where none was tried."""
        for subject, change in case.members if case.is_open else ():
            if subject in probed:
                own = {*places(change)}
                tried = zip(case.parts, probed[subject].remaining, strict=True)
                return tuple(part for part, remaining in tried if remaining is not None and own - remaining)
        return None

    def _parts_of(self, pair: TouchedPair) -> tuple[Files, ...]:
        """Return the changed files of a pair that may be causes; of many, those of one chart's templates together."""
        paths = dict.fromkeys(
            changed.path
            for changed in (pair.inputs if pair.what == "both" else ())
            if changed.path
            and not (changed.is_overridden or changed.how == copies.UNKNOWN or self._is_link(changed.path))
        )
        if len(paths) <= MOST_PARTS:
            return tuple((path,) for path in paths)
        parts: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            parts["".join(path.partition(TEMPLATES)[:2])].append(path)
        return tuple(map(tuple, parts.values()))

    def _is_link(self, path: str) -> bool:
        trees = (self._worker.base.tree, self._worker.head.tree)
        return any(path in tree.blobs and tree.blobs[path].mode == LINK for tree in trees)


def _judged(change: Change, outcome: Outcome, parts: tuple[Files, ...], proven: tuple[Files, ...] | None) -> Change:
    """Return a change with its causes, proven or seen in its fields, or with the files that are touched."""
    if not parts or (change.fields and len(change.unstable) == len(change.fields)):
        return change._replace(causes=())
    if proven is None and len(parts) == 1:
        proven = parts
    if proven is None and _is_explained(change):
        return change
    causes = tuple(cause for part in proven or () for cause in _of_files(part, change, outcome))
    touched = () if causes else tuple(path for part in parts for path in part)
    return change._replace(causes=causes, touched=touched)


def _change_of(outcome: Outcome, wanted: Change) -> Change | None:
    """Return the change of a pair that a group shows; one of several like it that the cluster names is not known."""
    same = [one for one in outcome.changes if one.identity.kind == wanted.identity.kind and one.what == wanted.what]
    exact = [one for one in same if one.identity == wanted.identity]
    found = exact or [one for one in same if len(one.fields) == len(wanted.fields)]
    return found[0] if len(found) == 1 else None


def _is_explained(change: Change) -> bool:
    """Tell whether each field of an object that stays shows the value of a changed line."""
    if change.what != "changed" or not change.fields:
        return False
    stable = [field for index, field in enumerate(change.fields) if index not in change.unstable]
    return all(visible_causes(change._replace(fields=(field,), folded=()), change.causes) for field in stable)


def _of_files(files: Files, change: Change, outcome: Outcome) -> Iterator[Cause]:
    """Yield the changed lines of files behind a change: those that it shows, else those that no other change shows.

    A file without such lines, which is no values file, is a cause as a whole.
    """
    if files[1:]:
        yield Cause(place=f"{os.path.commonpath(files)}/", path=(), before=None, after=None)
        return
    for path in files:
        lines = [cause for cause in effective(outcome.causes) if cause.place.rpartition(":")[0] == path]
        seen = [cause for cause in lines if cause in change.causes]
        elsewhere = {repr(cause) for other in outcome.changes if other is not change for cause in other.causes}
        hidden = [cause for cause in lines if cause not in seen and repr(cause) not in elsewhere]
        shown = [*seen, *hidden] if change.what in ("added", "removed") else seen or hidden or lines
        yield from shown
        if not lines:
            yield Cause(place=path, path=(), before=None, after=None)
