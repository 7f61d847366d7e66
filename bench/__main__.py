"""`make bench`: print ratios against the bare tools, own cost, time before the first child, memory.

Then what the wall of the kernel costs, and the same is seen through Argo CD, for one request and for 60 applications at
once; at last a look at a change of a monorepo of 1,000 pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from bench import argocd, checks, growth, preview, wall
from bench.measure import finish, paired, spawn, timed
from bench.scenario import CLUSTER, HELM, Scenario, add_bulk
from examples.chartserver import package
from tests.support import bare_tools
from tests.support.bare_tools import AGE_KEY, EXAMPLES, HELM_VERSIONS
from tests.support.servers.charts import ChartRepository

MAX_BARE_STARTS = 3.5
MAX_MS_PER_MB = 130
MAX_PEAK_MIB = 100
LATENCY = 0.03  # seconds to the chart repository and back
ROUND_TRIPS = 2  # of a request: its connection, and its answer
MIN_SPEED_UP = 3


def main() -> int:
    """Measure everything; the exit code says whether every bound holds."""
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--runs", type=int, default=15)
    arguments.add_argument("--tools", type=Path, default=os.environ.get("CMP_TOOLS_DIR"), help="the tool store")
    arguments.add_argument(
        "--helpers", type=Path, default=os.environ.get("CMP_TEST_HELPERS"), help="Argo CD's programs"
    )
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        archives = package(EXAMPLES / "charts", folder / "packages", given.tools / f"helm/{HELM}/helm")
        with ChartRepository(archives, delay=ROUND_TRIPS * LATENCY) as repository:
            small, configured, large, many = _scenarios(folder, given.tools, repository.url)
            held = [_render(scenario, given.runs) for scenario in (small, configured, large)]
            held += [wall.measure(folder / "wall", given.tools, helm, given.runs) for helm in HELM_VERSIONS]
            held += [_old_plugin(scenario, given.runs) for scenario in (small, many)]
            argocd.measure(folder / "argocd", given.helpers, configured, given.runs)
        held.append(preview.measure(folder / "preview", given.tools, given.runs))
        growth.measure(folder / "growth", given.runs)
        held.append(checks.measure())
    return 0 if all(held) else 1


def _scenarios(folder: Path, tools: Path, url: str) -> list[Scenario]:
    """Prepare the monorepo for cmp, with and without its cmp.yaml, and for the bare tools."""
    configured = bare_tools.copy_monorepo(folder / "configured", url)
    (configured / ".git").mkdir()
    add_bulk(configured)
    plain = folder / "plain"
    shutil.copytree(configured, plain)
    (plain / "cmp.yaml").unlink()
    by_hand = bare_tools.set_up(folder, tools, url)
    add_bulk(by_hand.root)
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder / "home"),
        "SOPS_AGE_KEY_FILE": str(AGE_KEY),
        "CMP_TOOLS_DIR": str(tools),
        "CMP_CACHE_DIR": str(folder / "cache"),
        "CMP_STATE_DIR": str(folder / "state"),
        "ARGOCD_ENV_CLUSTER": CLUSTER,
        "KUBE_VERSION": "1.33",
    }
    return [
        Scenario(name, app, helm, by_hand, root, environment | _source(app))
        for name, app, helm, root in (
            ("small (2 dependencies, 2 secrets, the built-in layout)", "namespace-a", HELM, plain),
            ("small, with a cmp.yaml and its inventory", "namespace-a", HELM, configured),
            ("large", "bulk", HELM, configured),
            ("many (4 charts of a repository, 2 secrets)", "payments", "3.14.4", configured),
        )
    ]


def _source(app: str) -> dict[str, str]:
    return {"ARGOCD_APP_NAME": app, "ARGOCD_APP_SOURCE_PATH": f"namespaces/{app}"}


def _render(scenario: Scenario, runs: int) -> bool:
    scenario.ours()  # fills the cache
    pair = paired(scenario.ours, scenario.bare, runs)
    strict = paired(scenario.ours, partial(scenario.bare, at_once=True), runs)
    starts = [timed(lambda: finish(spawn([sys.executable, "-I", "-c", "pass"], {}))) for _ in range(runs)]
    bare_start = statistics.median(starts)
    megabytes = (scenario.by_hand.home / "ours.yaml").stat().st_size / 1e6
    allowed = MAX_BARE_STARTS * bare_start + MAX_MS_PER_MB / 1000 * megabytes
    probe = _probe(scenario)
    print(f"{scenario.name}: {megabytes:.2f} MB, {len(pair.ours)} pairs")
    for name, found in (("in turn", pair), ("with all sops at once", strict)):
        print(f"  cmp generate {_ms(found.ours)} ms, bare tools {name} {_ms(found.bare)} ms:"
              f" ratio {found.ratio:.2f}, own cost {found.own_cost * 1000:.1f} ms")  # fmt: skip
    print(f"  allowed over the tools in turn: {allowed * 1000:.1f} ms ({MAX_BARE_STARTS} bare starts of"
          f" {bare_start * 1000:.1f} ms, {MAX_MS_PER_MB} ms a megabyte)")  # fmt: skip
    print(f"  first child after {probe['first_child_ms']:.1f} ms, {probe['modules']:.0f} modules,"
          f" peak memory {probe['peak_mib']:.0f} MiB, at most {MAX_PEAK_MIB} MiB")  # fmt: skip
    return pair.own_cost <= allowed and probe["peak_mib"] <= MAX_PEAK_MIB


def _old_plugin(scenario: Scenario, runs: int) -> bool:
    scenario.ours()
    pair = paired(scenario.ours, scenario.old, max(10, runs // 2))
    speed_up = 1 / pair.ratio
    print(f"{scenario.name}, against `helm dependency update` before every render, {LATENCY * 1000:.0f} ms away:")
    print(f"  cmp generate {_ms(pair.ours)} ms, old {_ms(pair.bare)} ms: {speed_up:.1f} times faster, at least"
          f" {MIN_SPEED_UP}")  # fmt: skip
    return speed_up >= MIN_SPEED_UP


def _probe(scenario: Scenario) -> dict[str, float]:
    found = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-m", "bench.probe", str(time.monotonic())],
            cwd=scenario.folder,
            env={**scenario.env, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
            capture_output=True,
            check=True,
        )
        found.append(json.loads(done.stderr.splitlines()[-1]))
    return {key: statistics.median(report[key] for report in found) for key in found[0]}


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f}"


if __name__ == "__main__":
    sys.exit(main())
