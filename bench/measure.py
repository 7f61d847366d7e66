"""Time whole processes in pairs, A B A B …, so that a drift of the machine hits both sides."""

from __future__ import annotations

import os
import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Pair(NamedTuple):
    """Seconds of both sides, run by run."""

    ours: list[float]
    bare: list[float]

    @property
    def ratio(self) -> float:
        """The median of the ratios of neighbouring runs."""
        return statistics.median(a / b for a, b in zip(self.ours, self.bare, strict=True))

    @property
    def own_cost(self) -> float:
        """The median of what a run of ours takes longer than its neighbour, in seconds."""
        return statistics.median(a - b for a, b in zip(self.ours, self.bare, strict=True))


def paired(ours: Callable[[], None], bare: Callable[[], None], runs: int) -> Pair:
    """Run both in turn, after two uncounted rounds."""
    pair = Pair([], [])
    for _ in range(2):
        ours()
        bare()
    for _ in range(runs):
        pair.ours.append(timed(ours))
        pair.bare.append(timed(bare))
    return pair


def timed(work: Callable[[], None]) -> float:
    """Return the seconds that one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def spawn(argv: list[str], env: Mapping[str, str], output: str = os.devnull) -> int:
    """Start a program with stdout in a file; the least that any parent can do."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, stream, name, flags, 0o600) for stream, name in ((1, output), (2, os.devnull))]
    return os.posix_spawn(argv[0], argv, dict(env), file_actions=actions)


def finish(*children: int) -> None:
    """Wait for programs; every one must succeed."""
    for child in children:
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
