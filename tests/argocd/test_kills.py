"""A process that is killed in mid-render leaves nothing behind, holds up no other, and the next render succeeds."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import TYPE_CHECKING

import pytest

from cmp.system.kernel import PR_SET_CHILD_SUBREAPER
from tests.argocd.sampling import children_of
from tests.argocd.ward import PHASES, Ward, in_charts, last_word
from tests.support.leaks import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.argocd.sidecar import Sidecar
    from tests.argocd.world import ArgoCD
    from tests.support.interrupted_render import InterruptibleApplication

DEADLINE = 6.0  # of a call: what nobody ends ends then


@pytest.fixture(scope="module")
def sidecar(argocd: ArgoCD) -> Iterator[Sidecar]:
    """Return a sidecar with one turn: whoever died with it would hold up everybody."""
    with argocd.sidecar("cmp-kills", CMP_RENDERS="1", CMP_DEADLINE=f"{DEADLINE:g}") as started:
        yield started


@pytest.fixture
def ward(argocd: ArgoCD, sidecar: Sidecar, patient: InterruptibleApplication) -> Ward:
    return Ward(argocd, sidecar, patient)


@pytest.fixture
def heir(sidecar: Sidecar) -> Iterator[list[int]]:
    """Be tini, the first process of the container, to whom orphans fall; but reap none before the test is over.

    The list gets the children that were there before.
    """
    sidecar.sandbox.run(
        "--version", cwd=sidecar.work
    )  # the server of forks, which the first run starts, is a child too
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = children_of(os.getpid())
    yield before
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    for pid in {*children_of(os.getpid())} - {*before}:
        os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize("phase", PHASES)
def test_a_leader_that_is_killed(phase: str, ward: Ward, archives: Path, heir: list[int]) -> None:
    with PHASES[phase](ward, archives) as stop:
        with ward.asked() as answer:
            wait_until(stop.is_reached)
            renderer = ward.renderer()
            os.kill(ward.supervisor(), signal.SIGKILL)
            assert answer.result().endswith(f"failed signal: killed: {last_word(stop)}")
        ward.check_nothing_left()
        # Its renderer falls to the first process; that one has reaped whatever it had started.
        assert {*children_of(os.getpid())} - {*heir} == {renderer}


@pytest.mark.parametrize("phase", PHASES)
def test_a_renderer_that_is_killed(phase: str, ward: Ward, archives: Path, heir: list[int]) -> None:
    with PHASES[phase](ward, archives) as stop:
        with ward.asked() as answer:
            wait_until(stop.is_reached)
            os.kill(ward.renderer(), signal.SIGKILL)
            said = answer.result().splitlines()
        assert said[0].endswith("failed exit status 137: cmp: the render was killed by SIGKILL")
        assert said[1].endswith("or lower CMP_RENDERS; Argo CD keeps this error cached until a hard refresh; "
                                "see operations.md#killed")  # fmt: skip
        ward.check_nothing_left()
        assert {*children_of(os.getpid())} == {*heir}


@pytest.mark.parametrize("phase", PHASES)
def test_a_group_that_is_killed(phase: str, ward: Ward, archives: Path) -> None:
    with PHASES[phase](ward, archives) as stop:
        with ward.asked() as answer:
            wait_until(stop.is_reached)
            os.killpg(ward.supervisor(), signal.SIGKILL)
            assert answer.result().endswith("failed signal: killed")
        wait_until(lambda: not ward.processes())
        ward.check_calm()  # sweeps the private folder
        ward.check_nothing_left()


@pytest.mark.parametrize("phase", PHASES)
def test_a_server_that_is_killed(phase: str, argocd: ArgoCD, patient: InterruptibleApplication, archives: Path) -> None:
    """Its container ends with it; without one, as here, the render notices that nobody reads what it prints."""
    with argocd.sidecar("cmp-killed", CMP_RENDERS="1", CMP_DEADLINE="60") as sidecar:
        _kill_the_server(Ward(argocd, sidecar, patient), phase, archives)


def _kill_the_server(ward: Ward, phase: str, archives: Path) -> None:
    with PHASES[phase](ward, archives) as stop:
        with ward.asked() as answer:
            wait_until(stop.is_reached)
            ward.sidecar.process.kill()
            assert "Unavailable" in answer.result()
        wait_until(lambda: not ward.processes())
        ward.sidecar.process.restart()
        ward.check_calm()
        ward.check_nothing_left()


def test_a_server_that_is_asked_to_end(ward: Ward, archives: Path) -> None:
    """It takes no more calls, and goes on with those that it has: the kubelet has to end it after the grace period."""
    with in_charts(ward, archives) as stop:
        with ward.asked() as answer:
            wait_until(stop.is_reached)
            os.kill(ward.sidecar.process.pid, signal.SIGTERM)
            wait_until(lambda: not ward.sidecar.socket.exists())
            said = answer.result()
        assert f"{stop.slow} when the deadline" in said
        ward.check_nothing_left()
        assert ward.sidecar.process.exit_code is None
        ward.sidecar.process.restart()
