"""The table at the top of a report: failures, what is not compared, dangers, and the effect of the merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import ApplicationChange, FindingLine, LeftOut, Noise, Outcome, Revision, Supposition
from cmp.report import FORMATS, Gates, Options, judge
from cmp.report.document import Limits, plain
from cmp.report.overview import rows
from tests.support import reports

if TYPE_CHECKING:
    from cmp.changes import Report

LIMITS = Limits(items=10, names=10, lines=10)
FAR = LeftOut("Application", ("far", "near"), ("near",), "2 Applications are not compared")


def test_nobody_knows_what_changes_at_merge() -> None:
    shown = FORMATS["text"](reports.one_cluster()._replace(deliveries=()), Options())
    assert "  Unknown at merge: 1 of 1 pair, no Application in this repository says: prod-01\n" in shown
    unclear = reports.delivered(reports.subjects("storefront", prod=1), at_merge=None)
    shown = FORMATS["text"](reports.one_cluster()._replace(deliveries=unclear), Options())
    assert "  Unknown at merge: 1 of 1 pair, nobody can tell what their Application follows: prod-01\n" in shown


def _rows(made: Report) -> list[tuple[str, str]]:
    return [(row.name, plain(row.line)) for row in rows(made, judge(made, Gates()), LIMITS)]


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


def test_a_pair_whose_application_goes_neither_waits_for_a_sync_nor_keeps_what_is_not_pruned() -> None:
    (subject,) = reports.subjects("storefront", prod=1)
    made = reports.report(
        [reports.group("A", reports.change(subject, "ConfigMap", "web", what="removed"), [subject])],
        deliveries=[one._replace(prune=False) for one in reports.delivered([subject], at_merge=False)],
    )
    gone = made._replace(applications=(ApplicationChange(subject, "storefront", "removed", "will be deleted"),))
    assert ("merge", "1 of 1 pair, with the Application: prod-01") in _rows(gone)
    assert not {"waits", "kept"} & {name for name, _ in _rows(gone)}
    assert {"waits", "kept"} <= {name for name, _ in _rows(made)}


def test_a_comparison_with_what_runs_says_nothing_of_a_merge() -> None:
    made = reports.one_cluster()
    live = made._replace(base=Revision("live in context dev", "", is_live=True))
    assert "unknown" in {name for name, _ in _rows(made._replace(deliveries=()))}
    assert not {"merge", "waits", "unknown"} & {name for name, _ in _rows(live._replace(deliveries=()))}


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


def test_what_is_left_out_has_a_row_and_nothing_changes_only_where_the_change_reaches_none_of_it() -> None:
    made = reports.EMPTY._replace(left_out=(FAR,))
    assert _rows(made)[1:] == [
        ("left", "2 Applications not compared"),
        ("calm", "no danger found, no workload restarts"),
        ("waits", "nothing that is known changes, and 1 Application could not be compared"),
    ]
    assert _rows(reports.EMPTY._replace(left_out=(FAR._replace(reached=()),)))[-1] == ("waits", "nothing changes")


def test_the_row_of_findings_says_how_many_and_never_that_all_is_judged_where_it_is_not() -> None:
    error = FindingLine(reports.PROBE, ())
    warning, note = (FindingLine(reports.PROBE._replace(level=level), ()) for level in ("warning", "note"))
    shown = {
        reports.EMPTY: [],
        reports.found(): [("sound", "no new one")],
        reports.found(fixed=2, unjudged=3): [("sound", "no new one · 2 fixed · not all is judged")],
        reports.found(error, error, warning, note): [("findings", "2 new errors · 1 new warning · 1 new note")],
        reports.found(note): [("sound", "1 new note")],
        reports.found()._replace(counts=reports.EMPTY.counts): [],  # nothing was rendered
    }
    for made, expected in shown.items():
        assert [row for row in _rows(made) if row[0] in ("findings", "sound")] == expected
    assert _rows(reports.found(warning))[-1] == ("waits", "no manifest changes")


def test_what_is_supposed_stands_first_with_some_of_its_lines() -> None:
    places = tuple(f"cmp.yaml:{number}" for number in range(6, 12))
    suppositions = (
        Supposition("Kubernetes 1.38 on all 6 clusters", places),
        Supposition("helm 4.3.2", ("cmp.yaml:3",)),
    )
    made = reports.EMPTY._replace(suppositions=suppositions)
    assert _rows(made)[0] == (
        "supposed",
        "Kubernetes 1.38 on all 6 clusters (cmp.yaml:6, cmp.yaml:7, cmp.yaml:8, and 3 more) · helm 4.3.2 (cmp.yaml:3)",
    )
    assert all(name != "supposed" for name, _ in _rows(reports.EMPTY))
