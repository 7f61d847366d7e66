"""Items of the annotation `manifest-generate-paths`, made of paths and of the layout's patterns, as few as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.genpaths.annotation import SEPARATOR, SPECIAL, escaped, matches_name
from cmp.genpaths.expressions import is_template, without
from cmp.repository.layout import ANY_DEPTH
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.repository.layout import Pattern, Segment

STAR = "*"


def of_path(path: str, prefix: str) -> str:
    """Return the item for a file, or for a folder with all below it; `prefix` is where the root lies in Git.

    No item can hold a `;`: then it is the nearest folder above that has none.
    """
    while SEPARATOR in path:
        path = path.rpartition("/")[0]
    return f"/{join(prefix, path)}"


def of_pattern(pattern: Pattern, known: Mapping[str, str], prefix: str) -> str:
    """Return the item that means at least what a pattern can lead to; names that are not `known` may be anything.

    There is no `**` in an item: all of the folder before it is meant.
    """
    shown = [_segment(segment, known) for segment in pattern.segments]
    is_open = [STAR in pieces for pieces in shown]
    if ANY_DEPTH in pattern.segments:
        shown = shown[: is_open.index(True)]
    literal = ["".join(pieces) for pieces in shown]
    if not any(STAR in pieces for pieces in shown) or any(SEPARATOR in part for part in literal):
        closed = literal[: is_open.index(True)] if True in is_open else literal
        return of_path("/".join(closed), prefix)
    parts = [
        "".join(piece if piece == STAR or is_template(piece) else escaped(piece) for piece in pieces)
        for pieces in shown
    ]
    return f"/{join(escaped(prefix), *parts)}"


def _segment(segment: Segment, known: Mapping[str, str]) -> list[str]:
    """Return the pieces of a segment: texts, and stars for what may be anything."""
    return [
        token.text if token.kind == "text" else known.get(token.text, STAR) if token.kind == "name" else STAR
        for token in segment
    ]


def reduced(items: Iterable[str]) -> tuple[str, ...]:
    """Return the items without those that others mean too, sorted."""
    kept: list[str] = []
    for item in sorted(set(items), key=lambda item: (item.count("/"), item)):
        if not any(_covers(other, item) for other in kept):
            kept = [other for other in kept if not _covers(item, other)]
            kept.append(item)
    return tuple(sorted(kept))


def _covers(wide: str, narrow: str) -> bool:
    """Whether all that one item means is meant by another; a star in the narrow one is text that a wide one matches."""
    if is_literal(wide):
        return wide == narrow or f"{narrow}/".startswith(f"{wide.rstrip('/')}/")
    return not is_literal(narrow) and matches_name(wide, narrow)


def is_literal(item: str) -> bool:
    """Say whether an item is no pattern: also what lies below it is meant."""
    return not any(char in without(item) for char in SPECIAL)
