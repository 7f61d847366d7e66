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
    apps_by_clusters,
    cluster_summary,
    clusters,
    listed,
    natural,
    object_name,
    pairs_by_app,
    path_line,
    path_text,
    qualified_name,
    scalar,
    short_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Cause, Change, Group, Subject
    from cmp.report.document import Block, Limits, Line

_MOST = 6  # causes of some clusters
_FEW = 3  # clusters that stand in the summary by name


def section(group: Group, limits: Limits, *, is_compact: bool) -> GroupSection:
    """Return the section of a group, its lists cut at the limits; the hunks of the change are complete."""
    notes = tuple(_notes(group, limits))
    return GroupSection(
        letter=group.letter,
        summary=_summary(group),
        clusters=tuple(_clusters(group)),
        before=(Bullets(notes),) if notes else (),
        heading=heading(group.change),
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
    added, removed = sizes(change)
    parts = [
        line(Span(group.letter, "outlier" if group.differs_from else "letter")),
        _apps(group),
        line(code(short_name(change.identity))),
        line("" if change.what == "changed" else change.what),
        _cluster_count(group),
        line("unlike ", Span(group.differs_from, "letter")) if group.differs_from else (),
        line(f"+{added:,} {MINUS}{removed:,}" if added + removed else ""),
        line(f"restarts {_pairs(group):,}" if change.is_restart else ""),
        line(Span("danger", "strong")) if change.dangers else (),
        _origin(group),
    ]
    return joined(parts, " · ")


def _apps(group: Group) -> Line:
    """Return the application of a group, or the first names of several."""
    names = _names(group)
    if len(names) == 1 or group.change.move:
        return line(code(group.app))
    more = f" and {len(names) - _FEW:,} more" if len(names) > _FEW else ""
    return line(joined((line(code(name)) for name in names[:_FEW]), ", "), more)


def _names(group: Group) -> list[str]:
    return sorted({member.subject.app for member in group.members}, key=natural)


def _pairs(group: Group) -> int:
    """Return the number of objects that a group stands for: one that moves has two pairs."""
    return len(group.members) // 2 if group.change.move else len(group.members)


def _origin(group: Group) -> Line:
    """Return the first place that all members have the change from; the number of places where they share no one."""
    places = list(dict.fromkeys(cause.place for cause in group.change.causes))
    if places:
        return line("from ", code(places[0]), f" and {plural(len(places) - 1, 'more place')}" if places[1:] else "")
    of_some = {cause.place for some in group.partial_causes for cause in some.causes}
    return line(f"from {plural(len(of_some), 'place')}") if of_some else ()


def _cluster_count(group: Group) -> Line:
    names = _clusters(group)
    if not names:
        return ()
    count = plural(len(names), "cluster")
    if len(names) > _FEW or not (group.differs_from or len(names) == 1):
        return line(count)
    return line(f"{count} (", joined((line(code(name)) for name in names), ", "), ")")


def sizes(change: Change) -> tuple[int, int]:
    """Return the numbers of lines that come and go."""
    signs = [text[:1] for hunk in change.hunks for text in hunk.lines]
    return signs.count("+"), signs.count("-")


def _notes(group: Group, limits: Limits) -> Iterator[Line]:
    """Yield dangers, causes and other facts that a reader needs before the hunks."""
    change = group.change
    several = len(change.causes) > 1  # of one file alone the summary says all
    lines = [
        *_move(change),
        *(
            line(
                "Danger: ", code(short_name(change.identity)), " ", sentence(danger.text), " (", code(danger.rule), ")"
            )
            for danger in change.dangers
        ),
        *(sentence(why) for why in group.why),
        *(line(code(cause.place), " ", value_change(cause)) for cause in change.causes if cause.path or several),
        *_partial(group, limits),
        *_touched(change, limits),
        *_unstable(change, limits),
    ]
    yield from lines[: limits.items]
    if len(lines) > limits.items:
        yield line(f"and {len(lines) - limits.items:,} more")


def _move(change: Change) -> Iterator[Line]:
    """Yield that two names of one Application are compared, and that an object which moves stays as it is."""
    if change.move and change.move.is_renaming:
        yield line("The Application gets another name: its objects under both names are compared")
    if change.move and not change.fields and not change.summary:
        yield line("The object itself stays as it is")


def _partial(group: Group, limits: Limits) -> Iterator[Line]:
    """Yield the causes of some members, with their clusters."""
    lines = []
    is_of_one = len({member.subject.app for member in group.members}) == 1
    for some in group.partial_causes:
        names = cluster_summary(some.subjects, limits) if is_of_one else ()
        where = line("On ", names, ": ") if names else line(pairs_by_app(some.subjects, limits), ": ")
        lines += [line(where, code(cause.place), " ", value_change(cause)) for cause in some.causes]
        if some.touched:
            lines.append(line(where, "touched, and not established as the cause: ", listed(some.touched, limits)))
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield line(f"and {len(lines) - _MOST:,} more, each on some clusters: ", code("--format json"), " has them all")


def _touched(change: Change, limits: Limits) -> Iterator[Line]:
    if change.touched:
        yield line("Touched, and not established as the cause: ", listed(change.touched, limits))


def _unstable(change: Change, limits: Limits) -> Iterator[Line]:
    if change.unstable:
        paths = [path_text(change.fields[index].path) for index in change.unstable]
        yield line("Made up anew at each render, even of the same revision: ", listed(paths, limits))


def heading(change: Change) -> str:
    """Return the line above the hunks: versions of the API, the object, its old name, and its source file."""
    before, after = change.api_versions
    versions = f"{before} → {after}" if before and after and before != after else after or before
    was = f" (was {qualified_name(change.was)})" if change.was else ""
    source = f" · {change.source}" if change.source else ""
    return f"{versions} {object_name(change.identity)}{was}{source}"


def _hunks(change: Change, *, is_compact: bool) -> tuple[tuple[str, ...], ...]:
    if is_compact and not change.summary and change.what in {"added", "removed"}:
        return ((f"{'+' if change.what == 'added' else '-'} all of it, {plural(sum(sizes(change)), 'line')}",),)
    if is_compact and not change.summary:
        return tuple((path_line(field),) for field in change.fields)
    return shown_hunks(change)


def shown_hunks(change: Change) -> tuple[tuple[str, ...], ...]:
    """Return the lines of the hunks of a change, or its summary."""
    return ((change.summary,),) if change.summary else tuple(hunk.lines for hunk in change.hunks)


def _members(group: Group, limits: Limits) -> Block:
    if group.columns:
        return _table(group, limits)
    if len(_names(group)) > 1 and not group.change.move:
        return Paragraph(line("On: ", apps_by_clusters((member.subject for member in group.members), limits), "."))
    names = cluster_summary((member.subject for member in group.members), limits)
    return Paragraph(line("On ", names, ".") if names else line("On no cluster."))


def _table(group: Group, limits: Limits) -> Table:
    """Return the values by which the members differ; members with the same values share a row."""
    members: dict[tuple[str, ...], list[Subject]] = {}
    for member in group.members:
        members.setdefault(member.values, []).append(member.subject)
    has_apps = len(_names(group)) > 1 and not group.change.move
    rows = [
        (
            *(line(code(value)) for value in values),
            apps_by_clusters(subjects, limits) if has_apps else listed(clusters(subjects), limits),
        )
        for values, subjects in members.items()
    ]
    left = len(rows) - limits.items
    blank = [line()] * len(group.columns)
    last = [(*blank, line(f"and {plural(left, 'more row')}"))] if left > 0 else []
    where = line("applications and clusters" if has_apps else "clusters")
    return Table((*(line(code(column)) for column in group.columns), where), (*rows[: limits.items], *last))
