"""Cut what an engine printed into documents, where Argo CD cuts it.

Argo CD does not ask a YAML parser where a document ends: every line that starts with `---` is a separator, also inside
quotes, and of what lies between two separators it reads one document (k8s.io/apimachinery, pkg/util/yaml/decoder.go).
A piece that is exactly one document to a YAML parser therefore means the same to both.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.render.output.rendered import Files

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_SEPARATOR = re.compile(rb"\n---")
_SOURCE = re.compile(rb"---[^\n]*\n# Source: ([^\r\n]+)")


class Piece(NamedTuple):
    """The text from one separator line to the next; `line` is that of the separator.

    Text before the first separator is a piece as well, with a separator of ours: `is_leading`.
    """

    text: bytes
    line: int
    source: str
    is_leading: bool = False


class Stream(NamedTuple):
    """The pieces in order, and the lines of noise that were left out."""

    pieces: tuple[Piece, ...]
    noise: tuple[str, ...]


def split(data: bytes, noise: tuple[re.Pattern[str], ...], files: Files) -> Stream:
    """Cut at the separators; lines before the first one that match `noise` are left out."""
    data = data.removeprefix(BYTE_ORDER_MARK)
    if data and not data.endswith(b"\n"):
        data += b"\n"  # as Argo CD does: the value of a last `|+` depends on it
    starts = [found.start() for found in _SEPARATOR.finditer(b"\n" + data)]
    first = starts[0] if starts else len(data)
    leading, left_out = _without_noise(data[:first], noise)
    pieces = [Piece(b"---\n" + leading, len(left_out), "", is_leading=True)] if leading else []
    pieces.extend(_pieces(data, starts, files))
    return Stream(tuple(pieces), tuple(line for line in left_out if line))


def _without_noise(leading: bytes, noise: tuple[re.Pattern[str], ...]) -> tuple[bytes, list[str]]:
    """Return the text after the blank and known lines at its start, and those lines."""
    lines = leading.split(b"\n")
    left_out: list[str] = []
    for line in lines:
        text = line.decode(errors="replace").strip()
        if text and not any(pattern.fullmatch(text) for pattern in noise):
            break
        left_out.append(text)
    return b"\n".join(lines[len(left_out) :]), left_out


def _pieces(data: bytes, starts: list[int], files: Files) -> Iterator[Piece]:
    line, source = data.count(b"\n", 0, starts[0]) + 1 if starts else 0, ""
    for start, end in pairwise([*starts, len(data)]):
        text = data[start:end]
        if found := _SOURCE.match(text):
            source = found[1].decode(errors="replace")  # a file's further documents carry no such comment
        yield Piece(text, line, files.name(line) or source)
        line += text.count(b"\n")


def misreading(piece: Piece) -> str:
    """Say what Argo CD would refuse in a piece, or read in another way than a YAML parser; empty when nothing."""
    if not _is_separator(piece.text[: piece.text.find(b"\n") + 1] or piece.text):
        return "text after `---` on the same line: Argo CD refuses it as an invalid document separator"
    if BYTE_ORDER_MARK in piece.text and b"\n" + BYTE_ORDER_MARK in piece.text:
        # Argo CD skips it in some places and takes it for a column in others.
        return "a byte order mark (U+FEFF) at the start of a line"
    return ""


def _is_separator(line: bytes) -> bool:
    """Say whether blanks or a comment follow the dashes, and nothing that ends a line in YAML only (U+2028, say)."""
    rest = line[3:].strip()
    is_comment = rest.startswith(b"#") and line[3:4].isspace()
    return not rest or (is_comment and len(rest.decode(errors="replace").splitlines()) == 1)
