"""The report as one HTML page that needs nothing else, nor a script: it holds all groups whole.

page.js makes the filter, because without a script there is nothing to type into, and opens the group that a link leads
to.
"""

from __future__ import annotations

import html
from base64 import b64encode
from hashlib import sha256
from pkgutil import get_data
from typing import TYPE_CHECKING

from cmp.report import groups, overview, sections
from cmp.report.document import Bullets, Extent, Paragraph, Verbatim, code, joined, line, plain, plural
from cmp.report.matrix import matrix
from cmp.system.visible import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.changes import Report
    from cmp.report.document import Block, Body, Fact, Line, Options, Section, Span, Table

_ALL = 1_000_000_000
_EXTENT = Extent(_ALL, 30, _ALL)
_OPEN = 5  # groups that are unfolded, if they are short
_SHORT = 80  # lines
_CLASSES = {"+": "add", "-": "del", "#": "note"}


def view(report: Report, options: Options) -> str:
    """Return the page; everything in it that is not ours is escaped, and its policy allows no request."""
    title = _escaped(overview.verdict(report))
    style, script = _resource("page.css"), _resource("page.js")
    return "".join(
        (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
            *_content(report, options),
            f"<script>{script}</script>\n</body>\n</html>\n",
        )
    )


def _resource(name: str) -> str:
    """Return a file of this package as the content of an element, which begins on a line of its own."""
    return "\n" + (get_data(__package__, name) or b"").decode()


def _policy(style: str, script: str) -> str:
    """Return a Content Security Policy by which a browser uses this style and this script, and nothing else."""
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (style, script)]
    allowed = f"style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _content(report: Report, options: Options) -> Iterator[str]:
    yield f"<dl>\n{''.join(_fact(fact) for fact in overview.facts(report, _EXTENT))}</dl>\n"
    yield from _sections(
        (sections.failures(report, _EXTENT), sections.dangers(report, _EXTENT), matrix(report, _EXTENT))
    )
    if report.groups:
        yield '<h2 id="changes">Changes</h2>\n'
    for number, group in enumerate(report.groups):
        yield _group(groups.body(group, _EXTENT, is_compact=options.compact), number)
    yield from _sections(
        (
            sections.bumps(report, _EXTENT),
            sections.overridden(report, _EXTENT),
            sections.noise(report, _EXTENT) if options.show_noise else None,
            sections.unowned(report, _EXTENT),
            sections.footer(report, _EXTENT, options),
        )
    )


def _fact(fact: Fact) -> str:
    return f'<dt class="{fact.name}">{_escaped(fact.title)}</dt><dd>{_line(fact.line)}</dd>\n'


def _sections(found: Iterable[Section | None]) -> Iterator[str]:
    for section in found:
        if section:
            yield f'<h2 id="{section.name}">{_escaped(section.title)}</h2>\n{_blocks(section.blocks)}'


def _group(body: Body, number: int) -> str:
    is_open = number < _OPEN and sum(len(piece) for piece in body.pieces) <= _SHORT
    return (
        f'<details class="group{" odd" if body.is_outlier else ""}" id="group-{_escaped(body.letter)}" '
        f'data-words="{_escaped(_words(body))}"{" open" if is_open else ""}>'
        f"<summary>{_line(body.summary)}</summary>\n<div>\n"
        f"{_blocks(body.before)}{_diff(body)}{_blocks(body.after)}{_clusters(body)}</div></details>\n"
    )


def _words(body: Body) -> str:
    """Return what a reader may look for, in small letters."""
    return " ".join((plain(body.summary), *body.clusters)).lower()


def _clusters(body: Body) -> str:
    """Return all names where the sentence above has not all of them."""
    if len(body.clusters) <= _EXTENT.names:
        return ""
    names = _line(joined((line(code(name)) for name in body.clusters), ", "))
    return f"<details><summary>All {plural(len(body.clusters), 'cluster')}</summary><p>{names}</p></details>\n"


def _diff(body: Body) -> str:
    lines = [f"# {body.heading}"]
    for index, piece in enumerate(body.pieces):
        lines += ["# ⋮", *piece] if index and not body.is_list else piece
    return f"<pre>{''.join(_pre_line(each, _CLASSES.get(each[:1], '')) for each in lines)}</pre>\n"


def _pre_line(raw: str, name: str = "") -> str:
    shown = html.escape(visible_line(raw))
    return f'<span class="{name}">{shown}\n</span>' if name else f"<span>{shown}\n</span>"


def _blocks(blocks: Iterable[Block]) -> str:
    return "".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    if isinstance(block, Verbatim):
        return f"<pre>{''.join(_pre_line(each) for each in block.lines)}</pre>\n"
    if isinstance(block, Paragraph):
        return f"<p>{_line(block.line)}</p>\n"
    if isinstance(block, Bullets):
        return f"<ul>{''.join(f'<li>{_line(each)}</li>' for each in block.lines)}</ul>\n"
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
