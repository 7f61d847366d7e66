"""The single flight lock: one at a time, bounded waiting, and never in the way of the work."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from cmp.system.locks import single_flight

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from cmp.system.locks import single_flight
with single_flight(sys.argv[1], 5) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """Start a process that has the lock when this returns, until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "True\n"
    return process


def test_the_lock_is_held_and_its_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "x.lock"
    with single_flight(str(path), 1) as held:
        assert held
    assert path.is_file()


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with holder(path) as process:
        assert process.stdin is not None
        threading.Timer(0.3, process.stdin.close).start()
        started = time.monotonic()
        with single_flight(str(path), 10) as held:
            assert held
        assert time.monotonic() - started > 0.2


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        with single_flight(str(tmp_path / "x.lock"), 10) as held:
            assert held
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 6


@pytest.mark.parametrize("timeout", [0.2, 0, -1])
def test_after_the_time_the_work_goes_on_without_the_lock(tmp_path: Path, timeout: float) -> None:
    path = tmp_path / "x.lock"
    with holder(path) as process:
        with single_flight(str(path), timeout) as held:
            assert not held
        process.kill()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with holder(path) as process:
        process.kill()
        process.wait()
        with single_flight(str(path), 5) as held:
            assert held


def test_a_folder_that_cannot_be_made_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with single_flight(str(tmp_path / "file" / "x.lock"), 1) as held:
        assert not held


def test_an_error_of_the_block_passes_and_frees_the_lock(tmp_path: Path) -> None:
    path = str(tmp_path / "x.lock")
    with pytest.raises(OSError, match="of the block"), single_flight(path, 1):
        raise OSError("of the block")
    with single_flight(path, 0) as held:
        assert held


def test_importing_the_module_does_not_import_filelock() -> None:
    code = "import sys, cmp.system.locks; sys.exit('filelock' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
