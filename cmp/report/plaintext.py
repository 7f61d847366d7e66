"""The report for a terminal of any width; colours add nothing to the text."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from cmp.report import lots, overview, sections
from cmp.report.document import Bullets, CodeBlock, Limits, Paragraph, Table, plain
from cmp.report.judgement import judge
from cmp.system.visible import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.changes import Report
    from cmp.report.document import Block, GroupSection, Line, Options
    from cmp.report.sections import Part

    SignedLine = tuple[str, str]  # the sign that chooses the colour, and the text

_LIMITS = Limits(items=200, names=20, lines=200)
_RED, _GREEN, _BOLD, _OFF = "\x1b[31m", "\x1b[32m", "\x1b[1m", "\x1b[0m"
_STYLES = {"+": _GREEN, "-": _RED, "#": _BOLD, "!": _RED}
_BAD = frozenset(("failed", "gates", "dangers", "findings"))


def view(report: Report, options: Options) -> str:
    """Return the report as lines of text, each ended by a line feed."""
    judgement = judge(report, options.gates)
    lines = [("#", visible(judgement.verdict)), ("", "")]
    lines += [
        ("!" if row.name in _BAD else "", f"  {row.title + ':':<18}{_text(row.line)}")
        for row in overview.rows(report, judgement, _LIMITS)
    ]
    lines += _sections(sections.above_groups(report))
    for group in report.groups:
        lines += _group(lots.section(group, _LIMITS, is_compact=options.compact))
    lines += _sections(sections.below_groups(report, options))
    return "".join(f"{_coloured(sign, text) if options.color else text}".rstrip(" ") + "\n" for sign, text in lines)


def _coloured(sign: str, text: str) -> str:
    return f"{_STYLES[sign]}{text}{_OFF}" if sign in _STYLES else text


def _text(spans: Line) -> str:
    return visible(plain(spans))


def _sections(parts: Iterable[Part]) -> Iterator[SignedLine]:
    for part in parts:
        section = part(_LIMITS)
        if section:
            yield from (("", ""), ("#", section.title))
            for block in section.blocks:
                yield from (("", f"  {text}") for text in _block(block))


def _group(section: GroupSection) -> Iterator[SignedLine]:
    yield from (("", ""), ("#", _text(section.summary)))
    for block in (*section.before, *section.after):
        yield from (("", f"  {text}") for text in _block(block))
    yield from (("", ""), ("", f"  # {visible(section.heading)}"))
    for index, hunk in enumerate(section.hunks):
        if index and not section.is_list:
            yield "", "   ⋮"
        for text in hunk:
            yield text[:1], f"  {visible_line(text)}"


def _block(block: Block) -> Iterable[str]:
    if isinstance(block, CodeBlock):
        return [f"  {visible_line(text)}" for text in block.lines]
    if isinstance(block, Bullets):
        return [f"- {_text(spans)}" for spans in block.lines]
    if isinstance(block, Paragraph):
        return [_text(block.line)]
    return _table(block)


def _table(table: Table) -> Iterable[str]:
    rows = [[_text(cell) for cell in row] for row in (table.head, *table.rows)]
    widths = [max(_width(row[index]) for row in rows) for index in range(len(table.head))]
    return ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """Return the columns of a terminal: signs of East Asia and emoji take two, combining signs none."""
    return len(text) if text.isascii() else sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    return 0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
