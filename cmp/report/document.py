"""The small document between a Report and its views: sections of blocks, blocks of lines, lines of styled spans.

The text of a span is raw: every view makes hidden characters visible and escapes the markup of its format.
"""

# Without `from __future__ import annotations`: see model.py.
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

TIMES = "\N{MULTIPLICATION SIGN}"
MINUS = "\N{MINUS SIGN}"
_QUOTED = re.compile("`([^`]+)`")


class Gates(NamedTuple):
    """The limits of a change: forbidden rules, and the number of clusters that it may reach (0: any number).

    With `is_lenient` other differences are a success.
    """

    rules: tuple[str, ...] = ()
    clusters: int = 0
    is_lenient: bool = False


class Options(NamedTuple):
    """The wishes of a reader; each view reads those that concern it.

    `color` is for a terminal.  `show_noise` lists the folded differences.  `compact` shows paths and values instead of
    YAML.  A Markdown comment has at most `limit` characters (1,000 or more), 65,536 being GitHub's own limit; `scope`
    tells it from other comments.  `reproduce` is a command in which `{base}` and `{head}` stand for the commits.  The
    report is judged under `gates`.
    """

    color: bool = False
    show_noise: bool = False
    compact: bool = False
    limit: int = 60_000
    scope: str = "default"
    reproduce: str = "cmp diff --base {base} --head {head}"
    gates: Gates = Gates()


class Limits(NamedTuple):
    """The lengths from which lists are cut: items of a list, names in a sentence, lines of a message."""

    items: int
    names: int
    lines: int


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


class CodeBlock(NamedTuple):
    """Lines of a program's message, or a list of paths."""

    lines: tuple[str, ...]


Block = Table | Bullets | Paragraph | CodeBlock


class Section(NamedTuple):
    """A part of the document; `name` is stable and short, for links and styles."""

    name: str
    title: str
    blocks: tuple[Block, ...]


class OverviewRow(NamedTuple):
    """A row of the table at the top: the answer to one question of a reviewer."""

    name: Literal[
        "supposed",
        "failed",
        "rendered",
        "gates",
        "left",
        "dangers",
        "calm",
        "findings",
        "sound",
        "merge",
        "waits",
        "unknown",
        "kept",
        "applications",
        "pairs",
        "folded",
    ]
    title: str
    line: Line


class ObjectSection(NamedTuple):
    """An object of a lot: the line that names it, and its YAML."""

    heading: str
    lines: tuple[str, ...]


class GroupSection(NamedTuple):
    """One group as a reader sees it: `hunks` are lines of YAML, or (`is_list`) of paths; a view may leave out some.

    `objects` are those of a lot, whole, for a view that folds them; its hunks are only some of them.
    """

    letter: str
    summary: Line
    clusters: tuple[str, ...]
    before: tuple[Block, ...]
    heading: str
    hunks: tuple[tuple[str, ...], ...]
    is_list: bool
    after: tuple[Block, ...]
    is_outlier: bool
    objects: tuple[ObjectSection, ...] = ()


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
    for part in lines:
        if part:
            spans += [Span(between), *part] if spans else part
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
