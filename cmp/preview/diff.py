"""The affected pairs rendered on both sides, several at once, and their outcomes assembled into one report."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import (
    ApplicationChange,
    Counts,
    Danger,
    DangerLine,
    Delivery,
    Failure,
    LeftOut,
    Noise,
    Outcome,
    Report,
    Revision,
    Supposition,
    Unowned,
    UnreadValue,
)
from cmp.errors import and_more
from cmp.preview import application_changes, moves, new_findings, notes, sisters, timing
from cmp.preview.bumps.lines import Explanations, bump_lines
from cmp.preview.causes import changed_values
from cmp.preview.declarations import EVERY_FILE, SET
from cmp.preview.grouping import groups
from cmp.preview.judging import Judging, changed_folders
from cmp.preview.labels import common_texts, generalized_json, number_secrets, own_texts, pair_order, without_tokens
from cmp.preview.lots import Population
from cmp.preview.policing import Gatekeeper, Policed
from cmp.preview.proofs import Proofs
from cmp.preview.sisters import Comparisons
from cmp.preview.unread_values import unread_values
from cmp.preview.worker import Worker, WorkerResult
from cmp.report.judgement import ANY, FINDINGS, NOT_COMPARED
from cmp.report.names import object_name
from cmp.system import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Subject
    from cmp.context import Context
    from cmp.findings import Unjudged
    from cmp.preview.affected import TouchedPair
    from cmp.preview.comparison import Comparison
    from cmp.preview.identity import PairId
    from cmp.preview.labels import OwnTexts
    from cmp.preview.sides import RenderRequest
    from cmp.render.pipeline import RenderOptions

KEY_BYTES = 32
RULES = (*application_changes.RULES, *moves.RULES)  # the most severe first
GATES = (*dict.fromkeys((*RULES, *FINDINGS)), NOT_COMPARED, ANY)  # what `--fail-on` takes
LEFT_BEHIND = Danger("orphaned", "stays on the cluster, where nobody manages it")


class Task(NamedTuple):
    """A comparison to be rendered, `jobs` pairs at once; `progress` is called after each pair."""

    comparison: Comparison
    base: Revision
    head: Revision
    jobs: int
    options: RenderOptions
    progress: Callable[[], object]
    suppositions: tuple[Supposition, ...] = ()


class Result(NamedTuple):
    """The report, and the warnings of the renders: each once, sorted, masked."""

    report: Report
    warnings: tuple[str, ...]


class Frame(NamedTuple):
    """The parts of a report that do not follow from outcomes; `notes` are sentences for its footer.

    `is_judged` says that the outcomes tell findings, `unjudged` is what they do not.
    """

    base: Revision
    head: Revision
    counts: Counts
    deliveries: tuple[Delivery, ...] = ()
    unowned: tuple[Unowned, ...] = ()
    notes: tuple[str, ...] = ()
    applications: tuple[ApplicationChange, ...] = ()
    failures: tuple[Failure, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unread: tuple[UnreadValue, ...] = ()
    explanations: Explanations | None = None
    comparisons: Comparisons | None = None
    is_judged: bool = False
    unjudged: tuple[Unjudged, ...] = ()
    suppositions: tuple[Supposition, ...] = ()


def compare(task: Task, context: Context) -> Result:
    """Render and compare every affected pair; one that fails never stops the others."""
    worker = worker_of(task, context, os.urandom(KEY_BYTES))
    gatekeeper = gatekeeper_of(task.comparison, context)  # what is wrong with policies is told before the renders
    return assembled(task, worker, rendered(task, worker, affected_pairs(task.comparison)), gatekeeper)


def gatekeeper_of(comparison: Comparison, context: Context) -> Gatekeeper | None:
    """Return the policies of a comparison with the program that judges by them; None without policies."""
    checks = comparison.checks
    return Gatekeeper(comparison.base, comparison.head, checks, context) if checks and checks.policies else None


def affected_pairs(comparison: Comparison) -> list[TouchedPair]:
    """Return the pairs that are rendered."""
    return [pair for pair in comparison.impact.touched if pair.is_affected]


def worker_of(task: Task, context: Context, key: bytes) -> Worker:
    """Return what renders the pairs of a comparison, with the key of their secrets' tokens."""
    comparison = task.comparison
    unattributed = tuple(file.path for file in comparison.impact.unowned if not file.rule)
    if any(key.is_application for side in (comparison.base, comparison.head) for key in side.pairs.requests):
        _ = comparison.base.scopes, comparison.head.scopes  # read once, before there are several workers
    return Worker(
        base=comparison.base,
        head=comparison.head,
        context=context,
        options=task.options._replace(unattributed_files=unattributed),
        rules=comparison.base.repository.config.preview.noise,
        key=key,
        counterparts=sisters.counterparts(comparison),
        judging=Judging(comparison.base, comparison.head, comparison.checks) if comparison.checks else None,
    )


