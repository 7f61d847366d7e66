"""Differences -> what a reader sees of them: YAML in which only what changed, and the way there, is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Hunk
from cmp.compare.fields import align, same
from cmp.compare.hunk_lines import caption, of_field, of_order
from cmp.compare.printing import document, lead, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Field
    from cmp.compare.fields import Row
    from cmp.compare.pairing import Matched

FULL = 40  # lines; a hunk of so many takes no further differences


def hunks(matched: Matched, fields: Sequence[Field]) -> tuple[Hunk, ...]:
    """Return the hunks that show these fields, each in exactly one; they come in the order of the printed YAML.

    An object that is added or removed is one hunk, with all its lines.  Otherwise what is near is together: a hunk
    stays below one key of the object, and ends when it is long.  No line has a raw control character, or one that
    turns the writing direction; what is very long is cut, and says so.
    """
    if not fields:
        return ()
    if matched.before is None or matched.after is None:
        sign = "+" if matched.before is None else "-"
        lines = (sign + line for line in document(shortened(matched.newest.value)))
        return (Hunk(tuple(lines), tuple(range(len(fields)))),)
    found = pieces(matched.before.value, matched.after.value, fields)
    return tuple(_hunk(near) for near in _neighbourhoods(found))


def _neighbourhoods(found: Iterable[Piece]) -> Iterator[list[Piece]]:
    near: list[Piece] = []
    for piece in found:
        if near and (near[-1].section != piece.section or sum(len(one.lines) for one in near) >= FULL):
            yield near
            near = []
        near.append(piece)
    if near:
        yield near


def _hunk(near: Sequence[Piece]) -> Hunk:
    lines: list[str] = []
    open_paths: tuple[tuple[str, ...], ...] = ()
    for piece in near:
        shared = sum(1 for one, other in zip(open_paths, piece.leads, strict=False) if one == other.path)
        lines += [f" {lead.line}" for lead in piece.leads[shared:]]
        open_paths = tuple(lead.path for lead in piece.leads)
        lines += piece.lines
    return Hunk(tuple(lines), tuple(piece.field for piece in near))


class Lead(NamedTuple):
    """A line on the way to a difference, a key or the beginning of an item, and the path that it stands for."""

    path: tuple[str, ...]
    line: str


class Piece(NamedTuple):
    """One field, by its index, as lines with their signs, and the lines that lead there, one for each path above."""

    field: int
    section: str  # the first key of its path
    leads: tuple[Lead, ...]
    lines: list[str]


class _Place(NamedTuple):
    """Where a walk is: what leads there, and how far its lines stand to the right."""

    path: tuple[str, ...]
    leads: tuple[Lead, ...]
    indent: str

    def below(self, part: str, line: str, indent: str) -> _Place:
        path = (*self.path, part)
        return _Place(path, (*self.leads, Lead(path, self.indent + line)), indent)


class _Item(NamedTuple):
    """A row of an alignment with its values; `neighbour` is the line of an unchanged scalar right before it, if any."""

    label: str
    kind: str
    before: object
    after: object
    neighbour: list[str]


class _Node:
    """What there is to show at a path (`fields`, by index) and below it."""

    __slots__ = ("children", "fields")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.fields: list[int] = []


def pieces(before: object, after: object, fields: Sequence[Field]) -> Iterator[Piece]:
    """Yield a piece for each of the differences of these two values, in the order of the printed YAML."""
    root = _Node()
    for index, field in enumerate(fields):
        node = root
        for part in field.path:
            node = node.children.setdefault(part, _Node())
        node.fields.append(index)
    return _Walk(fields).inside(root, before, after, _Place((), (), ""))


class _Walk:
    """Follows the fields' paths through both values at once."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields

    def inside(self, node: _Node, before: object, after: object, place: _Place) -> Iterator[Piece]:
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self._map(node, before, after, place)
        elif isinstance(before, list) and isinstance(after, list):
            yield from self._list(node, before, after, place)

    def _map(
        self, node: _Node, before: Mapping[str, object], after: Mapping[str, object], place: _Place
    ) -> Iterator[Piece]:
        for key, child in sorted(node.children.items()):
            index = self._index(child, "added", "removed", "changed")
            if index is not None:
                yield self._piece(index, place, of_field(self._fields[index], place.indent, key))
            else:
                indent = place.indent if isinstance(after[key], list) else f"{place.indent}  "
                yield from self.inside(child, before[key], after[key], place.below(key, lead(key), indent))

    def _list(self, node: _Node, before: Sequence[object], after: Sequence[object], place: _Place) -> Iterator[Piece]:
        rows = align(before, after).rows
        moved = self._index(node, "moved")
        if moved is not None:
            yield self._piece(moved, place, of_order(rows, before, after, place.indent))
        for item in _items(rows, before, after):
            if item.label in node.children:
                yield from self._item(node.children[item.label], item, place)

    def _item(self, child: _Node, item: _Item, place: _Place) -> Iterator[Piece]:
        index = self._index(child, item.kind)
        if index is not None:
            near = [f" {place.indent}{line}" for line in item.neighbour]
            yield self._piece(index, place, near + of_field(self._fields[index], place.indent, None))
        elif item.kind == "changed" and (child.children or self._index(child, "moved") is not None):
            line = caption(item.before, item.after, item.label)
            below = place.below(item.label, line, f"{place.indent}  ")
            yield from self.inside(child, item.before, item.after, below)

    def _index(self, node: _Node, *kinds: str) -> int | None:
        return next((index for index in node.fields if self._fields[index].kind in kinds), None)

    def _piece(self, index: int, place: _Place, lines: list[str]) -> Piece:
        return Piece(index, self._fields[index].path[0], place.leads, lines)


def _items(rows: Sequence[Row], before: Sequence[object], after: Sequence[object]) -> Iterator[_Item]:
    neighbour: list[str] = []
    for row in rows:
        old = None if row.before is None else before[row.before]
        new = None if row.after is None else after[row.after]
        kind = "added" if row.before is None else "removed" if row.after is None else "changed"
        yield _Item(row.label, kind, old, new, neighbour)
        is_same = kind == "changed" and not isinstance(new, dict | list) and same(old, new)
        neighbour = [caption(old, new, row.label)] if is_same else []
