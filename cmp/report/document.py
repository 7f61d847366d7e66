"""The little document that a Report becomes before a view writes it down: blocks of lines of styled spans.

What stands in a span is raw: every view makes hidden characters visible and escapes what its format takes for markup.
"""

# Without `from __future__ import annotations`: see model.py.
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

TIMES = "\N{MULTIPLICATION SIGN}"
MINUS = "\N{MINUS SIGN}"
_QUOTED = re.compile("`([^`]+)`")


class Span(NamedTuple):
    """Some text: `code` is foreign (a name, a path, a value), `letter` the letter of a group, the others are ours."""

    text: str
    style: Literal["plain", "code", "strong", "letter", "outlier"] = "plain"


Line = tuple[Span, ...]


class Table(NamedTuple):
    head: tuple[Line, ...]
    rows: tuple[tuple[Line, ...], ...]


class Bullets(NamedTuple):
    lines: tuple[Line, ...]


class Paragraph(NamedTuple):
    line: Line


class Verbatim(NamedTuple):
    """Lines of a program's message, or a list of paths; `is_diff` where they begin with `+`, `-` or something else."""

    lines: tuple[str, ...]
    is_diff: bool = False


Block = Table | Bullets | Paragraph | Verbatim


class Section(NamedTuple):
    """A part of the document; `name` is stable and short, for links and styles."""

    name: str
    title: str
    blocks: tuple[Block, ...]


class Fact(NamedTuple):
    """A row of the table at the top: the answer to one question of a reviewer."""

    name: Literal["failed", "rendered", "dangers", "calm", "merge", "waits", "unknown", "kept", "pairs", "folded"]
    title: str
    line: Line


class Body(NamedTuple):
    """One group as a reader sees it: `pieces` are hunks, or paths (`is_list`), that a view may leave out one by one."""

    letter: str
    summary: Line
    clusters: tuple[str, ...]
    before: tuple[Block, ...]
    heading: str
    pieces: tuple[tuple[str, ...], ...]
    is_list: bool
    after: tuple[Block, ...]
    is_outlier: bool


class Extent(NamedTuple):
    """How much of long lists is told: items of a list, names in a sentence, lines of a message."""

    items: int
    names: int
    lines: int


def code(text: str) -> Span:
    return Span(text, "code")


def line(*parts: str | Span | Line) -> Line:
    """Return one line of texts (ours), spans and lines."""
    spans: list[Span] = []
    for part in parts:
        if isinstance(part, Span):
            spans.append(part)
        elif isinstance(part, str):
            spans.append(Span(part))
        else:
            spans.extend(part)
    return tuple(span for span in spans if span.text)


def joined(lines: Iterable[Line], between: str) -> Line:
    """Return the lines that are not empty as one."""
    spans: list[Span] = []
    for each in lines:
        if each:
            spans += [Span(between), *each] if spans else each
    return tuple(spans)


def sentence(text: str) -> Line:
    """Return a sentence in which names stand between backticks."""
    parts = _QUOTED.split(text)
    return line(*(code(part) if index % 2 else part for index, part in enumerate(parts)))


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Return `1 pair`, `2,000 pairs`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def plain(spans: Line) -> str:
    """Return the bare text."""
    return "".join(span.text for span in spans)


class Options(NamedTuple):
    """Each view reads what concerns it.

    `color` is for a terminal.  `show_noise` lists what rules folded.  `compact` shows paths and values instead of YAML.
    A Markdown comment has at most `limit` characters (1,000 or more), 65,536 being what GitHub takes; `scope` tells it
    from other comments.  `reproduce` is a command in which `{base}` and `{head}` stand for the commits.
    """

    color: bool = False
    show_noise: bool = False
    compact: bool = False
    limit: int = 60_000
    scope: str = "default"
    reproduce: str = "cmp diff --base {base} --head {head}"
