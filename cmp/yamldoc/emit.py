"""Values -> YAML that each reader of YAML 1.1 and 1.2 reads back as the same values."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING

from cmp.yamldoc.document import MAX_DEPTH
from cmp.yamldoc.scalar import INT64_MIN, UINT64_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Words of a small alphabet with single spaces; they begin with a letter or a slash, and so never like a number.
_WORD = r"[A-Za-z0-9_./-](?:[A-Za-z0-9_./:@+=-]*[A-Za-z0-9_./@+=-])?"
_PLAIN = re.compile(rf"(?=[A-Za-z/]){_WORD}(?: {_WORD})*")
_NOT_STRINGS = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nil", "nan", "inf", "infinity")
)
# Control characters, line breaks of Unicode, characters without width or for the writing direction, noncharacters.
_UNCLEAN = "\x7f-\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\uffff"
_ESCAPED = re.compile(rf'["\\\x00-\x1f{_UNCLEAN}]')
_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}
# Texts that a literal block (`|`) cannot hold, or not visibly: also those with lines of blanks.
_NOT_LITERAL = re.compile(rf"\A[ \t\n]|[\x00-\x08\x0b-\x1f{_UNCLEAN}]|\n[ \t]+(?:\n|\Z)")
_MAX_SIMPLE_KEY = 1000  # characters; a parser recognises a key only if its colon comes within 1024


def dump_all(documents: Iterable[object]) -> bytes:
    """Return the stream; its promises are those of `cmp.yamldoc.dump_all`."""
    writer = _Writer()
    for document in documents:
        writer.document(document)
    return "".join(f"{line}\n" for line in writer.lines).encode()


class _Writer:
    """Collect lines; `lead` is the beginning of the first line of a node, `indent` that of its other lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def document(self, value: object) -> None:
        self.lines.append("---")
        if value and isinstance(value, dict | list | tuple):
            self._collection(value, "", "", 1)
        else:
            self._scalar(value, "", "")

    def _collection(self, value: object, lead: str, indent: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} levels of nesting")
        if isinstance(value, dict):
            self._mapping(value, lead, indent, depth)
        elif isinstance(value, list | tuple):
            self._sequence(value, lead, indent, depth)

    def _mapping(self, value: Mapping[str, object], lead: str, indent: str, depth: int) -> None:
        for key, item in sorted(value.items(), key=_by_key):
            head = lead + (_plain(key) or _quoted(key))
            if len(head) - len(lead) > _MAX_SIMPLE_KEY:
                self.lines.append(f"{lead}? {head[len(lead) :]}")
                head = indent
            if item and isinstance(item, dict):
                self.lines.append(f"{head}:")
                self._collection(item, f"{indent}  ", f"{indent}  ", depth + 1)
            elif item and isinstance(item, list | tuple):
                self.lines.append(f"{head}:")
                self._collection(item, indent, indent, depth + 1)
            else:
                self._scalar(item, f"{head}: ", indent)
            lead = indent

    def _sequence(self, value: Sequence[object], lead: str, indent: str, depth: int) -> None:
        for item in value:
            if item and isinstance(item, dict | list | tuple):
                self._collection(item, f"{lead}- ", f"{indent}  ", depth + 1)
            else:
                self._scalar(item, f"{lead}- ", indent)
            lead = indent

    def _scalar(self, value: object, lead: str, indent: str) -> None:
        if isinstance(value, str) and "\n" in value and not _NOT_LITERAL.search(value):
            self._literal(value, lead, indent)
        else:
            self.lines.append(lead + _inline(value))

    def _literal(self, text: str, lead: str, indent: str) -> None:
        content = text.rstrip("\n")
        newlines = len(text) - len(content)
        self.lines.append(lead + ("|-", "|", "|+")[min(newlines, 2)])
        self.lines.extend(f"{indent}  {line}" if line else "" for line in content.split("\n"))
        self.lines.extend([""] * (newlines - 1))


def _by_key(item: tuple[object, object]) -> str:
    if not isinstance(item[0], str):
        raise TypeError(f"a key is text, not {type(item[0]).__name__}")
    return item[0]


def _inline(value: object) -> str:
    """Return the text of a scalar or of an empty collection, on one line."""
    if isinstance(value, str):
        return _plain(value) or _quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    raise TypeError(f"{type(value).__name__} has no YAML form")


def _plain(text: str) -> str:
    """Return the text if it needs no quotes, else an empty one."""
    return text if _PLAIN.fullmatch(text) and text.lower() not in _NOT_STRINGS else ""


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004  # the surrogates
        raise ValueError("a lone surrogate cannot be written as YAML")
    return _ESCAPES.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")  # noqa: PLR2004  # one byte


def _number(value: float) -> str:
    if isinstance(value, int):
        if not INT64_MIN <= value <= UINT64_MAX:
            raise ValueError("an integer beyond 64 bits cannot be read back")
        return str(int(value))
    if not isfinite(value):
        raise ValueError("a float that is not finite cannot be read back")
    text = repr(float(value))
    return text if "." in text else text.replace("e", ".0e")  # readers of YAML 1.1 want the dot
