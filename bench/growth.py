"""The growth of `cmp affected` with a repository: the same change in many pairs, against a tenth of them."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from typing import TYPE_CHECKING, NamedTuple

from bench import bigrepo
from bench.measure import spawn, timed
from tests.support.git_repository import IDENTITY, Repo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FEWER = 10


class Case(NamedTuple):
    """A change of one file, and the applications and clusters of the repository in which it is made."""

    name: str
    path: str
    apps: int
    clusters: int
    goal: float  # seconds on an idle machine


CASES = (
    Case("documentation alone", "docs/notes.md", apps=200, clusters=50, goal=0.5),
    Case("common values of an application on all clusters", f"common/{bigrepo.WIDE}.yaml", 200, 100, 2.0),
)


def measure(folder: Path, runs: int, cases: tuple[Case, ...] = CASES) -> None:
    """Print the seconds of each change, and the ratio to those in a repository of a tenth of the applications."""
    for number, case in enumerate(cases):
        large, small = (
            _changed(folder / f"{number}-{name}", case, apps)
            for name, apps in (("large", case.apps), ("small", case.apps // FEWER))
        )
        rounds = [(_seconds(large), _seconds(small)) for _ in range(runs + 1)][1:]
        seconds, fewer = (statistics.median(times) for times in zip(*rounds, strict=True))
        ratio = statistics.median(one / other for one, other in rounds)
        pairs = sum(len(shape.clusters) for shape in bigrepo.shapes(case.apps, case.clusters))
        print(f"  cmp affected, {case.name}, {pairs:,} pairs: {seconds:.2f} s (goal {case.goal:.1f} s on an idle"
              f" machine), {FEWER} times fewer {fewer:.2f} s: ratio {ratio:.1f}")  # fmt: skip


def _changed(folder: Path, case: Case, apps: int) -> Path:
    """Make a repository with the change on top of `main`, packed as a clone has it."""
    repo = Repo(folder)
    repo.write(dict(bigrepo.files_of(apps, case.clusters)))
    repo.commit()
    repo.git("checkout", "--quiet", "-b", "change")
    repo.commit({case.path: (repo.folder / case.path).read_text().replace("# Notes", "# More").replace(": 2", ": 3")})
    repo.git("gc", "--quiet")
    return repo.folder


def _seconds(folder: Path) -> float:
    program = os.path.join(os.path.dirname(sys.executable), "cmp")
    argv = [program, "affected", "--base", "main", "--head", "change"]
    os.chdir(folder)

    def run() -> None:
        assert os.waitstatus_to_exitcode(os.waitpid(spawn(argv, _environment(folder)), 0)[1]) == 0

    return timed(run)


def _environment(folder: Path) -> Mapping[str, str]:
    git = shutil.which("git")
    assert git
    return {**IDENTITY, "PATH": os.path.dirname(git), "HOME": str(folder.parent)}
