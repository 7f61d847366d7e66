"""Everything that a change does, as one report: what it reaches is rendered on both sides, several pairs at once."""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import (
    BumpLine,
    Counts,
    Danger,
    DangerLine,
    Delivery,
    Failure,
    Noise,
    Outcome,
    Report,
    Revision,
    Unowned,
)
from cmp.compare.dangers import RULES
from cmp.errors import and_more
from cmp.preview import notes
from cmp.preview.causes import causes
from cmp.preview.grouping import groups
from cmp.preview.labels import (
    common_texts,
    few_names,
    generalized_json,
    number_secrets,
    pair_name,
    pair_order,
    without_tokens,
)
from cmp.preview.worker import Comparison
from cmp.report.names import object_name
from cmp.system import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cmp.changes import Bump, Subject
    from cmp.context import Context
    from cmp.preview.affected import Affected
    from cmp.preview.comparison import Compared
    from cmp.preview.sides import Side
    from cmp.render.pipeline import RenderOptions

    Tokens = Mapping[str, Mapping[str, str]]

KEY_BYTES = 32
MAX_LISTED = 3  # clusters in a note
CAPABILITIES = (
    "The inventory has no API versions of {clusters}: charts that ask for them may render other objects in the cluster"
)


class Task(NamedTuple):
    """Two sides with what of them is affected, and how to go about it; `progress` is called after each pair."""

    compared: Compared
    before: Revision
    after: Revision
    at_once: int
    options: RenderOptions
    progress: Callable[[], object]


class Found(NamedTuple):
    """The report, and the warnings of the renders: each once, sorted, masked."""

    report: Report
    warnings: tuple[str, ...]


def compare(task: Task, context: Context) -> Found:
    """Render and compare every pair whose renders can differ; one that fails never stops the others."""
    wanted = [one for one in task.compared.reach.affected if one.is_effective]
    rules = task.compared.base.repository.config.preview.noise
    unattributed = tuple(one.path for one in task.compared.reach.unowned if not one.rule)
    comparison = Comparison(
        base=task.compared.base,
        head=task.compared.head,
        context=context,
        options=task.options._replace(unattributed_files=unattributed),
        rules=rules,
        key=os.urandom(KEY_BYTES),
    )
    outcomes: list[Outcome] = []
    warnings: set[str] = set()
    for index, done in workers.run(wanted, comparison.of, task.at_once):
        outcome, said = done or _killed(wanted[index])
        outcomes.append(outcome)
        warnings.update(said)
        task.progress()
    found = report(
        _frame(task, wanted), [*outcomes, *_swallowed(task)], tokens((task.compared.base, task.compared.head))
    )
    return Found(found, tuple(sorted(warnings)))


def _killed(one: Affected) -> tuple[Outcome, tuple[str, ...]]:
    lines = ("cmp: the process that rendered this pair was killed", "  hint: a memory limit is the usual reason")
    return Outcome(one.subject, "failed", failures=(Failure(one.subject, lines, is_new=True),)), ()


def _swallowed(task: Task) -> Iterable[Outcome]:
    """Return pairs that are touched and not rendered, with what overrides the change there."""
    for one in task.compared.reach.affected:
        before, after = task.compared.base.cases.get(one.key), task.compared.head.cases.get(one.key)
        if one.is_effective or not before or not after or not before.instance or not after.instance:
            continue
        if any(touch.is_swallowed for touch in one.touches):
            found = causes((task.compared.base.tree, before.instance), (task.compared.head.tree, after.instance))
            yield Outcome(one.subject, "equal", causes=found)


def _frame(task: Task, wanted: list[Affected]) -> Frame:
    before, deliveries = _deliveries(task.compared.base), _deliveries(task.compared.head)
    reached = {one.subject for one in wanted}
    bare = sorted({one.subject.cluster for one in wanted if not _is_known(task.compared, one)} - {""})
    clusters = {key[1] for side in (task.compared.base, task.compared.head) for key in side.cases} - {""}
    return Frame(
        base=task.before,
        head=task.after,
        counts=Counts(
            task.compared.reach.pairs, len(task.compared.reach.affected), len(wanted), len(wanted), len(clusters)
        ),
        deliveries=tuple(one for one in deliveries if one.subject in reached),
        unowned=task.compared.reach.unowned,
        notes=(
            *task.compared.notes,
            *notes.sync_policy(before, deliveries),
            *([CAPABILITIES.format(clusters=and_more(bare, MAX_LISTED))] if bare else []),
        ),
    )


def _deliveries(side: Side) -> list[Delivery]:
    return [case.asked.delivery for case in side.cases.values() if case.asked.delivery]


def _is_known(compared: Compared, one: Affected) -> bool:
    side = compared.base if one.what == "removed" else compared.head
    found = side.repository.config.clusters.get(one.subject.cluster)
    return found is not None and bool(found.api_versions)


def tokens(sides: Iterable[Side]) -> Mapping[str, Mapping[str, str]]:
    """Return what of each cluster's texts is its own by nature: its name, its server's host, its facts."""
    found: dict[str, dict[str, str]] = {}
    for side in sides:
        for name, cluster in side.repository.config.clusters.items():
            own = found.setdefault(name, {})
            own.update({value: f"‹{fact}›" for fact, value in cluster.facts.items() if value})
            host = cluster.server.partition("://")[2].partition("/")[0].partition(":")[0]
            if host:
                own[host] = "‹server›"
            own[name] = "‹cluster›"
        for case in side.cases.values():
            if case.asked.subject.cluster:
                found.setdefault(case.asked.subject.cluster, {})[case.asked.subject.cluster] = "‹cluster›"
    return found