def rendered(task: Task, worker: Worker, pairs: Sequence[TouchedPair]) -> list[WorkerResult]:
    """Render and compare these pairs, several at once; return the results in the order of the pairs."""
    results: dict[int, WorkerResult] = {}
    for index, result in workers.run(pairs, worker.compare, task.jobs):
        results[index] = result or _killed(pairs[index])
        task.progress()
    return [results[index] for index in range(len(pairs))]


def assembled(
    task: Task, worker: Worker, results: Sequence[WorkerResult], gatekeeper: Gatekeeper | None = None
) -> Result:
    """Return the report of all affected pairs: causes are proven, and what no pair tells is added.

    The `gatekeeper` is read where none is given and the comparison has policies.
    """
    comparison, pairs = task.comparison, affected_pairs(task.comparison)
    gatekeeper = gatekeeper or gatekeeper_of(comparison, worker.context)
    policed = gatekeeper.policed(results, worker.judging) if gatekeeper and worker.judging else Policed(tuple(results))
    own = own_texts((comparison.base, comparison.head))
    outcomes = sorted((result.outcome for result in policed.results), key=lambda outcome: pair_order(outcome.subject))
    warnings = {warning for result in results for warning in result.warnings}
    if comparison.base.is_revision:
        proofs = Proofs(worker, pairs, task.jobs)
        outcomes = proofs.of(outcomes, groups(outcomes, own))
        warnings.update(proofs.warnings)
    outcomes += _without_effect(comparison)
    outcomes += _unknown(comparison, {pair.key for pair in pairs})
    kept = _with_kept_objects(outcomes, comparison)
    moved = moves.linked(kept, moves.homes(comparison), worker.rules)
    unknown_apis = sorted({api for result in results for api in result.unknown_apis})
    unread = unread_values(comparison.base, comparison.head, comparison.impact.touched, worker.context)
    explanations = Explanations(one for result in results for one in result.explained)
    likenesses = {one.subject: one for result in results if (one := result.likeness)}
    frame = _frame(task, pairs, unknown_apis)
    frame = frame._replace(
        notes=(*frame.notes, *policed.notes),
        unjudged=policed.unjudged,
        unread=unread,
        explanations=explanations,
        comparisons=Comparisons(sisters.of(comparison, own), likenesses),
    )
    made = report(frame, moved, own, Population.of_sides(comparison))
    return Result(made, tuple(sorted(warnings)))


def _killed(pair: TouchedPair) -> WorkerResult:
    lines = ("cmp: the process that rendered this pair was killed", "  hint: a memory limit is the usual reason")
    failure = Failure(pair.subject, lines, is_new=True)
    return WorkerResult(Outcome(pair.subject, "failed", failures=(failure,)), warnings=())


def _without_effect(comparison: Comparison) -> Iterator[Outcome]:
    """Yield the pairs that are not rendered as a stronger layer overrides the change, with that layer as a cause."""
    for pair in comparison.impact.touched:
        before, after = comparison.base.pairs.get(pair.key), comparison.head.pairs.get(pair.key)
        if pair.is_affected or not before or not after:
            continue
        if any(changed.is_overridden for changed in pair.inputs):
            sides = (comparison.base.tree, before.own_instances), (comparison.head.tree, after.own_instances)
            yield Outcome(pair.subject, "equal", causes=changed_values(*sides))


