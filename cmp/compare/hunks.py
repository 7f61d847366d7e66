"""Differences -> what a reader sees of them: YAML in which only what changed, and the way there, is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Hunk
from cmp.compare.pieces import pieces
from cmp.compare.printing import document, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.changes import Field
    from cmp.compare.matched import Matched
    from cmp.compare.pieces import Piece

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
