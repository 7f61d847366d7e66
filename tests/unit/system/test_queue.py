"""Turns: a few at once, in the order in which they came, and a turn is free as soon as its holder is dead."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cmp.errors import DeadlineError
from cmp.system.locks import turn
from cmp.system.process import Deadline
from tests.support.harness import CHECKOUT
from tests.support.interrupted_render import SLOW, InterruptibleApplication
from tests.support.leaks import wait_until

if TYPE_CHECKING:
    from pathlib import Path

# Takes a turn, says so by a file, works until it is told to stop by another file, and says that it has ended.
HOLDER = """\
import os, sys, time
from cmp.system.process import Deadline
from cmp.system.locks import turn
folder, at_once, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
open(f"{name}.came", "x").close()
with turn(folder, at_once, Deadline(60)):
    open(f"{name}.works", "x").close()
    while not os.path.exists(f"{name}.stop"):
        time.sleep(0.005)
    os.unlink(f"{name}.works")
"""

HINT = (
    "work at once (CMP_RENDERS): allow more, with more memory, or raise Argo CD's timeouts; "
    "Argo CD keeps this error cached until a hard refresh"
)
SEE = "; see operations.md#deadline"


class Queue:
    """Processes that want a turn."""

    def __init__(self, folder: Path, at_once: int) -> None:
        self.turns, self.signs, self.at_once = folder / "turns", folder / "signs", at_once
        self.signs.mkdir()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def come(self, *names: str) -> None:
        """Let processes come, one after the other: the next when the one before has its ticket."""
        for name in names:
            before = self.tickets()
            argv = [sys.executable, "-c", HOLDER, str(self.turns), str(self.at_once), str(self.signs / name)]
            self.processes[name] = subprocess.Popen(argv, env={"PYTHONPATH": str(CHECKOUT)}, cwd=self.signs)
            wait_until(lambda before=before: self.tickets() > before)  # type: ignore[misc]

    def tickets(self) -> int:
        """Count the tickets that lie there, of the living and of the dead."""
        return sum(path.name.isdecimal() for path in self.turns.iterdir()) if self.turns.exists() else 0

    def works(self) -> set[str]:
        """Return who works now."""
        return {path.stem for path in self.signs.glob("*.works") if self.processes[path.stem].poll() is None}

    def stop(self, name: str) -> None:
        """Let one finish."""
        (self.signs / f"{name}.stop").touch()
        assert self.processes[name].wait(10) == 0

    def kill(self, name: str) -> None:
        """End one as no program can prepare for."""
        self.processes[name].kill()
        self.processes[name].wait(10)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path, 2)


def test_a_few_work_at_once_in_the_order_in_which_they_came(queue: Queue) -> None:
    names = [f"p{number}" for number in range(7)]
    queue.come(*names)
    for index in range(len(names)):
        expected = set(names[index : index + 2])
        wait_until(lambda expected=expected: queue.works() == expected)  # type: ignore[misc]
        queue.stop(names[index])
    assert queue.tickets() == 0


def test_whoever_ends_first_makes_room_for_who_came_first(queue: Queue) -> None:
    queue.come("a", "b", "c", "d")
    wait_until(lambda: queue.works() == {"a", "b"})
    queue.stop("b")
    wait_until(lambda: queue.works() == {"a", "c"})
    for name in ("a", "c", "d"):
        queue.stop(name)


def test_a_turn_never_survives_its_holder(queue: Queue) -> None:
    queue.come("a", "b", "c", "d", "e")
    wait_until(lambda: queue.works() == {"a", "b"})
    queue.kill("c")  # one that waits
    queue.kill("a")  # one that works
    wait_until(lambda: queue.works() == {"b", "d"})
    queue.kill("b")
    wait_until(lambda: queue.works() == {"d", "e"})
    for name in ("d", "e"):
        queue.stop(name)
    assert queue.tickets() == 0


def test_the_deadline_ends_the_wait_and_gives_the_ticket_back(queue: Queue) -> None:
    queue.come("a", "b")
    wait_until(lambda: queue.works() == {"a", "b"})
    with pytest.raises(DeadlineError) as caught, turn(str(queue.turns), 2, Deadline(0.1)):
        pytest.fail("there was no turn")
    assert caught.value.lines(is_cached=True) == [
        "cmp: no turn until the deadline of 0.1 s passed: 2 ahead",
        f"  hint: 2 {HINT}",
    ]
    assert queue.tickets() == 2
    for name in ("a", "b"):
        queue.stop(name)


def test_without_a_place_for_tickets_there_is_no_bound(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with turn(str(tmp_path / "file" / "turns"), 1, Deadline(5)) as is_bounded:
        assert not is_bounded


# Through the door of the sidecar.


def test_a_render_waits_for_its_turn_and_says_so(patient: InterruptibleApplication) -> None:
    patient.template("slow.yaml", SLOW)
    with patient.unharmed(), patient.started("generate", CMP_RENDERS="1") as first:
        wait_until(lambda: any("helm template" in arguments for arguments in patient.processes().values()))
        ran = patient.run_to_the_end("generate", CMP_RENDERS="1", CMP_DEADLINE="2")
        assert (ran.code, ran.stdout) == (9, "")
        assert ran.stderr.splitlines() == [
            "cmp: no turn until the deadline of 2 s passed: 1 ahead",
            "  where: application shop, phase turn",
            f"  hint: 1 {HINT}{SEE}",
        ]
        with patient.started("generate", CMP_RENDERS="1") as second:
            wait_until(lambda: len(list((patient.sandbox.state / "renders").glob("[0-9]*"))) > 1)
            second.send_signal(signal.SIGTERM)
            assert (
                second.communicate()[1]
                == b"cmp: stopped by SIGTERM in phase turn, waiting for its turn (see operations.md#deadline)\n"
            )
        first.send_signal(signal.SIGTERM)
        first.wait(10)
    assert [path.name for path in (patient.sandbox.state / "renders").iterdir()] == ["door"]


def test_a_person_does_not_wait(patient: InterruptibleApplication) -> None:
    with patient.unharmed():
        (patient.sandbox.state / "renders").mkdir(parents=True)
        with turn(str(patient.sandbox.state / "renders"), 1, Deadline(5)):
            assert patient.run_to_the_end("render", CMP_RENDERS="1").code == 0


def test_state_that_cannot_be_written_is_told(patient: InterruptibleApplication) -> None:
    patient.sandbox.folder.mkdir(exist_ok=True)
    patient.sandbox.state.write_text("a file, where a folder should be")
    ran = patient.run_to_the_end("generate")
    assert ran.code == 0
    assert "cmp: warning: renders at once are not limited: CMP_STATE_DIR cannot be written\n" in ran.stderr


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_the_number_is_checked(text: str, patient: InterruptibleApplication) -> None:
    ran = patient.run_to_the_end("generate", CMP_RENDERS=text)
    what = f"cmp: CMP_RENDERS is {text!r}, not a whole number above 0"
    assert (ran.code, ran.stderr) == (3, f"{what}\n  hint: see operations.md#configuration\n")
