"""The Markdown comment: never too long, fair, and nothing foreign in it is markup, a mention or a reference."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.changes import Failure, Hunk, Report, Subject
from cmp.report import FORMATS, Options, marker
from cmp.report.markdown import ENOUGH, GroupSize, fit_groups, fit_sections
from tests.support import property_examples, reports

SMALLEST = 1_000
FENCE = re.compile(r"^(`{3,})(?:diff|text)\n(.*?)^\1\n", re.MULTILINE | re.DOTALL)


def view(made: Report, **options: object) -> str:
    return FORMATS["markdown"](made, Options(**options))  # type: ignore[arg-type]


def one_group(*hunks: Hunk) -> Report:
    (subject,) = reports.subjects("storefront", prod=1)
    return reports.report([reports.group("A", reports.change(subject, "Deployment", "web", *hunks), [subject])])


def long_hunk(lines: int, text: str = "x") -> Hunk:
    return Hunk(tuple(f"+{text}{number}" for number in range(lines)), (0,))


HUGE = {
    "one hunk of the size of a CRD": one_group(long_hunk(20_000)),
    "five hundred groups": reports.wide(500),
    "Japanese text": one_group(*(long_hunk(100, "設定の値を変更する" * 5) for _ in range(40))),
    "backticks": one_group(Hunk(("+" + "`" * 40_000,), (0,)), reports.SCALE),
    "long names": reports.report(
        [
            reports.group("A", reports.change(subject, "Deployment", "n" * 70_000, reports.SCALE), [subject])
            for subject in reports.subjects("a" * 70_000, prod=1)
        ]
    ),
    "a thousand failures": reports.failing(
        reports.EMPTY,
        *(Failure(subject, ("e" * 500,) * 90, is_new=True) for subject in reports.subjects("storefront", prod=1000)),
    ),
    "everything on two hundred clusters": reports.many(40, 60, 100),
    "hostile names": reports.nasty(),
}


@pytest.mark.parametrize("limit", [SMALLEST, 5_000, 60_000])
@pytest.mark.parametrize("name", HUGE)
def test_never_longer_than_the_limit(name: str, limit: int) -> None:
    shown = view(HUGE[name], limit=limit, show_noise=True)
    assert len(shown) <= limit
    assert shown.count("<details") == shown.count("</details>")
    assert FENCE.sub("", shown).count("```") == 0


@pytest.mark.parametrize("name", HUGE)
def test_never_longer_than_the_limit_as_paths(name: str) -> None:
    assert len(view(HUGE[name], limit=SMALLEST, compact=True)) <= SMALLEST


@pytest.mark.parametrize("name", ["five hundred groups", "Japanese text"])
def test_the_room_is_used(name: str) -> None:
    assert len(view(HUGE[name])) > 55_000


def test_what_is_left_out_is_told() -> None:
    shown = view(one_group(*(long_hunk(400) for _ in range(30))), limit=10_000)
    assert "# 27 more hunks not shown here\n" in shown
    assert "**27 more hunks in 1 group: see the job summary or the HTML page.**\n" in shown
    assert re.search(r"more groups?: see the job summary or the HTML page\.\*\*\n", view(HUGE["five hundred groups"]))


def test_a_long_group_does_not_starve_the_others() -> None:
    first, second = reports.subjects("storefront", prod=2)
    groups = [
        reports.group("A", reports.change(first, "Deployment", "web", long_hunk(5_000), long_hunk(9_000)), [first]),
        reports.group("B", reports.change(second, "Service", "web", reports.SCALE, reports.DSN), [second]),
    ]
    shown = view(reports.report(groups))
    assert "+  replicas: 5\n" in shown
    assert "DB_DSN" in shown
    assert "+x4999\n" in shown
    assert "+x8999\n" not in shown
    assert "**1 more hunk in 1 group: see the job summary or the HTML page.**" in shown


def test_a_long_hunk_waits_for_the_short_ones() -> None:
    long, short = GroupSize(10, (9_000, 400)), GroupSize(10, (1_000,))
    assert fit_groups([long, short], 9_500) == [(True, (1,)), (True, (0,))]
    assert fit_groups([long, short], 10_500) == [(True, (0, 1)), (True, (0,))]


def test_failures_leave_room_for_the_changes() -> None:
    made = reports.failing(
        one_group(long_hunk(800)),
        *(
            Failure(Subject("billing", f"prod-{number}"), (f"{number}{'e' * 190}",) * 30, is_new=True)
            for number in range(40)
        ),
    )
    shown = view(made, limit=14_000)
    assert "+x799\n" in shown
    assert "40 new in this change" in shown
    assert "… and 36 more errors\n" in shown


def test_a_hunk_is_shown_whole_or_not_at_all() -> None:
    shown = view(one_group(*(long_hunk(300) for _ in range(30))), limit=12_000)
    assert shown.count("+x0\n") == shown.count("+x299\n") > 1


def test_nothing_hostile_is_markup() -> None:
    shown = FENCE.sub("", view(reports.nasty(), show_noise=True))
    inert = re.sub(r"`[^`\n]+`|<code>[^\n]*?</code>", "", shown.split("\n", 1)[1])
    assert set(re.findall(r"<[^>]*>?", inert)) == {
        "<details open>", "<summary>", "<b>", "</b>", "</summary>", "</details>",
    }  # fmt: skip
    assert not re.search(r"[@!$](?!$)\w|(?<!&)#\w|GH-\d|://|\[|_", inert)


def test_every_row_of_a_table_has_as_many_cells() -> None:
    rows = [line for line in view(reports.nasty()).splitlines() if line.startswith("|")]
    blocks = re.split(r"\n(?!\|)", view(reports.nasty()))
    assert rows
    for block in blocks:
        bars = {line.count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(bars) <= 1


def test_the_same_report_gives_the_same_comment() -> None:
    assert view(reports.many(40, 60, 100)) == view(reports.many(40, 60, 100))


@pytest.mark.parametrize(
    ("scope", "line"),
    [
        ("main-report", "<!-- cmp-diff:main-report -->"),
        ("a--> <b>", "<!-- cmp-diff:a-%2D%3E%20%3Cb%3E -->"),
    ],
)
def test_the_first_line_marks_the_comment(scope: str, line: str) -> None:
    assert marker(scope) == line
    assert view(reports.EMPTY, scope=scope).split("\n")[0] == line


SIZES = st.lists(
    st.builds(GroupSize, st.integers(1, 900), st.lists(st.integers(1, 9_000), max_size=6).map(tuple)), max_size=12
)


@settings(max_examples=property_examples.examples(200))
@given(SIZES, st.integers(0, 30_000))
def test_shown_groups_fit_and_no_more_would(sizes: list[GroupSize], room: int) -> None:
    chosen = fit_groups(sizes, room)
    taken = sum(
        size.header + sum(size.hunks[index] for index in shown.hunks)
        for size, shown in zip(sizes, chosen, strict=True)
        if shown.is_shown
    )
    assert taken <= room
    for size, shown in zip(sizes, chosen, strict=True):
        assert shown.is_shown or not shown.hunks
        assert list(shown.hunks) == sorted(set(shown.hunks))
        missing = [length for index, length in enumerate(size.hunks) if index not in shown.hunks]
        least = min(missing, default=room) if shown.is_shown else size.header
        assert shown == (True, tuple(range(len(size.hunks)))) or least > room - taken, "what fits is shown"


@settings(max_examples=property_examples.examples(100))
@given(SIZES)
def test_short_first_hunks_come_before_all_others(sizes: list[GroupSize]) -> None:
    short = [GroupSize(size.header, (ENOUGH, *size.hunks)) for size in sizes]
    room = sum(size.header + ENOUGH for size in short)
    assert [shown.hunks[:1] for shown in fit_groups(short, room)] == [(0,)] * len(short)


@settings(max_examples=property_examples.examples(200))
@given(
    st.lists(st.lists(st.text("x", max_size=40), min_size=1, max_size=4).map(lambda forms: [*forms, ""])),
    st.integers(0, 99),
)
def test_chosen_forms_of_sections_fit(parts: list[list[str]], room: int) -> None:
    chosen = fit_sections(parts, room)
    assert sum(map(len, chosen)) <= room
    if parts and len(parts[0][0]) <= room:
        assert chosen[0] == parts[0][0]
