"""Everything that a change does, as one report: what it reaches is rendered on both sides, several pairs at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Counts, Failure, Outcome
from cmp.preview import sync_policy as delivered
from cmp.preview.assemble import Frame, report
from cmp.preview.causes import causes
from cmp.preview.worker import Comparison
from cmp.system import workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cmp.changes import Delivery, Report, Revision
    from cmp.context import Context
    from cmp.preview.affected import Affected
    from cmp.preview.comparison import Compared
    from cmp.preview.sides import Side

KEY_BYTES = 32
CAPABILITIES = (
    "The inventory has no API versions of {clusters}: charts that ask for them may render other objects in the cluster"
)


class Task(NamedTuple):
    """Two sides with what of them is affected, and how to go about it; `progress` is called after each pair."""

    compared: Compared
    before: Revision
    after: Revision
    at_once: int
    progress: Callable[[], object]


class Found(NamedTuple):
    """The report, and the warnings of the renders: each once, sorted, masked."""

    report: Report
    warnings: tuple[str, ...]


def compare(task: Task, context: Context) -> Found:
    """Render and compare every pair whose renders can differ; one that fails never stops the others."""
    wanted = [one for one in task.compared.reach.affected if one.is_effective]
    rules = task.compared.base.repository.config.preview.noise
    loose = tuple(one.path for one in task.compared.reach.unowned if not one.rule)
    rendering = context._replace(loose=loose)
    comparison = Comparison(task.compared.base, task.compared.head, rendering, rules, os.urandom(KEY_BYTES))
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
            *delivered.changed(before, deliveries),
            *([CAPABILITIES.format(clusters=_listed(bare))] if bare else []),
        ),
    )


def _deliveries(side: Side) -> list[Delivery]:
    return [case.asked.delivery for case in side.cases.values() if case.asked.delivery]


def _is_known(compared: Compared, one: Affected) -> bool:
    side = compared.base if one.what == "removed" else compared.head
    found = side.repository.config.clusters.get(one.subject.cluster)
    return found is not None and bool(found.api_versions)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if names[3:] else shown


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
