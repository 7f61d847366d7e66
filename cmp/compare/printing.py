"""Values -> the lines of YAML that a reader of a diff sees.

Invisible characters are escaped.  Long texts are cut, and a note says how much was left out.
"""

from __future__ import annotations

from cmp import yamldoc
from cmp.compare.sequences import common, outside_mask
from cmp.system.visible import visible_line

MAX_LINES = 200  # of one text, or of one difference
MAX_LENGTH = 400  # characters of a text's line
_AROUND = 80  # characters that stay before the first difference of two long lines


def document_lines(value: object) -> list[str]:
    """Return the lines of an object."""
    return [visible_line(line) for line in yamldoc.dump_all([value]).decode().split("\n")[1:-1]]


def entry_lines(key: str, value: object) -> list[str]:
    """Return the lines of a map with this one key."""
    return document_lines({key: value})


def item_lines(value: object) -> list[str]:
    """Return the lines of a list with this one item."""
    return document_lines([value])


def key_line(key: str) -> str:
    """Return a key and its colon, for a value that follows on the next lines."""
    return document_lines({key: None})[-1].removesuffix(" null")


def shortened(value: object) -> object:
    """Return the value with its long texts cut, and with a note of how much was left out."""
    if isinstance(value, dict):
        return {key: shortened(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shortened(part) for part in value]
    return _shortened_text(value) if isinstance(value, str) and len(value) > MAX_LENGTH else value


def cut_around_difference(before: str, after: str) -> tuple[str, str]:
    """Return two different lines, both cut around the first difference if one of them is long."""
    if max(len(before), len(after)) <= MAX_LENGTH:
        return before, after
    start = max(outside_mask(before, common(before, after)) - _AROUND, 0)
    return _cut(before, start), _cut(after, start)


def limited(lines: list[str], indent: str, most: int = MAX_LINES) -> list[str]:
    """Return the first lines of a diff, and a line with the number of the others."""
    left = len(lines) - most
    return [*lines[:most], f" {indent}… {left} more lines"] if left > 1 else lines


def cut(line: str) -> str:
    """Return the line, without its end if it is long."""
    return _cut(line, 0)


def _cut(line: str, start: int) -> str:
    start = outside_mask(line, start)
    stop = outside_mask(line, start + MAX_LENGTH)
    head = f"… {start} characters, then " if start else ""
    tail = f" … {len(line) - stop} more characters" if stop < len(line) else ""
    return head + line[start:stop] + tail


def _shortened_text(text: str) -> str:
    content = text.rstrip("\n")
    lines = content.split("\n")
    shown = [cut(line) for line in lines[:MAX_LINES]]
    if len(lines) > MAX_LINES:
        shown.append(f"… {len(lines) - MAX_LINES} more lines")
    return "\n".join(shown) + text[len(content) :]
