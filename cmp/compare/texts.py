"""Two texts of a manifest -> what differs inside them, line by line, as YAML's literal block shows them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.compare.equality import same
from cmp.compare.printing import MAX_LINES, cut, item, limited, windows
from cmp.compare.sequences import blocks
from cmp.system.visible import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.compare.sequences import Block

CONTEXT = 3
_MAX_YAML = 20_000  # characters; a longer text takes too long to read for a hint


@lru_cache(maxsize=64)  # the same change is usually in many clusters
def is_same_content(before: str, after: str) -> bool:
    """Say whether both are YAML (or JSON) of maps or lists, and the same, so that only the writing differs."""
    try:
        old, new = _parsed(before), _parsed(after)
        return any(isinstance(value, dict | list) for value in old) and same(old, new)
    except (ValueError, RecursionError):  # those of a text that means nothing, or is nested beyond sense
        return False


def _parsed(text: str) -> list[object]:
    if text.lstrip()[:1] in ("{", "["):
        return [json.loads(text)]
    return yamldoc.load_all(text.encode()) if len(text) <= _MAX_YAML else []


def line_diff(head: str, before: str, after: str, indent: str) -> list[str]:
    """Return the lines of a diff: `head` (a key, or the dash of an item) with the block's mark, then the texts' lines.

    Lines that do not show what they are (blanks at the end, control characters) stand in quotes.
    """
    (old_mark, old), (new_mark, new) = _literal(before), _literal(after)
    lines = [f" {head} {new_mark}"] if old_mark == new_mark else [f"-{head} {old_mark}", f"+{head} {new_mark}"]
    found = blocks(old, new)
    for at, block in enumerate(found):
        if block.is_equal:
            lines += _context(old[block.low : block.high], indent, is_first=not at, is_last=at == len(found) - 1)
        else:
            lines += _changed(old, new, block, indent)
    return lines


def _literal(text: str) -> tuple[str, list[str]]:
    """Return the mark of the block that holds the text (as `yamldoc.dump_all` writes it), and its lines."""
    content = text.rstrip("\n")
    newlines = len(text) - len(content)
    lines = content.split("\n") if content else []
    return ("|-", "|", "|+")[min(newlines, 2)], lines + [""] * (newlines - 1)


def _context(lines: Sequence[str], indent: str, *, is_first: bool, is_last: bool) -> Iterator[str]:
    lines = list(map(cut, lines))
    before, after = (0 if is_first else CONTEXT), (0 if is_last else CONTEXT)
    skipped = len(lines) - before - after
    if skipped <= 1:
        yield from (_line(" ", indent, line) for line in lines)
        return
    yield from (_line(" ", indent, line) for line in lines[:before])
    yield f" {indent}… {skipped} lines"
    yield from (_line(" ", indent, line) for line in lines[len(lines) - after :])


def _changed(old: Sequence[str], new: Sequence[str], block: Block, indent: str) -> Iterator[str]:
    before, after = list(old[block.low : block.high]), list(new[block.start : block.stop])
    if len(before) == len(after):
        shown = [windows(one, other) for one, other in zip(before, after, strict=True)]
        before, after = [one for one, _ in shown], [other for _, other in shown]
    else:
        before, after = list(map(cut, before)), list(map(cut, after))
    for sign, lines in (("-", before), ("+", after)):
        yield from limited([_line(sign, indent, line) for line in lines], indent, MAX_LINES // 2)


def _line(sign: str, indent: str, line: str) -> str:
    is_plain = visible_line(line) == line and line == line.rstrip()
    return f"{sign}{indent}{line if is_plain else item(line)[0].removeprefix('- ')}" if line else sign
