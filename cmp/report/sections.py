"""The sections of a report above and below its groups."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cmp.report.chart_bumps import chart_bumps
from cmp.report.document import (
    TIMES,
    Bullets,
    CodeBlock,
    Paragraph,
    Section,
    Span,
    Table,
    code,
    joined,
    line,
    plural,
    sentence,
)
from cmp.report.groups import value_change
from cmp.report.judgement import new_findings
from cmp.report.matrix import matrix
from cmp.report.names import cluster_summary, listed, object_name, pairs_by_app, path_line, path_text, short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cmp.changes import ApplicationChange, BumpLine, Cause, Failure, Report, Revision, Subject
    from cmp.findings import Finding
    from cmp.report.document import Block, Limits, Line, Options

    Part = Callable[[Limits], Section | None]

_SHORT = 12  # characters of a commit


def above_groups(report: Report) -> tuple[Part, ...]:
    """Return the sections above the groups, in order, each as a function of the limits."""
    return (
        lambda limits: failures(report, limits),
        lambda limits: dangers(report, limits),
        lambda limits: findings(report, limits),
        lambda limits: applications(report, limits),
        lambda limits: matrix(report, limits),
    )


def below_groups(report: Report, options: Options) -> tuple[Part, ...]:
    """Return the sections below the groups, in order, each as a function of the limits."""
    return (
        lambda limits: bumps(report, limits),
        lambda limits: chart_bumps(report, limits),
        lambda limits: overridden(report, limits),
        lambda limits: unread(report, limits),
        lambda limits: noise(report, limits) if options.show_noise else None,
        lambda limits: left_out(report, limits),
        lambda limits: unowned(report, limits),
        lambda limits: footer(report, limits, options),
    )


def failures(report: Report, limits: Limits) -> Section | None:
    """Return the errors, new ones first; the same error in several pairs once."""
    same: dict[tuple[str, tuple[str, ...]], list[Subject]] = {}
    for failure in sorted(report.failures, key=_rank):
        same.setdefault((_state(failure), failure.lines), []).append(failure.subject)
    blocks: list[Block] = []
    for (state, lines), subjects in list(same.items())[: limits.items]:
        blocks.append(Paragraph(line(pairs_by_app(subjects, limits), " · ", Span(state, "strong"))))
        blocks.append(_code_block(lines, limits.lines))
    blocks += _more(len(same) - limits.items, "error")
    return Section("failures", "Failures", tuple(blocks)) if blocks else None


def dangers(report: Report, limits: Limits) -> Section | None:
    """Return the dangers, each with the rule's name."""
    lines = [
        line(
            code(danger.where), " ", sentence(danger.danger.text), " · ", pairs_by_app(danger.subjects, limits), " · ",
            code(danger.danger.rule),
        )
        for danger in report.dangers
    ]  # fmt: skip
    return Section("dangers", "Look twice", _bullets(lines, limits, "danger")) if lines else None


def findings(report: Report, limits: Limits) -> Section | None:
    """Return the new errors and warnings on rendered objects, each with its level and the rule's name."""
    lines = [
        line(
            code(object_name(found.identity)), line(" ", code(path_text(found.path))) if found.path else (), " ",
            sentence(found.message), " · ", pairs_by_app(subjects, limits),
            line(" · from ", code(_place(found))) if found.file else (), f" · {found.level} ", code(found.rule),
        )
        for found, subjects in new_findings(report)
    ]  # fmt: skip
    return Section("findings", "New findings", _bullets(lines, limits, "finding")) if lines else None


def applications(report: Report, limits: Limits) -> Section | None:
    """Return the changes of Applications that are no dangers, the same for several once."""
    same: dict[str, list[ApplicationChange]] = {}
    for one in report.applications:
        if not one.danger:
            same.setdefault(one.text, []).append(one)
    lines = [
        line(
            listed([one.application for one in alike], limits), " ", sentence(text), " · ",
            pairs_by_app(dict.fromkeys(one.subject for one in alike), limits),
        )
        for text, alike in same.items()
    ]  # fmt: skip
    return Section("applications", "Applications", _bullets(lines, limits, "change")) if lines else None


def bumps(report: Report, limits: Limits) -> Section | None:
    """Return the table of bumps, with a remark on a bump that changes no manifest."""
    if not report.bumps:
        return None
    head = tuple(line(title) for title in ("what", "from", "to", "bump", "where"))
    rows = tuple(_bump(bump, limits) for bump in report.bumps[: limits.items])
    more = _more(len(report.bumps) - limits.items, "version")
    return Section("bumps", "Images, charts and tools", (Table(head, rows), *more))


def overridden(report: Report, limits: Limits) -> Section | None:
    """Return the changed values that a stronger layer sets as well, so that the change has no effect."""
    causes: dict[str, tuple[Cause, list[Subject]]] = {}
    for outcome in report.outcomes:
        for cause in outcome.causes:
            if cause.overridden_by:
                causes.setdefault(repr(cause), (cause, []))[1].append(outcome.subject)
    lines = [
        line(
            code(cause.place), " ", value_change(cause), ", without effect: ", code(cause.overridden_by),
            " sets it on ", cluster_summary(subjects, limits) or pairs_by_app(subjects, limits),
        )
        for cause, subjects in causes.values()
    ]  # fmt: skip
    title = "Changed values without effect"
    return Section("overridden", title, _bullets(lines, limits, "value")) if lines else None


