"""Spans and blocks as GitHub flavoured Markdown in which nothing foreign is markup, a mention or a reference.

Names and values stand in code spans, where no forge looks for mentions and references; messages in fences.  Our own
sentences are escaped, and a zero-width space (as an entity) follows each character that could begin a reference.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from cmp.report.document import Bullets, CodeBlock, Paragraph, Table
from cmp.system.visible import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.report.document import Block, Line, Span

WIDEST = 200  # characters of one span in a comment
FENCE = 3  # backticks
_RUN = re.compile("`+")
_NOT_IN_CODE = re.compile(r"[`|]|\A |\A\Z| \Z")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]|\A | \Z")
# Markup, and the texts of which forges make links: @team, #12, !12, $12, %12, ~12, &12, GH-12, https://, www.
_SPECIAL = re.compile(r"(?i)[\\`*_\[\]<>&|~@#!$%]|\bgh-|:(?=//)|\bwww(?=\.)")
_ONLY_MARKUP = frozenset("\\`*_[]<>|")
_APART = "&#8203;"  # a space without width


def text(spans: Line) -> str:
    """Return a line of Markdown that may also stand in a cell of a table."""
    return "".join(_span(span) for span in spans)


def summary(spans: Line) -> str:
    """Return a line of HTML for a `<summary>`, in which Markdown is not read."""
    return "".join(_html(span) for span in spans)


def code(raw: str) -> str:
    """Return a code span; with backticks or bars in it, an HTML element with entities, the same in every place."""
    shown = cut(visible(raw))
    if not _NOT_IN_CODE.search(shown):
        return f"`{shown}`"
    return f"<code>{_PUNCTUATION.sub(lambda match: f'&#{ord(match[0])};', shown)}</code>"


def escaped(raw: str) -> str:
    """Return prose in which nothing is markup."""
    return _SPECIAL.sub(_neutral, cut(visible(raw)))


def _neutral(match: re.Match[str]) -> str:
    special = match[0]
    shown = special if special.isalnum() or len(special) > 1 else f"&#{ord(special)};"
    return shown if special in _ONLY_MARKUP else f"{shown}{_APART}"


def cut(shown: str) -> str:
    """Return at most `WIDEST` characters."""
    return shown if len(shown) <= WIDEST else f"{shown[: WIDEST - 1]}…"


def fenced(lines: Iterable[str], info: str) -> str:
    """Return a fenced block; its fence is longer than any run of backticks in it."""
    shown = [visible_line(line) for line in lines]
    fence = "`" * fence_length(shown)
    return "\n".join((f"{fence}{info}", *shown, fence, ""))


def fence_length(shown: Iterable[str]) -> int:
    return max((FENCE, *(len(run) + 1 for line in shown for run in _RUN.findall(line))))


def blocks(sequence: Sequence[Block]) -> str:
    """Return the blocks, each followed by an empty line."""
    return "".join(f"{_block(block)}\n" for block in sequence)


def _block(block: Block) -> str:
    if isinstance(block, CodeBlock):
        return fenced(block.lines, "text")
    if isinstance(block, Paragraph):
        return f"{text(block.line)}\n"
    if isinstance(block, Bullets):
        return "".join(f"- {text(line)}\n" for line in block.lines)
    return table(block)


def table(block: Table) -> str:
    lines = [f"| {' | '.join(text(cell) for cell in row)} |\n" for row in (block.head, *block.rows)]
    return "".join((lines[0], "|" + "---|" * len(block.head) + "\n", *lines[1:]))


def _span(span: Span) -> str:
    if span.style == "code":
        return code(span.text)
    if span.style == "plain":
        return escaped(span.text)
    return span.text if span.style == "letter" else f"**{escaped(span.text)}**"


def _html(span: Span) -> str:
    raw = cut(visible(span.text))
    if span.style == "code":
        return f"<code>{html.escape(raw)}</code>"
    shown = _SPECIAL.sub(_neutral, raw)
    return shown if span.style == "plain" else f"<b>{shown}</b>"