_KINDS = ("image", "chart", "tool")


class Frame(NamedTuple):
    """What a report says beside the outcomes; `notes` are sentences for its footer."""

    base: Revision
    head: Revision
    counts: Counts
    deliveries: tuple[Delivery, ...] = ()
    unowned: tuple[Unowned, ...] = ()
    notes: tuple[str, ...] = ()


def report(frame: Frame, outcomes: Iterable[Outcome], tokens: Tokens) -> Report:
    """Return the report, its secrets numbered; the same whatever the order of outcomes, deliveries and files.

    `tokens` are as in `grouping.groups`.  Notes that are added here come after those of the frame.
    """
    ordered = tuple(sorted(outcomes, key=lambda outcome: pair_order(outcome.subject)))
    changes = [change for outcome in ordered for change in outcome.changes]
    return number_secrets(
        Report(
            base=frame.base,
            head=frame.head,
            counts=frame.counts,
            outcomes=ordered,
            groups=groups(ordered, tokens),
            failures=_failures(ordered),
            dangers=_dangers(ordered, tokens),
            bumps=_bumps(ordered),
            noise=_noise(ordered),
            deliveries=tuple(sorted(frame.deliveries, key=lambda one: (pair_order(one.subject), one.application))),
            unowned=tuple(sorted(frame.unowned)),
            restarts=sum(change.is_restart for change in changes),
            notes=(*frame.notes, *_unseen_restarts(ordered)),
        )
    )


def _failures(outcomes: Sequence[Outcome]) -> tuple[Failure, ...]:
    """Return the failures: new ones first, and of each kind those that a key would mend last."""
    found = [failure for outcome in outcomes for failure in outcome.failures]
    return tuple(sorted(found, key=lambda one: (not one.is_new, one.needs_key, pair_order(one.subject))))


def _dangers(outcomes: Sequence[Outcome], tokens: Tokens) -> tuple[DangerLine, ...]:
    found = [
        (change.subject, json.dumps([*danger, object_name(change.identity)], ensure_ascii=False, sort_keys=True))
        for outcome in outcomes
        for change in outcome.changes
        for danger in change.dangers
    ]
    lines: dict[str, dict[Subject, str]] = defaultdict(dict)
    for key, (subject, text) in zip(
        common_texts([(one.cluster, text) for one, text in found], tokens, generalized_json),
        found,
        strict=True,
    ):
        lines[key][subject] = text
    return tuple(sorted((_danger(key, subjects) for key, subjects in lines.items()), key=_severity))


def _danger(common: str, subjects: Mapping[Subject, str]) -> DangerLine:
    texts = set(subjects.values())
    rule, text, name = json.loads(texts.pop() if len(texts) == 1 else common)
    return DangerLine(Danger(rule, text), name, tuple(subjects))


def _severity(line: DangerLine) -> tuple[object, ...]:
    subjects = [pair_order(subject) for subject in line.subjects]
    return (RULES.index(line.danger.rule), -len(subjects), line.where, subjects, without_tokens(line.danger.text))


def _bumps(outcomes: Sequence[Outcome]) -> tuple[BumpLine, ...]:
    lines: dict[tuple[Bump, bool], dict[Subject, None]] = defaultdict(dict)
    for outcome in outcomes:
        for bump in outcome.bumps:
            common = bump._replace(subject=outcome.subject._replace(cluster="", environment="", app=""))
            lines[common, outcome.status == "equal"][outcome.subject] = None
    found = [
        BumpLine(bump._replace(subject=next(iter(subjects))), tuple(subjects), is_without_effect)
        for (bump, is_without_effect), subjects in lines.items()
    ]
    return tuple(sorted(found, key=_importance))


def _importance(line: BumpLine) -> tuple[object, ...]:
    bump = line.bump
    return (_KINDS.index(bump.kind), bump.name, bump.before, bump.after, line.is_without_effect)


def _noise(outcomes: Sequence[Outcome]) -> tuple[Noise, ...]:
    folded = Counter(one.rule for outcome in outcomes for change in outcome.changes for one in change.folded)
    return tuple(Noise(rule, count) for rule, count in sorted(folded.items(), key=lambda item: (-item[1], item[0])))


def _unseen_restarts(outcomes: Sequence[Outcome]) -> list[str]:
    """Say which workloads restart although no group shows them: all that changes in their pod template is folded."""
    found: dict[tuple[str, str], list[Subject]] = defaultdict(list)
    rules: dict[tuple[str, str], set[str]] = defaultdict(set)
    for outcome in outcomes:
        for change in outcome.changes:
            if change.is_restart and not change.fields:
                about = (outcome.subject.app, object_name(change.identity))
                found[about].append(outcome.subject)
                rules[about] |= {folded.rule for folded in change.folded}
    return [
        f"`{name}` of {app} restarts on {few_names([pair_name(subject) for subject in subjects])}: "
        f"what changes in it is folded ({', '.join(sorted(rules[app, name]))})."
        for (app, name), subjects in sorted(found.items())
    ]
