"""Who gets how much of a comment whose length is limited.

Parts around the groups have several forms, fullest first; groups have hunks that can be left out one by one.  All
numbers are characters, as GitHub counts them.
"""

# Without `from __future__ import annotations`: see model.py.
from collections.abc import Sequence
from typing import NamedTuple

ENOUGH = 1_500  # a hunk up to this length need not wait for the others' hunks


class Demand(NamedTuple):
    """What a group takes: `fixed` without hunks, and each hunk."""

    fixed: int
    hunks: tuple[int, ...]


class Grant(NamedTuple):
    """What a group gets: nothing at all (`is_shown` false), or its header and the hunks of these indexes, ascending."""

    is_shown: bool
    hunks: tuple[int, ...]


def fullest(parts: Sequence[Sequence[str]], room: int) -> list[str]:
    """Return one form of each part, at most `room` characters together: the first parts choose first.

    A part's last form is what it falls back to; those must fit.
    """
    left = room - sum(len(forms[-1]) for forms in parts)
    chosen = []
    for forms in parts:
        left += len(forms[-1])
        form = next(form for form in (*forms, "") if len(form) <= max(left, 0))
        chosen.append(form)
        left -= len(form)
    return chosen


def share(demands: Sequence[Demand], room: int) -> list[Grant]:
    """Return what each group gets, at most `room` characters together.

    First every group, in order, gets its header and its first hunk, then one hunk a round, as long as a hunk is no
    longer than a fair part of the room; what is left then goes to the longer ones in the same order.
    """
    left = room
    shown: list[bool] = [False] * len(demands)
    hunks: list[list[int]] = [[] for _ in demands]
    for most in (max(ENOUGH, room // max(len(demands), 1)), room):
        for turn in range(max((len(demand.hunks) for demand in demands), default=0) or 1):
            for index, demand in enumerate(demands):
                head = 0 if shown[index] else demand.fixed
                if head <= left and turn == 0:
                    shown[index] = True
                    left -= head
                size = demand.hunks[turn] if turn < len(demand.hunks) else room + 1
                if shown[index] and size <= min(left, most) and turn not in hunks[index]:
                    hunks[index].append(turn)
                    left -= size
    return [Grant(is_shown, tuple(sorted(got))) for is_shown, got in zip(shown, hunks, strict=True)]
