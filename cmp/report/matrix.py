"""The matrix: a row for each application, a column for each cluster or environment, letters of groups in the cells."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from cmp.report.document import TIMES, Paragraph, Section, Span, Table, code, joined, line, plural
from cmp.report.names import listed, natural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cmp.changes import Outcome, Report, Subject
    from cmp.report.document import Block, Limits, Line

FEW_CLUSTERS = 8  # so many have a column each even where environments are known
MANY_COLUMNS = 30
MANY_ROWS = 40

FAILED, FOLDED, UNKNOWN, EQUAL, NONE = "❌", "~", "?", "=", "–"
_MEANING = {
    FAILED: "not rendered",
    FOLDED: "only what is folded",
    UNKNOWN: "nothing to compare with",
    EQUAL: "no difference",
    NONE: "nothing rendered",
}


class _Marks(NamedTuple):
    """The content of the cells for each pair; groups are numbers, so that neighbours become a range."""

    groups: Mapping[Subject, list[int]]
    others: Mapping[Subject, str]
    letters: tuple[str, ...]
    outliers: frozenset[int]


def matrix(report: Report, limits: Limits) -> Section | None:
    """Return the section with the matrix; None where nothing was rendered.  Rows beyond the limit are only counted."""
    subjects = [outcome.subject for outcome in report.outcomes]
    if not subjects:
        return None
    marks = _marks(report)
    apps = sorted({subject.app for subject in subjects}, key=natural)
    changed = {subject.app for subject in subjects if marks.others.get(subject) != EQUAL}
    changing = [app for app in apps if app in changed]
    rows = [app for app in changing if app in _special(report)] if len(changing) > MANY_ROWS else changing
    shown = rows[: limits.items]
    blocks: list[Block] = []
    if shown:
        table = _table(shown, subjects, marks, limits)
        blocks += [table, Paragraph(_legend(table))]
    blocks += [Paragraph(line(text)) for text in _left_out(len(apps), len(changing), len(rows), len(shown))]
    return Section("matrix", "Who changes", tuple(blocks))


def _marks(report: Report) -> _Marks:
    groups: dict[Subject, list[int]] = {}
    for number, group in enumerate(report.groups):
        for member in group.members:
            of_pair = groups.setdefault(member.subject, [])
            if number not in of_pair:
                of_pair.append(number)
    others = {
        outcome.subject: _sign(outcome)
        for outcome in report.outcomes
        if outcome.status == "failed" or outcome.subject not in groups
    }
    outliers = frozenset(number for number, group in enumerate(report.groups) if group.differs_from)
    return _Marks(groups, others, tuple(group.letter for group in report.groups), outliers)


def _sign(outcome: Outcome) -> str:
    """Return the sign of a pair that is in no group."""
    by_status = {"failed": FAILED, "equal": EQUAL}
    return by_status.get(outcome.status) or (FOLDED if outcome.changes else UNKNOWN)


def _special(report: Report) -> set[str]:
    """Return the applications with an outlier, a danger or a failure."""
    return {
        *(
            member.subject.app
            for group in report.groups
            if not group.lot and (group.differs_from or group.change.dangers)
            for member in group.members
        ),
        *(subject.app for danger in report.dangers for subject in danger.subjects),
        *(failure.subject.app for failure in report.failures),
    }


def _left_out(apps: int, changing: int, rows: int, shown: int) -> Iterable[str]:
    """Yield the sentences about applications without a row: first those that would have one in a longer table.

    The numbers are of all applications, those that change, those that deserve a row, and those that have one.
    """
    noun = "more app" if shown else "app"
    if rows > shown:
        kind = "with an outlier, a danger or a failure" if changing > rows else "with changes"
        yield f"{plural(rows - shown, noun)} {kind}."
    if changing > rows:
        yield f"{plural(changing - rows, noun)} without outlier, danger or failure."
    if apps > changing:
        yield f"{plural(apps - changing, noun)} without a difference."


def _legend(table: Table) -> Line:
    spans = [span for row in table.rows for cell in row for span in cell]
    signs = [f"{sign} {meaning}" for sign, meaning in _MEANING.items() if Span(sign) in spans]
    has_letters = any(span.style in {"letter", "outlier"} for span in spans)
    return line(" · ".join((*(["Letters are the changes below"] if has_letters else []), *signs)))


def _table(apps: list[str], subjects: list[Subject], marks: _Marks, limits: Limits) -> Table:
    column, is_counted = _column(subjects)
    cells: dict[tuple[str, str], list[Subject]] = {}
    for subject in subjects:
        cells.setdefault((subject.app, column(subject)), []).append(subject)
    columns = sorted({name for _, name in cells}, key=natural)
    sizes = {name: len({subject.cluster for subject in subjects if column(subject) == name}) for name in columns}
    outliers = {app: _outliers(app, subjects, marks, limits) for app in apps} if is_counted else {}
    last = any(outliers.values())
    head = [line(code(name), f" ({sizes[name]:,})" if is_counted else "") for name in columns]
    return Table(
        (line("app"), *head, *([line("outliers")] if last else [])),
        tuple(
            (
                line(code(app)),
                *(_cell(cells.get((app, name), []), marks, is_counted=is_counted) for name in columns),
                *([outliers[app]] if last else []),
            )
            for app in apps
        ),
    )


def _column(subjects: list[Subject]) -> tuple[Callable[[Subject], str], bool]:
    """Return the column of a pair, and whether a column stands for several clusters."""
    count = len({subject.cluster for subject in subjects})
    environments = len({subject.environment for subject in subjects})
    if count <= (FEW_CLUSTERS if environments > 1 else MANY_COLUMNS):
        return lambda subject: subject.cluster or "(no cluster)", False
    if environments <= MANY_COLUMNS and any(subject.environment for subject in subjects):
        return lambda subject: subject.environment or "(no environment)", True
    return lambda _: "clusters", True


def _cell(subjects: list[Subject], marks: _Marks, *, is_counted: bool) -> Line:
    numbers = Counter(number for subject in subjects for number in marks.groups.get(subject, ()))
    signs = Counter(marks.others[subject] for subject in subjects if subject in marks.others)
    marked = [_letters(first, last, marks, count if is_counted else 0) for first, last, count in _ranges(numbers)]
    marked += [line(sign, f" {TIMES}{count:,}" if is_counted else "") for sign, count in sorted(signs.items())]
    return joined(marked, ", ") or line(NONE)


def _ranges(numbers: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Return (first, last, count) of neighbouring groups with the same count."""
    ranges: list[tuple[int, int, int]] = []
    for number, count in sorted(numbers.items()):
        if ranges and ranges[-1][1:] == (number - 1, count):
            ranges[-1] = (ranges[-1][0], number, count)
        else:
            ranges.append((number, number, count))
    return ranges


