"""All releases of a cluster beside all applications that run there: one row for each of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.live.judgement import chart_in_git
from cmp.preview.labels import pair_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.changes import Outcome, Report, Subject
    from cmp.live.releases import Listed
    from cmp.live.sides import LiveSide
    from cmp.preview.sides import ResolvedPair

NOTHING = "-"
HEAD = ("APPLICATION", "RELEASE", "STATUS", "REVISION", "UPDATED", "CHART LIVE", "CHART IN GIT", "STATE")
NO_RELEASE, NO_APPLICATION = "no release", "no application here"
_STATES = {"equal": "equal", "changed": "differs"}


class Row(NamedTuple):
    """An application and its release; one of both may be missing, and what is not known is `-`.

    `state` is `equal`, `differs`, `not compared`, `no release` or `no application here`.
    """

    application: str
    release: str
    status: str
    revision: str
    updated: str
    chart_live: str
    chart_in_git: str
    state: str


def rows(side: LiveSide, report: Report) -> tuple[Row, ...]:
    """Return the applications in their order, then the releases that none of them has."""
    outcomes = {outcome.subject: outcome for outcome in report.outcomes}
    releases = {(one.namespace, one.name): one for one in side.listed}
    pairs = sorted([*side.pairs.values(), *side.absent], key=lambda pair: pair_order(pair.request.subject))
    own = {side.release_of(pair) for pair in pairs}
    return (
        *(_of_pair(pair, releases, outcomes, side) for pair in pairs),
        *(_row(one)._replace(state=NO_APPLICATION) for key, one in sorted(releases.items()) if key not in own),
    )


def _of_pair(
    pair: ResolvedPair,
    releases: Mapping[tuple[str, str], Listed],
    outcomes: Mapping[Subject, Outcome],
    side: LiveSide,
) -> Row:
    subject = pair.request.subject
    key = side.release_of(pair)
    outcome = outcomes.get(subject)
    state = (_STATES.get(outcome.status, "not compared") if not outcome.failures else "not compared") if outcome else ""
    listed = releases.get(key) if key else None
    chart = chart_in_git(pair.instances[0], side.tree) if pair.instances else ""
    return _row(listed)._replace(
        application=subject.app,
        release="/".join(key) if key else NOTHING,
        chart_in_git=chart.replace(" ", "-") or NOTHING,
        state=state or NO_RELEASE,
    )


def _row(listed: Listed | None) -> Row:
    if listed is None:
        return Row(*[NOTHING] * len(HEAD))
    return Row(
        application=NOTHING,
        release=f"{listed.namespace}/{listed.name}",
        status=listed.status,
        revision=listed.revision,
        updated=listed.updated[:16],
        chart_live=listed.chart,
        chart_in_git=NOTHING,
        state=NOTHING,
    )


def cells(found: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """Yield the head and the rows of the table."""
    yield HEAD
    yield from found
