"""`cmp generate` is a supervisor and a renderer: whichever dies, and however, nothing is left and somebody says why."""

from __future__ import annotations

import ctypes
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.system.kernel import PR_SET_CHILD_SUBREAPER
from tests.interrupts.test_kills import PHASES
from tests.support.interrupted_render import CACHED, InterruptibleApplication, ended, stopped_by
from tests.support.leaks import processes_in_group, wait_until
from tests.support.repository import FAKES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

KILLED = (
    137,
    b"cmp: the render was killed by SIGKILL\n"
    b"  hint: the memory limit of the sidecar is the usual reason: raise it, or lower CMP_RENDERS; "
    + CACHED.replace(b"\n", b"; see operations.md#killed\n"),
)


def renderer_of(supervisor: int) -> int:
    """Return the one child of the supervisor."""
    (child,) = children_of(supervisor)
    return child


def children_of(pid: int) -> list[int]:
    """Return the children of a process, the dead ones that nobody has reaped too."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def heir() -> Iterator[None]:
    """Be the one to whom orphans fall, as the first process of a container is, and reap none of them."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.usefixtures("heir")
def test_a_renderer_that_is_killed_leaves_nothing(
    phase: str, patient: InterruptibleApplication, archives: Path
) -> None:
    with PHASES[phase](patient, archives) as (reached, _), patient.unharmed():
        before = children_of(os.getpid())
        with patient.started("generate") as process:
            wait_until(lambda: reached(process))
            os.kill(renderer_of(process.pid), signal.SIGKILL)
            assert ended(process) == KILLED
        assert children_of(os.getpid()) == before  # no zombie: the supervisor has reaped what the renderer left


@pytest.mark.parametrize("phase", PHASES)
def test_the_way_of_argo_cd(phase: str, patient: InterruptibleApplication, archives: Path) -> None:
    """At its deadline it kills the process that it started, and asks the group to end."""
    with PHASES[phase](patient, archives) as (reached, where), patient.unharmed():
        with patient.started("generate") as process:
            wait_until(lambda: reached(process))
            process.kill()
            os.killpg(process.pid, signal.SIGTERM)
            assert ended(process) == stopped_by(signal.SIGKILL, where)
        wait_until(lambda: not processes_in_group(process.pid))


@pytest.mark.parametrize("phase", PHASES)
def test_a_group_that_is_killed_leaves_no_process(
    phase: str, patient: InterruptibleApplication, archives: Path
) -> None:
    with PHASES[phase](patient, archives) as (reached, _), patient.unharmed():
        with patient.started("generate") as process:
            wait_until(lambda: reached(process))
            os.killpg(process.pid, signal.SIGKILL)
            assert ended(process) == (-signal.SIGKILL, b"")
        wait_until(lambda: not patient.processes())
        patient.render_calmly()  # sweeps the private folder


@pytest.mark.parametrize("phase", [phase for phase in PHASES if phase != "output"])
def test_a_reader_that_has_gone_ends_the_render(phase: str, patient: InterruptibleApplication, archives: Path) -> None:
    brought_to_a_stop = PHASES[phase](patient, archives)
    with brought_to_a_stop as (reached, where), patient.unharmed(), patient.started("generate") as process:
        wait_until(lambda: reached(process))
        assert process.stdout
        process.stdout.close()
        assert ended(process) == stopped_by(signal.SIGTERM, where)


def test_the_last_word_comes_before_the_clean_up(patient: InterruptibleApplication, tmp_path: Path) -> None:
    """A reader of stdout and stderr gets their end before the clean-up, which here waits for the reader."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    patient.install_fake("sops", "holds-plaintext")
    with patient.unharmed():
        slowly = replace(patient.sandbox, program=(str(FAKES / "tidies-slowly.py"), str(gate)))
        with patient.started("generate", slowly) as process:
            wait_until(patient.holds_upload)
            os.killpg(process.pid, signal.SIGTERM)
            assert read_all(process).startswith(b"cmp: stopped by SIGTERM in phase secrets")
            assert patient.holds_upload()
            gate.write_bytes(b"go on")
            assert process.wait(10) == 143


def read_all(process: subprocess.Popen[bytes]) -> bytes:
    """Read both streams to their end, which comes when nobody holds them any more."""
    assert process.stdout
    assert process.stderr
    assert process.stdout.read() == b""
    return process.stderr.read()


def test_exit_code_and_output_are_the_renderers(patient: InterruptibleApplication) -> None:
    with patient.unharmed():
        assert patient.run_to_the_end("generate").stdout == patient.run_to_the_end("render").stdout != ""
        patient.install_fake("helm", "fails-in-silence")
        assert (patient.run_to_the_end("generate").code, patient.run_to_the_end("generate").stdout) == (7, "")