def _letters(first: int, last: int, marks: _Marks, count: int) -> Line:
    several = "" if first == last else ", " if last == first + 1 else "–"
    end = line(several, _letter(last, marks)) if several else ()
    return line(_letter(first, marks), end, f" {TIMES}{count:,}" if count else "")


def _letter(number: int, marks: _Marks) -> Span:
    return Span(marks.letters[number], "outlier" if number in marks.outliers else "letter")


def _outliers(app: str, subjects: list[Subject], marks: _Marks, limits: Limits) -> Line:
    kinds: dict[Line, list[str]] = {}
    for subject in subjects:
        if subject.app == app:
            for kind in _deviations(subject, marks):
                kinds.setdefault(kind, []).append(subject.cluster)
    phrases = [line(listed(clusters, limits), " ", kind) for kind, clusters in kinds.items()]
    left = len(phrases) - limits.names
    shown = joined(phrases[: limits.names], "; ")
    return line(shown, f"; and {left:,} more") if left > 0 else shown


def _deviations(subject: Subject, marks: _Marks) -> Iterable[Line]:
    if marks.others.get(subject) == FAILED:
        yield line("not rendered")
    for number in marks.groups.get(subject, ()):
        if number in marks.outliers:
            yield line("gets ", Span(marks.letters[number], "outlier"))
