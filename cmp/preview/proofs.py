"""Causes that are established: the newer side rendered once more with one changed file as the older side has it.

A difference that goes by that has this file as a cause.  The same files over many pairs are tried on one of them, and
there is a limit of renders; where it ends, the changed files are named as touched, not as causes.

    1. A pair with one changed input needs no proof: nothing else differs.
    2. A group whose every field shows the value of a changed line needs none either.
    3. Else each changed file is tried; of many, those of one chart's templates together.
    4. Where several changed lines may be behind a difference, these are tried, too (line_proofs.py).
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Cause
from cmp.preview import copies, line_proofs
from cmp.preview.affected import DECIDES
from cmp.preview.causes import effective, file_of, seen_in, stable_fields
from cmp.preview.worker import Retrial
from cmp.repository.git import LINK
from cmp.system import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Change, Group, Outcome, Subject
    from cmp.preview.affected import TouchedPair
    from cmp.preview.line_proofs import Place, Shown, Value
    from cmp.preview.sides import ResolvedPair, Side
    from cmp.preview.worker import Worker

    Files = tuple[str, ...]
    Lines = Mapping[Value, Sequence[Cause]]  # the values of a pair that can be taken back, with their lines

MOST_RENDERS = 60  # for all proofs of a report
MOST_PARTS = 8  # files, or charts, that are tried for one pair
TEMPLATES = "/templates/"
NOT_TRIED: Files = ()  # the part of a change that no render can be without, such as a link that leads elsewhere


class Probe(NamedTuple):
    """A pair to be rendered once more for each part of its changed files."""

    pair: TouchedPair
    parts: tuple[Files, ...]


class Probed(NamedTuple):
    """The differences that remain without each part of a change; None where it cannot be rendered without it.

    `failure` is the error of the older side, which was rendered before: in a run of another machine, maybe.
    """

    remaining: tuple[frozenset[Place] | None, ...]
    failure: str = ""


class LineProbe(NamedTuple):
    """A pair to be rendered once more without some of its changed values at a time."""

    pair: TouchedPair
    values: tuple[Value, ...]


class ProbedLines(NamedTuple):
    """The differences that each trial of lines showed; None where it cannot be rendered.  `failure` is as in Probed."""

    shown: tuple[Shown | None, ...]
    failure: str = ""


class TriedLines(NamedTuple):
    """The lines of a pair by the values that were taken back, and the differences that each trial showed."""

    lines: Lines
    shown: tuple[Shown | None, ...]


class Prober(NamedTuple):
    """Renders probes in a worker process."""

    worker: Worker

    def run(self, probe: Probe) -> Probed:
        """Render a pair without each part of its change; never raises an error that a user can meet."""
        retrial = self._retrial(probe.pair)
        if retrial is None or retrial.failure:
            return Probed((None,) * len(probe.parts), retrial.failure if retrial else "")
        return Probed(tuple(self._remaining(retrial, probe.pair, part) for part in probe.parts))

    def run_lines(self, probe: LineProbe) -> ProbedLines:
        """Render a pair without some of the changed values at a time; never raises an error that a user can meet."""
        trials = line_proofs.trials(len(probe.values))
        retrial = self._retrial(probe.pair)
        if retrial is None or retrial.failure:
            return ProbedLines((None,) * len(trials), retrial.failure if retrial else "")
        return ProbedLines(tuple(self._shown(retrial, probe, numbers) for numbers in trials))

    def _retrial(self, pair: TouchedPair) -> Retrial | None:
        try:
            return Retrial(self.worker, pair)
        except Exception:  # noqa: BLE001  # a render that fails proves nothing
            return None

    def _changes(self, retrial: Retrial, newer: Callable[[], tuple[Side, ResolvedPair]]) -> tuple[Change, ...] | None:
        """Return the changes to a newer side; None where it cannot be made or rendered."""
        try:
            return retrial.changes(*newer())
        except Exception:  # noqa: BLE001  # a render that fails proves nothing
            return None

    def _shown(self, retrial: Retrial, probe: LineProbe, numbers: frozenset[int]) -> Shown | None:
        base, head = self.worker.base, self.worker.head

        def newer() -> tuple[Side, ResolvedPair]:
            tree = head.tree
            values = [probe.values[number] for number in sorted(numbers)]
            for path, data in line_proofs.taken_back(values, base.tree, tree):
                tree = tree.with_file(path, data)
            side = head.with_tree(tree)
            return side, side.resolve(head.pairs[probe.pair.key].request)

        changes = self._changes(retrial, newer)
        return None if changes is None else line_proofs.shown_in(changes)

    def _remaining(self, retrial: Retrial, pair: TouchedPair, part: Files) -> frozenset[Place] | None:
        if part == NOT_TRIED:
            return None
        changes = self._changes(retrial, lambda: without(self.worker.base, self.worker.head, pair, part))
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
    def tried(self) -> tuple[Files, ...]:
        """The parts that a render can be without."""
        return tuple(part for part in self.parts if part != NOT_TRIED)

    @property
    def is_open(self) -> bool:
        """Tell whether a proof is needed, and possible."""
        _, change = self.members[0]
        can_be = len(self.parts) > 1 and len(self.tried) <= MOST_PARTS
        return can_be and not _is_made_up(change) and not _is_explained(change)


class Proofs:
    """Finds the causes of the groups of a comparison; `warnings` are about pairs that cannot be rendered once more."""

    def __init__(self, worker: Worker, pairs: Sequence[TouchedPair], jobs: int) -> None:
        self.warnings: list[str] = []
        self._worker = worker
        self._pairs = {pair.subject: pair for pair in pairs}
        self._jobs = jobs
        self._left = MOST_RENDERS
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
        judged |= self._by_lines(cases, judged, by_subject)
        return [
            outcome._replace(
                changes=tuple(
                    judged.get((outcome.subject, id(change))) or self._unproven(change, outcome)
                    for change in outcome.changes
                )
            )
            for outcome in outcomes
        ]

    def _unproven(self, change: Change, outcome: Outcome) -> Change:
        """Return a change that no group shows, or of which nobody knows which one it shows."""
        return _judged(change, outcome, self._parts.get(outcome.subject, ()), None)

    def _by_lines(
        self,
        cases: Sequence[_Case],
        judged: Mapping[tuple[Subject, int], Change],
        outcomes: Mapping[Subject, Outcome],
    ) -> dict[tuple[Subject, int], Change]:
        """Return the changes of which several lines may be the cause, with those that are."""
        alike: dict[tuple[object, ...], list[tuple[Subject, Change]]] = defaultdict(list)
        for at, case in enumerate(cases):
            for subject, change in case.members:
                if line_proofs.is_open(one := judged[subject, id(change)], outcomes[subject].causes):
                    lines = tuple((cause.place, cause.path) for cause in one.causes)
                    alike[at, lines].append((subject, change))
        tried = self._tried_lines(alike.values(), outcomes)
        found: dict[tuple[Subject, int], Change] = {}
        for members in alike.values():
            behind, is_whole = _lines_behind(members, tried)
            for subject, change in members:
                own = [cause for cause in effective(outcomes[subject].causes) if _line(cause) in behind]
                is_only_part = len(self._parts.get(subject, ())) == 1
                found[subject, id(change)] = _with_lines(
                    judged[subject, id(change)], own, is_whole=is_whole, is_only_part=is_only_part
                )
        return found

    def _tried_lines(
        self, alike: Iterable[Sequence[tuple[Subject, Change]]], outcomes: Mapping[Subject, Outcome]
    ) -> dict[Subject, TriedLines]:
        """Render a pair of each of these without some of its lines at a time, as far as the limit allows."""
        base, head = self._worker.base.tree, self._worker.head.tree
        chosen: dict[Subject, Lines] = {}
        for members in alike:
            if any(subject in chosen for subject, _ in members):
                continue
            subject, _ = members[0]
            lines = line_proofs.values_of(outcomes[subject].causes, base, head)
            cost = 1 + len(line_proofs.trials(len(lines)))
            if lines and cost <= self._left:
                self._left -= cost
                chosen[subject] = lines
        subjects = [*chosen]
        probes = [LineProbe(self._pairs[subject], tuple(chosen[subject])) for subject in subjects]
        done = workers.run(probes, Prober(self._worker).run_lines, self._jobs)
        found = {subjects[index]: result for index, result in done if result is not None}
        self._warn({subject: result.failure for subject, result in found.items()})
        return {subject: TriedLines(chosen[subject], result.shown) for subject, result in found.items()}

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
        for case in cases:
            if not case.is_open or any(subject in chosen for subject, _ in case.members):
                continue
            cost = len(case.tried) + 1  # the older side is rendered as well
            if cost <= self._left:
                self._left -= cost
                subject, _ = case.members[0]
                chosen[subject] = Probe(self._pairs[subject], case.parts)
        probes = [*chosen.values()]
        done = workers.run(probes, Prober(self._worker).run, self._jobs)
        found = {probes[index].pair.subject: result for index, result in done if result is not None}
        self._warn({subject: result.failure for subject, result in found.items()})
        return found

    def _warn(self, failures: Mapping[Subject, str]) -> None:
        """Warn of pairs whose older side cannot be rendered once more; what they would prove stays open."""
        self.warnings += (
            f"cmp: warning: causes of {subject.app} on {subject.cluster or 'no cluster'} are not established, as it is "
            f"not rendered once more: {failure}"
            for subject, failure in failures.items()
            if failure
        )

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
        inputs = [changed for changed in (pair.inputs if pair.what == "both" else ()) if not changed.is_overridden]
        paths = dict.fromkeys(
            changed.path
            for changed in inputs
            if changed.path and not (changed.how == copies.UNKNOWN or self._is_link(changed.path))
        )
        # A setting without a file of its own is that of a parent, if one decides about the pair.
        has_parent = any(changed.how.startswith(DECIDES) for changed in inputs)
        others = [changed for changed in inputs if changed.path not in paths and (changed.path or not has_parent)]
        rest: tuple[Files, ...] = (NOT_TRIED,) if others else ()
        if len(paths) <= MOST_PARTS:
            return (*((path,) for path in paths), *rest)
        parts: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            parts["".join(path.partition(TEMPLATES)[:2])].append(path)
        return (*map(tuple, parts.values()), *rest)

    def _is_link(self, path: str) -> bool:
        trees = (self._worker.base.tree, self._worker.head.tree)
        return any(path in tree.blobs and tree.blobs[path].mode == LINK for tree in trees)


def _judged(change: Change, outcome: Outcome, parts: tuple[Files, ...], proven: tuple[Files, ...] | None) -> Change:
    """Return a change with its causes, proven or seen in its fields, or with the files that are touched."""
    if not parts or _is_made_up(change):
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


def _lines_behind(
    members: Sequence[tuple[Subject, Change]], tried: Mapping[Subject, TriedLines]
) -> tuple[frozenset[str], bool]:
    """Return the lines behind a change, by the member that was tried, and whether they are behind all of it."""
    for subject, change in members:
        if subject in tried:
            lines = [*tried[subject].lines.values()]
            shown = line_proofs.shown_in((change,))
            numbers = [
                line_proofs.behind(place, shown, tried[subject].shown, len(lines))
                for place in line_proofs.places(change)
            ]
            found = (lines[number] for of_place in numbers for number in of_place)
            return frozenset(_line(cause) for of_value in found for cause in of_value), all(numbers)
    return frozenset(), False


def _with_lines(change: Change, lines: Sequence[Cause], *, is_whole: bool, is_only_part: bool) -> Change:
    """Return a change with the lines that are behind it, behind all of it if `is_whole`.

    Where they are not, the file is a cause if it `is_only_part` of the pair that changed, else touched.
    """
    others = (cause for cause in change.causes if not line_proofs.is_triable(cause))
    causes = tuple(sorted((*lines, *others), key=file_of))
    if is_whole and causes:
        return change._replace(causes=causes)
    files = dict.fromkeys(map(file_of, change.causes))
    if is_only_part:  # then the file is behind it, whichever lines are
        of_files = (Cause(place=file, path=(), before=None, after=None) for file in files)
        return change._replace(causes=(*causes, *of_files))
    return change._replace(causes=causes, touched=() if causes else tuple(files))


def _line(cause: Cause) -> str:
    return repr((cause.place, cause.path))


def _is_made_up(change: Change) -> bool:
    """Tell whether templates make up all that differs."""
    return bool(change.fields) and not stable_fields(change)


def _is_explained(change: Change) -> bool:
    """Tell whether each field of an object that stays shows the value of a changed line."""
    if change.what != "changed" or not change.fields:
        return False
    return all(seen_in(field, change.causes) for field in stable_fields(change))


def _of_files(files: Files, change: Change, outcome: Outcome) -> Iterator[Cause]:
    """Yield the changed lines of files behind a change: those that it shows, else those that no other change shows.

    A file without such lines, which is no values file, is a cause as a whole.
    """
    if files[1:]:
        yield Cause(place=f"{os.path.commonpath(files)}/", path=(), before=None, after=None)
        return
    for path in files:
        lines = [cause for cause in effective(outcome.causes) if file_of(cause) == path]
        seen = [cause for cause in lines if cause in change.causes]
        elsewhere = {repr(cause) for other in outcome.changes if other is not change for cause in other.causes}
        hidden = [cause for cause in lines if cause not in seen and repr(cause) not in elsewhere]
        shown = [*seen, *hidden] if change.what in ("added", "removed") else seen or hidden or lines
        yield from shown
        if not lines:
            yield Cause(place=path, path=(), before=None, after=None)
