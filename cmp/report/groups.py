"""The section of a group: one change in several pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.report.document import (
    MINUS,
    Bullets,
    GroupSection,
    Paragraph,
    Span,
    Table,
    code,
    joined,
    line,
    plural,
    sentence,
)
from cmp.report.names import (
    cluster_summary,
    clusters,
    listed,
    natural,
    object_name,
    path_line,
    path_text,
    qualified_name,
    scalar,
    short_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Cause, Change, Group
    from cmp.report.document import Block, Limits, Line

_FEW = 3  # clusters that stand in the summary by name


def section(group: Group, limits: Limits, *, is_compact: bool) -> GroupSection:
    """Return the section of a group, its lists cut at the limits; the hunks of the change are complete."""
    notes = tuple(_notes(group, limits))
    return GroupSection(
        letter=group.letter,
        summary=_summary(group),
        clusters=tuple(_clusters(group)),
        before=(Bullets(notes),) if notes else (),
        heading=_heading(group.change),
        hunks=_hunks(group.change, is_compact=is_compact),
        is_list=is_compact,
        after=(_members(group, limits),),
        is_outlier=bool(group.differs_from),
    )


def value_change(cause: Cause) -> Line:
    """Return the old and the new value of a cause."""
    if not cause.path:
        return line("changed")
    path = code(path_text(cause.path))
    if cause.before is None:
        return line("sets ", path, " to ", code(scalar(cause.after)))
    if cause.after is None:
        return line("no longer sets ", path, ", it was ", code(scalar(cause.before)))
    return line("sets ", path, " to ", code(scalar(cause.after)), ", it was ", code(scalar(cause.before)))


def _clusters(group: Group) -> list[str]:
    return clusters(member.subject for member in group.members)


def _summary(group: Group) -> Line:
    """Return the line that tells a group from others: letter, application, object, clusters, size and origin."""
    change = group.change
    added, removed = _sizes(change)
    places = list(dict.fromkeys(cause.place for cause in change.causes))
    other_places = f" and {plural(len(places) - 1, 'more place')}" if len(places) > 1 else ""
    parts = [
        line(Span(group.letter, "outlier" if group.differs_from else "letter")),
        line(code(group.app)),
        line(code(short_name(change.identity))),
        line("" if change.what == "changed" else change.what),
        _cluster_count(group),
        line("unlike ", Span(group.differs_from, "letter")) if group.differs_from else (),
        line(f"+{added:,} {MINUS}{removed:,}" if added + removed else ""),
        line(f"restarts {len(group.members):,}" if change.is_restart else ""),
        line(Span("danger", "strong")) if change.dangers else (),
        line("from ", code(places[0]), other_places) if places else (),
    ]
    return joined(parts, " · ")


def _cluster_count(group: Group) -> Line:
    names = _clusters(group)
    if not names:
        return ()
    count = plural(len(names), "cluster")
    if len(names) > _FEW or not (group.differs_from or len(names) == 1):
        return line(count)
    return line(f"{count} (", joined((line(code(name)) for name in names), ", "), ")")


def _sizes(change: Change) -> tuple[int, int]:
    signs = [text[:1] for hunk in change.hunks for text in hunk.lines]
    return signs.count("+"), signs.count("-")


def _notes(group: Group, limits: Limits) -> Iterator[Line]:
    """Yield dangers, causes and other facts that a reader needs before the hunks."""
    change = group.change
    several = len(change.causes) > 1  # of one file alone the summary says all
    lines = [
        *(
            line(
                "Danger: ", code(short_name(change.identity)), " ", sentence(danger.text), " (", code(danger.rule), ")"
            )
            for danger in change.dangers
        ),
        *(sentence(why) for why in group.why),
        *(line(code(cause.place), " ", value_change(cause)) for cause in change.causes if cause.path or several),
        *_touched(change, limits),
        *_unstable(change, limits),
    ]
    yield from lines[: limits.items]
    if len(lines) > limits.items:
        yield line(f"and {len(lines) - limits.items:,} more")


def _touched(change: Change, limits: Limits) -> Iterator[Line]:
    if change.touched:
        yield line("Touched, and not established as the cause: ", listed(change.touched, limits))


def _unstable(change: Change, limits: Limits) -> Iterator[Line]:
    if change.unstable:
        paths = [path_text(change.fields[index].path) for index in change.unstable]
        yield line("Made up anew at each render, even of the same revision: ", listed(paths, limits))


def _heading(change: Change) -> str:
    """Return the line above the hunks: versions of the API, the object, its old name, and its source file."""
    before, after = change.api_versions
    versions = f"{before} → {after}" if before and after and before != after else after or before
    was = f" (was {qualified_name(change.was)})" if change.was else ""
    source = f" · {change.source}" if change.source else ""
    return f"{versions} {object_name(change.identity)}{was}{source}"


def _hunks(change: Change, *, is_compact: bool) -> tuple[tuple[str, ...], ...]:
    if change.summary:
        return ((change.summary,),)
    if is_compact and change.what in {"changed", "renamed"}:
        return tuple((path_line(field),) for field in change.fields)
    if is_compact:
        return ((f"{'+' if change.what == 'added' else '-'} all of it, {plural(sum(_sizes(change)), 'line')}",),)
    return tuple(hunk.lines for hunk in change.hunks)


def _members(group: Group, limits: Limits) -> Block:
    if group.columns:
        return _table(group, limits)
    names = cluster_summary((member.subject for member in group.members), limits)
    return Paragraph(line("On ", names, ".") if names else line("On no cluster."))


def _table(group: Group, limits: Limits) -> Table:
    """Return the values by which the members differ; members with the same values share a row."""
    names: dict[tuple[str, ...], list[str]] = {}
    for member in group.members:
        names.setdefault(member.values, []).append(member.subject.cluster)
    rows = [
        (*(line(code(value)) for value in values), listed(sorted(clusters_of, key=natural), limits))
        for values, clusters_of in names.items()
    ]
    left = len(rows) - limits.items
    blank = [line()] * len(group.columns)
    last = [(*blank, line(f"and {plural(left, 'more row')}"))] if left > 0 else []
    return Table((*(line(code(column)) for column in group.columns), line("clusters")), (*rows[: limits.items], *last))
