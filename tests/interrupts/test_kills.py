"""Signals in each phase of a render: no plaintext, no child, no half-made cache is left, and one line says why."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.interrupted_render import (
    CACHED,
    DOORS,
    LARGE,
    LAYER,
    SLOW,
    InterruptibleApplication,
    Sealed,
    cpu_seconds,
    ended,
    stopped_by,
)
from tests.support.keys import Pgp, end_agent, make_pgp, sops_tool, start_agent
from tests.support.leaks import names_in_group, processes_of, wait_until
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Reached = Callable[[subprocess.Popen[bytes]], object]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
WORK_SECONDS = 0.3  # of processor time: by then a program has long started


# Each brings a render to a stop in its phase, and yields how to see that it is there, and what its last word says.


@contextmanager
def in_layout(patient: InterruptibleApplication, archives: Path) -> Iterator[tuple[Reached, str]]:  # noqa: ARG001  # one signature for all phases
    """Read a cmp.yaml with very many clusters."""
    clusters = "".join(f"  cluster-{n}: {{env: e{n}, region: r{n}}}\n" for n in range(40_000))
    (patient.root / "cmp.yaml").write_text(f"version: 1\nclusters:\n  dev: {{}}\n{clusters}")
    yield lambda _: sum(map(cpu_seconds, patient.processes())) > WORK_SECONDS, "in phase layout"
    assert not patient.plaintext()


@contextmanager
def in_secrets(patient: InterruptibleApplication, archives: Path) -> Iterator[tuple[Reached, str]]:  # noqa: ARG001
    """Wait for one of two encrypted files, while the other lies decrypted in the private copy."""
    patient.install_fake("sops", "holds-plaintext")

    def waits_for_one(process: subprocess.Popen[bytes]) -> bool:
        names = names_in_group(process.pid)
        return patient.holds_upload() and "sleep" in names and not {"sops", "real"}.intersection(names)

    yield waits_for_one, "in phase secrets, waiting for sops for namespaces/shop/files/slow.key"


@contextmanager
def in_charts(patient: InterruptibleApplication, archives: Path) -> Iterator[tuple[Reached, str]]:
    """Wait for a repository that does not answer."""
    with ChartRepository(archives) as repository:
        patient.depend("1.2.3", repository.url)
        repository.fault("/redis-1.2.3.tgz", body="hang")
        where = f"in phase charts, waiting for chart redis 1.2.3 of {repository.url}"
        yield lambda _: "/redis-1.2.3.tgz" in repository.requests, where


@contextmanager
def in_helm(patient: InterruptibleApplication, archives: Path) -> Iterator[tuple[Reached, str]]:  # noqa: ARG001
    """Wait for a template that takes minutes; everything is decrypted."""
    patient.template("slow.yaml", SLOW)

    def is_at_work(_: object) -> bool:
        helms = [pid for pid, arguments in patient.processes().items() if "helm template" in arguments]
        return patient.holds_upload() and any(cpu_seconds(pid) > WORK_SECONDS for pid in helms)

    yield is_at_work, "in phase helm, waiting for helm template"


@contextmanager
def in_output(patient: InterruptibleApplication, archives: Path) -> Iterator[tuple[Reached, str]]:  # noqa: ARG001
    """Write to a pipe that is full and that nobody reads."""
    patient.template("large.yaml", LARGE)

    def is_full(process: subprocess.Popen[bytes]) -> bool:
        assert process.stdout
        waiting = fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4))
        return bool(struct.unpack("i", waiting)[0] >= fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ))

    yield is_full, "while writing the output"


PHASES = {"layout": in_layout, "secrets": in_secrets, "charts": in_charts, "helm": in_helm, "output": in_output}


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda signum: signum.name)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("door", DOORS)
def test_a_signal_leaves_nothing(
    door: str, phase: str, signum: signal.Signals, patient: InterruptibleApplication, archives: Path
) -> None:
    with PHASES[phase](patient, archives) as (reached, where), patient.unharmed():
        with patient.started(door) as process:
            wait_until(lambda: reached(process))
            process.send_signal(signum)
            assert ended(process) == stopped_by(signum, where, door)
        if signum == signal.SIGKILL:
            wait_until(lambda: not patient.processes())
            patient.render_calmly()


@pytest.mark.parametrize("phase", ["secrets", "charts", "helm"])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=lambda signum: signum.name)
def test_a_signal_to_the_whole_group_reads_the_same(
    signum: signal.Signals, phase: str, patient: InterruptibleApplication, archives: Path
) -> None:
    """As a terminal and Argo CD send it: the children get it too, and their end must not be taken for the reason."""
    with (
        PHASES[phase](patient, archives) as (reached, where),
        patient.unharmed(),
        patient.started("generate") as process,
    ):
        wait_until(lambda: reached(process))
        os.killpg(process.pid, signum)
        assert ended(process) == stopped_by(signum, where)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL], ids=lambda signum: signum.name)
def test_nothing_stays_in_memory_backed_folders(
    signum: signal.Signals, patient: InterruptibleApplication, archives: Path
) -> None:
    with in_helm(patient, archives) as (reached, where), patient.unharmed():
        with patient.started("generate", CMP_TMPDIR="") as process:
            wait_until(lambda: reached(process))
            process.send_signal(signum)
            assert ended(process) == stopped_by(signum, where)
        if signum == signal.SIGKILL:
            wait_until(lambda: not patient.processes())
            patient.render_calmly(CMP_TMPDIR="")


def test_a_reader_that_goes_away_ends_the_run(patient: InterruptibleApplication, archives: Path) -> None:
    with in_output(patient, archives) as (reached, _), patient.unharmed(), patient.started("render") as process:
        wait_until(lambda: reached(process))
        assert process.stdout
        process.stdout.close()
        assert ended(process) == (8, b"cmp: cannot write the output: Broken pipe\n")


def test_the_deadline_holds_where_no_child_is_waited_for(patient: InterruptibleApplication, archives: Path) -> None:
    with in_layout(patient, archives), patient.unharmed():
        ran = patient.run_to_the_end("generate", CMP_DEADLINE="0.5")
        hint = CACHED.decode().replace("\n", "; see operations.md#deadline\n")
        what = f"cmp: the deadline of 0.5 s passed\n  where: phase layout\n  hint: {hint}"
        assert (ran.code, ran.stdout, ran.stderr) == (9, "", what)


# Keys of GnuPG, whose agent outlives by its nature whoever needed it.


@pytest.fixture(scope="module")
def pgp(tmp_path_factory: pytest.TempPathFactory, tools_dir: str, sealed: Sealed) -> Pgp:
    return make_pgp(tmp_path_factory.mktemp("g"), sops_tool(tools_dir), sealed.plain[LAYER])


@pytest.fixture
def with_pgp(
    patient: InterruptibleApplication, pgp: Pgp, tmp_path_factory: pytest.TempPathFactory
) -> InterruptibleApplication:
    place = tmp_path_factory.mktemp("t")  # the path of a socket has to be short
    (patient.root / LAYER).write_bytes(pgp.data)
    patient.folders.append(place)
    patient.sandbox.extra |= {"GNUPGHOME": str(pgp.home), "CMP_TMPDIR": str(place)}
    return patient


def agents(home: Path | str) -> dict[int, str]:
    """Return the agents for a home, or for the homes in a folder; of an agent, only its arguments may be read."""
    return processes_of(f"--homedir\0{home}")


def test_a_render_leaves_no_agent(with_pgp: InterruptibleApplication, pgp: Pgp) -> None:
    with with_pgp.unharmed():
        ran = with_pgp.run_to_the_end()
        assert (ran.code, with_pgp.secrets["common"] in ran.stdout) == (0, True), ran.stderr
        wait_until(lambda: not agents(with_pgp.folders[1]))
    assert not agents(pgp.home)


def test_a_render_leaves_an_agent_alone_that_ran_before(with_pgp: InterruptibleApplication, pgp: Pgp) -> None:
    start_agent(pgp.home)
    before = agents(pgp.home)
    try:
        with with_pgp.unharmed():
            assert with_pgp.run_to_the_end().code == 0
        assert (agents(pgp.home), len(before)) == (before, 1)
    finally:
        end_agent(pgp.home)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL], ids=lambda signum: signum.name)
def test_a_signal_leaves_no_agent(signum: signal.Signals, with_pgp: InterruptibleApplication, archives: Path) -> None:
    place = with_pgp.folders[1]
    with in_helm(with_pgp, archives) as (reached, where), with_pgp.unharmed():
        with with_pgp.started("generate") as process:
            wait_until(lambda: reached(process))
            assert len(agents(place)) == 1
            process.send_signal(signum)
            assert ended(process) == stopped_by(signum, where)
        if signum == signal.SIGKILL:
            with_pgp.render_calmly()  # the agent watches its socket, and that is swept
        wait_until(lambda: not agents(place))
        assert list(place.iterdir()) == []