def unread(report: Report, limits: Limits) -> Section | None:
    """Return the keys of values files that the change adds or changes, and that nothing reads."""
    lines = [
        line(
            code(one.place), " ", code(".".join(one.path)), line(": ", sentence(one.hint)) if one.hint else (), " · ",
            pairs_by_app(one.subjects, limits),
        )
        for one in report.unread
    ]  # fmt: skip
    return Section("unread", "Values that nothing reads", _bullets(lines, limits, "key")) if lines else None


def noise(report: Report, limits: Limits) -> Section | None:
    """Return the differences that rules folded, equal ones once."""
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in report.outcomes:
        for change in outcome.changes:
            for folded in change.folded:
                text = f"{change.subject.app} {short_name(change.identity)}: {path_line(folded.field)}"
                counts[folded.rule, text] += 1
    blocks: list[Block] = []
    for rule in dict.fromkeys(rule for rule, _ in counts):
        lines = [f"{text}  {TIMES}{count:,}" for (of_rule, text), count in counts.items() if of_rule == rule]
        blocks += [Paragraph(line(code(rule))), _code_block(lines, limits.items)]
    return Section("noise", "Folded", tuple(blocks)) if blocks else None


def left_out(report: Report, limits: Limits) -> Section | None:
    """Return what is not compared, with the names that the change may reach, and the changed files that these read."""
    lines = [
        line(
            sentence(one.text),
            line("; the change may reach ", listed(one.reached, limits)) if one.reached else (),
            line("; changed files that may be read there: ", listed(one.files, limits)) if one.files else (),
        )
        for one in report.left_out
    ]
    return Section("left-out", "Not in this report", _bullets(lines, limits, "reason")) if lines else None


def unowned(report: Report, limits: Limits) -> Section | None:
    """Return the changed files that belong to no pair."""
    lines = [
        line(code(file.path), ": ", sentence(file.consequence), line(" (", code(file.rule), ")") if file.rule else ())
        for file in report.unowned
    ]
    return Section("unowned", "Files of no application", _bullets(lines, limits, "file")) if lines else None


def footer(report: Report, limits: Limits, options: Options) -> Section:
    """Return the compared revisions, the number of pairs, the command that reproduces the report, and the notes."""
    counts = report.counts
    of_files = f"{counts.touched:,} touched by a changed file, {counts.effective:,} with other inputs, "
    if counts.rendered > counts.touched:  # a side is no revision, and no file has changed
        of_files = ""
    lines = [
        line("Compared: ", _revision(report.base), " → ", _revision(report.head)),
        line(f"{plural(counts.pairs, 'pair')} of app and cluster: {of_files}{counts.rendered:,} rendered"),
        line("Reproduce: ", code(_command(options.reproduce, report))),
        *(sentence(one.remark) for one in report.suppositions if one.remark),
        *(sentence(note) for note in report.notes),
        *_unjudged(report, limits),
        *_notes(report, limits),
    ]
    return Section("footer", "About this report", _bullets(lines, limits, "note"))


def _unjudged(report: Report, limits: Limits) -> Iterable[Line]:
    """Return the sentence on what nothing judges."""
    unjudged = report.findings.unjudged if report.findings else ()
    if unjudged:
        shown = joined((line(f"{one.times:,} {TIMES} ", sentence(one.what)) for one in unjudged[: limits.items]), "; ")
        left = len(unjudged) - limits.items
        yield line("Not judged: ", shown, f"; and {plural(left, 'more reason')}" if left > 0 else "")


def _place(finding: Finding) -> str:
    return f"{finding.file}:{finding.line}" if finding.line else finding.file


def _rank(failure: Failure) -> int:
    if failure.needs_key:
        return 3
    return 0 if failure.is_new else 1 if failure.is_foreign else 2


def _state(failure: Failure) -> str:
    return ("new in this change", "not rendered in this run", "failed before, too", "needs the key, not judged")[
        _rank(failure)
    ]


def _code_block(lines: Sequence[str], at_most: int) -> CodeBlock:
    left = len(lines) - at_most
    return CodeBlock((*lines[:at_most], *([f"… {plural(left, 'more line')}"] if left > 0 else [])))


def _more(left: int, noun: str) -> list[Block]:
    return [Paragraph(line(f"… and {plural(left, 'more ' + noun)}"))] if left > 0 else []


def _bullets(lines: Sequence[Line], limits: Limits, noun: str) -> tuple[Block, ...]:
    return (Bullets(tuple(lines[: limits.items])), *_more(len(lines) - limits.items, noun))


def _bump(bump_line: BumpLine, limits: Limits) -> tuple[Line, ...]:
    bump = bump_line.bump
    size = Span(bump.size, "strong" if bump.size == "major" else "plain")
    return (
        line(f"{bump.kind} ", code(bump.name)),
        line(code(bump.before)) or line("–"),
        line(code(bump.after)) or line("–"),
        line(size) or line("–"),
        line(pairs_by_app(bump_line.subjects, limits), ", manifests equal" if bump_line.is_without_effect else ""),
    )


def _revision(revision: Revision) -> Line:
    if not revision.commit:
        return line(revision.name)
    return line(code(revision.commit[:_SHORT]), f" ({revision.name})" if revision.name else "")


def _command(template: str, report: Report) -> str:
    base, head = (side.commit[:_SHORT] or side.name for side in (report.base, report.head))
    return template.replace("{base}", base).replace("{head}", head)


def _notes(report: Report, limits: Limits) -> Iterable[Line]:
    notes: dict[str, list[Subject]] = {}
    for outcome in report.outcomes:
        for note in outcome.notes:
            notes.setdefault(note, []).append(outcome.subject)
    return [line(pairs_by_app(subjects, limits), ": ", sentence(note)) for note, subjects in notes.items()]
