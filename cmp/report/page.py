"""The report as one HTML page, with all groups whole, that loads nothing else and works without its script.

page.js creates the filter, because without a script there is nothing to type into, and opens the group of a link.
"""

from __future__ import annotations

import html
import os
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from cmp.report import lots, overview, sections
from cmp.report.document import Bullets, CodeBlock, Limits, Paragraph, code, joined, line, plain, plural
from cmp.report.judgement import judge
from cmp.system.visible import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.changes import Report
    from cmp.report.document import Block, GroupSection, Line, Options, OverviewRow, Span, Table
    from cmp.report.judgement import Judgement
    from cmp.report.sections import Part

_ALL = 1_000_000_000
_LIMITS = Limits(items=_ALL, names=30, lines=_ALL)
_OPEN = 5  # groups that are unfolded, if they are short
_SHORT = 80  # lines
_CLASSES = {"+": "add", "-": "del", "#": "note"}


def view(report: Report, options: Options) -> str:
    """Return the page; every foreign text in it is escaped, and its policy allows no request."""
    judgement = judge(report, options.gates)
    title = _escaped(judgement.verdict)
    style, script = _resource("page.css"), _resource("page.js")
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
            *_content(report, judgement, options),
            f"<script>{script}</script>\n</body>\n</html>\n",
        )
    )


def _resource(name: str) -> str:
    """Return a file of this package as the content of an element, which begins on a line of its own."""
    with open(os.path.join(os.path.dirname(__file__), name), encoding="utf-8") as file:
        return "\n" + file.read()


def _policy(style: str, script: str) -> str:
    """Return a Content Security Policy that allows this style and this script, by their hashes, and nothing else."""
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    allowed = f"style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _content(report: Report, judgement: Judgement, options: Options) -> Iterator[str]:
    yield f"<dl>\n{''.join(_overview_row(row) for row in overview.rows(report, judgement, _LIMITS))}</dl>\n"
    yield from _sections(sections.above_groups(report))
    if report.groups:
        yield '<h2 id="changes">Changes</h2>\n'
    for number, group in enumerate(report.groups):
        yield _group(lots.section(group, _LIMITS, is_compact=options.compact), number)
    yield from _sections(sections.below_groups(report, options))


def _overview_row(row: OverviewRow) -> str:
    return f'<dt class="{row.name}">{_escaped(row.title)}</dt><dd>{_line(row.line)}</dd>\n'


def _sections(parts: Iterable[Part]) -> Iterator[str]:
    for part in parts:
        section = part(_LIMITS)
        if section:
            yield f'<h2 id="{section.name}">{_escaped(section.title)}</h2>\n{_blocks(section.blocks)}'


def _group(section: GroupSection, number: int) -> str:
    is_open = number < _OPEN and sum(len(hunk) for hunk in section.hunks) <= _SHORT
    return (
        f'<details class="group{" odd" if section.is_outlier else ""}" id="group-{_escaped(section.letter)}" '
        f'data-words="{_escaped(_words(section))}"{" open" if is_open else ""}>'
        f"<summary>{_line(section.summary)}</summary>\n<div>\n"
        f"{_blocks(section.before)}{_objects(section) or _diff(section)}{_blocks(section.after)}{_clusters(section)}"
        "</div></details>\n"
    )


def _words(section: GroupSection) -> str:
    """Return the texts that the filter searches, in small letters."""
    return " ".join((plain(section.summary), *section.clusters)).lower()


def _clusters(section: GroupSection) -> str:
    """Return the names of all clusters where the sentence above does not have them all."""
    if len(section.clusters) <= _LIMITS.names:
        return ""
    names = _line(joined((line(code(name)) for name in section.clusters), ", "))
    return f"<details><summary>All {plural(len(section.clusters), 'cluster')}</summary><p>{names}</p></details>\n"


def _objects(section: GroupSection) -> str:
    """Return the objects of a lot, each folded."""
    return "".join(
        f"<details><summary>{_escaped(one.heading)}</summary>\n{_pre(one.lines)}</details>\n" for one in section.objects
    )


def _diff(section: GroupSection) -> str:
    lines = [f"# {section.heading}"]
    for index, hunk in enumerate(section.hunks):
        lines += ["# ⋮", *hunk] if index and not section.is_list else hunk
    return _pre(lines)


def _pre(lines: Iterable[str]) -> str:
    return f"<pre>{''.join(_pre_line(text, _CLASSES.get(text[:1], '')) for text in lines)}</pre>\n"


def _pre_line(raw: str, name: str = "") -> str:
    shown = html.escape(visible_line(raw))
    return f'<span class="{name}">{shown}\n</span>' if name else f"<span>{shown}\n</span>"


def _blocks(blocks: Iterable[Block]) -> str:
    return "".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    if isinstance(block, CodeBlock):
        return f"<pre>{''.join(_pre_line(text) for text in block.lines)}</pre>\n"
    if isinstance(block, Paragraph):
        return f"<p>{_line(block.line)}</p>\n"
    if isinstance(block, Bullets):
        return f"<ul>{''.join(f'<li>{_line(spans)}</li>' for spans in block.lines)}</ul>\n"
    return _table(block)


def _table(table: Table) -> str:
    head = "".join(f"<th>{_line(cell)}</th>" for cell in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{_line(cell)}</td>' for cell in row)}</tr>\n" for row in table.rows)
    return f'<div class="scroll"><table>\n<tr>{head}</tr>\n{rows}</table></div>\n'


def _line(spans: Line) -> str:
    return "".join(_span(span) for span in spans)


def _span(span: Span) -> str:
    shown = _escaped(span.text)
    if span.style in {"letter", "outlier"}:
        return f'<a class="{span.style}" href="#group-{shown}">{shown}</a>'
    return {"code": f"<code>{shown}</code>", "strong": f"<strong>{shown}</strong>"}.get(span.style, shown)


def _escaped(raw: str) -> str:
    return html.escape(visible(raw))
