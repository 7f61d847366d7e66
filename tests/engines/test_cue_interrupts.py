"""Renders of a CUE package that are ended, or whose cue fails: one message each, and nothing decrypted is left."""

from __future__ import annotations

import os
import shutil
import signal
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from tests.support import versions
from tests.support.interrupted_render import (
    DOORS,
    LAYER,
    VERSIONS,
    InterruptibleApplication,
    cpu_seconds,
    ended,
    stopped_by,
)
from tests.support.leaks import wait_until

if TYPE_CHECKING:
    import subprocess

    from tests.support.harness import Sandbox
    from tests.support.interrupted_render import Sealed

CUE = versions.CUE[-1]
MODULE = 'module: "example.com/repo"\nlanguage: version: "v0.14.0"\n'
PACKAGE = """\
@extern(embed)

package shop

values: {common: string, cluster: string}
upload: _ @embed(file="files/upload.key",type=text)
objects: [{
	apiVersion: "v1"
	kind:       "Secret"
	metadata: name: "shop"
	stringData: {all: values.common + values.cluster, "upload": upload}
}]
"""
SLOW = """\
package shop

import "list"

_many: list.Range(0, 20000, 1)
objects: [for one in _many for other in _many if one*other < 0 {one}]
"""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
WORK_SECONDS = 0.3
WHERE = "  where: application shop, cluster dev, phase"
WHILE_CUE_WORKS = "in phase cue, waiting for cue export"


class CuePatient(InterruptibleApplication):
    """That application as a CUE package which embeds one of its encrypted files."""

    TOOLS = MappingProxyType({**VERSIONS, "cue": CUE})

    def plant(self, sealed: Sealed) -> None:
        super().plant(sealed)
        (self.chart / "Chart.yaml").unlink()
        shutil.rmtree(self.chart / "templates")
        (self.root / "cue.mod").mkdir()
        (self.root / "cue.mod/module.cue").write_text(MODULE)
        (self.chart / "shop.cue").write_text(PACKAGE)

    def is_slow(self) -> None:
        """Let the package take minutes."""
        (self.chart / "slow.cue").write_text(SLOW)

    def is_at_work(self) -> bool:
        """Return whether cue works, and everything is decrypted by now."""
        runs = [pid for pid, arguments in self.processes().items() if "cue export" in arguments]
        return self.holds_upload() and any(cpu_seconds(pid) > WORK_SECONDS for pid in runs)


@pytest.fixture
def patient(sandbox: Sandbox, sealed: Sealed) -> CuePatient:
    return CuePatient(sandbox, sealed)


def stopped(patient: CuePatient, door: str, signum: signal.Signals, *, group: bool = False) -> tuple[int, bytes]:
    """Let cue work, send the signal, and return how cmp ended."""
    process: subprocess.Popen[bytes]
    with patient.started(door) as process:
        wait_until(patient.is_at_work)
        if group:
            os.killpg(process.pid, signum)
        else:
            process.send_signal(signum)
        return ended(process)


def test_it_renders(patient: CuePatient) -> None:
    with patient.unharmed():
        ran = patient.run_to_the_end()
    assert ran.code == 0, ran.stderr
    assert all(patient.secrets[name] in ran.stdout for name in ("common", "cluster", "upload"))


@pytest.mark.parametrize("signum", SIGNALS, ids=lambda signum: signum.name)
@pytest.mark.parametrize("door", DOORS)
def test_a_signal_leaves_nothing(door: str, signum: signal.Signals, patient: CuePatient) -> None:
    patient.is_slow()
    with patient.unharmed():
        assert stopped(patient, door, signum) == stopped_by(signum, WHILE_CUE_WORKS, door)
        if signum == signal.SIGKILL:
            wait_until(lambda: not patient.processes())
            patient.render_calmly()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=lambda signum: signum.name)
def test_a_signal_to_the_whole_group_reads_the_same(signum: signal.Signals, patient: CuePatient) -> None:
    patient.is_slow()
    with patient.unharmed():
        assert stopped(patient, "generate", signum, group=True) == stopped_by(signum, WHILE_CUE_WORKS)


@pytest.mark.parametrize("door", DOORS)
def test_the_deadline_names_cue(door: str, patient: CuePatient) -> None:
    patient.is_slow()
    with patient.unharmed():
        ran = patient.run_to_the_end(door, CMP_DEADLINE="4")
    assert (ran.code, ran.stdout) == (9, "")
    assert ran.first_line == "cmp: cue export was still running when the deadline of 4 s passed"
    assert ran.stderr.splitlines()[1] == f"{WHERE} cue"


def refused(patient: CuePatient) -> tuple[int, list[str]]:
    with patient.unharmed():
        ran = patient.run_to_the_end()
    assert ran.stdout == ""
    return ran.code, ran.stderr.splitlines()


FAILURES = {
    "fails-in-silence": (7, [f"cmp: cue {CUE} exited with status 1 and said nothing", f"{WHERE} cue"]),
    "is-killed": (7, [f"cmp: cue {CUE} was killed by signal 9", f"{WHERE} cue"]),
    "prints-garbage": (
        8,
        [
            "cmp: a document: not valid YAML: control characters are not allowed",
            f"{WHERE} output, line 2 of the output",
        ],
    ),
    "prints-nothing": (
        8,
        [
            "cmp: cue printed no object: Argo CD could prune the whole application",
            f"{WHERE} output",
            "  hint: if this is meant, `output: {allowEmpty: true}` in cmp-app.yaml accepts it",
        ],
    ),
}


@pytest.mark.parametrize("fault", FAILURES)
def test_a_cue_that_fails(fault: str, patient: CuePatient) -> None:
    patient.install_fake("cue", fault)
    assert refused(patient) == FAILURES[fault]


def test_complaints_of_any_length_are_cut_short(patient: CuePatient) -> None:
    patient.install_fake("cue", "complains-at-length")
    code, lines = refused(patient)
    assert (code, lines[0]) == (7, f"cmp: cue {CUE}: Error: the first line says why")
    assert 3000 < len("\n".join(lines).encode()) <= 4096


def test_a_sops_that_fails_is_told_before_cue_runs(patient: CuePatient) -> None:
    patient.install_fake("sops", "fails-in-silence")
    patient.install_fake("cue", "never-ends")
    code, lines = refused(patient)
    assert (code, lines[:2]) == (6, ["cmp: sops failed with exit status 1", f"{WHERE} secrets, {LAYER}"])


@pytest.mark.parametrize("problem", ["is not installed", "cannot be executed by this user"])
def test_a_cue_that_is_not_there(problem: str, patient: CuePatient) -> None:
    patient.install_fake("cue", "prints-nothing")
    if problem == "is not installed":
        patient.program("cue").unlink()
    else:
        patient.program("cue").chmod(0o600)
    code, lines = refused(patient)
    assert (code, lines[0].partition(" (")[0]) == (4, f"cmp: cue {CUE} {problem}")
