"""The comment of a pull request: GitHub flavoured Markdown, never longer than it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from cmp.report import groups, markup, overview, sections
from cmp.report.document import Extent, Table, line, plural
from cmp.report.matrix import matrix
from cmp.system.visible import visible_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cmp.changes import Report
    from cmp.report.document import Body, Fact, Options, Section

    Part = Callable[[Extent], Section | None]

_EXTENTS = (Extent(40, 12, 30), Extent(40, 8, 8), Extent(15, 6, 8), Extent(10, 4, 4), Extent(4, 3, 3))
_OPEN = 3  # groups that are unfolded, if they are short
_SHORT = 60  # lines
_BETWEEN = " ⋮"  # stands between hunks
ENOUGH = 1_500  # a hunk up to this length need not wait for the others' hunks
_CHANGES = "#### Changes\n\n"
_REST = 160  # characters kept for the heading of the groups and the line that tells what was left out
_ICONS = {
    "failed": "❌", "rendered": "✅", "dangers": "⚠️", "calm": "✅", "merge": "🔁", "waits": "⏸️", "unknown": "❔",
    "kept": "📌", "pairs": "📦", "folded": "🔇",
}  # fmt: skip


def marker(scope: str) -> str:
    """Return the hidden line by which the comment is found again."""
    return f"<!-- cmp-diff:{quote(scope, safe='').replace('--', '-%2D')} -->"


def view(report: Report, options: Options) -> str:
    """Return the comment, at most `options.limit` characters; the same Report gives the same bytes."""
    title = f"{marker(options.scope)}\n### {markup.escaped(overview.verdict(report))}\n\n"
    room = options.limit - len(title) - _REST
    before, after = _around(report, options, room // 2 if report.groups else room)
    bodies = [groups.body(group, _EXTENTS[0], is_compact=options.compact) for group in report.groups]
    room -= len(before) + len(after)
    grants = share([_demand(body, number) for number, body in enumerate(bodies)], room)
    shown = "".join(
        _group(body, grant.hunks, number)
        for number, (body, grant) in enumerate(zip(bodies, grants, strict=True))
        if grant.is_shown
    )
    heading = _CHANGES if shown else ""
    return f"{title}{before}{heading}{shown}{_left_out(bodies, grants)}{after}"


def _around(report: Report, options: Options, room: int) -> tuple[str, str]:
    """Return what stands before and after the groups; what comes first here is cut last."""
    before: list[Part] = [
        lambda extent: sections.failures(report, extent),
        lambda extent: sections.dangers(report, extent),
        lambda extent: matrix(report, extent),
    ]
    after: list[Part] = [
        lambda extent: sections.bumps(report, extent),
        lambda extent: sections.overridden(report, extent),
        lambda extent: sections.noise(report, extent) if options.show_noise else None,
        lambda extent: sections.unowned(report, extent),
        lambda extent: sections.footer(report, extent, options),
    ]
    facts = [_facts(overview.facts(report, extent)) for extent in _EXTENTS]
    forms = [(*facts, ""), *([*(_section(part(extent)) for extent in _EXTENTS), ""] for part in (*before, *after))]
    chosen = fullest(forms, room)
    middle = 1 + len(before)
    return "".join(chosen[:middle]), "".join(chosen[middle:])


def _facts(found: Sequence[Fact]) -> str:
    rows = tuple((line(f"{_ICONS[fact.name]} {fact.title}"), fact.line) for fact in found)
    return f"{markup.table(Table(((), ()), rows))}\n"


def _section(found: Section | None) -> str:
    return f"#### {found.title}\n\n{markup.blocks(found.blocks)}" if found else ""


def _demand(body: Body, number: int) -> Demand:
    """Return the most that a group can take; the fence grows with the backticks of the hunks that are shown."""
    return Demand(len(_group(body, (), number)), tuple(_cost(piece) for piece in body.pieces))


def _cost(piece: Sequence[str]) -> int:
    shown = [visible_line(each) for each in (*piece, _BETWEEN)]
    return sum(len(each) + 1 for each in shown) + 2 * (markup.fence_length(shown) - markup.FENCE)


def _group(body: Body, chosen: Sequence[int], number: int) -> str:
    is_open = number < _OPEN and sum(len(piece) for piece in body.pieces) <= _SHORT
    opening = "<details open>" if is_open else "<details>"
    return (
        f"{opening}<summary>{markup.summary(body.summary)}</summary>\n\n"
        f"{markup.blocks(body.before)}{markup.fenced(_diff(body, chosen), 'diff')}\n"
        f"{markup.blocks(body.after)}</details>\n\n"
    )


def _diff(body: Body, chosen: Sequence[int]) -> Iterable[str]:
    yield f"# {markup.cut(body.heading)}"
    for order, index in enumerate(chosen):
        if order and not body.is_list:
            yield _BETWEEN
        yield from body.pieces[index]
    rest = len(body.pieces) - len(chosen)
    if rest:
        yield f"# {plural(rest, 'more hunk')} not shown here"


def _left_out(bodies: Sequence[Body], grants: Sequence[Grant]) -> str:
    """Return the line that says what did not fit, empty where everything did."""
    hidden = sum(not grant.is_shown for grant in grants)
    missing = [
        len(body.pieces) - len(grant.hunks) for body, grant in zip(bodies, grants, strict=True) if grant.is_shown
    ]
    cut = [count for count in missing if count]
    parts = [f"{plural(sum(cut), 'more hunk')} in {plural(len(cut), 'group')}"] if cut else []
    parts += [plural(hidden, "more group")] if hidden else []
    return f"**{' and '.join(parts)}: see the job summary or the HTML page.**\n\n" if parts else ""


class Demand(NamedTuple):
    """What a group takes: `fixed` without hunks, and each hunk."""

    fixed: int
    hunks: tuple[int, ...]


class Grant(NamedTuple):
    """What a group gets: nothing at all (`is_shown` false), or its header and the hunks of these indexes, ascending."""

    is_shown: bool
    hunks: tuple[int, ...]


def fullest(parts: Sequence[Sequence[str]], room: int) -> list[str]:
    """Return one form of each part, at most `room` characters together: the first parts choose first.

    A part's last form is what it falls back to; those must fit.
    """
    left = room - sum(len(forms[-1]) for forms in parts)
    chosen = []
    for forms in parts:
        left += len(forms[-1])
        form = next(form for form in (*forms, "") if len(form) <= max(left, 0))
        chosen.append(form)
        left -= len(form)
    return chosen


def share(demands: Sequence[Demand], room: int) -> list[Grant]:
    """Return what each group gets, at most `room` characters together.

    First every group, in order, gets its header and its first hunk, then one hunk a round, as long as a hunk is no
    longer than a fair part of the room; what is left then goes to the longer ones in the same order.
    """
    left = room
    shown: list[bool] = [False] * len(demands)
    hunks: list[list[int]] = [[] for _ in demands]
    for most in (max(ENOUGH, room // max(len(demands), 1)), room):
        for turn in range(max((len(demand.hunks) for demand in demands), default=0) or 1):
            for index, demand in enumerate(demands):
                head = 0 if shown[index] else demand.fixed
                if head <= left and turn == 0:
                    shown[index] = True
                    left -= head
                size = demand.hunks[turn] if turn < len(demand.hunks) else room + 1
                if shown[index] and size <= min(left, most) and turn not in hunks[index]:
                    hunks[index].append(turn)
                    left -= size
    return [Grant(is_shown, tuple(sorted(got))) for is_shown, got in zip(shown, hunks, strict=True)]
