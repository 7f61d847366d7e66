"""The comment of a pull request: GitHub flavoured Markdown, never longer than its limit.

Sections have several forms, fullest first; groups have hunks that can be left out one by one.  All lengths are in
characters, as GitHub counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from cmp.report import lots, markup, overview, sections
from cmp.report.document import Limits, Table, line, plural
from cmp.report.judgement import judge
from cmp.system.visible import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.changes import Report
    from cmp.report.document import GroupSection, Options, OverviewRow, Section
    from cmp.report.judgement import Judgement

ENOUGH = 1_500  # a hunk up to this length need not wait for the others' hunks

# Items, names and lines of each form of a section.
_LIMITS = (Limits(40, 12, 30), Limits(40, 8, 8), Limits(15, 6, 8), Limits(10, 4, 4), Limits(4, 3, 3))
_OPEN = 3  # groups that are unfolded, if they are short
_SHORT = 60  # lines
_BETWEEN = " ⋮"  # stands between hunks
_CHANGES = "#### Changes\n\n"
_REST = 160  # characters kept for the heading of the groups and the line about the groups and hunks left out
_ICONS = {
    "failed": "❌", "rendered": "✅", "dangers": "⚠️", "calm": "✅", "merge": "🔁", "waits": "⏸️", "unknown": "❔",
    "kept": "📌", "gates": "⛔", "findings": "🚫", "sound": "✅", "left": "🕳️", "applications": "📇", "pairs": "📦",
    "folded": "🔇", "supposed": "💭",
}  # fmt: skip


def marker(scope: str) -> str:
    """Return the hidden line by which the comment is found again."""
    return f"<!-- cmp-diff:{quote(scope, safe='').replace('--', '-%2D')} -->"


def view(report: Report, options: Options) -> str:
    """Return the comment, at most `options.limit` characters; the same Report gives the same bytes."""
    judgement = judge(report, options.gates)
    title = f"{marker(options.scope)}\n### {markup.escaped(judgement.verdict)}\n\n"
    room = options.limit - len(title) - _REST
    above, below = _around(report, judgement, options, room=room // 2 if report.groups else room)
    of_groups = [lots.section(group, _LIMITS[0], is_compact=options.compact) for group in report.groups]
    room -= len(above) + len(below)
    chosen = fit_groups([_size(section, number) for number, section in enumerate(of_groups)], room)
    changes = "".join(
        _group(section, shown.hunks, number)
        for number, (section, shown) in enumerate(zip(of_groups, chosen, strict=True))
        if shown.is_shown
    )
    heading = _CHANGES if changes else ""
    return f"{title}{above}{heading}{changes}{_left_out(of_groups, chosen)}{below}"


class GroupSize(NamedTuple):
    """The length of a group without hunks, and of each hunk."""

    header: int
    hunks: tuple[int, ...]


class ShownHunks(NamedTuple):
    """The part of a group that fits: nothing (`is_shown` false), or its header and the hunks of these indexes."""

    is_shown: bool
    hunks: tuple[int, ...]


def fit_sections(forms_of_sections: Sequence[Sequence[str]], room: int) -> list[str]:
    """Return one form of each section, at most `room` characters together: the first sections choose first.

    The last form of a section is the shortest; those must fit.
    """
    left = room - sum(len(forms[-1]) for forms in forms_of_sections)
    chosen = []
    for forms in forms_of_sections:
        left += len(forms[-1])
        form = next(form for form in (*forms, "") if len(form) <= max(left, 0))
        chosen.append(form)
        left -= len(form)
    return chosen


def fit_groups(sizes: Sequence[GroupSize], room: int) -> list[ShownHunks]:
    """Return the shown part of each group, at most `room` characters together.

    First every group, in order, gets its header and its first hunk, then one hunk a round, as long as a hunk is no
    longer than a fair part of the room; the room that is left goes to the longer hunks in the same order.
    """
    left = room
    shown: list[bool] = [False] * len(sizes)
    hunks: list[list[int]] = [[] for _ in sizes]
    for longest in (max(ENOUGH, room // max(len(sizes), 1)), room):
        for turn in range(max((len(size.hunks) for size in sizes), default=0) or 1):
            for index, size in enumerate(sizes):
                header = 0 if shown[index] else size.header
                if header <= left and turn == 0:
                    shown[index] = True
                    left -= header
                length = size.hunks[turn] if turn < len(size.hunks) else room + 1
                if shown[index] and length <= min(left, longest) and turn not in hunks[index]:
                    hunks[index].append(turn)
                    left -= length
    return [ShownHunks(is_shown, tuple(sorted(got))) for is_shown, got in zip(shown, hunks, strict=True)]


def _around(report: Report, judgement: Judgement, options: Options, *, room: int) -> tuple[str, str]:
    """Return the text above and below the groups; the first sections are cut last."""
    above, below = sections.above_groups(report), sections.below_groups(report, options)
    table = [_overview(overview.rows(report, judgement, limits)) for limits in _LIMITS]
    forms = [(*table, ""), *((*(_section(part(limits)) for limits in _LIMITS), "") for part in (*above, *below))]
    chosen = fit_sections(forms, room)
    middle = 1 + len(above)
    return "".join(chosen[:middle]), "".join(chosen[middle:])


def _overview(rows: Sequence[OverviewRow]) -> str:
    cells = tuple((line(f"{_ICONS[row.name]} {row.title}"), row.line) for row in rows)
    return f"{markup.table(Table(((), ()), cells))}\n"


def _section(section: Section | None) -> str:
    return f"#### {section.title}\n\n{markup.blocks(section.blocks)}" if section else ""


def _size(section: GroupSection, number: int) -> GroupSize:
    """Return the greatest length of a group; its fence grows with the backticks of the shown hunks."""
    return GroupSize(len(_group(section, (), number)), tuple(_cost(hunk) for hunk in section.hunks))


def _cost(hunk: Sequence[str]) -> int:
    shown = [visible_line(text) for text in (*hunk, _BETWEEN)]
    return sum(len(text) + 1 for text in shown) + 2 * (markup.fence_length(shown) - markup.FENCE)


def _group(section: GroupSection, chosen: Sequence[int], number: int) -> str:
    is_open = number < _OPEN and sum(len(hunk) for hunk in section.hunks) <= _SHORT
    opening = "<details open>" if is_open else "<details>"
    return (
        f"{opening}<summary>{markup.summary(section.summary)}</summary>\n\n"
        f"{markup.blocks(section.before)}{markup.fenced(_diff(section, chosen), 'diff')}\n"
        f"{markup.blocks(section.after)}</details>\n\n"
    )


def _diff(section: GroupSection, chosen: Sequence[int]) -> Iterable[str]:
    yield f"# {markup.cut(section.heading)}"
    for order, index in enumerate(chosen):
        if order and not section.is_list:
            yield _BETWEEN
        yield from section.hunks[index]
    left = len(section.hunks) - len(chosen)
    if left:
        yield f"# {plural(left, 'more hunk')} not shown here"


def _left_out(of_groups: Sequence[GroupSection], chosen: Sequence[ShownHunks]) -> str:
    """Return the line about the groups and hunks left out, empty where everything fits."""
    hidden = sum(not shown.is_shown for shown in chosen)
    missing = [
        len(section.hunks) - len(shown.hunks)
        for section, shown in zip(of_groups, chosen, strict=True)
        if shown.is_shown
    ]
    cut = [count for count in missing if count]
    parts = [f"{plural(sum(cut), 'more hunk')} in {plural(len(cut), 'group')}"] if cut else []
    parts += [plural(hidden, "more group")] if hidden else []
    return f"**{' and '.join(parts)}: see the job summary or the HTML page.**\n\n" if parts else ""
