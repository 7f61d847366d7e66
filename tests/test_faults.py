"""Dying: whatever ends a run, and whenever, nothing that it decrypted stays, and nothing that it started."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from examples import chartserver
from tests.chartworld import write_chart
from tests.faultworld import (
    CHART,
    CHART_VERSION,
    HELM_VERSION,
    SLOW_FILE,
    SLOW_TEMPLATE,
    VERBS,
    FaultWorld,
    Running,
    Sealed,
    seal,
)
from tests.harness import Sandbox, snapshot
from tests.leaks import wait_until
from tests.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
PHASES = ("layout", "tools", "secrets", "charts", "helm", "output")


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Sealed:
    return seal(tmp_path_factory.mktemp("sealed"), tools_dir)


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Path:
    folder = tmp_path_factory.mktemp("charts")
    write_chart(folder / "charts" / CHART, CHART, CHART_VERSION)
    from pathlib import Path
    return chartserver.package(folder / "charts", folder / "packed", Path(tools_dir, f"helm/{HELM_VERSION}/helm"))


@pytest.fixture
def charts(archives: Path) -> Iterator[ChartRepository]:
    with ChartRepository(archives) as repository:
        yield repository


@pytest.fixture
def world(sandbox: Sandbox, sealed: Sealed, charts: ChartRepository) -> FaultWorld:
    return FaultWorld(sandbox, sealed, charts.url)


def stop_in(phase: str, verb: str, world: FaultWorld, charts: ChartRepository) -> Running:
    """Bring a run into a phase in which it stays: by what is slow in real life where that can be had."""
    if phase == "charts":
        charts.fault("/index.yaml", body="hang", times=1)
        return _started(world.start(verb), lambda: charts.requests)
    if phase == "helm":
        world.write({SLOW_FILE: SLOW_TEMPLATE})
        return _started(world.start(verb), world.helm_works)
    if phase == "secrets":
        world.stand_in("sops", "holding")
        return _started(world.start(verb), world.marker.exists)
    return _started(world.start(verb, paused=phase), world.marker.exists)


def _started(running: Running, condition: Callable[[], object]) -> Running:
    wait_until(lambda: condition() or running.process.poll() is not None, 30)
    return running


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("signum", SIGNALS, ids=lambda signum: signum.name)
def test_a_signal_in_each_phase(
    signum: signal.Signals, phase: str, verb: str, world: FaultWorld, charts: ChartRepository
) -> None:
    running = stop_in(phase, verb, world, charts)
    before = snapshot(world.repository)
    ran = running.send(signum)
    world.check_no_process()
    assert snapshot(world.repository) == before
    if signum == signal.SIGKILL:
        assert (ran.code, ran.stdout, ran.stderr) == (-signum, "", "")
        world.render_again()
    else:
        assert (ran.code, ran.stdout) == (128 + signum, "")
        assert ran.stderr == f"cmp: stopped by {signum.name}\n"
    world.check_aftermath()
