"""The time that each group of tests takes: of all workers together, set-up and tear-down included."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

LEAST = 60.0  # seconds of a run that is worth a table
MODULES = ("tests/engines/",)  # folders whose modules are groups of their own: an engine each


def lines(reports: Iterable[pytest.TestReport]) -> list[str]:
    """Return a line for each group, the longest first; none for a short run."""
    seconds: dict[str, float] = defaultdict(float)
    for report in reports:
        seconds[group(report.nodeid)] += report.duration
    whole = sum(seconds.values())
    if whole < LEAST:
        return []
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    return [f"{took:7.0f} s  {name}" for name, took in [("all", whole), *ordered]]


def group(nodeid: str) -> str:
    """Return the group of a test: its folder, or for an engine its first word, as `tests/engines/helmfile`."""
    path = nodeid.partition("::")[0]
    if not path.startswith(MODULES):
        return "/".join(path.split("/")[:-1])
    folder, _, module = path.rpartition("/")
    return f"{folder}/{module.removeprefix('test_').removesuffix('.py').split('_')[0]}"
