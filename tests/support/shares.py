"""A comparison in shares: a plan, a part of each share, and the merge, in the files of one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Ran

KEY = "5f" * 32
OF_REPORT = {"--exit-zero": 1, "--compact": 1, "--show-noise": 1, "--fail-on": 2, "--max-clusters": 2}  # words of each


def of_plan(options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options that say what is compared, without those of the report."""
    if not options:
        return ()
    words = OF_REPORT.get(options[0], 0)
    return of_plan(options[words:]) if words else (options[0], *of_plan(options[1:]))


class Diff(Protocol):
    """Runs `cmp diff`."""

    def __call__(self, *arguments: str, **env: str) -> Ran:
        """Return the run."""


class Shares(NamedTuple):
    """Runs `cmp diff` for a plan of so many shares, and what follows from it; files are in a folder."""

    diff: Diff
    folder: Path
    shards: int = 3

    @property
    def plan_file(self) -> Path:
        """The file of the plan."""
        return self.folder / "plan.json"

    def part_file(self, index: int) -> Path:
        """Return the file of a part."""
        return self.folder / f"part-{index}.json"

    @property
    def part_files(self) -> list[str]:
        """The files of all parts."""
        return [str(self.part_file(index)) for index in range(self.shards)]

    def plan(self, *options: str, **env: str) -> Ran:
        """Write the plan."""
        return self.diff("--plan", str(self.shards), "--output", f"plan={self.plan_file}", *options, **env)

    def shard(self, index: int, *options: str, **env: str) -> Ran:
        """Write a part."""
        output = f"part={self.part_file(index)}"
        return self.diff("--shard", str(index), "--plan", str(self.plan_file), "--output", output, *options, **env)

    def merge(self, *options: str, **env: str) -> Ran:
        """Make the report of all parts."""
        return self.diff("--merge", *options, *self.part_files, **env)

    def parts(self, *options: str, **env: str) -> None:
        """Write the plan and all parts, which must succeed."""
        planned = self.plan(*options, **env)
        assert planned.code == 0, planned.stderr
        for index in range(self.shards):
            ran = self.shard(index, **env)
            assert (ran.code, ran.stdout) == (0, ""), ran.stderr
