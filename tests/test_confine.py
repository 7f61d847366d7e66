"""The second wall: what a child that runs behind it can reach.  The kernel must have Landlock (CONTRIBUTING.md)."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from cmp import confine
from cmp.confine import Sight
from cmp.proc import Command, Deadline, Result, run

if TYPE_CHECKING:
    from pathlib import Path

READ = "import sys; print(open(sys.argv[1]).read(), end='')"
WRITE = "import sys; open(sys.argv[1], 'w').write('new')"
CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)"
GRANDCHILD = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {READ!r}, sys.argv[1]]))"
PYTHON = (sys.prefix, sys.base_prefix)


def behind(sight: Sight | None, code: str, *argv: str) -> Result:
    command = Command("python", (sys.executable, "-I", "-c", code, *argv), {}, sees=sight)
    return run(command, Deadline(20))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "age.key").write_text("the key")
    return folder / "age.key"


def test_the_kernel_here_has_it() -> None:
    assert confine.version() >= confine.TCP_SINCE


@pytest.mark.parametrize("code", [READ, GRANDCHILD])
def test_a_child_reads_what_it_is_shown_and_nothing_else(secret: Path, tmp_path: Path, code: str) -> None:
    shown = tmp_path / "shown"
    shown.write_text("to see")
    sight = Sight((*PYTHON, str(shown)))
    assert behind(sight, code, str(shown)).stdout == b"to see"
    refused = behind(sight, code, str(secret))
    assert refused.returncode != 0
    assert b"PermissionError" in refused.stderr
    assert behind(None, code, str(secret)).stdout == b"the key"


def test_a_link_is_no_way_around(secret: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "link").symlink_to(secret)
    assert b"PermissionError" in behind(Sight((*PYTHON, str(folder))), READ, str(folder / "link")).stderr


def test_a_child_writes_only_where_it_may(tmp_path: Path) -> None:
    folder, mine = tmp_path / "shown", tmp_path / "mine"
    folder.mkdir()
    mine.mkdir()
    sight = Sight((*PYTHON, str(folder)), (str(mine),))
    assert b"PermissionError" in behind(sight, WRITE, str(folder / "x")).stderr
    assert behind(sight, WRITE, str(mine / "x")).returncode == 0
    assert (mine / "x").read_text() == "new"


def test_a_child_reaches_no_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert b"PermissionError" in behind(Sight(PYTHON), CONNECT, port).stderr
        assert behind(None, CONNECT, port).returncode == 0


def test_a_path_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert behind(Sight((*PYTHON, str(tmp_path / "gone"))), "print('ran')").stdout == b"ran\n"


def test_a_child_sees_nothing_of_the_process_that_started_it() -> None:
    environment = f"/proc/{os.getpid()}/environ"
    assert b"PermissionError" in behind(Sight(PYTHON), READ, environment).stderr
    assert behind(None, READ, environment).returncode == 0


def test_nothing_is_left_open() -> None:
    before = os.listdir("/proc/self/fd")
    behind(Sight(PYTHON), "print()")
    assert os.listdir("/proc/self/fd") == before


def test_a_kernel_without_it_changes_nothing(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "version", lambda: 0)
    assert behind(Sight(PYTHON), READ, str(secret)).stdout == b"the key"
