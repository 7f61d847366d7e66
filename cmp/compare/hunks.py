"""Differences -> hunks of YAML: only the changed lines and their parents, the keys and items above, are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Hunk
from cmp.compare.fields import align, same
from cmp.compare.hunk_lines import field_lines, item_heading, order_lines
from cmp.compare.printing import document_lines, key_line, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Field
    from cmp.compare.fields import Row
    from cmp.compare.pairing import MatchedObject

    Path = tuple[str, ...]

FULL = 40  # lines; a hunk of so many takes no further differences


def hunks(matched: MatchedObject, fields: Sequence[Field]) -> tuple[Hunk, ...]:
    """Return the hunks that show these fields, each in exactly one; they come in the order of the printed YAML.

    An object that is added or removed is one hunk, with all its lines.  Otherwise neighbouring fields share a hunk: it
    stays below one key of the object, and ends when it is long.  No line has a raw control character, or one that
    turns the writing direction; a very long value is cut, and a note says so.
    """
    if not fields:
        return ()
    if matched.before is None or matched.after is None:
        sign = "+" if matched.before is None else "-"
        lines = (sign + line for line in document_lines(shortened(matched.newest.value)))
        return (Hunk(tuple(lines), tuple(range(len(fields)))),)
    root = _Node()
    for index, field in enumerate(fields):
        node = root
        for part in field.path:
            node = node.children.setdefault(part, _Node())
        node.fields.append(index)
    pieces = _Walk(fields).visit(root, matched.before.value, matched.after.value, _Place((), (), ""))
    return tuple(_hunk(neighbours) for neighbours in _grouped(pieces))


class _Parent(NamedTuple):
    """A line above a difference, a key or the beginning of an item, and its path."""

    path: Path
    line: str


class _Piece(NamedTuple):
    """One field, by its index, as lines with their signs, and a line for each of its parents."""

    field: int
    section: str  # the first key of its path
    parents: tuple[_Parent, ...]
    lines: list[str]


class _Place(NamedTuple):
    """A place in both values during the walk: its parents, and the indentation of its lines."""

    path: Path
    parents: tuple[_Parent, ...]
    indent: str

    def below(self, part: str, line: str, indent: str) -> _Place:
        path = (*self.path, part)
        return _Place(path, (*self.parents, _Parent(path, self.indent + line)), indent)


class _Item(NamedTuple):
    """A row of an alignment with its values; `neighbour` is the line of an unchanged scalar right before it, if any."""

    label: str
    kind: str
    before: object
    after: object
    neighbour: list[str]


class _Node:
    """The fields at a path, by index, and the nodes below it."""

    __slots__ = ("children", "fields")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.fields: list[int] = []


class _Walk:
    """A walk along the fields' paths through both values at once; yields a piece for each field."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields

    def visit(self, node: _Node, before: object, after: object, place: _Place) -> Iterator[_Piece]:
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self._map(node, before, after, place)
        elif isinstance(before, list) and isinstance(after, list):
            yield from self._list(node, before, after, place)

    def _map(
        self, node: _Node, before: Mapping[str, object], after: Mapping[str, object], place: _Place
    ) -> Iterator[_Piece]:
        for key, child in sorted(node.children.items()):
            index = self._index(child, "added", "removed", "changed")
            if index is not None:
                yield self._piece(index, place, field_lines(self._fields[index], place.indent, key))
            else:
                indent = place.indent if isinstance(after[key], list) else f"{place.indent}  "
                yield from self.visit(child, before[key], after[key], place.below(key, key_line(key), indent))

    def _list(self, node: _Node, before: Sequence[object], after: Sequence[object], place: _Place) -> Iterator[_Piece]:
        rows = align(before, after).rows
        moved = self._index(node, "moved")
        if moved is not None:
            yield self._piece(moved, place, order_lines(rows, before, after, place.indent))
        for item in _items(rows, before, after):
            if item.label in node.children:
                yield from self._item(node.children[item.label], item, place)

    def _item(self, child: _Node, item: _Item, place: _Place) -> Iterator[_Piece]:
        index = self._index(child, item.kind)
        if index is not None:
            neighbour = [f" {place.indent}{line}" for line in item.neighbour]
            yield self._piece(index, place, neighbour + field_lines(self._fields[index], place.indent, None))
        elif item.kind == "changed" and (child.children or self._index(child, "moved") is not None):
            line = item_heading(item.before, item.after, item.label)
            below = place.below(item.label, line, f"{place.indent}  ")
            yield from self.visit(child, item.before, item.after, below)

    def _index(self, node: _Node, *kinds: str) -> int | None:
        return next((index for index in node.fields if self._fields[index].kind in kinds), None)

    def _piece(self, index: int, place: _Place, lines: list[str]) -> _Piece:
        return _Piece(field=index, section=self._fields[index].path[0], parents=place.parents, lines=lines)


def _items(rows: Sequence[Row], before: Sequence[object], after: Sequence[object]) -> Iterator[_Item]:
    neighbour: list[str] = []
    for row in rows:
        old = None if row.before is None else before[row.before]
        new = None if row.after is None else after[row.after]
        kind = "added" if row.before is None else "removed" if row.after is None else "changed"
        yield _Item(label=row.label, kind=kind, before=old, after=new, neighbour=neighbour)
        is_same = kind == "changed" and not isinstance(new, dict | list) and same(old, new)
        neighbour = [item_heading(old, new, row.label)] if is_same else []


def _grouped(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    """Yield the pieces of each hunk."""
    group: list[_Piece] = []
    for piece in pieces:
        if group and (group[-1].section != piece.section or sum(len(member.lines) for member in group) >= FULL):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _hunk(pieces: Sequence[_Piece]) -> Hunk:
    lines: list[str] = []
    printed: tuple[Path, ...] = ()
    for piece in pieces:
        paths = tuple(parent.path for parent in piece.parents)
        shared = sum(1 for path, other in zip(printed, paths, strict=False) if path == other)
        lines += [f" {parent.line}" for parent in piece.parents[shared:]]
        printed = paths
        lines += piece.lines
    return Hunk(tuple(lines), tuple(piece.field for piece in pieces))
