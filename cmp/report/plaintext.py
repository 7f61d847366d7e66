"""The report for a terminal of any width; colours say nothing that the text does not."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from cmp.report import groups, overview, sections
from cmp.report.document import Bullets, Extent, Paragraph, Table, Verbatim, plain
from cmp.report.matrix import matrix
from cmp.system.visible import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.changes import Report
    from cmp.report.document import Block, Body, Line, Options, Section

_EXTENT = Extent(200, 20, 200)
_RED, _GREEN, _BOLD, _OFF = "\x1b[31m", "\x1b[32m", "\x1b[1m", "\x1b[0m"
_STYLES = {"+": _GREEN, "-": _RED, "#": _BOLD, "!": _RED}
_BAD = frozenset(("failed", "dangers"))


def view(report: Report, options: Options) -> str:
    """Return the report as lines of text, each ended by a line feed."""
    lines = [("#", visible(overview.verdict(report))), ("", "")]
    lines += [
        ("!" if fact.name in _BAD else "", f"  {fact.title + ':':<18}{_text(fact.line)}")
        for fact in overview.facts(report, _EXTENT)
    ]
    before = (sections.failures(report, _EXTENT), sections.dangers(report, _EXTENT), matrix(report, _EXTENT))
    after = (
        sections.bumps(report, _EXTENT),
        sections.overridden(report, _EXTENT),
        sections.noise(report, _EXTENT) if options.show_noise else None,
        sections.unowned(report, _EXTENT),
        sections.footer(report, _EXTENT, options),
    )
    lines += _sections(before)
    for group in report.groups:
        lines += _group(groups.body(group, _EXTENT, is_compact=options.compact))
    lines += _sections(after)
    return "".join(f"{_coloured(sign, text) if options.color else text}".rstrip(" ") + "\n" for sign, text in lines)


def _coloured(sign: str, text: str) -> str:
    return f"{_STYLES[sign]}{text}{_OFF}" if sign in _STYLES else text


def _text(spans: Line) -> str:
    return visible(plain(spans))


def _sections(found: Iterable[Section | None]) -> Iterator[tuple[str, str]]:
    for section in found:
        if section:
            yield from (("", ""), ("#", section.title))
            for block in section.blocks:
                yield from (("", f"  {text}") for text in _block(block))


def _group(body: Body) -> Iterator[tuple[str, str]]:
    yield from (("", ""), ("#", _text(body.summary)))
    for block in (*body.before, *body.after):
        yield from (("", f"  {text}") for text in _block(block))
    yield from (("", ""), ("", f"  # {visible(body.heading)}"))
    for index, piece in enumerate(body.pieces):
        if index and not body.is_list:
            yield "", "   ⋮"
        for raw in piece:
            yield raw[:1], f"  {visible_line(raw)}"


def _block(block: Block) -> Iterable[str]:
    if isinstance(block, Verbatim):
        return [f"  {visible_line(each)}" for each in block.lines]
    if isinstance(block, Bullets):
        return [f"- {_text(each)}" for each in block.lines]
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
    """Return the columns of a terminal: signs of East Asia and emoji take two, those that combine none."""
    return len(text) if text.isascii() else sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    return 0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
