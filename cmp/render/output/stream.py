"""Cut the output of an engine into documents, where Argo CD cuts it.

Argo CD does not ask a YAML parser where a document ends: every line that starts with `---` is a separator, also inside
quotes, and of what lies between two separators it reads one document (k8s.io/apimachinery, pkg/util/yaml/decoder.go).
A piece that is exactly one document to a YAML parser therefore means the same to both.
"""

from __future__ import annotations

import re
from bisect import bisect
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HEADER_LINES = 2  # above the text of a file: a separator, and the comment with its name

_SEPARATOR = re.compile(rb"\n---")
_SOURCE = re.compile(rb"---[^\n]*\n# Source: ([^\r\n]+)")


class FileStarts(NamedTuple):
    """Files that were printed as they lie in the repository, each with the line of the output where its text begins.

    A program's own output has none: only its comments tell where an object comes from.  `folder` is that of the files.
    """

    starts: tuple[tuple[int, str], ...] = ()
    folder: str = ""

    def name(self, line: int) -> str:
        """Return the file whose text, or whose comment above it, is in this line of the output."""
        return self._around(line)[1]

    def place(self, line: int, source: str) -> str:
        """Return the place that a line of the output comes from; `source` is the file, or the text of a comment."""
        start, name = self._around(line)
        if source and name != source:  # a document's end is the beginning of the next file
            start, name = self._around(start - HEADER_LINES - 1)
        if name:
            return f"{name}:{max(1, line - start + 1)}"
        return ", ".join(part for part in (source, f"line {line} of the output") if part)

    def _around(self, line: int) -> tuple[int, str]:
        after = bisect(self.starts, line + HEADER_LINES, key=itemgetter(0))
        return self.starts[after - 1] if after else (0, "")


NO_FILES = FileStarts()


class Piece(NamedTuple):
    """The text from one separator line to the next; `line` is that of the separator.

    Text before the first separator is a piece as well, with a separator of ours: `is_leading`.
    """

    text: bytes
    line: int
    source: str
    is_leading: bool = False


class Stream(NamedTuple):
    """The pieces in order, and the known lines before the first document that were left out."""

    pieces: tuple[Piece, ...]
    noise: tuple[str, ...]


def split(data: bytes, noise: tuple[re.Pattern[str], ...], files: FileStarts) -> Stream:
    """Cut at the separators; lines before the first one that match `noise` are left out."""
    data = data.removeprefix(BYTE_ORDER_MARK)
    if data and not data.endswith(b"\n"):
        data += b"\n"  # as Argo CD does: the value of a last `|+` depends on it
    starts = [match.start() for match in _SEPARATOR.finditer(b"\n" + data)]
    first = starts[0] if starts else len(data)
    leading, left_out = _without_noise(data[:first], noise)
    pieces = [Piece(b"---\n" + leading, len(left_out), "", is_leading=True)] if leading else []
    pieces.extend(_pieces(data, starts, files))
    return Stream(tuple(pieces), tuple(line for line in left_out if line))


def _without_noise(leading: bytes, noise: tuple[re.Pattern[str], ...]) -> tuple[bytes, list[str]]:
    """Return the text without the blank and known lines at its start, and those lines."""
    lines = leading.split(b"\n")
    left_out: list[str] = []
    for line in lines:
        text = line.decode(errors="replace").strip()
        if text and not any(pattern.fullmatch(text) for pattern in noise):
            break
        left_out.append(text)
    return b"\n".join(lines[len(left_out) :]), left_out


def _pieces(data: bytes, starts: list[int], files: FileStarts) -> Iterator[Piece]:
    line, source = data.count(b"\n", 0, starts[0]) + 1 if starts else 0, ""
    for start, end in pairwise([*starts, len(data)]):
        text = data[start:end]
        if comment := _SOURCE.match(text):
            source = comment[1].decode(errors="replace")  # a file's further documents carry no such comment
        yield Piece(text, line, files.name(line) or source)
        line += text.count(b"\n")


def misreading(piece: Piece) -> str:
    """Return why Argo CD would refuse a piece, or read it in another way than a YAML parser; empty for a good one."""
    if not _is_separator(piece.text[: piece.text.find(b"\n") + 1] or piece.text):
        return "text after `---` on the same line: Argo CD refuses it as an invalid document separator"
    if BYTE_ORDER_MARK in piece.text and b"\n" + BYTE_ORDER_MARK in piece.text:
        # Argo CD skips it in some places and takes it for a column in others.
        return "a byte order mark (U+FEFF) at the start of a line"
    return ""


def _is_separator(line: bytes) -> bool:
    """Return whether only blanks or a comment follow the dashes; U+2028, say, ends a line in YAML only."""
    text = line[3:].strip()
    is_comment = text.startswith(b"#") and line[3:4].isspace()
    return not text or (is_comment and len(text.decode(errors="replace").splitlines()) == 1)
