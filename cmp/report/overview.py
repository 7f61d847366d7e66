"""The answers to a reviewer's first questions: what failed, what is dangerous, what changes at the merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cmp.report.document import Fact, code, joined, line, plural
from cmp.report.names import clusters, pairs_by_app, pairs_by_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Delivery, Failure, Outcome, Report, Subject
    from cmp.report.document import Extent, Line

_MERGE: tuple[tuple[Literal["merge", "waits", "unknown"], str], ...] = (
    ("merge", "Changes at merge"),
    ("waits", "Waits at merge"),
    ("unknown", "Unknown at merge"),
)


def verdict(report: Report) -> str:
    """Return one line: how much changes, and whether something failed or is dangerous."""
    parts = [*_reach(report)]
    counts = [
        (sum(_is_new(failure) for failure in report.failures), "new failure"),
        (sum(_is_old(failure) for failure in report.failures), "earlier failure"),
        (len(report.dangers), "danger"),
    ]
    parts += [plural(count, noun) for count, noun in counts if count]
    keyless = sum(failure.needs_key for failure in report.failures)
    parts += [f"{plural(keyless, 'pair')} not judged without the key"] if keyless else []
    return f"Manifest diff: {', '.join(parts)}"


def _reach(report: Report) -> Iterator[str]:
    changed = [outcome.subject for outcome in changing(report)]
    if not changed:
        yield "no manifest changes"
        return
    found = clusters(changed)
    if found:
        of = f"{len(found):,} of " if report.counts.clusters else ""
        yield of + plural(report.counts.clusters or len(found), "cluster")
    yield plural(len({subject.app for subject in changed}), "app")
    without = "nothing but folded noise" if report.noise else "nothing to compare with"
    yield plural(len(report.groups), "distinct change") if report.groups else without


def changing(report: Report) -> list[Outcome]:
    """Return the outcomes of the pairs whose manifests will not be what they were."""
    return [outcome for outcome in report.outcomes if outcome.status in {"changed", "added", "removed"}]


def facts(report: Report, extent: Extent) -> list[Fact]:
    """Return the table at the top; failures, dangers and merge always have a row."""
    rows = [_failed(report, extent), _dangers(report), *_merge(report, extent)]
    rows += [
        Fact("pairs", title, pairs_by_app(subjects, extent))
        for title, status in (("New", "added"), ("Gone", "removed"))
        if (subjects := [outcome.subject for outcome in report.outcomes if outcome.status == status])
    ]
    if report.noise:
        folded = joined((line(f"{noise.folded:,} ", code(noise.rule)) for noise in report.noise[: extent.items]), ", ")
        rest = len(report.noise) - extent.items
        more = f", and {plural(rest, 'more rule')}" if rest > 0 else ""
        rows.append(Fact("folded", "Folded", line(folded, more, " (", code("--show-noise"), " lists them)")))
    return rows


def _is_new(failure: Failure) -> bool:
    return failure.is_new and not failure.needs_key


def _is_old(failure: Failure) -> bool:
    return not failure.is_new and not failure.needs_key


def _failed(report: Report, extent: Extent) -> Fact:
    if not report.failures:
        rendered = report.counts.rendered
        told = f"{plural(rendered, 'pair')}, no failure" if rendered else "nothing to render"
        return Fact("rendered", "Rendered", line(told))
    kinds = (
        ("new in this change", [failure.subject for failure in report.failures if _is_new(failure)]),
        ("failed before, too", [failure.subject for failure in report.failures if _is_old(failure)]),
        ("cannot be judged without the key", [failure.subject for failure in report.failures if failure.needs_key]),
    )
    states = (line(f"{len(failed):,} {kind}: ", pairs_by_app(failed, extent)) for kind, failed in kinds if failed)
    return Fact("failed", "Not rendered", joined(states, " · "))


def _dangers(report: Report) -> Fact:
    counts = [
        plural(len(report.dangers), "danger") if report.dangers else "",
        f"{plural(report.restarts, 'workload')} restart{'s' if report.restarts == 1 else ''}"
        if report.restarts
        else "",
    ]
    told = " · ".join(count for count in counts if count)
    return (
        Fact("dangers", "Look twice", line(told))
        if told
        else Fact("calm", "Look twice", line("no danger found, no workload restarts"))
    )


def _merge(report: Report, extent: Extent) -> list[Fact]:
    """Return which of the changing pairs sync by themselves what is merged, which do not and why, and the unknown."""
    changed = [outcome.subject for outcome in changing(report)]
    delivered: dict[Subject, list[Delivery]] = {subject: [] for subject in changed}
    for delivery in report.deliveries:
        delivered.get(delivery.subject, []).append(delivery)
    kinds: dict[tuple[int, Line], list[Subject]] = {}
    for subject, deliveries in delivered.items():
        kinds.setdefault(_how(deliveries), []).append(subject)
    rows: dict[int, list[Line]] = {}
    for (title, how), pairs in sorted(kinds.items()):
        where = pairs_by_cluster(pairs, changed, extent)
        told = line(f"{len(pairs):,} of {plural(len(changed), 'pair')}", how, ": ", where)
        rows.setdefault(title, []).append(told)
    facts = [Fact(*_MERGE[title], joined(told, " · ")) for title, told in rows.items()]
    kept = _kept(report)
    if kept:
        facts.append(
            Fact("kept", "Not pruned", line("what is removed stays: ", pairs_by_cluster(kept, changed, extent)))
        )
    return facts or [Fact("waits", "At merge", line("nothing changes"))]


def _how(deliveries: list[Delivery]) -> tuple[int, Line]:
    """Return the row that a pair belongs to, and how it comes there."""
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
