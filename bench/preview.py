"""The cost of `cmp affected` and `cmp diff` in a monorepo of 1,000 pairs, against the bare tools."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench import bigrepo
from bench.measure import spawn, timed
from tests.support.git_repository import IDENTITY
from tests.support.harness import AGE_KEY_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.git_repository import Repo

MAX_SECONDS = 1.0
MAX_OF_BARE = 1.3
SHARES = 4
EXIT_CODES = (0, 1)  # without and with a difference
POLL_SECONDS = 0.01
COMMON, DOCUMENTATION = "common", "documentation"
CHANGES = {
    COMMON: (f"common/{bigrepo.WIDE}.yaml", "replicas: 2\n", "replicas: 3\n"),
    DOCUMENTATION: ("docs/notes.md", "# Notes\n", "# Notes\n\nMore of them.\n"),
}


class Stage(NamedTuple):
    """The repository, with a branch for each change, and what is needed to look at them."""

    repo: Repo
    env: Mapping[str, str]
    helm: str
    sides: tuple[Path, Path]  # both sides of the change of common values, checked out, charts vendored

    def cmp(self, verb: str, branch: str, *options: str, **env: str) -> None:
        """Run cmp; what it prints is not looked at."""
        status = os.waitpid(self.start(verb, branch, *options, **env), 0)[1]
        assert os.waitstatus_to_exitcode(status) in EXIT_CODES

    def start(self, verb: str, branch: str, *options: str, **env: str) -> int:
        program = os.path.join(os.path.dirname(sys.executable), "cmp")
        os.chdir(self.repo.folder)
        return spawn([program, verb, "--base", "main", "--head", branch, *options], {**self.env, **env})

    def shares(self, count: int) -> float:
        """Compare in shares, one after the other; return the seconds of the longest way from plan to report."""
        folder = str(self.repo.folder.parent)
        plan, program = f"{folder}/plan.json", os.path.join(os.path.dirname(sys.executable), "cmp")

        def run(*options: str) -> float:
            argv = [program, "diff", *options]
            return timed(lambda: _ended(spawn(argv, self.env)))

        os.chdir(self.repo.folder)
        way = run("--plan", str(count), "--keyless", "--base", "main", "--head", COMMON, "--output", f"plan={plan}")
        parts = [f"{folder}/part-{shard}.json" for shard in range(count)]
        shares = [
            run("--shard", str(shard), "--plan", plan, "--output", f"part={part}") for shard, part in enumerate(parts)
        ]
        return way + max(shares) + run("--merge", *parts)

    def bare(self) -> None:
        """Render the pairs of the change on both sides by nothing but helm, as many at once as cmp does."""
        waiting = [*self._commands()]
        running = 0
        while waiting or running:
            if waiting and running < _cores():
                spawn(waiting.pop(), {"HOME": str(self.repo.folder.parent)})
                running += 1
                continue
            assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
            running -= 1

    def _commands(self) -> Iterator[list[str]]:
        app = bigrepo.WIDE
        clusters = next(shape.clusters for shape in bigrepo.shapes() if shape.app == app)
        for cluster in clusters:
            for side in self.sides:
                argv = [self.helm, "template", app, str(side / "apps" / app), "--namespace", app, "--include-crds"]
                argv += ["--kube-version", bigrepo.KUBE_VERSION, "--api-versions", "policy/v1/PodDisruptionBudget"]
                yield argv + [text for path in bigrepo.layers(app, cluster) for text in ("--values", str(side / path))]


def measure(folder: Path, tools: Path, runs: int) -> bool:
    """Print what the looks cost; return whether every bound holds."""
    folder.mkdir()
    stage = _stage(folder, tools)
    print(f"preview: {bigrepo.APPS} applications, {bigrepo.CLUSTERS} clusters, {bigrepo.PAIRS} pairs,"
          f" {_cores()} renders at once, {runs} runs")  # fmt: skip
    held = [_affected(stage, runs), *_without_tools(stage, runs), _diff(stage, runs)]
    _shares(stage, runs)
    _print_memory(stage)
    return all(held)


def _stage(folder: Path, tools: Path) -> Stage:
    repo = bigrepo.make(folder / "repo", tools)
    for branch, (path, old, new) in CHANGES.items():
        repo.git("checkout", "--quiet", "-b", branch, "main")
        text = (repo.folder / path).read_text()
        assert old in text
        repo.commit({path: text.replace(old, new)})
    helm = str(tools / "helm" / bigrepo.HELM / "helm")
    sides = (folder / "base", folder / "head")
    for side, branch in zip(sides, ("main", COMMON), strict=True):
        repo.git("worktree", "add", "--quiet", "--detach", str(side), branch)
        chart = side / "apps" / bigrepo.WIDE
        subprocess.run([helm, "dependency", "build", chart], env={"HOME": str(folder)}, capture_output=True, check=True)
    git = shutil.which("git")
    assert git
    env = {
        **IDENTITY,
        "PATH": os.path.dirname(git),
        "HOME": str(folder / "home"),
        "SOPS_AGE_KEY_FILE": str(AGE_KEY_FILE),
        "CMP_TOOLS_DIR": str(tools),
        "CMP_CACHE_DIR": str(folder / "cache"),
        "CMP_STATE_DIR": str(folder / "state"),
    }
    return Stage(repo, env, helm, sides)


def _affected(stage: Stage, runs: int) -> bool:
    seconds = _median(partial(stage.cmp, "affected", COMMON), runs)
    return _print_bound(f"cmp affected, common values that reach {bigrepo.CLUSTERS} pairs", seconds, MAX_SECONDS)


def _without_tools(stage: Stage, runs: int) -> Iterator[bool]:
    """Measure a change of documentation where there is no program that could render, and so none is started."""
    for verb in ("affected", "diff"):
        seconds = _median(partial(stage.cmp, verb, DOCUMENTATION, CMP_TOOLS_DIR="/nonexistent"), runs)
        yield _print_bound(f"cmp {verb}, documentation alone, no tools there", seconds, MAX_SECONDS)


def _diff(stage: Stage, runs: int) -> bool:
    """Measure whole rounds, so that a drift of the machine hits all three alike."""
    works = (partial(stage.cmp, "diff", COMMON), partial(stage.cmp, "affected", COMMON), stage.bare)
    for work in works:
        work()
    rounds = [[timed(work) for work in works] for _ in range(runs)]
    diff, affected, bare = (statistics.median(times) for times in zip(*rounds, strict=True))
    beyond = statistics.median((diff - affected) / bare for diff, affected, bare in rounds)
    print(f"  cmp diff {diff:.2f} s, cmp affected {affected:.2f} s, bare helm for both sides {bare:.2f} s:"
          f" {beyond:.2f} times the bare tools beyond affected")  # fmt: skip
    return _print_bound("cmp diff of these pairs", diff, affected + MAX_OF_BARE * bare)


def _shares(stage: Stage, runs: int) -> None:
    """Measure the comparison in shares beside one run, whole rounds: each share could have a machine of its own."""
    rounds = [(stage.shares(SHARES), timed(partial(stage.cmp, "diff", COMMON, "--keyless"))) for _ in range(runs)]
    way, whole = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    print(f"  cmp diff in {SHARES} shares, from plan to report {way:.2f} s, in one run {whole:.2f} s:"
          f" ratio of the longest way {ratio:.2f}")  # fmt: skip


def _ended(child: int) -> None:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in EXIT_CODES


def _median(work: Callable[[], None], runs: int) -> float:
    work()
    return statistics.median(timed(work) for _ in range(runs))


def _print_bound(what: str, seconds: float, bound: float) -> bool:
    is_held = seconds <= bound
    print(f"  {what}: {seconds:.2f} s, at most {bound:.2f} s: {'held' if is_held else 'MISSED'} by"
          f" {abs(bound - seconds):.2f} s")  # fmt: skip
    return is_held


def _print_memory(stage: Stage) -> None:
    """Print the peaks of one run's processes, each by itself."""
    child = stage.start("diff", COMMON)
    peaks: dict[tuple[str, int], int] = {}
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        for pid in _family(child):
            name, peak = _peak(pid)
            peaks[name, pid] = max(peak, peaks.get((name, pid), 0))
        time.sleep(POLL_SECONDS)
    own = peaks.pop(next(key for key in peaks if key[1] == child))
    worst = {name: max(peak for key, peak in peaks.items() if key[0] == name) for name, _ in peaks}
    shown = ", ".join(f"{name} {kib / 1024:.0f} MiB" for name, kib in sorted(worst.items()))
    print(f"  peak memory of cmp diff: {own / 1024:.0f} MiB; the largest of its children: {shown}")


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has just ended
        return
    for child in children:
        yield from _family(int(child))


def _peak(pid: int) -> tuple[str, int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return "", 0
    fields = dict(line.split(":", 1) for line in lines)
    return fields["Name"].strip(), int(fields.get("VmHWM", "0 kB").split()[0])


def _cores() -> int:
    return len(os.sched_getaffinity(0))
