"""What two sequences have in common, in order; bounded, because the exact answer costs the product of their lengths.

A masked secret in a text (`‹secret 0a1b›`) differs from run to run between its signs: nothing that a reader sees may
depend on it, and none may be cut in two, because what numbers them would miss it then.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Pair = tuple[int, int]

_OPEN, _CLOSE = "‹›"
_MASK = re.compile(f"{_OPEN}[^{_OPEN}{_CLOSE}\n]*{_CLOSE}")
_LONGEST = 200  # characters


MAX_WORK = 30_000  # pairs of equal elements between which is to choose, more than once


class Block(NamedTuple):
    """A stretch of both sequences, `before[low:high]` and `after[start:stop]`, equal or without anything in common."""

    is_equal: bool
    low: int
    high: int
    start: int
    stop: int


def blocks(before: Sequence[str], after: Sequence[str]) -> list[Block]:
    """Cut both sequences into the same number of stretches, in order; no two neighbours are of the same sort.

    Where the elements repeat so often that the best answer would take too long, those that stand once in each are
    matched first, and what repeats too often between two of these is one stretch.
    """
    found: list[Block] = []
    low = start = 0
    for length, at, to in _runs(_matches(before, after)):
        if at > low or to > start:
            found.append(Block(is_equal=False, low=low, high=at, start=start, stop=to))
        low, start = at + length, to + length
        found.append(Block(is_equal=True, low=at, high=low, start=to, stop=start))
    if low < len(before) or start < len(after):
        found.append(Block(is_equal=False, low=low, high=len(before), start=start, stop=len(after)))
    return found


def common(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many elements (or characters) are equal at the beginning of both."""
    for length, (old, new) in enumerate(zip(before, after, strict=False)):
        if old != new:
            return length
    return min(len(before), len(after))


def _runs(matches: Iterable[Pair]) -> list[tuple[int, int, int]]:
    """Put matches that follow each other on both sides together: their number, and the first one's positions."""
    runs: list[tuple[int, int, int]] = []
    for at, to in matches:
        length, low, start = runs[-1] if runs else (0, -1, -1)
        if (low + length, start + length) == (at, to):
            runs[-1] = (length + 1, low, start)
        else:
            runs.append((1, at, to))
    return runs


def _matches(before: Sequence[str], after: Sequence[str]) -> Iterator[Pair]:
    head = common(before, after)
    tail = common(before[head:][::-1], after[head:][::-1])
    high, stop = len(before) - tail, len(after) - tail
    yield from ((at, at) for at in range(head))
    yield from _between(before, after, (head, head), (high, stop))
    yield from zip(range(high, len(before)), range(stop, len(after)), strict=True)


def _between(before: Sequence[str], after: Sequence[str], first: Pair, last: Pair) -> Iterator[Pair]:
    old, new = before[first[0] : last[0]], after[first[1] : last[1]]
    if _is_cheap(old, new):
        yield from _best(old, new, first)
        return
    low, start = first
    for at, to in _increasing(_singles(old, new)):
        found = (first[0] + at, first[1] + to)
        yield from _best(before[low : found[0]], after[start : found[1]], (low, start))
        yield found
        low, start = found[0] + 1, found[1] + 1
    yield from _best(before[low : last[0]], after[start : last[1]], (low, start))


def _is_cheap(before: Sequence[str], after: Sequence[str]) -> bool:
    counts = Counter(after)
    return sum(counts[element] for element in before) <= MAX_WORK


def _best(before: Sequence[str], after: Sequence[str], offset: Pair) -> Iterator[Pair]:
    if not before or not after or not _is_cheap(before, after):
        return
    from difflib import SequenceMatcher  # noqa: PLC0415  # most comparisons end before

    for at, to, length in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        yield from ((offset[0] + at + step, offset[1] + to + step) for step in range(length))


def _singles(before: Sequence[str], after: Sequence[str]) -> Iterator[Pair]:
    """Yield the positions of the elements that stand exactly once on either side."""
    old, new = Counter(before), Counter(after)
    places = {element: to for to, element in enumerate(after)}
    return ((at, places[element]) for at, element in enumerate(before) if old[element] == new[element] == 1)


def _increasing(pairs: Iterable[Pair]) -> list[Pair]:
    """Return as many as possible of the pairs, which increase on the left, so that they do on the right too."""
    ends: list[int] = []  # the smallest right side with which a chain of this length can end
    chains: list[tuple[Pair, int]] = []  # each pair, and the one before it in the longest chain that it ends
    tops: list[int] = []  # for each length the pair that ends it
    for index, pair in enumerate(pairs):
        length = bisect_left(ends, pair[1])
        chains.append((pair, tops[length - 1] if length else -1))
        ends[length : length + 1] = [pair[1]]
        tops[length : length + 1] = [index]
    found: list[Pair] = []
    at = tops[-1] if tops else -1
    while at >= 0:
        pair, at = chains[at]
        found.append(pair)
    return found[::-1]


def blank_masks(text: str) -> str:
    """Return the text with nothing in its masks."""
    return _MASK.sub(_OPEN + _CLOSE, text)


def outside_mask(text: str, at: int) -> int:
    """Return the position, or that before the mask which it is in the middle of."""
    opened = text.rfind(_OPEN, max(at - _LONGEST, 0), at)
    found = _MASK.match(text, opened) if opened >= 0 else None
    return opened if found and found.end() > at else at
