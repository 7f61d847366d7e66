"""A group of equal changes as a reader sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.report.document import MINUS, Body, Bullets, Paragraph, Span, Table, code, joined, line, plural, sentence
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
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Cause, Change, Group
    from cmp.model import Identity
    from cmp.report.document import Block, Extent, Line

_FEW = 3  # clusters that stand in the summary by name


def body(group: Group, extent: Extent, *, is_compact: bool) -> Body:
    """Return the group; lists in it are as long as the extent allows, all pieces of the change are there."""
    change = group.change
    notes = [*_notes(group, extent)]
    return Body(
        group.letter,
        _summary(group),
        tuple(clusters(member.subject for member in group.members)),
        (Bullets(tuple(notes)),) if notes else (),
        _heading(change),
        _pieces(change, is_compact=is_compact),
        is_compact,
        (_who(group, extent),),
        bool(group.differs_from),
    )


def named(identity: Identity) -> str:
    return f"{identity.kind}/{identity.name}"


def _summary(group: Group) -> Line:
    """Return what distinguishes the group: letter, application, object, how many clusters, how much, and whence."""
    change = group.change
    added, removed = _sizes(change)
    places_of = list(dict.fromkeys(cause.place for cause in change.causes))
    more = f" and {plural(len(places_of) - 1, 'more place')}" if len(places_of) > 1 else ""
    parts = [
        line(Span(group.letter, "outlier" if group.differs_from else "letter")),
        line(code(group.app)),
        line(code(named(change.identity))),
        line("" if change.what == "changed" else change.what),
        _reach(group),
        line("unlike ", Span(group.differs_from, "letter")) if group.differs_from else (),
        line(f"+{added:,} {MINUS}{removed:,}" if added + removed else ""),
        line(f"restarts {len(group.members):,}" if change.is_restart else ""),
        line(Span("danger", "strong")) if change.dangers else (),
        line("from ", code(places_of[0]), more) if places_of else (),
    ]
    return joined(parts, " · ")


def _reach(group: Group) -> Line:
    found = clusters(member.subject for member in group.members)
    if not found:
        return ()
    told = plural(len(found), "cluster")
    if len(found) > _FEW or not (group.differs_from or len(found) == 1):
        return line(told)
    return line(f"{told} (", joined((line(code(name)) for name in found), ", "), ")")


def _sizes(change: Change) -> tuple[int, int]:
    firsts = [text[:1] for hunk in change.hunks for text in hunk.lines]
    return firsts.count("+"), firsts.count("-")


def _notes(group: Group, extent: Extent) -> Iterator[Line]:
    """Yield what is to be known before one reads the change."""
    change = group.change
    lines = [
        *(
            line("Danger: ", code(named(change.identity)), " ", sentence(danger.text), " (", code(danger.rule), ")")
            for danger in change.dangers
        ),
        *(sentence(why) for why in group.why),
        *(_cause(cause) for cause in change.causes),
        *_unstable(change, extent),
    ]
    yield from lines[: extent.items]
    if len(lines) > extent.items:
        yield line(f"and {len(lines) - extent.items:,} more")


def _cause(cause: Cause) -> Line:
    """Return where the value comes from that brought the change."""
    return line(code(cause.place), " ", value_change(cause))


def value_change(cause: Cause) -> Line:
    """Return which value became what."""
    path = code(path_text(cause.path))
    if cause.before is None:
        return line("sets ", path, " to ", code(scalar(cause.after)))
    if cause.after is None:
        return line("no longer sets ", path, ", it was ", code(scalar(cause.before)))
    return line("sets ", path, " to ", code(scalar(cause.after)), ", it was ", code(scalar(cause.before)))


def _unstable(change: Change, extent: Extent) -> Iterator[Line]:
    if change.unstable:
        paths = [path_text(change.fields[index].path) for index in change.unstable]
        yield line("Made up anew at each render, even of the same revision: ", listed(paths, extent))


def _heading(change: Change) -> str:
    """Return the line above the hunks: which object it is, as what it was, and which file it comes from."""
    before, after = change.api_versions
    versions = f"{before} → {after}" if before and after and before != after else after or before
    was = f" (was {qualified_name(change.was)})" if change.was else ""
    source = f" · {change.source}" if change.source else ""
    return f"{versions} {object_name(change.identity)}{was}{source}"


def _pieces(change: Change, *, is_compact: bool) -> tuple[tuple[str, ...], ...]:
    if change.summary:
        return ((change.summary,),)
    if is_compact and change.what in {"changed", "renamed"}:
        return tuple((path_line(field),) for field in change.fields)
    if is_compact:
        return ((f"{'+' if change.what == 'added' else '-'} all of it, {plural(sum(_sizes(change)), 'line')}",),)
    return tuple(hunk.lines for hunk in change.hunks)


def _who(group: Group, extent: Extent) -> Block:
    subjects = [member.subject for member in group.members]
    if group.columns:
        return _members(group, extent)
    found = cluster_summary(subjects, extent)
    return Paragraph(line("On ", found, ".") if found else line("On no cluster."))


def _members(group: Group, extent: Extent) -> Table:
    """Return the values in which the members differ, members with the same values in one row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for member in group.members:
        rows.setdefault(member.values, []).append(member.subject.cluster)
    told = [
        (*(line(code(value)) for value in values), listed(sorted(found, key=natural), extent))
        for values, found in rows.items()
    ]
    rest = len(told) - extent.items
    blank = [line()] * len(group.columns)
    more = [(*blank, line(f"and {plural(rest, 'more row')}"))] if rest > 0 else []
    return Table((*(line(code(column)) for column in group.columns), line("clusters")), (*told[: extent.items], *more))
