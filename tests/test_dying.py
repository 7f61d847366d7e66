"""Signals in each phase of a render: no plaintext, no child, no half-made cache is left, and one line says why."""

from __future__ import annotations

import fcntl
import signal
import struct
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.chartworld import publish
from tests.dyingworld import DOORS, LARGE, SLOW, UPLOAD, Patient, Sealed, cpu_seconds, seal, stopped_by
from tests.leaks import wait_until
from tests.servers.charts import ChartRepository

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness import Sandbox

    Reached = Callable[[subprocess.Popen[bytes]], object]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
LAYOUT_SECONDS = 0.6  # of processor time: the interpreter and our modules have long been loaded


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Sealed:
    return seal(tmp_path_factory.mktemp("sealed"), tools_dir)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Path:
    return publish(tmp_path_factory.mktemp("archives"), tools_dir)


@pytest.fixture
def patient(sandbox: Sandbox, sealed: Sealed) -> Patient:
    return Patient(sandbox, sealed)


# Each brings a render to a stop in its phase, and yields how to see that it is there.


@contextmanager
def in_layout(patient: Patient, archives: Path) -> Iterator[Reached]:  # noqa: ARG001  # one signature for all phases
    """Read a cmp.yaml with very many clusters."""
    clusters = "".join(f"  cluster-{n}: {{env: e{n}, region: r{n}}}\n" for n in range(60_000))
    (patient.repository / "cmp.yaml").write_text(f"version: 1\nclusters:\n  dev: {{}}\n{clusters}")
    yield lambda process: cpu_seconds(process.pid) > LAYOUT_SECONDS
    assert not patient.plaintext()


@contextmanager
def in_secrets(patient: Patient, archives: Path) -> Iterator[Reached]:  # noqa: ARG001
    """Wait for one of two encrypted files, while the other lies decrypted in the private copy."""
    patient.stand_in("sops", "holds-plaintext")
    yield lambda _: patient.plaintext(UPLOAD)


@contextmanager
def in_charts(patient: Patient, archives: Path) -> Iterator[Reached]:
    """Wait for a repository that does not answer."""
    with ChartRepository(archives) as repository:
        patient.depend("1.2.3", repository.url)
        repository.fault("/redis-1.2.3.tgz", body="hang")
        yield lambda _: "/redis-1.2.3.tgz" in repository.requests


@contextmanager
def in_helm(patient: Patient, archives: Path) -> Iterator[Reached]:  # noqa: ARG001
    """Wait for a template that takes minutes; everything is decrypted."""
    patient.template("slow.yaml", SLOW)
    yield lambda _: patient.plaintext(UPLOAD) and any(
        "helm template" in arguments and cpu_seconds(pid) > LAYOUT_SECONDS
        for pid, arguments in patient.processes().items()
    )


@contextmanager
def in_output(patient: Patient, archives: Path) -> Iterator[Reached]:  # noqa: ARG001
    """Write to a pipe that is full and that nobody reads."""
    patient.template("large.yaml", LARGE)

    def is_full(process: subprocess.Popen[bytes]) -> bool:
        assert process.stdout
        waiting = fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4))
        return bool(struct.unpack("i", waiting)[0] >= fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ))

    yield is_full


PHASES = {"layout": in_layout, "secrets": in_secrets, "charts": in_charts, "helm": in_helm, "output": in_output}


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda signum: signum.name)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("door", DOORS)
def test_a_signal_leaves_nothing(
    door: str, phase: str, signum: signal.Signals, patient: Patient, archives: Path
) -> None:
    with PHASES[phase](patient, archives) as reached, patient.unharmed():
        with patient.started(door) as process:
            wait_until(lambda: reached(process))
            process.send_signal(signum)
            assert process.wait(10) == stopped_by(signum)[0]
            assert process.stderr
            assert process.stderr.read() == stopped_by(signum)[1]
        if signum == signal.SIGKILL:
            wait_until(lambda: not patient.processes())
            patient.render_calmly()
