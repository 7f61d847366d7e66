"""The values files of wanted pairs as patterns, weakest first: those of the layout, and those of some applications.

The layout may name a pattern only where every pair has that file as a layer, or has no such file; what comes from there
on in some pair's order is said for its application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.repository import layout
from cmp.repository.config import ValuesPattern
from cmp.repository.scaffold.applications.spelling import Spellings, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.repository.scaffold.applications.entries import Entries
    from cmp.repository.scaffold.applications.owners import OwnedPair
    from cmp.system.tree import Tree


class LayeredPair(NamedTuple):
    """A pair with the patterns of its values files, weakest first."""

    pair: OwnedPair
    patterns: tuple[str, ...]


def spelled(pairs: Sequence[OwnedPair]) -> list[LayeredPair]:
    """Return the pairs with the patterns of their values files."""
    votes = Spellings()
    for number, pair in enumerate(pairs):
        for file in pair.wanted.values:
            votes.add(number, file.path, pair.known)
    return [
        LayeredPair(pair, tuple(dict.fromkeys(votes.best(file.path, pair.known) for file in pair.wanted.values)))
        for pair in pairs
    ]


def of_layout(tree: Tree, pairs: Sequence[LayeredPair], entries: Entries) -> tuple[ValuesPattern, ...]:
    """Return the values files of the layout; those of some applications alone become entries, which are stronger."""
    optional = {file.path for one in pairs for file in one.pair.wanted.values if file.is_optional}
    done = [0] * len(pairs)  # the files of each pair that the layout has so far
    is_closed = [False] * len(pairs)  # the pairs whose next file is in an entry
    common: list[ValuesPattern] = []
    for pattern in merged([*dict.fromkeys(one.patterns for one in pairs)]):
        parsed = layout.parse(pattern)
        paths = [layout.fill(parsed, one.pair.known) for one in pairs]
        there = [tree.kind(path) == "file" for path in paths]
        fits = [
            not is_there or (not closed and one.patterns[index : index + 1] == (pattern,))
            for is_there, closed, index, one in zip(there, is_closed, done, pairs, strict=True)
        ]
        if all(fits):
            done = [index + is_there for index, is_there in zip(done, there, strict=True)]
            common.append(ValuesPattern(pattern, optional=not all(there) or not optional.isdisjoint(paths)))
        else:
            is_closed = [closed or pattern in one.patterns for closed, one in zip(is_closed, pairs, strict=True)]
    for one, index in zip(pairs, done, strict=True):
        if rest := one.patterns[index:]:
            entries.add(one.pair, "values", [*rest])
    return tuple(common)
