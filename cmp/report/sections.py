"""The parts of a report around the groups."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cmp.report.document import TIMES, Bullets, Paragraph, Section, Span, Table, Verbatim, code, line, plural, sentence
from cmp.report.groups import named, value_change
from cmp.report.names import cluster_summary, pairs_by_app, path_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.changes import BumpLine, Cause, Failure, Report, Revision, Subject
    from cmp.report.document import Block, Extent, Line, Options

_SHORT = 12  # characters of a commit


def failures(report: Report, extent: Extent) -> Section | None:
    """Return the errors, new ones first; the same error in several pairs once."""
    same: dict[tuple[str, tuple[str, ...]], list[Subject]] = {}
    for failure in sorted(report.failures, key=_rank):
        same.setdefault((_state(failure), failure.lines), []).append(failure.subject)
    blocks: list[Block] = []
    for (state, lines), subjects in list(same.items())[: extent.items]:
        blocks.append(Paragraph(line(pairs_by_app(subjects, extent), " · ", Span(state, "strong"))))
        rest = len(lines) - extent.lines
        more = (f"… {plural(rest, 'more line')}",) if rest > 0 else ()
        blocks.append(Verbatim((*lines[: extent.lines], *more)))
    blocks += _more(len(same) - extent.items, "error")
    return Section("failures", "Failures", tuple(blocks)) if blocks else None


def _rank(failure: Failure) -> int:
    return 2 if failure.needs_key else 0 if failure.is_new else 1


def _state(failure: Failure) -> str:
    return ("new in this change", "failed before, too", "needs the key, not judged")[_rank(failure)]


def _more(rest: int, noun: str) -> list[Block]:
    return [Paragraph(line(f"… and {plural(rest, 'more ' + noun)}"))] if rest > 0 else []


def _bullets(lines: Sequence[Line], extent: Extent, noun: str) -> tuple[Block, ...]:
    return (Bullets(tuple(lines[: extent.items])), *_more(len(lines) - extent.items, noun))


def dangers(report: Report, extent: Extent) -> Section | None:
    """Return what to look at twice, each with the rule's name."""
    lines = [
        line(
            code(danger.where), " ", sentence(danger.danger.text), " · ", pairs_by_app(danger.subjects, extent), " · ",
            code(danger.danger.rule),
        )
        for danger in report.dangers
    ]  # fmt: skip
    return Section("dangers", "Look twice", _bullets(lines, extent, "danger")) if lines else None


def bumps(report: Report, extent: Extent) -> Section | None:
    """Return the table of other versions; one that alters no manifest is said to."""
    if not report.bumps:
        return None
    head = tuple(line(title) for title in ("what", "from", "to", "bump", "where"))
    rows = tuple(_bump(bump, extent) for bump in report.bumps[: extent.items])
    more = _more(len(report.bumps) - extent.items, "version")
    return Section("bumps", "Images, charts and tools", (Table(head, rows), *more))


def _bump(found: BumpLine, extent: Extent) -> tuple[Line, ...]:
    bump = found.bump
    size = Span(bump.size, "strong" if bump.size == "major" else "plain")
    return (
        line(f"{bump.kind} ", code(bump.name)),
        line(code(bump.before)) or line("–"),
        line(code(bump.after)) or line("–"),
        line(size) or line("–"),
        line(pairs_by_app(found.subjects, extent), ", manifests equal" if found.is_without_effect else ""),
    )


def overridden(report: Report, extent: Extent) -> Section | None:
    """Return the changed values that a stronger layer sets as well, so that nothing comes of the change."""
    found: dict[str, tuple[Cause, list[Subject]]] = {}
    for outcome in report.outcomes:
        for cause in outcome.causes:
            if cause.overridden_by:
                found.setdefault(repr(cause), (cause, []))[1].append(outcome.subject)
    lines = [
        line(
            code(cause.place), " ", value_change(cause), ", without effect: ", code(cause.overridden_by),
            " sets it on ", cluster_summary(subjects, extent) or pairs_by_app(subjects, extent),
        )
        for cause, subjects in found.values()
    ]  # fmt: skip
    title = "Changed values without effect"
    return Section("overridden", title, _bullets(lines, extent, "value")) if lines else None


def noise(report: Report, extent: Extent) -> Section | None:
    """Return the differences that rules folded, equal ones once."""
    found: Counter[tuple[str, str]] = Counter()
    for outcome in report.outcomes:
        for change in outcome.changes:
            for folded in change.folded:
                found[folded.rule, f"{change.subject.app} {named(change.identity)}: {path_line(folded.field)}"] += 1
    blocks: list[Block] = []
    for rule in dict.fromkeys(rule for rule, _ in found):
        lines = [f"{text}  {TIMES}{count:,}" for (of_rule, text), count in found.items() if of_rule == rule]
        rest = len(lines) - extent.items
        more = (f"… {plural(rest, 'more line')}",) if rest > 0 else ()
        blocks += [Paragraph(line(code(rule))), Verbatim((*lines[: extent.items], *more))]
    return Section("noise", "Folded", tuple(blocks)) if blocks else None


def unowned(report: Report, extent: Extent) -> Section | None:
    """Return the changed files that belong to no pair."""
    lines = [
        line(code(file.path), ": ", sentence(file.consequence), line(" (", code(file.rule), ")") if file.rule else ())
        for file in report.unowned
    ]
    return Section("unowned", "Files of no application", _bullets(lines, extent, "file")) if lines else None


def footer(report: Report, extent: Extent, options: Options) -> Section:
    """Return what was compared, how much of it, and how to see the same again."""
    counts = report.counts
    lines = [
        line("Compared: ", _revision(report.base), " → ", _revision(report.head)),
        line(
            f"{plural(counts.pairs, 'pair')} of app and cluster: {counts.touched:,} touched by a changed file, "
            f"{counts.effective:,} with other inputs, {counts.rendered:,} rendered"
        ),
        line("Reproduce: ", code(_command(options.reproduce, report))),
        *(sentence(note) for note in report.notes),
        *_notes(report, extent),
    ]
    return Section("footer", "About this report", _bullets(lines, extent, "note"))


def _revision(revision: Revision) -> Line:
    if not revision.commit:
        return line(revision.name)
    return line(code(revision.commit[:_SHORT]), f" ({revision.name})" if revision.name else "")


def _command(template: str, report: Report) -> str:
    base, head = (side.commit[:_SHORT] or side.name for side in (report.base, report.head))
    return template.replace("{base}", base).replace("{head}", head)


def _notes(report: Report, extent: Extent) -> Iterable[Line]:
    found: dict[str, list[Subject]] = {}
    for outcome in report.outcomes:
        for note in outcome.notes:
            found.setdefault(note, []).append(outcome.subject)
    return [line(pairs_by_app(subjects, extent), ": ", sentence(note)) for note, subjects in found.items()]
