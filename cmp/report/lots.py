"""The section of a lot: a table of its applications, its dangers, and its objects as far as there is room."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cmp.report import groups, sisters
from cmp.report.document import (
    MINUS,
    Bullets,
    GroupSection,
    ObjectSection,
    Paragraph,
    Span,
    Table,
    code,
    joined,
    line,
    plural,
    sentence,
)
from cmp.report.names import cluster_summary, clusters, natural, pairs_by_app, short_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Group, Lot, Part, Subject
    from cmp.report.document import Block, Limits, Line

MOST_LINES = 200  # of the objects of a lot where these are not folded
_KINDS = 6  # kinds of objects in a cell
_FEW = 3  # clusters or applications that stand in the summary by name
_SIGNS = {"added": "+", "removed": "-"}


def section(group: Group, limits: Limits, *, is_compact: bool) -> GroupSection:
    """Return the section of a group, of one change or of a lot, its lists cut at the limits."""
    lot = group.lot
    if lot is None:
        return groups.section(group, limits, is_compact=is_compact)
    notes = (*sisters.lines(lot, limits), *_cut([*_dangers(lot), *_unlike(lot, limits)], limits))
    blocks: list[Block] = [Bullets(notes)] if notes else []
    failed = [subject for subject in lot.pairs if subject not in {member.subject for member in group.members}]
    if failed:
        blocks.append(Paragraph(line("No object is known of: ", pairs_by_app(failed, limits), ".")))
    objects = tuple(_object(part, lot) for part in lot.parts)
    others = [objects[number] for number in sorted(sisters.others(lot))]
    return GroupSection(
        letter=group.letter,
        summary=_summary(group, lot),
        clusters=tuple(clusters(member.subject for member in group.members)),
        before=(*blocks, _table(lot, limits)),
        heading=plural(_count(lot), "object") + (", alike ones once" if _count(lot) > len(lot.parts) else ""),
        hunks=(
            *(((one.heading,) for one in others) if is_compact else _bounded(others)),
            *sisters.left_out(lot, len(objects) - len(others)),
        ),
        is_list=is_compact,
        after=(),
        is_outlier=False,
        objects=objects,
    )


def title(lot: Lot) -> Line:
    """Return the subject of a lot and its verb: `cluster prod-3 comes`."""
    if lot.what == "moves":
        return line(joined((line(code(name)) for name in lot.names), " → "), ": objects move, and stay as they are")
    few = line(joined((line(code(name)) for name in lot.names[:_FEW]), ", "))
    more = f" and {len(lot.names) - _FEW:,} more" if len(lot.names) > _FEW else ""
    verb = lot.what if len(lot.names) == 1 else lot.what.removesuffix("es") if lot.what == "goes" else "come"
    return line(f"{lot.by}{'' if len(lot.names) == 1 else 's'} ", few, more, f" {verb}")


def _subjects(part: Part, lot: Lot) -> list[Subject]:
    """Return the pairs that have a part; of one that moves both are one, under both names."""
    if lot.what != "moves":
        return [member.subject for member in part.members]
    return [*dict.fromkeys(member.subject._replace(app=" → ".join(lot.names)) for member in part.members)]


def _count(lot: Lot) -> int:
    return sum(len(_subjects(part, lot)) for part in lot.parts)


def _summary(group: Group, lot: Lot) -> Line:
    apps = {subject.app for subject in lot.pairs}
    names = clusters(lot.pairs)
    named = line(" (", joined((line(code(name)) for name in names), ", "), ")") if lot.by != "cluster" else ()
    sizes = [groups.sizes(part.change) for part in lot.parts for _ in _subjects(part, lot)]
    added, removed = (sum(size[at] for size in sizes) for at in (0, 1))
    dangers = sum(bool(part.change.dangers) for part in lot.parts)
    parts = [
        line(Span(group.letter, "letter")),
        title(lot),
        line(plural(len(apps), "application")) if lot.by == "cluster" else (),
        line(plural(len(names), "cluster"), named if len(names) <= _FEW else ())
        if names and lot.by != "cluster"
        else (),
        sisters.short(lot),
        line(plural(_count(lot), "object")),
        line(f"+{added:,} {MINUS}{removed:,}" if added + removed else ""),
        line(Span("danger", "strong")) if dangers else (),
    ]
    return joined(parts, " · ")


def _cut(lines: Sequence[Line], limits: Limits) -> Iterator[Line]:
    yield from lines[: limits.items]
    if len(lines) > limits.items:
        yield line(f"and {len(lines) - limits.items:,} more")


def _dangers(lot: Lot) -> Iterator[Line]:
    for part in lot.parts:
        for danger in part.change.dangers:
            name = code(short_name(part.change.identity))
            yield line("Danger: ", name, " ", sentence(danger.text), " (", code(danger.rule), ")")


def _unlike(lot: Lot, limits: Limits) -> Iterator[Line]:
    """Yield the objects that some clusters have otherwise, or that not all clusters of an application have."""
    whole = _clusters_of_apps(lot)
    for part in lot.parts:
        change = part.change
        name = line(code(change.subject.app), " ", code(short_name(change.identity)))
        found = set(_subjects(part, lot))
        if found != whole[next(iter(found)).app]:
            where = cluster_summary(found, limits)
            why = joined(map(sentence, part.why), " ")
            yield line(name, " so only on ", where, line(": ", why) if why else ())
        for member in part.members if part.columns else ():
            pairs = zip(part.columns, member.values, strict=True)
            values = joined((line(code(column), " is ", code(value)) for column, value in pairs), ", ")
            yield line(name, " on ", code(member.subject.cluster), ": ", values)


def _clusters_of_apps(lot: Lot) -> dict[str, set[Subject]]:
    found: dict[str, set[Subject]] = {}
    for part in lot.parts:
        for subject in _subjects(part, lot):
            found.setdefault(subject.app, set()).add(subject)
    return found


def _table(lot: Lot, limits: Limits) -> Table:
    """Return a row for each application, or several where its clusters do not have the same objects."""
    objects: dict[Subject, list[int]] = {}
    for number, part in enumerate(lot.parts):
        for subject in _subjects(part, lot):
            objects.setdefault(subject, []).append(number)
    rows: dict[tuple[str, tuple[int, ...]], list[Subject]] = {}
    for subject, numbers in objects.items():
        rows.setdefault((subject.app, tuple(numbers)), []).append(subject)
    ordered = sorted(rows.items(), key=lambda row: (natural(row[0][0]), -len(row[1]), row[0][1]))
    has_clusters = len(clusters(lot.pairs)) > 1
    cells = [
        (
            line(code(app)),
            line(_kinds([lot.parts[number] for number in numbers])),
            *([cluster_summary(subjects, limits)] if has_clusters else []),
        )
        for (app, numbers), subjects in ordered
    ]
    head = (line("application"), line("objects"), *([line("clusters")] if has_clusters else []))
    left = len(cells) - limits.items
    blank = [line()] * (len(head) - 1)
    last = [(line(f"and {plural(left, 'more row')}"), *blank)] if left > 0 else []
    return Table(head, (*cells[: limits.items], *last))


def _kinds(parts: Sequence[Part]) -> str:
    counts = Counter(part.change.identity.kind for part in parts)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = ", ".join(f"{count:,} {kind}" for kind, count in ordered[:_KINDS])
    left = sum(count for _, count in ordered[_KINDS:])
    return f"{len(parts):,}: {shown}" + (f", {left:,} of other kinds" if left else "")


def _object(part: Part, lot: Lot) -> ObjectSection:
    """Return an object of a lot: its name, whose it is, and its YAML."""
    change = part.change
    where = clusters(member.subject for member in part.members)
    parts = (
        f"{_SIGNS.get(change.what, '~')} {groups.heading(change)}",
        change.subject.app if lot.what != "moves" and len({subject.app for subject in lot.pairs}) > 1 else "",
        f"on {plural(len(where), 'cluster')}" if len(clusters(lot.pairs)) > 1 else "",
    )
    lines = tuple(text for hunk in groups.shown_hunks(change) for text in hunk)
    return ObjectSection(" · ".join(filter(None, parts)), lines)


def _bounded(objects: Sequence[ObjectSection]) -> tuple[tuple[str, ...], ...]:
    """Return the objects, whole as long as there is room, then their names, then how many there are more."""
    hunks: list[tuple[str, ...]] = []
    left = MOST_LINES
    names: list[str] = []
    for one in objects:
        if one.lines and not names and len(one.lines) < left:
            hunks.append((f"# {one.heading[2:]}", *one.lines))
            left -= len(one.lines) + 1
        else:
            names.append(one.heading)
    shown = names[: max(left, MOST_LINES // 4)]
    if len(names) > len(shown):
        shown.append(f"# and {plural(len(names) - len(shown), 'more object')}")
    return (*hunks, *([tuple(shown)] if shown else []))
