"""The cost of the sandbox: the whole helm process in it and without it, in turn."""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING

from bench.measure import paired
from cmp.system.process import Command, Deadline, run
from cmp.system.sandbox import Access

if TYPE_CHECKING:
    from pathlib import Path

MAX_MS = 2
PAIRS = 30  # at least: the difference is small beside what a machine drifts in a second
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: small\nversion: 1.0.0\n",
    "templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\n",
}


def measure(folder: Path, tools: Path, helm: str, runs: int) -> bool:
    """Print the medians, and say whether the wall costs no more than it may."""
    for name, text in CHART.items():
        (folder / "chart" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "chart" / name).write_text(text)
    program = str(tools / f"helm/{helm}/helm")
    command = Command("helm", (program, "template", "."), {"HOME": str(folder)}, cwd=str(folder / "chart"))
    walled = command._replace(access=Access((program,), writes=(str(folder),)))
    pair = paired(partial(_finish, walled), partial(_finish, command), max(runs, PAIRS))
    behind, without = (statistics.median(times) * 1000 for times in pair)
    print(f"helm {helm} template of a small chart, {len(pair.ours)} pairs: behind the wall {behind:.1f} ms,"
          f" without {without:.1f} ms: it costs {pair.own_cost * 1000:.1f} ms, at most {MAX_MS}")  # fmt: skip
    return pair.own_cost * 1000 <= MAX_MS


def _finish(command: Command) -> None:
    result = run(command, Deadline(60))
    assert result.returncode == 0, result.stderr
