"""The table at the top of a report: failures, gates, dangers, and the effect of the merge."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from cmp.report.document import OverviewRow, code, joined, line, plural
from cmp.report.judgement import (
    LEVELS,
    changing,
    is_new,
    is_of_run,
    is_old,
    left_out_counts,
    new_findings,
    reached,
)
from cmp.report.names import listed, pairs_by_app, pairs_by_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Delivery, Report, Subject
    from cmp.report.document import Limits, Line
    from cmp.report.judgement import Judgement

_MERGE: tuple[tuple[Literal["merge", "waits", "unknown"], str], ...] = (
    ("merge", "Changes at merge"),
    ("waits", "Waits at merge"),
    ("unknown", "Unknown at merge"),
    ("merge", "Ends"),
)

_MOST_PLACES = 3  # of a supposition

_APPLICATIONS = (
    ("removed", "gone"),
    ("renamed", "renamed"),
    ("moved", "with another destination"),
    ("added", "new"),
    ("changed", "with other settings"),
    ("stays", "left as they are"),
)


def rows(report: Report, judgement: Judgement, limits: Limits) -> list[OverviewRow]:
    """Return the table at the top; failures, dangers and merge always have a row."""
    table = [
        *_supposed(report, limits),
        _failed(report, limits),
        *_gates(judgement, limits),
        *_left_out(report),
        _dangers(report),
        *_findings(report),
        *_applications(report),
        # What runs in a cluster is compared before anything is merged.
        *([] if report.base.is_live else _merge(report, limits)),
    ]
    table += [
        OverviewRow("pairs", title, pairs_by_app(subjects, limits))
        for title, status in (("New", "added"), ("Gone", "removed"))
        if (subjects := [outcome.subject for outcome in report.outcomes if outcome.status == status])
    ]
    if report.noise:
        folded = joined((line(f"{noise.folded:,} ", code(noise.rule)) for noise in report.noise[: limits.items]), ", ")
        left = len(report.noise) - limits.items
        others = f", and {plural(left, 'more rule')}" if left > 0 else ""
        table.append(OverviewRow("folded", "Folded", line(folded, others, " (", code("--show-noise"), " lists them)")))
    return table


def _supposed(report: Report, limits: Limits) -> Iterator[OverviewRow]:
    """Yield the versions that the newer side has by supposition, with the lines that say so in it."""
    shown = (
        line(f"{one.text} (", listed(one.places, limits._replace(names=min(limits.names, _MOST_PLACES))), ")")
        for one in report.suppositions
    )
    if report.suppositions:
        yield OverviewRow("supposed", "What if", joined(shown, " · "))


def _failed(report: Report, limits: Limits) -> OverviewRow:
    if not report.failures:
        count = report.counts.rendered
        return OverviewRow(
            "rendered", "Rendered", line(f"{plural(count, 'pair')}, no failure" if count else "nothing to render")
        )
    kinds = (
        ("new in this change", [failure.subject for failure in report.failures if is_new(failure)]),
        ("not in this run", [failure.subject for failure in report.failures if is_of_run(failure)]),
        ("failed before, too", [failure.subject for failure in report.failures if is_old(failure)]),
        ("cannot be judged without the key", [failure.subject for failure in report.failures if failure.needs_key]),
    )
    states = (line(f"{len(failed):,} {kind}: ", pairs_by_app(failed, limits)) for kind, failed in kinds if failed)
    return OverviewRow("failed", "Not rendered", joined(states, " · "))


def _gates(judgement: Judgement, limits: Limits) -> Iterator[OverviewRow]:
    passed = [line(code(reason.gate), ": ", reason.text) for reason in judgement.reasons if reason.gate]
    left = len(passed) - limits.items
    if left > 0:
        passed = [*passed[: limits.items], line(f"and {left:,} more, which stderr has")]
    if passed:
        yield OverviewRow("gates", "Not allowed", joined(passed, " · "))


def _left_out(report: Report) -> Iterator[OverviewRow]:
    if report.left_out:
        yield OverviewRow("left", "Left out", line(", ".join(left_out_counts(report.left_out))))


def _dangers(report: Report) -> OverviewRow:
    counts = []
    if report.dangers:
        counts.append(plural(len(report.dangers), "danger"))
    if report.restarts:
        counts.append(f"{plural(report.restarts, 'workload')} restart{'s' if report.restarts == 1 else ''}")
    if not counts:
        return OverviewRow("calm", "Look twice", line("no danger found, no workload restarts"))
    return OverviewRow("dangers", "Look twice", line(" · ".join(counts)))


def _findings(report: Report) -> Iterator[OverviewRow]:
    """Yield the numbers of new and fixed findings, where something is judged; never as if all of it was."""
    found = report.findings
    if found is None or not report.counts.rendered:
        return
    counts = Counter(one.finding.level for one in found.new)
    shown = [plural(counts[level], f"new {level}") for level in LEVELS if counts[level]] or ["no new one"]
    shown += [f"{len(found.fixed):,} fixed"] if found.fixed else []
    shown += ["not all is judged"] if found.unjudged else []
    yield OverviewRow("findings" if new_findings(report) else "sound", "Findings", line(" · ".join(shown)))


def _applications(report: Report) -> Iterator[OverviewRow]:
    """Yield the number of Applications by what happens to them."""
    counts: Counter[str] = Counter(
        what for what, *_ in {(one.what, one.subject, one.application) for one in report.applications}
    )
    if shown := [f"{counts[what]:,} {word}" for what, word in _APPLICATIONS if counts[what]]:
        yield OverviewRow("applications", "Applications", line(" · ".join(shown)))


def _merge(report: Report, limits: Limits) -> list[OverviewRow]:
    """Return the changing pairs by the effect of the merge: synced automatically, not synced and why, unknown."""
    changed = [outcome.subject for outcome in changing(report)]
    delivered: dict[Subject, list[Delivery]] = {subject: [] for subject in changed}
    for delivery in report.deliveries:
        delivered.get(delivery.subject, []).append(delivery)
    ending = _ending(report)
    states: dict[tuple[int, Line], list[Subject]] = {}
    for subject, deliveries in delivered.items():
        # However it was synced: its objects go, or are left behind, with the Application.
        state = (3, line(", with the Application")) if subject in ending else _merge_state(deliveries)
        states.setdefault(state, []).append(subject)
    lines: dict[int, list[Line]] = {}
    for (row, how), pairs in sorted(states.items()):
        where = pairs_by_cluster(pairs, changed, limits)
        share = line(f"{len(pairs):,} of {plural(len(changed), 'pair')}", how, ": ", where)
        lines.setdefault(row, []).append(share)
    table = [OverviewRow(_MERGE[row][0], _MERGE[row][1], joined(of_row, " · ")) for row, of_row in lines.items()]
    kept = _kept(report)
    if kept:
        where = pairs_by_cluster(kept, changed, limits)
        table.append(OverviewRow("kept", "Not pruned", line("what is removed stays: ", where)))
    if table:
        return table
    if report.applications:
        return [OverviewRow("waits", "At merge", line("no manifest that was compared changes, but Applications do"))]
    failed = len({failure.subject for failure in report.failures})
    unknown = [plural(failed, "pair")] if failed else []
    unknown += [plural(len(names), noun) for noun, names in reached(report.left_out).items()]
    nothing = f"nothing that is known changes, and {' and '.join(unknown)} could not be compared"
    if not unknown:
        nothing = "no manifest changes" if new_findings(report) else "nothing changes"
    return [OverviewRow("waits", "At merge", line(nothing))]


def _merge_state(deliveries: list[Delivery]) -> tuple[int, Line]:
    """Return the index of a pair's row in `_MERGE`, and the reason."""
    if any(delivery.at_merge for delivery in deliveries):
        return 0, line(", synced automatically")
    if not deliveries:
        return 2, line(", no Application in this repository says")
    if any(delivery.at_merge is None for delivery in deliveries):
        return 2, line(", nobody can tell what their Application follows")
    automated = [delivery for delivery in deliveries if delivery.automated]
    if automated:
        return 1, line(", following ", code(automated[0].target_revision))
    return 1, line(", waiting for a sync by hand")


def _ending(report: Report) -> set[Subject]:
    return {one.subject for one in report.applications if one.what == "removed"}


def _kept(report: Report) -> list[Subject]:
    """Return the pairs that lose objects which Argo CD does not prune; what ends with its Application is not pruned."""
    keeping = {delivery.subject for delivery in report.deliveries if not delivery.prune} - _ending(report)
    return [
        outcome.subject
        for outcome in report.outcomes
        if outcome.subject in keeping and any(change.what in {"removed", "renamed"} for change in outcome.changes)
    ]
