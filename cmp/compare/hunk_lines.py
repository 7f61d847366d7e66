"""One difference -> its lines: a sign, the indentation, YAML; of two texts only the lines that differ."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.compare.fields import MERGE_KEYS, same
from cmp.compare.printing import (
    MAX_LENGTH,
    MAX_LINES,
    cut,
    cut_around_difference,
    entry_lines,
    item_lines,
    key_line,
    limited,
    shortened,
)
from cmp.compare.sequences import blocks
from cmp.system.visible import visible_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.changes import Field
    from cmp.compare.fields import Row
    from cmp.compare.sequences import Block

CONTEXT = 3  # equal lines of a text around a difference
REWRITTEN = "# the same content, written differently"
REORDERED = "# in another order"
_MAX_YAML = 20_000  # characters; a longer text takes too long to read for a hint
_MAX_RUN = 2  # items between moved ones that are printed
_NAMING_KEYS = (*dict.fromkeys(key for keys in MERGE_KEYS for key in keys), "id", "kind", "type")


def field_lines(field: Field, indent: str, key: str | None) -> list[str]:
    """Return the lines of a value that came, went or changed: the value of a key, or (None) an item of a list."""
    before, after = field.before, field.after
    if field.kind == "changed" and isinstance(before, str) and isinstance(after, str):
        return limited(_text_lines(before, after, indent, key), indent, 2 * MAX_LINES)
    lines = [] if field.kind == "added" else _signed("-", shortened(before), indent, key)
    return lines if field.kind == "removed" else [*lines, *_signed("+", shortened(after), indent, key)]


def order_lines(rows: Sequence[Row], before: Sequence[object], after: Sequence[object], indent: str) -> list[str]:
    """Return the lines of a list in another order: a line for each item that moved."""
    names = {
        row.label: item_heading(before[row.before], after[row.after], row.label)
        for row in rows
        if row.before is not None and row.after is not None
    }
    if len(set(names.values())) < len(names):
        names = {label: f"{name}  # {label}" for label, name in names.items()}
    old = [row.label for row in sorted(rows, key=lambda row: -1 if row.before is None else row.before)]
    lines = [
        f" {indent}{REORDERED}",
        *_moves([names[label] for label in old if label in names], list(names.values()), indent),
    ]
    return limited(lines, indent)


def item_heading(before: object, after: object, label: str) -> str:
    """Return the line that names an item of a list: `- name: web`, or the item if it is short.

    It is `- # [0]` where no such line is the same on both sides.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        key = next((key for key in (*_NAMING_KEYS, *sorted(before)) if _is_naming(before, after, key)), None)
        return item_lines({key: after[key]})[0] if key is not None else _numbered(label)
    return item_lines(after)[0] if _is_short(after) and same(before, after) else _numbered(label)


@lru_cache(maxsize=64)  # the same change is usually in many clusters
def is_same_content(before: str, after: str) -> bool:
    """Say whether two texts are the same maps or lists as YAML (or JSON), so that only the writing differs."""
    try:
        old, new = _parsed(before), _parsed(after)
        return any(isinstance(value, dict | list) for value in old) and same(old, new)
    except (ValueError, RecursionError):  # of a text that is not YAML, or is nested too deeply
        return False


def _numbered(label: str) -> str:
    return f"- # {visible_line(label)}"


def _is_naming(before: Mapping[str, object], after: Mapping[str, object], key: str) -> bool:
    return key in before and key in after and _is_short(after[key]) and same(before[key], after[key])


def _is_short(value: object) -> bool:
    is_line = not isinstance(value, str) or ("\n" not in value and len(value) <= MAX_LENGTH)
    return is_line and not isinstance(value, dict | list)


def _moves(old: Sequence[str], new: Sequence[str], indent: str) -> Iterator[str]:
    for block in blocks(old, new):
        run = old[block.low : block.high]
        if not block.is_equal:
            yield from (f"-{indent}{name}" for name in run)
            yield from (f"+{indent}{name}" for name in new[block.start : block.stop])
        elif len(run) > _MAX_RUN:
            yield f" {indent}… {len(run)} items"
        else:
            yield from (f" {indent}{name}" for name in run)


def _signed(sign: str, value: object, indent: str, key: str | None) -> list[str]:
    lines = item_lines(value) if key is None else entry_lines(key, value)
    return limited([f"{sign}{indent}{line}" for line in lines], indent, MAX_LINES // 2)


def _text_lines(before: str, after: str, indent: str, key: str | None) -> list[str]:
    hint = [f" {indent}{REWRITTEN}"] if is_same_content(before, after) else []
    if "\n" in before or "\n" in after:
        head = "-" if key is None else key_line(key)
        return [*hint, *_block_lines(indent + head, before, after, f"{indent}  ")]
    old, new = cut_around_difference(before, after)
    return [*hint, *_signed("-", old, indent, key), *_signed("+", new, indent, key)]


def _parsed(text: str) -> list[object]:
    if text.lstrip()[:1] in ("{", "["):
        return [json.loads(text)]
    return yamldoc.load_all(text.encode()) if len(text) <= _MAX_YAML else []


def _block_lines(head: str, before: str, after: str, indent: str) -> list[str]:
    """Return two texts as a diff of YAML's literal blocks: `head` with the block's mark, then the texts' lines.

    `head` is a key, or the dash of an item.  Lines with invisible parts (blanks at the end, control characters) stand
    in quotes.
    """
    (old_mark, old), (new_mark, new) = _literal(before), _literal(after)
    lines = [f" {head} {new_mark}"] if old_mark == new_mark else [f"-{head} {old_mark}", f"+{head} {new_mark}"]
    stretches = blocks(old, new)
    for at, block in enumerate(stretches):
        if block.is_equal:
            is_last = at == len(stretches) - 1
            lines += _context(old[block.low : block.high], indent, is_first=not at, is_last=is_last)
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
        yield from (_block_line(" ", indent, line) for line in lines)
        return
    yield from (_block_line(" ", indent, line) for line in lines[:before])
    yield f" {indent}… {skipped} lines"
    yield from (_block_line(" ", indent, line) for line in lines[len(lines) - after :])


def _changed(old: Sequence[str], new: Sequence[str], block: Block, indent: str) -> Iterator[str]:
    before, after = list(old[block.low : block.high]), list(new[block.start : block.stop])
    if len(before) == len(after):
        shown = [cut_around_difference(was, now) for was, now in zip(before, after, strict=True)]
        before, after = [was for was, _ in shown], [now for _, now in shown]
    else:
        before, after = list(map(cut, before)), list(map(cut, after))
    for sign, lines in (("-", before), ("+", after)):
        yield from limited([_block_line(sign, indent, line) for line in lines], indent, MAX_LINES // 2)


def _block_line(sign: str, indent: str, line: str) -> str:
    is_plain = visible_line(line) == line and line == line.rstrip()
    return f"{sign}{indent}{line if is_plain else item_lines(line)[0].removeprefix('- ')}" if line else sign
