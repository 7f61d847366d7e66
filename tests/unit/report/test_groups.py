"""The section of a group: its summary, its notes, its hunks or paths, and its members."""

from __future__ import annotations

from cmp.changes import Cause, Danger, Member
from cmp.report.document import Bullets, Limits, Paragraph, Table, plain
from cmp.report.groups import section, value_change
from tests.support.reports import REPLICAS, SCALE, change, group, subjects

LIMITS = Limits(items=3, names=3, lines=3)
(SUBJECT,) = subjects("storefront", prod=1)
DANGER = Danger("replicas-zero", "goes from 3 to 0 replicas")


def test_the_summary_tells_a_group_from_others() -> None:
    made = group("B", change(SUBJECT, "Deployment", "web", SCALE, causes=(REPLICAS,), is_restart=True), [SUBJECT])
    assert plain(section(made, LIMITS, is_compact=False).summary) == (
        "B · storefront · Deployment/web · 1 cluster (prod-01) · "
        "+1 \N{MINUS SIGN}1 · restarts 1 · from common/storefront.yaml:18"
    )
    odd = made._replace(differs_from="A", change=made.change._replace(what="renamed", dangers=(DANGER,)))
    assert plain(section(odd, LIMITS, is_compact=False).summary).startswith(
        "B · storefront · Deployment/web · renamed · 1 cluster (prod-01) · unlike A · "
        "+1 \N{MINUS SIGN}1 · restarts 1 · danger"
    )


def test_dangers_reasons_and_causes_come_before_the_hunks() -> None:
    made = group("A", change(SUBJECT, "Deployment", "web", SCALE, dangers=(DANGER,), causes=(REPLICAS,)), [SUBJECT])
    (notes,) = section(made._replace(why=("As B.",)), LIMITS, is_compact=False).before
    assert isinstance(notes, Bullets)
    assert [plain(note) for note in notes.lines] == [
        "Danger: Deployment/web goes from 3 to 0 replicas (replicas-zero)",
        "As B.",
        "common/storefront.yaml:18 sets replicas to 5, it was 3",
    ]


def test_a_cause_says_what_a_value_was() -> None:
    cause = Cause("a.yaml:1", ("image", "tag"), "main", "next")
    assert plain(value_change(cause)) == "sets image.tag to next, it was main"
    assert plain(value_change(cause._replace(before=None))) == "sets image.tag to next"
    assert plain(value_change(cause._replace(after=None))) == "no longer sets image.tag, it was main"


def test_the_heading_names_the_object_and_its_source() -> None:
    renamed = change(SUBJECT, "Deployment", "web", SCALE, api_versions=("apps/v1beta1", "apps/v1"))
    renamed = renamed._replace(was=renamed.identity._replace(name="front"))
    heading = section(group("A", renamed, [SUBJECT]), LIMITS, is_compact=False).heading
    assert heading == "apps/v1beta1 → apps/v1 Deployment shop/web (was shop/front) · templates/deployment.yaml"


def test_compact_shows_paths_and_the_size_of_a_whole_object() -> None:
    changed = change(SUBJECT, "Deployment", "web", SCALE)
    assert section(group("A", changed, [SUBJECT]), LIMITS, is_compact=True).hunks == (("~ spec.replicas  3 → 5",),)
    added = group("A", changed._replace(what="added"), [SUBJECT])
    assert section(added, LIMITS, is_compact=True).hunks == (("+ all of it, 2 lines",),)
    assert section(added, LIMITS, is_compact=False).hunks == (SCALE.lines,)


def test_members_with_the_same_values_share_a_row() -> None:
    pairs = subjects("storefront", prod=3)
    made = group("A", change(pairs[0], "Deployment", "web", SCALE), pairs)
    (members,) = section(made, LIMITS, is_compact=False).after
    assert isinstance(members, Paragraph)
    assert plain(members.line) == "On prod-01, prod-02, prod-03."
    values = tuple(Member(pair, (value,)) for pair, value in zip(pairs, ("3 → 5", "3 → 7", "3 → 5"), strict=True))
    (table,) = section(made._replace(members=values, columns=("spec.replicas",)), LIMITS, is_compact=False).after
    assert isinstance(table, Table)
    assert [[plain(cell) for cell in row] for row in (table.head, *table.rows)] == [
        ["spec.replicas", "clusters"],
        ["3 → 5", "prod-01, prod-03"],
        ["3 → 7", "prod-02"],
    ]
