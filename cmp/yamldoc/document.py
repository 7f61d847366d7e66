"""The documents of a stream: their values, and their separation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    Path = tuple[str | int, ...]

MAX_DEPTH = 256  # levels of nesting, so that a walk through a value may recurse

# Lines end with \n here, as in Argo CD's splitter; in YAML also \r, NEL, LS and PS end a line.
# The look-behind stands for `^`, which would try the pattern at every line.
_SEPARATOR = re.compile(rb"---(?<![^\n]---)(?=[ \t\r\n#]|\Z)")
_BARE_SEPARATOR = re.compile(rb"---[ \t]*\r?(?:#[^\n]*)?(?:\n|\Z)")
# A directive (`%YAML 1.1`) belongs to the document that the separator behind it begins.
_DIRECTIVES = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*(?:#[^\n]*)?\n)*%[^\n]*\n(?:%[^\n]*\n|[ \t\r]*(?:#[^\n]*)?\n)*")


class YamlError(ValueError):
    """An error for a text that Argo CD could not read either; no piece of the text, which may be a secret, is in it.

    `line` and `column` count from 1, in the whole input.
    """

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.problem = problem
        self.line = line
        self.column = column


class Duplicate(NamedTuple):
    """A key that its mapping already has; `line` (from 1, in the whole input) is that of the later one, which wins.

    With `is_equal` it has the value of the one before.
    """

    path: Path
    line: int
    is_equal: bool = False


class Document(NamedTuple):
    """A document: its bytes from its separator to the next, its value, and the line (from 1) on which it starts."""

    text: bytes
    value: object
    line: int
    duplicates: tuple[Duplicate, ...]


def split(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the bytes of each document and the line (from 1) on which they start; together they are the whole input."""
    starts = [match.start() for match in _SEPARATOR.finditer(data)]
    if starts and (starts[0] == 0 or _DIRECTIVES.fullmatch(data, 0, starts[0])):
        del starts[0]
    line, start = 1, 0
    for end in [*starts, len(data)]:
        yield data[start:end], line
        line += data.count(b"\n", start, end)
        start = end


def body(text: bytes, line: int) -> tuple[bytes, int]:
    """Return the part of a document, which starts on `line`, that Argo CD's parser gets, and the line of its start.

    The parser does not get a separator that is alone on its line, except that of the first document.
    """
    separator = _BARE_SEPARATOR.match(text) if line > 1 else None
    return (text[separator.end() :], line + 1) if separator else (text, line)
