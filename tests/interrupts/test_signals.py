"""A signal at the worst moment: just as clean-up begins, while a destructor runs, while an error is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.harness import CHECKOUT, Ran
from tests.support.repository import FAKES

if TYPE_CHECKING:
    from tests.support.interrupted_render import InterruptibleApplication

ENV = {"PATH": os.defpath, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
QUOTES_SECRETS = '{{ fail (printf "%v %s" .Values (.Files.Get "files/upload.key")) }}\n'


def run_struck(patient: InterruptibleApplication, function: str) -> Ran:
    """Render, and take a SIGTERM just before a function is called."""
    argv = [sys.executable, str(FAKES / "struck.py"), function, str(int(signal.SIGTERM))]
    done = subprocess.run(
        [*argv, "render", "shop", "--cluster", "dev"],
        cwd=patient.root,
        env=patient.sandbox.env(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ran.of(done)


@pytest.mark.parametrize(
    "function",
    [
        "cmp.environ:current",
        "cmp.repository.instances:resolve",
        "cmp.render.decrypt:read",
        "cmp.system.workspace:Workspace.__enter__",
        "cmp.system.workspace:_make",
        "cmp.system.workspace:Workspace.write",
        "cmp.system.workspace:Workspace.__exit__",
        "cmp.system.workspace:_remove_at_last",
        "cmp.system.process:Child.__init__",
        "cmp.system.process:ChildProcesses.wait",
        "cmp.system.process:ChildProcesses.__exit__",
        "cmp.render.output:check",
        "cmp.cli.main:_write",
    ],
)
def test_a_signal_before_a_function_of_a_render(function: str, patient: InterruptibleApplication) -> None:
    with patient.unharmed():
        ran = run_struck(patient, function)
    assert (ran.code, ran.stderr.splitlines()[-1].rstrip()[:23]) == (143, "cmp: stopped by SIGTERM")


@pytest.mark.parametrize(
    "function", ["cmp.secrets.redact:Redactor.mask", "cmp.cli.main:_shortened", "cmp.system.workspace:_remove_at_last"]
)
def test_a_signal_while_an_error_quotes_secrets(function: str, patient: InterruptibleApplication) -> None:
    """A traceback of what was under way would tell what was not masked yet."""
    patient.template("fail.yaml", QUOTES_SECRETS)
    with patient.unharmed():
        ran = run_struck(patient, function)
    assert (ran.code, ran.stdout, ran.stderr) == (143, "", "cmp: stopped by SIGTERM\n")


def test_the_error_itself_would_have_quoted_them(patient: InterruptibleApplication) -> None:
    patient.template("fail.yaml", QUOTES_SECRETS)
    ran = patient.run_to_the_end()
    assert ran.code == 7
    assert ran.stderr.count("‹secret›") == 3
    assert not [secret for secret in patient.secrets.values() if secret in ran.stderr]


def in_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program that hears signals as cmp does and prints what it was interrupted by."""
    head = "import os, signal, time\nfrom cmp.system import signals\nfrom cmp.errors import *\nsignals.listen()\ntry:\n"
    tail = "\nexcept Interrupted as interrupted:\n    print(type(interrupted).__name__, interrupted.exit_code)\n"
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    argv = [sys.executable, "-c", head + indented + tail]
    return subprocess.run(argv, env=ENV, capture_output=True, text=True, timeout=30, check=False)


DESTRUCTOR = """
class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
Dying()
time.sleep(20)
"""
GENERATOR = """
def numbers():
    try:
        yield 1
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
next(numbers())
time.sleep(20)
"""


@pytest.mark.parametrize("code", [DESTRUCTOR, GENERATOR])
def test_a_signal_is_not_lost_where_python_swallows_exceptions(code: str) -> None:
    done = in_python(code)
    assert (done.stdout, done.stderr) == ("Interrupted 143\n", "")


def test_other_exceptions_in_destructors_are_told() -> None:
    done = in_python("class Dying:\n    def __del__(self):\n        raise ValueError('told')\nDying()")
    assert "ValueError: told" in done.stderr
    assert done.returncode == 0


TWICE = """
try:
    signal.raise_signal(signal.SIGHUP)
finally:
    signal.raise_signal(signal.SIGTERM)
    print("clean")
"""


def test_a_second_signal_is_ignored() -> None:
    done = in_python(TWICE)
    assert (done.stdout, done.stderr) == ("clean\nInterrupted 129\n", "")


@pytest.mark.parametrize("work", ["time.sleep(20)", "while True:\n    pass"])
def test_the_alarm_ends_work_that_waits_for_no_child(work: str) -> None:
    done = in_python(f"signals.expire_after(0.1, 0.1)\n{work}")
    assert (done.stdout, done.stderr) == ("Expired 9\n", "")


def test_the_alarm_waits_while_signals_are_held() -> None:
    done = in_python("with signals.held():\n    signals.expire_after(0.05, 0)\n    time.sleep(0.2)\n    print('held')")
    assert (done.stdout, done.stderr) == ("held\nExpired 9\n", "")


def test_an_alarm_that_was_called_off_is_silent() -> None:
    done = in_python("signals.expire_after(0.05, 0)\nsignals.disarm()\ntime.sleep(0.2)\nprint('done')")
    assert (done.stdout, done.stderr) == ("done\n", "")


MANY_CLUSTERS = "version: 1\nclusters:\n  dev: {}\n" + "".join(f"  c-{n}: {{env: e{n}}}\n" for n in range(150_000))


def test_the_deadline_holds_where_no_child_is_waited_for(patient: InterruptibleApplication) -> None:
    (patient.root / "cmp.yaml").write_text(MANY_CLUSTERS)
    with patient.unharmed():
        ran = patient.run_to_the_end(CMP_DEADLINE="1")  # reading so many takes longer
    assert (ran.code, ran.stdout) == (9, "")
    assert ran.stderr.splitlines() == [
        "cmp: the deadline of 1 s passed",
        "  where: phase layout",
    ]


def test_the_deadline_holds_while_the_output_is_checked(patient: InterruptibleApplication) -> None:
    patient.install_fake("helm", "prints-very-much")
    with patient.unharmed():
        ran = patient.run_to_the_end(CMP_DEADLINE="4")  # a busy machine has to be at it by then, which takes longer
    assert (ran.code, ran.stdout) == (9, "")
    assert ran.stderr.splitlines()[:2] == [
        "cmp: the deadline of 4 s passed",
        "  where: application shop, cluster dev, phase output",
    ]
