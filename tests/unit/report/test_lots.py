"""The section of a lot has a row for each application, every danger, and its objects as far as there is room."""

from __future__ import annotations

from cmp.changes import Group, Lot, Member, Part
from cmp.preview.grouping import groups
from cmp.preview.lots import Population
from cmp.report import lots
from cmp.report.document import Bullets, Limits, Paragraph, Table, plain
from tests.support.outcomes import config, deployment, outcome_of, subject_of

LIMITS = Limits(items=4, names=3, lines=10)


def _group(*apps: str, cluster: str = "new", text: str = "", what: str = "added") -> Group:
    sides = ("", text or deployment() + config("a: b"))
    sides = sides if what == "added" else sides[::-1]
    outcomes = [
        outcome_of(cluster, *sides, app=app)._replace(status="added" if what == "added" else "removed") for app in apps
    ]
    (group,) = groups(outcomes, {}, Population.of(outcomes))
    return group


def _rows(group: Group) -> list[list[str]]:
    (table,) = [block for block in lots.section(group, LIMITS, is_compact=False).before if isinstance(block, Table)]
    return [[plain(cell) for cell in row] for row in table.rows]


def test_the_summary_counts_applications_and_objects() -> None:
    section = lots.section(_group("a", "b"), LIMITS, is_compact=False)
    assert plain(section.summary) == "A · cluster new comes · 2 applications · 4 objects · +44 \N{MINUS SIGN}0"


def test_a_row_is_an_application_with_its_objects_by_kind() -> None:
    assert _rows(_group("a", "b")) == [[app, "2: 1 ConfigMap, 1 Deployment"] for app in ("a", "b")]


def test_rows_beyond_the_limit_are_counted() -> None:
    assert _rows(_group("a", "b", "c", "d", "e", "f"))[-1] == ["and 2 more rows", ""]


def test_each_danger_is_told_as_far_as_there_is_room() -> None:
    notes = lots.section(_group("a", "b", what="removed"), LIMITS, is_compact=False).before[0]
    assert isinstance(notes, Bullets)
    assert [plain(note) for note in notes.lines] == [
        "Danger: Deployment/web is removed, and its pods with it: nothing of it runs any more (workload-removed)"
    ] * 2


def test_pairs_without_an_object_are_named() -> None:
    group = _group("a", "b")
    assert group.lot is not None
    failed = group._replace(lot=group.lot._replace(pairs=(*group.lot.pairs, subject_of("new", "c"))))
    told = [block for block in lots.section(failed, LIMITS, is_compact=False).before if isinstance(block, Paragraph)]
    assert [plain(block.line) for block in told] == ["No object is known of: c on new."]


def test_objects_are_whole_then_names_then_a_number() -> None:
    section = lots.section(_group(*(f"app-{n}" for n in range(100))), LIMITS, is_compact=False)
    shown = [text for hunk in section.hunks for text in hunk]
    assert len(shown) <= lots.MOST_LINES + lots.MOST_LINES // 4 + 1
    assert shown[0] == "# v1 ConfigMap shop/settings · app-0"
    assert "+ apps/v1 Deployment shop/web · app-10" in shown
    assert shown[-1].startswith("# and ")
    assert len(section.objects) == 200


def test_compact_objects_are_names() -> None:
    section = lots.section(_group("a", "b"), LIMITS, is_compact=True)
    assert section.hunks[0] == ("+ v1 ConfigMap shop/settings · a",)


def test_values_that_differ_between_clusters_are_told() -> None:
    change = _group("a", "b").change
    members = tuple(Member(subject_of(cluster, "a"), (value,)) for cluster, value in (("c-1", "1"), ("c-2", "2")))
    parts = (Part(change, members, ("data.a",)), Part(change, members[:1]))
    lot = Lot("comes", "cluster", ("c-1", "c-2"), tuple(member.subject for member in members), parts)
    section = lots.section(Group("A", "a", change, members, lot=lot), LIMITS, is_compact=False)
    assert isinstance(section.before[0], Bullets)
    assert [plain(note) for note in section.before[0].lines] == [
        "a ConfigMap/settings on c-1: data.a is 1",
        "a ConfigMap/settings on c-2: data.a is 2",
        "a ConfigMap/settings so only on c-1",
    ]
    assert plain(section.summary).startswith("A · clusters c-1, c-2 come · 1 application")