def _unknown(comparison: Comparison, rendered: Collection[PairId]) -> Iterator[Outcome]:
    """Yield the pairs that are not affected, and of which nobody knows which Applications they print."""
    found = {one.id: one for one in comparison.unknown if one.id not in rendered}
    for one in found.values():
        yield Outcome(one.failure.subject, "failed", failures=(one.failure,))


def _with_kept_objects(outcomes: Iterable[Outcome], comparison: Comparison) -> Iterator[Outcome]:
    """Yield the outcomes; what an Application leaves behind that ends without its objects is not lost."""
    requests = comparison.base.pairs.requests
    kept = {requests[key].subject for key in comparison.applications.kept & requests.keys()}
    for outcome in outcomes:
        if outcome.status == "removed" and outcome.subject in kept:
            changes = (change._replace(dangers=(LEFT_BEHIND,) if change.dangers else ()) for change in outcome.changes)
            yield outcome._replace(changes=tuple(changes))
        else:
            yield outcome


def _frame(task: Task, pairs: Sequence[TouchedPair], unknown_apis: Sequence[str]) -> Frame:
    comparison = task.comparison
    # An Application that goes brought what it had until now.
    gone = [request for key, request in comparison.base.pairs.requests.items() if key not in comparison.head.pairs]
    deliveries = [*_deliveries(comparison.head.pairs.requests.values()), *_deliveries(gone)]
    subjects = {pair.subject for pair in pairs}
    without_capabilities = {pair.subject.cluster for pair in pairs if not _has_api_versions(comparison, pair)} - {""}
    return Frame(
        base=task.base,
        head=task.head,
        counts=Counts(
            pairs=comparison.impact.pairs,
            touched=len(comparison.impact.touched),
            effective=len(pairs),
            rendered=len(pairs),
            clusters=len(_clusters(comparison) - {""}),
        ),
        left_out=comparison.left_out,
        suppositions=task.suppositions,
        is_judged=comparison.checks is not None,
        deliveries=tuple(delivery for delivery in deliveries if delivery.subject in subjects),
        unowned=comparison.impact.unowned,
        applications=comparison.applications.changes,
        failures=comparison.failures,
        notes=(
            *comparison.notes,
            *comparison.assumptions,
            *_timing(comparison, pairs),
            *notes.missing_capabilities(sorted(without_capabilities), unknown_apis),
            *notes.changed_standards(_changed_standards(comparison)),
        ),
    )


def _changed_standards(comparison: Comparison) -> tuple[str, ...]:
    """Return the folders of what objects are judged by that differ, in a comparison that judges."""
    return changed_folders(comparison.base, comparison.head, comparison.checks) if comparison.checks else ()


def _timing(comparison: Comparison, pairs: Sequence[TouchedPair]) -> Iterator[str]:
    states = comparison.applications.states
    side = comparison.head
    patterns = side.repository.config.preview.application_files or EVERY_FILE
    yield from timing.notes([states[pair.key] for pair in pairs if pair.key in states], side.tree, patterns)


def _clusters(comparison: Comparison) -> set[str]:
    sides = (comparison.base, comparison.head)
    return {request.subject.cluster for side in sides for request in side.pairs.requests.values()}


def _deliveries(requests: Iterable[RenderRequest]) -> list[Delivery]:
    """Return the deliveries; the merge itself moves an Application that follows another revision from then on."""
    return [
        delivery._replace(at_merge=delivery.at_merge or (delivery.automated and request.is_promoted))
        for request in requests
        if (delivery := request.delivery)
    ]


def _has_api_versions(comparison: Comparison, pair: TouchedPair) -> bool:
    side = comparison.base if pair.what == "removed" else comparison.head
    cluster = side.repository.config.clusters.get(pair.subject.cluster)
    return cluster is not None and bool(cluster.api_versions)


# The report


