"""Work that waits for templates to be evaluated.

Helm evaluates Go templates, and its start costs more than all else here.  So whoever needs texts evaluated yields
them, and gets them printed: all that wait at the same time, of all ApplicationSets, go through one `helm template`.
Templates that need what others print (a git generator's path with the label of a cluster) wait for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.argocd.sets.values import Parameters
    from cmp.argocd.shape import Spot

T = TypeVar("T")


class Job(NamedTuple):
    """A Go template and the parameters that it gets; `is_strict` makes a parameter that is missing an error."""

    text: str
    parameters: Parameters
    is_strict: bool
    spot: Spot


Work = Generator[list[Job], list[str], T]
"""Yields jobs, is sent what they print in the same order, and returns a T."""


Render = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Evaluates Go templates: files of a chart's templates/ by their names -> what each prints.

Raises EngineError, with the name of the file that failed in `file`.
"""


def together(works: Iterable[Work[T]]) -> Work[list[T]]:
    """Do several works, which wait together, and return their results in order."""
    results: dict[int, T] = {}
    running: list[tuple[int, Work[T], list[str]]] = [(index, work, []) for index, work in enumerate(works)]
    while running:
        waiting: list[tuple[int, Work[T], list[Job]]] = []
        for index, work, printed in running:
            try:
                jobs = advance(work, printed)
            except StopIteration as done:
                results[index] = done.value
            else:
                waiting.append((index, work, jobs))
        if waiting:
            printed = yield [job for _, _, jobs in waiting for job in jobs]
            rest = iter(printed)
            running = [(index, work, [next(rest) for _ in jobs]) for index, work, jobs in waiting]
        else:
            running = []
    return [results[index] for index in sorted(results)]


def advance(work: Work[T], printed: list[str]) -> list[Job]:
    """Give a work what it waits for (nothing, at its start) and return its next jobs; StopIteration has its result."""
    return work.send(printed) if printed else next(work)
