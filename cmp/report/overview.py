"""The verdict and the table at the top: failures, dangers, and the effect of the merge."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from cmp.report.document import OverviewRow, code, joined, line, plural
from cmp.report.names import clusters, pairs_by_app, pairs_by_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Delivery, Failure, Outcome, Report, Subject
    from cmp.report.document import Limits, Line

_MERGE: tuple[tuple[Literal["merge", "waits", "unknown"], str], ...] = (
    ("merge", "Changes at merge"),
    ("waits", "Waits at merge"),
    ("unknown", "Unknown at merge"),
)

_APPLICATIONS = (
    ("removed", "gone"),
    ("renamed", "renamed"),
    ("moved", "with another destination"),
    ("added", "new"),
    ("changed", "with other settings"),
)

CHANGED = frozenset({"changed", "added", "removed"})


def verdict(report: Report) -> str:
    """Return one line: the size of the change, and the number of failures and dangers."""
    parts = [*_size(report)]
    counts = [
        (sum(_is_new(failure) for failure in report.failures), "new failure"),
        (sum(_is_old(failure) for failure in report.failures), "earlier failure"),
        (len(report.dangers), "danger"),
    ]
    parts += [plural(count, noun) for count, noun in counts if count]
    of_applications = len({(one.subject, one.application) for one in report.applications})
    parts += (
        [f"{plural(of_applications, 'Application')} change{'s' if of_applications == 1 else ''}"]
        if of_applications
        else []
    )
    keyless = sum(failure.needs_key for failure in report.failures)
    parts += [f"{plural(keyless, 'pair')} not judged without the key"] if keyless else []
    left_out = report.counts.left_out
    parts += [f"{plural(left_out, 'Application')} not compared"] if left_out else []
    return f"Manifest diff: {', '.join(parts)}"


def rows(report: Report, limits: Limits) -> list[OverviewRow]:
    """Return the table at the top; failures, dangers and merge always have a row."""
    table = [_failed(report, limits), _dangers(report), *_applications(report), *_merge(report, limits)]
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


def changing(report: Report) -> list[Outcome]:
    """Return the outcomes of the pairs whose manifests change, those of refused renders that can be read among them."""
    return [outcome for outcome in report.outcomes if outcome.status in CHANGED or outcome.changes]


def _size(report: Report) -> Iterator[str]:
    changed = [outcome.subject for outcome in changing(report)]
    if not changed:
        yield "no manifest changes"
        return
    names = clusters(changed)
    if names:
        of = f"{len(names):,} of " if report.counts.clusters else ""
        yield of + plural(report.counts.clusters or len(names), "cluster")
    # The name of an Application may stand behind that of the app, as in `web (web-canary)`.
    yield plural(len({subject.app.partition(" (")[0] for subject in changed}), "app")
    without = "nothing but folded noise" if report.noise else "nothing to compare with"
    yield plural(len(report.groups), "distinct change") if report.groups else without


def _is_new(failure: Failure) -> bool:
    return failure.is_new and not failure.needs_key


def _is_old(failure: Failure) -> bool:
    return not failure.is_new and not failure.needs_key


def _failed(report: Report, limits: Limits) -> OverviewRow:
    if not report.failures:
        count = report.counts.rendered
        return OverviewRow(
            "rendered", "Rendered", line(f"{plural(count, 'pair')}, no failure" if count else "nothing to render")
        )
    kinds = (
        ("new in this change", [failure.subject for failure in report.failures if _is_new(failure)]),
        ("failed before, too", [failure.subject for failure in report.failures if _is_old(failure)]),
        ("cannot be judged without the key", [failure.subject for failure in report.failures if failure.needs_key]),
    )
    states = (line(f"{len(failed):,} {kind}: ", pairs_by_app(failed, limits)) for kind, failed in kinds if failed)
    return OverviewRow("failed", "Not rendered", joined(states, " · "))


def _dangers(report: Report) -> OverviewRow:
    counts = []
    if report.dangers:
        counts.append(plural(len(report.dangers), "danger"))
    if report.restarts:
        counts.append(f"{plural(report.restarts, 'workload')} restart{'s' if report.restarts == 1 else ''}")
    if not counts:
        return OverviewRow("calm", "Look twice", line("no danger found, no workload restarts"))
    return OverviewRow("dangers", "Look twice", line(" · ".join(counts)))


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
    states: dict[tuple[int, Line], list[Subject]] = {}
    for subject, deliveries in delivered.items():
        states.setdefault(_merge_state(deliveries), []).append(subject)
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
    unknown = len({failure.subject for failure in report.failures})
    nothing = f"nothing that is known changes, and {plural(unknown, 'pair')} could not be compared"
    return [OverviewRow("waits", "At merge", line(nothing if unknown else "nothing changes"))]


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


def _kept(report: Report) -> list[Subject]:
    """Return the pairs that lose objects which Argo CD leaves on the cluster."""
    keeping = {delivery.subject for delivery in report.deliveries if not delivery.prune}
    return [
        outcome.subject
        for outcome in report.outcomes
        if outcome.subject in keeping and any(change.what in {"removed", "renamed"} for change in outcome.changes)
    ]
