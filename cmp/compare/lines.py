"""One difference -> its lines: a sign, the indentation, YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.compare.captions import caption
from cmp.compare.printing import MAX_LINES, entry, item, lead, limited, shortened, windows
from cmp.compare.sequences import blocks
from cmp.compare.texts import is_same_content, line_diff

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Field
    from cmp.compare.align import Row

_MAX_RUN = 2  # items between moved ones that are printed
REWRITTEN = "# the same content, written differently"
REORDERED = "# in another order"


def of_field(field: Field, indent: str, key: str | None) -> list[str]:
    """Return the lines of a value that came, went or changed: that of a key, or (None) an item of a list."""
    before, after = field.before, field.after
    if field.kind == "changed" and isinstance(before, str) and isinstance(after, str):
        return limited(_of_texts(before, after, indent, key), indent, 2 * MAX_LINES)
    lines = [] if field.kind == "added" else _signed("-", shortened(before), indent, key)
    return lines if field.kind == "removed" else [*lines, *_signed("+", shortened(after), indent, key)]


def of_order(rows: Sequence[Row], before: Sequence[object], after: Sequence[object], indent: str) -> list[str]:
    """Return the lines of a list whose items follow each other in another order: a line for each item that moved."""
    names = {
        row.label: caption(before[row.before], after[row.after], row.label)
        for row in rows
        if row.before is not None and row.after is not None
    }
    if len(set(names.values())) < len(names):
        names = {label: f"{name}  # {label}" for label, name in names.items()}
    old = [row.label for row in sorted(rows, key=lambda row: -1 if row.before is None else row.before)]
    lines = [
        f" {indent}{REORDERED}",
        *_order([names[label] for label in old if label in names], list(names.values()), indent),
    ]
    return limited(lines, indent)


def _order(old: Sequence[str], new: Sequence[str], indent: str) -> Iterator[str]:
    for block in blocks(old, new):
        run = old[block.low : block.high]
        if not block.is_equal:
            yield from (f"-{indent}{name}" for name in run)
            yield from (f"+{indent}{name}" for name in new[block.start : block.stop])
        elif len(run) > _MAX_RUN:
            yield f" {indent}… {len(run)} items"
        else:
            yield from (f" {indent}{name}" for name in run)


def _of_texts(before: str, after: str, indent: str, key: str | None) -> list[str]:
    hint = [f" {indent}{REWRITTEN}"] if is_same_content(before, after) else []
    if "\n" in before or "\n" in after:
        head = "-" if key is None else lead(key)
        return [*hint, *line_diff(indent + head, before, after, f"{indent}  ")]
    old, new = windows(before, after)
    return [*hint, *_signed("-", old, indent, key), *_signed("+", new, indent, key)]


def _signed(sign: str, value: object, indent: str, key: str | None) -> list[str]:
    lines = item(value) if key is None else entry(key, value)
    return limited([f"{sign}{indent}{line}" for line in lines], indent, MAX_LINES // 2)
