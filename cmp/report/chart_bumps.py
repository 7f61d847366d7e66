"""The section on charts with another version: what both versions say, and what of it this repository sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.report.document import Bullets, Paragraph, Section, Span, code, joined, line, plural, sentence
from cmp.report.names import listed, pairs_by_app, path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Bump, BumpLine, ChartBumpDetails, ChartDefault, ChartDefinition, ChartNote, Report
    from cmp.report.document import Block, Limits, Line

_SHAPES = {"{": "a map", "[": "a list"}
_KINDS = frozenset(("changed", "added", "fixed"))
_WEIGHTY = frozenset(("security", "removed", "deprecated"))
_VERBS = {"added": "comes", "removed": "goes", "changed": "changes"}


def chart_bumps(report: Report, limits: Limits) -> Section | None:
    """Return what is known of the bumped charts, None where nothing is."""
    explained = [(bump, details) for bump in report.bumps for details in bump.details]
    blocks: list[Block] = []
    for bump_line, details in explained[: limits.items]:
        blocks += (Paragraph(_title(bump_line)), Bullets(tuple(_lines(details, limits))))
        blocks += _of_notes(bump_line.bump, details, limits)
    if (left := len(explained) - limits.items) > 0:
        blocks.append(Paragraph(line(f"… and {plural(left, 'more chart')}")))
    return Section("chart-bumps", "What the charts say", tuple(blocks)) if blocks else None


def _title(bump_line: BumpLine) -> Line:
    bump = bump_line.bump
    return line(Span("chart", "strong"), " ", code(bump.name), " ", code(bump.before), " → ", code(bump.after))


def _lines(details: ChartBumpDetails, limits: Limits) -> Iterator[Line]:
    """Yield the lines of one chart, what asks for work first."""
    yield from _of_defaults(details, limits)
    yield from _of_kubernetes(details, limits)
    yield from _of_itself(details)
    yield from _of_definitions(details.definitions, limits)
    if details.keys:
        was, now = (code(key) if key else "the top" for key in details.keys)
        yield line("its values stand under ", now, " now, and stood under ", was)
    if details.disabled:
        yield line("left out by its condition or tags: ", pairs_by_app(details.disabled, limits))
    if not (details.defaults or details.definitions or details.remarks):
        yield line("none of its default values that take effect here differs, and none of the CRDs in its crds/")
    yield from (sentence(remark) for remark in details.remarks)


def _of_defaults(details: ChartBumpDetails, limits: Limits) -> Iterator[Line]:
    defaults = details.defaults
    misfits = [one for one in defaults if one.misfits]
    dead = [one for one in defaults if one.overrides and one.what == "removed"]
    changed = [one for one in defaults if one.overrides and one.what == "changed" and not one.misfits]
    added = [one for one in defaults if one.overrides and one.what == "added"]
    groups = (
        (misfits, "another shape under what is set here:", _misfit),
        (dead, "no longer among the chart's default values, and set here:", _dead),
        (changed, "another default, and set here:", _changed),
        (added, "a new default, and set here:", _dead),
    )
    for found, title, show in groups:
        for one in found[: limits.items]:
            strong = found is misfits or found is dead
            yield line(Span(title, "strong" if strong else "plain"), " ", show(one, limits))
        if (left := len(found) - limits.items) > 0:
            yield line(f"… and {plural(left, 'more default')} of that kind")
    yield from _others(details, limits)


def _others(details: ChartBumpDetails, limits: Limits) -> Iterator[Line]:
    """Yield a line each for the defaults that nothing here sets."""
    free = [one for one in details.defaults if not one.overrides]
    for what, title in (("removed", "gone"), ("changed", "changed"), ("added", "new")):
        found = [one for one in free if one.what == what]
        if not found:
            continue
        shown = joined((_value(one) for one in found[: limits.names]), ", ")
        left = len(found) - limits.names
        more = f", and {left:,} more" if left > 0 else ""
        yield line(f"{plural(len(found), title + ' default')}: ", shown, more)
    if details.more_defaults:
        yield line(f"{plural(details.more_defaults, 'more default')} that {_differ(details.more_defaults)}")


def _differ(count: int) -> str:
    return "differs" if count == 1 else "differ"


def _value(one: ChartDefault) -> Line:
    path = code(path_text(one.path))
    return line(path, " ", code(one.before), " → ", code(one.after)) if one.what == "changed" else line(path)


def _changed(one: ChartDefault, limits: Limits) -> Line:
    return line(_value(one), ", at ", listed(one.overrides, limits))


def _dead(one: ChartDefault, limits: Limits) -> Line:
    return line(code(path_text(one.path)), " at ", listed(one.overrides, limits))


def _misfit(one: ChartDefault, limits: Limits) -> Line:
    return line(
        code(path_text(one.path)), f" is {_shape(one.after)} now, and was {_shape(one.before)}: see ",
        listed(one.misfits, limits),
    )  # fmt: skip


def _shape(json: str) -> str:
    return _SHAPES.get(json[:1], "a single value")


def _of_kubernetes(details: ChartBumpDetails, limits: Limits) -> Iterator[Line]:
    before, after = details.kube_versions
    if details.unmet:
        yield line(
            Span("not made for the Kubernetes", "strong"), " of ", pairs_by_app(details.unmet, limits), ": it wants ",
            code(after), ", and helm asks that of the outermost chart alone",
        )  # fmt: skip
    elif before != after:
        yield line("wants Kubernetes ", *_or_any(after), " (before: ", *_or_any(before), ")")


def _or_any(constraint: str) -> Line:
    return line(code(constraint)) if constraint else line("of any version")


def _of_itself(details: ChartBumpDetails) -> Iterator[Line]:
    if details.deprecated:
        since = "now" if details.deprecated == "new" else "as before"
        yield line(Span("deprecated", "strong"), f" by its authors, {since}")
    if details.has_security_updates:
        yield line("by its own words ", code(details.noted), " contains security updates")
    if details.is_prerelease:
        yield line("a pre-release, which the version before is not")


def _of_definitions(definitions: Sequence[ChartDefinition], limits: Limits) -> Iterator[Line]:
    for one in definitions[: limits.items]:
        where = "" if one.is_rendered else " (in crds/ and not rendered: nothing here brings it to the cluster)"
        losses = line(", ", sentence(one.text)) if one.text else ()
        yield line("CRD ", code(one.name), f" {_VERBS[one.what]}", losses, where)
    if (left := len(definitions) - limits.items) > 0:
        yield line(f"… and {plural(left, 'more CRD')}")


def _of_notes(bump: Bump, details: ChartBumpDetails, limits: Limits) -> Iterator[Block]:
    """Yield the chart's own list of changes, under a line that says which versions it covers."""
    if not details.notes:
        return
    noted = code(details.noted)
    if details.noted != bump.after:
        title = line("This goes back: it undoes the changes that ", noted, " lists, and those of versions between")
    elif details.is_next:
        title = line("Changes that ", noted, " lists")
    else:
        title = line("Changes that ", noted, " lists; those of versions between, if there are any, are not known here")
    yield Paragraph(title)
    left = len(details.notes) - limits.items
    more = [line(f"… and {plural(left, 'more entry', 'more entries')}")] if left > 0 else []
    yield Bullets((*map(_note, details.notes[: limits.items]), *more))


def _note(note: ChartNote) -> Line:
    links = joined((line(code(link)) for link in note.links), ", ")
    kind = Span(f"{note.kind}:", "strong" if note.kind in _WEIGHTY else "plain")
    named = line(kind, " ") if note.kind in _KINDS | _WEIGHTY else ()
    return line(named, code(note.text), line(" (", links, ")") if links else ())