def report(frame: Frame, outcomes: Iterable[Outcome], own: OwnTexts, population: Population | None = None) -> Report:
    """Return the report, its secrets numbered; the same whatever the order of outcomes, deliveries and files.

    The notes of folded restarts come after those of the frame.  Without a population the outcomes tell the pairs.
    """
    ordered = tuple(sorted(outcomes, key=lambda outcome: pair_order(outcome.subject)))
    found = groups(ordered, own, population or Population.of(ordered))
    return number_secrets(
        Report(
            base=frame.base,
            head=frame.head,
            counts=frame.counts,
            outcomes=ordered,
            groups=tuple(map(frame.comparisons.told, found)) if frame.comparisons else found,
            failures=_failures([*frame.failures, *(one for outcome in ordered for one in outcome.failures)]),
            dangers=tuple(sorted((*_dangers(ordered, own), *_of_applications(frame.applications)), key=_severity)),
            bumps=bump_lines(ordered, frame.explanations or Explanations()),
            noise=_noise(ordered),
            deliveries=tuple(sorted(frame.deliveries, key=_delivery_order)),
            unowned=tuple(sorted(frame.unowned)),
            restarts=sum(
                change.is_restart and not moves.is_other_half(change)
                for outcome in ordered
                for change in outcome.changes
            ),
            notes=(*frame.notes, *notes.folded_restarts(ordered)),
            applications=frame.applications,
            left_out=frame.left_out,
            unread=frame.unread,
            findings=new_findings.findings(ordered, own, frame.unjudged) if frame.is_judged else None,
            suppositions=frame.suppositions,
        )
    )


def _delivery_order(delivery: Delivery) -> tuple[object, ...]:
    return (pair_order(delivery.subject), delivery.application)


def _failures(failures: Sequence[Failure]) -> tuple[Failure, ...]:
    """Return the failures: new ones first, and of each kind those last that the missing key is to blame for."""
    return tuple(
        sorted(failures, key=lambda failure: (not failure.is_new, failure.needs_key, pair_order(failure.subject)))
    )


def _dangers(outcomes: Sequence[Outcome], own: OwnTexts) -> tuple[DangerLine, ...]:
    """Return each danger once, with its pairs; dangers that differ in their cluster's own texts alone are one."""
    dangers = [
        (change.subject, json.dumps([*danger, object_name(change.identity)], ensure_ascii=False, sort_keys=True))
        for outcome in outcomes
        for change in outcome.changes
        for danger in change.dangers
        if moves.is_told(change, danger)
    ]
    common = common_texts([(subject.cluster, text) for subject, text in dangers], own, generalized_json)
    lines: dict[str, dict[Subject, str]] = defaultdict(dict)
    for key, (subject, text) in zip(common, dangers, strict=True):
        lines[key][subject] = text
    return tuple(_danger(key, texts) for key, texts in lines.items())


def _danger(common: str, texts: Mapping[Subject, str]) -> DangerLine:
    different = set(texts.values())
    rule, text, name = json.loads(different.pop() if len(different) == 1 else common)
    return DangerLine(Danger(rule, text), name, tuple(texts))


def _of_applications(changes: Sequence[ApplicationChange]) -> Iterator[DangerLine]:
    """Yield each danger of Applications once."""
    for danger, alike in application_changes.dangers(changes).items():
        names = and_more(
            [f"{one.was} → {one.application}" if one.what == "renamed" else one.application for one in alike]
        )
        noun = "Application " if len(alike) == 1 else "Applications "
        is_of_sets = all(one.application.startswith(SET) for one in alike)
        yield DangerLine(
            danger, names if is_of_sets else f"{noun}{names}", tuple(dict.fromkeys(one.subject for one in alike))
        )


def _severity(line: DangerLine) -> tuple[object, ...]:
    subjects = [pair_order(subject) for subject in line.subjects]
    return (RULES.index(line.danger.rule), -len(subjects), line.where, subjects, without_tokens(line.danger.text))


def _noise(outcomes: Sequence[Outcome]) -> tuple[Noise, ...]:
    counts = Counter(folded.rule for outcome in outcomes for change in outcome.changes for folded in change.folded)
    return tuple(Noise(rule, count) for rule, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
