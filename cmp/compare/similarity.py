"""How much two objects have in common, whatever they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Object

    Path = tuple[str | int, ...]

_MIN_NAME = 3  # characters; a shorter name is part of too many words
_OWN = frozenset((("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")))


def features(subject: Object) -> frozenset[object]:
    """Return what the object says: its values with their paths, a text line by line; nothing of its identity.

    Where a text contains the object's own name, as labels and references to itself do, the name does not count.
    """
    return frozenset(_features(subject.value, (), subject.identity.name))


def jaccard(one: frozenset[object], other: frozenset[object]) -> float:
    """Return the share of what both have in what any of them has: 1 for equal ones, 0 where there is nothing at all."""
    return len(one & other) / (len(one | other) or 1)


def _features(value: object, path: Path, name: str) -> Iterator[object]:
    if path in _OWN:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _features(item, (*path, key), name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _features(item, (*path, index), name)
    elif isinstance(value, str):
        for line in value.split("\n"):
            yield path, line.replace(name, "\0") if len(name) >= _MIN_NAME else line
    else:
        yield path, repr(value)
