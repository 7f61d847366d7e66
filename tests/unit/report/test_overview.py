"""The verdict and the table at the top of a report: failures, dangers, and the effect of the merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import Noise, Outcome
from cmp.report import FORMATS, Options, verdict
from cmp.report.document import Limits, plain
from cmp.report.overview import rows
from tests.support import reports

if TYPE_CHECKING:
    from cmp.changes import Report

LIMITS = Limits(items=10, names=10, lines=10)
WORST = (
    "Manifest diff: 200 of 202 clusters, 2 apps, 4 distinct changes, 1 new failure, 1 earlier failure, 1 danger, "
    "1 pair not judged without the key"
)


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (reports.EMPTY, "Manifest diff: no manifest changes"),
        (reports.one_cluster(), "Manifest diff: 1 of 3 clusters, 1 app, 1 distinct change"),
        (
            reports.many(40, 60, 100),
            WORST,
        ),
        (reports.one_cluster()._replace(groups=()), "Manifest diff: 1 of 3 clusters, 1 app, nothing to compare with"),
        (
            reports.one_cluster()._replace(groups=(), noise=(Noise("checksum", 1),)),
            "Manifest diff: 1 of 3 clusters, 1 app, nothing but folded noise",
        ),
    ],
)
def test_verdict(made: Report, line: str) -> None:
    assert verdict(made) == line


def test_nobody_knows_what_changes_at_merge() -> None:
    shown = FORMATS["text"](reports.one_cluster()._replace(deliveries=()), Options())
    assert "  Unknown at merge: 1 of 1 pair, no Application in this repository says: prod-01\n" in shown
    unclear = reports.delivered(reports.subjects("storefront", prod=1), at_merge=None)
    shown = FORMATS["text"](reports.one_cluster()._replace(deliveries=unclear), Options())
    assert "  Unknown at merge: 1 of 1 pair, nobody can tell what their Application follows: prod-01\n" in shown


def _rows(made: Report) -> list[tuple[str, str]]:
    return [(row.name, plain(row.line)) for row in rows(made, LIMITS)]


def test_failures_dangers_and_merge_always_have_a_row() -> None:
    assert _rows(reports.EMPTY) == [
        ("rendered", "nothing to render"),
        ("calm", "no danger found, no workload restarts"),
        ("waits", "nothing changes"),
    ]


def test_the_merge_has_a_row_for_each_effect() -> None:
    first, second, third, fourth = reports.subjects("storefront", prod=4)
    made = reports.report(
        [reports.group("A", reports.change(first, "Deployment", "web", reports.SCALE), [first, second, third, fourth])],
        deliveries=(
            *reports.delivered([first], at_merge=True),
            *reports.delivered([second], at_merge=False, revision="v1.4.0"),
            *reports.delivered([third], at_merge=False),
        ),
    )
    assert _rows(made)[2:] == [
        ("merge", "1 of 4 pairs, synced automatically: prod-01"),
        (
            "waits",
            "1 of 4 pairs, following v1.4.0: prod-02 · 1 of 4 pairs, waiting for a sync by hand: prod-03",
        ),
        ("unknown", "1 of 4 pairs, no Application in this repository says: prod-04"),
    ]


def test_new_pairs_folded_differences_and_removed_objects_that_stay_have_one_too() -> None:
    (subject,) = reports.subjects("storefront", prod=1)
    change = reports.change(subject, "ConfigMap", "web", what="removed")
    made = reports.report(
        [reports.group("A", change, [subject])],
        deliveries=reports.delivered([subject], at_merge=True),
        noise=(Noise("checksum", 1_000), Noise("chart-labels", 2)),
    )
    added = Outcome(subject._replace(cluster="prod-02"), "added")
    assert _rows(made._replace(outcomes=(*made.outcomes, added)))[3:] == [
        *[("unknown", "1 of 2 pairs, no Application in this repository says: prod-02")],
        ("kept", "what is removed stays: prod-01"),
        ("pairs", "storefront on prod-02"),
        ("folded", "1,000 checksum, 2 chart-labels (--show-noise lists them)"),
    ]
