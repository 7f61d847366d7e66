"""Changes of the same shape with different values: the table of these values."""

from __future__ import annotations

import json
from os.path import commonprefix
from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.compare.sequences import outside_mask
from cmp.preview.labels import unlabelled, value_text
from cmp.report.names import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Row = tuple[str, ...]
    Path = tuple[str, ...]

MAX_COLUMNS = 5  # more no comment is wide enough for
_WIDE = 40
_CONTEXT = 8  # of what all values of a wide column have in common


class Leaf(NamedTuple):
    """A difference of single values, as text; one of maps and lists is that of what they hold."""

    kind: str
    path: Path
    before: str
    after: str


def shape(facts: list[object]) -> str:
    """Return what changes of one table have in common: the object, what happens to it, the paths, the dangers' rules.

    `facts` are what a group's key is made of: application, identity, fields, what else there is, dangers.
    """
    app, identity, _, what, dangers = facts
    paths = [leaf[:2] for leaf in leaves(facts)]
    return json.dumps((app, identity, paths, what, [danger[0] for danger in cast("list[list[str]]", dangers)]))


def columns(table: Sequence[list[object]], shown: Sequence[list[object]]) -> tuple[Row, list[Row], int]:
    """Return the paths in which changes of one shape differ, each change's values there, and how many are left out.

    `table` has the facts by which they differ, `shown` those to be shown.
    """
    pairs = zip(zip(*map(leaves, table), strict=True), zip(*map(leaves, shown), strict=True), strict=True)
    different = [pair for pair in pairs if len(set(pair[0])) > 1]
    names = tuple(path_text(compared[0].path) for compared, _ in different[:MAX_COLUMNS])
    cells = [_cells(column) for _, column in different[:MAX_COLUMNS]]
    rows = [tuple(cell[at] for cell in cells) for at in range(len(table))]
    return names, rows, len(different) - len(names)


def leaves(facts: list[object]) -> list[Leaf]:
    """Return the differences of single values that a change makes."""
    fields = cast("list[list[object]]", facts[2])
    return [leaf for path, *rest in fields for leaf in _of_field(cast("Path", path), *rest)]


def _of_field(path: Path, kind: object, before: object, after: object) -> Iterator[Leaf]:
    old, new = dict(_values(before, tuple(path))), dict(_values(after, tuple(path)))
    for at in dict.fromkeys((*old, *new)):
        yield Leaf(str(kind), at, old.get(at, ""), new.get(at, ""))


def _values(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _values(item, (*path, str(key)))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            name = item.get("name", index) if isinstance(item, dict) else index
            yield from _values(item, (*path, f"[{name}]"))
    else:
        yield path, value_text(value)


def _cells(column: Sequence[Leaf]) -> list[str]:
    texts = _shortened([*(leaf.before for leaf in column), *(leaf.after for leaf in column)])
    pairs = zip(column, texts[: len(column)], texts[len(column) :], strict=True)
    return [{"added": after, "removed": before}.get(leaf.kind, f"{before} → {after}") for leaf, before, after in pairs]


def _shortened(texts: list[str]) -> list[str]:
    """Return texts of which any is wide without what all have in common, and cut; never inside a secret's label."""
    if max(len(unlabelled(text)) for text in texts) <= _WIDE:
        return texts
    start = len(commonprefix([text for text in texts if text]))  # noqa: RUF071  # of texts, not of paths: that is what is wanted
    longest = max(texts, key=len)
    start = outside_mask(longest, max(outside_mask(longest, start) - _CONTEXT, 0))
    return [("…" if start and text else "") + _cut(text[start:]) for text in texts]


def _cut(text: str) -> str:
    limit = _WIDE + len(text) - len(unlabelled(text))  # the label of a secret will be short
    return text if len(text) <= limit else text[: outside_mask(text, limit) or limit] + "…"
