"""Two values -> their differences, the smallest that a reader would name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Field
from cmp.compare.align import align
from cmp.compare.equality import same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Path = tuple[str, ...]


def differences(before: object, after: object, path: Path = ()) -> tuple[Field, ...]:
    """Return what differs, in the order of the printed YAML; nothing for values that print alike.

    Maps are compared by key, lists item by item as `align` matches them.  A text is one field, however long.
    """
    return tuple(_differences(before, after, path))


def _differences(before: object, after: object, path: Path) -> Iterator[Field]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_maps(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        if not same(before, after):
            yield from _of_lists(before, after, path)
    elif repr(before) != repr(after):
        yield Field(path, "changed", before, after)


def _of_maps(before: Mapping[str, object], after: Mapping[str, object], path: Path) -> Iterator[Field]:
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            yield Field((*path, key), "added", None, after[key])
        elif key not in after:
            yield Field((*path, key), "removed", before[key], None)
        else:
            yield from _differences(before[key], after[key], (*path, key))


def _of_lists(before: Sequence[object], after: Sequence[object], path: Path) -> Iterator[Field]:
    rows, is_reordered = align(before, after)
    if is_reordered:
        yield Field(path, "moved", before, after)
    for label, old, new in rows:
        if old is None and new is not None:
            yield Field((*path, label), "added", None, after[new])
        elif old is not None and new is None:
            yield Field((*path, label), "removed", before[old], None)
        elif old is not None and new is not None:
            yield from _differences(before[old], after[new], (*path, label))
