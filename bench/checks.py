"""The time in which rendered objects are judged by the schemas of a version: 1,000 pairs of 60 objects."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import TYPE_CHECKING

from cmp.changes import Object
from cmp.checks.judge import Judge
from cmp.model import Identity
from tests.support.judge_cases import right

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.judge_cases import Case

PAIRS, OBJECTS, CORES = 1000, 60, 2
MAX_SECONDS = 20.0
VERSION = "1.36"


def measure() -> bool:
    """Print the seconds when every object is another one, and when all are known; tell whether the bound holds."""
    cases = [*right().values()]
    pairs = [[*_objects(cases, number)] for number in range(PAIRS)]
    new, known = _seconds(pairs), _seconds(pairs)
    holds = new / CORES < MAX_SECONDS
    print(f"  judging {PAIRS:,} pairs of {OBJECTS} objects by their schemas: {new:.1f} s of one core, {known:.1f} s"
          f" where all are known; bound {MAX_SECONDS:.0f} s on {CORES} cores: {holds}")  # fmt: skip
    return holds


def _seconds(pairs: list[list[Object]]) -> float:
    """Return the processor time of judging pairs, each by a judge of its own."""
    begin = time.process_time()
    for objects in pairs:
        Judge(VERSION, ()).judge(objects)
    return time.process_time() - begin


def _objects(cases: list[Case], number: int) -> Iterator[Object]:
    for index in range(OBJECTS):
        case = cases[index % len(cases)]
        value = deepcopy(case.value)
        value["metadata"]["annotations"] = {"example.com/number": f"{number}-{index}"}
        yield Object(case.api_version, Identity(case.api_version.rpartition("/")[0], case.kind, "", "web"), value, "")
