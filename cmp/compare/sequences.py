"""The elements that two sequences share, in order; bounded: the exact answer costs the product of their lengths.

A text is a sequence of characters in which a masked secret (`‹secret 0a1b›`) counts as one: the text between its
signs differs from run to run.  No output may depend on it, and no cut may go through it, because the code that numbers
the secrets of a report would not find a mask in two parts.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Match = tuple[int, int]  # the positions of an equal element, on both sides

MAX_WORK = 30_000  # matches between which is to choose, more than once

_OPEN, _CLOSE = "‹›"
_MASK = re.compile(f"{_OPEN}[^{_OPEN}{_CLOSE}\n]*{_CLOSE}")
_LONGEST = 200  # characters


class Block(NamedTuple):
    """A stretch of both sequences, `before[low:high]` and `after[start:stop]`, equal or without anything in common."""

    is_equal: bool
    low: int
    high: int
    start: int
    stop: int


def blocks(before: Sequence[str], after: Sequence[str]) -> list[Block]:
    """Cut both sequences into the same number of stretches, in order; no two neighbours are of the same sort.

    Where the elements repeat so often that the best answer would take too long, the elements that stand once in each
    sequence are matched first; between two of them, elements that still repeat too often become one stretch.
    """
    stretches: list[Block] = []
    low = start = 0
    for length, at, to in _runs(_matches(before, after)):
        if at > low or to > start:
            stretches.append(Block(is_equal=False, low=low, high=at, start=start, stop=to))
        low, start = at + length, to + length
        stretches.append(Block(is_equal=True, low=at, high=low, start=to, stop=start))
    if low < len(before) or start < len(after):
        stretches.append(Block(is_equal=False, low=low, high=len(before), start=start, stop=len(after)))
    return stretches


def common(before: Sequence[str], after: Sequence[str]) -> int:
    """Return the length of the common prefix, in elements (or characters)."""
    for length, (old, new) in enumerate(zip(before, after, strict=False)):
        if old != new:
            return length
    return min(len(before), len(after))


def blank_masks(text: str) -> str:
    """Return the text with nothing between the signs of its masks."""
    return _MASK.sub(_OPEN + _CLOSE, text)


def outside_mask(text: str, at: int) -> int:
    """Return the position; the beginning of the mask for a position inside one."""
    opened = text.rfind(_OPEN, max(at - _LONGEST, 0), at)
    mask = _MASK.match(text, opened) if opened >= 0 else None
    return opened if mask and mask.end() > at else at


def _runs(matches: Iterable[Match]) -> list[tuple[int, int, int]]:
    """Join matches that follow each other on both sides: their number, and the positions of the first."""
    runs: list[tuple[int, int, int]] = []
    for at, to in matches:
        length, low, start = runs[-1] if runs else (0, -1, -1)
        if (low + length, start + length) == (at, to):
            runs[-1] = (length + 1, low, start)
        else:
            runs.append((1, at, to))
    return runs


def _matches(before: Sequence[str], after: Sequence[str]) -> Iterator[Match]:
    head = common(before, after)
    tail = common(before[head:][::-1], after[head:][::-1])
    high, stop = len(before) - tail, len(after) - tail
    yield from ((at, at) for at in range(head))
    yield from _between(before, after, (head, head), (high, stop))
    yield from zip(range(high, len(before)), range(stop, len(after)), strict=True)


def _between(before: Sequence[str], after: Sequence[str], first: Match, last: Match) -> Iterator[Match]:
    old, new = before[first[0] : last[0]], after[first[1] : last[1]]
    if _is_cheap(old, new):
        yield from _best(old, new, first)
        return
    low, start = first
    for at, to in _increasing(_singles(old, new)):
        anchor = (first[0] + at, first[1] + to)
        yield from _best(before[low : anchor[0]], after[start : anchor[1]], (low, start))
        yield anchor
        low, start = anchor[0] + 1, anchor[1] + 1
    yield from _best(before[low : last[0]], after[start : last[1]], (low, start))


def _is_cheap(before: Sequence[str], after: Sequence[str]) -> bool:
    counts = Counter(after)
    return sum(counts[element] for element in before) <= MAX_WORK


def _best(before: Sequence[str], after: Sequence[str], offset: Match) -> Iterator[Match]:
    if not before or not after or not _is_cheap(before, after):
        return
    for at, to, length in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        yield from ((offset[0] + at + step, offset[1] + to + step) for step in range(length))


def _singles(before: Sequence[str], after: Sequence[str]) -> Iterator[Match]:
    """Yield the positions of the elements that stand exactly once on either side."""
    old, new = Counter(before), Counter(after)
    positions = {element: to for to, element in enumerate(after)}
    return ((at, positions[element]) for at, element in enumerate(before) if old[element] == new[element] == 1)


def _increasing(matches: Iterable[Match]) -> list[Match]:
    """Return the longest chain of matches that increases on both sides (as in a patience diff).

    The matches increase on the left already.
    """
    ends: list[int] = []  # the smallest right side with which a chain of this length can end
    chains: list[tuple[Match, int]] = []  # each match, and the one before it in the longest chain that it ends
    tops: list[int] = []  # for each length the match that ends it
    for index, match in enumerate(matches):
        length = bisect_left(ends, match[1])
        chains.append((match, tops[length - 1] if length else -1))
        ends[length : length + 1] = [match[1]]
        tops[length : length + 1] = [index]
    chain: list[Match] = []
    at = tops[-1] if tops else -1
    while at >= 0:
        match, at = chains[at]
        chain.append(match)
    return chain[::-1]
