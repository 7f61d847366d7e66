"""The reach of a child in the sandbox; the kernel must have Landlock (CONTRIBUTING.md)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest

from cmp.errors import ToolError
from cmp.system import sandbox
from cmp.system.process import ChildProcesses, Command, Deadline, Result, run
from cmp.system.sandbox import Access
from tests.support.charts import HELMS

READ = "import sys; print(open(sys.argv[1]).read(), end='')"
WRITE = "import sys; open(sys.argv[1], 'w').write('new')"
CONNECT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)"
ABSTRACT = "import socket, sys; socket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[1])"
SIGNAL = "import os, sys; os.kill(int(sys.argv[1]), 10)"
GRANDCHILD = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {READ!r}, sys.argv[1]]))"
PYTHON = os.path.realpath(sys.executable)
LIBRARY = os.path.dirname(os.path.dirname(os.__file__))


def seen(*reads: object, writes: tuple[str, ...] = ()) -> Access:
    return Access((PYTHON,), (LIBRARY, *map(str, reads)), writes)


def behind(access: Access | None, code: str, *argv: object) -> Result:
    command = Command("python", (PYTHON, "-I", "-S", "-c", code, *map(str, argv)), {}, access=access)
    return run(command, Deadline(20))


def is_refused(result: Result) -> bool:
    return result.returncode != 0 and b"PermissionError" in result.stderr


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "age.key").write_text("the key")
    return folder / "age.key"


def test_the_kernel_here_has_all_of_it() -> None:
    assert sandbox.version() >= sandbox.SCOPES_SINCE


# Files


@pytest.mark.parametrize("code", [READ, GRANDCHILD])
def test_a_child_reads_what_it_is_shown_and_nothing_else(secret: Path, tmp_path: Path, code: str) -> None:
    shown = tmp_path / "shown"
    shown.write_text("to see")
    assert behind(seen(shown), code, shown).stdout == b"to see"
    assert is_refused(behind(seen(shown), code, secret))
    assert behind(None, code, secret).stdout == b"the key"


def test_a_link_is_no_way_around(secret: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shown"
    folder.mkdir()
    (folder / "link").symlink_to(secret)
    assert is_refused(behind(seen(folder), READ, folder / "link"))


def test_a_child_writes_only_where_it_may(tmp_path: Path) -> None:
    folder, mine = tmp_path / "shown", tmp_path / "mine"
    folder.mkdir()
    mine.mkdir()
    access = seen(folder, writes=(str(mine),))
    assert is_refused(behind(access, WRITE, folder / "x"))
    assert behind(access, WRITE, mine / "x").returncode == 0
    assert (mine / "x").read_text() == "new"


def test_a_path_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert behind(seen(tmp_path / "gone"), "print('ran')").stdout == b"ran\n"


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/resolv.conf", "/etc/ssl", "/usr/share/doc", "/dev/zero", "/"])
def test_the_system_is_out_of_sight(path: str) -> None:
    assert os.path.exists(path)
    assert is_refused(behind(seen(), "import os, sys; os.open(sys.argv[1], os.O_RDONLY)", path))


@pytest.mark.parametrize("path", ["/usr/share/zoneinfo/Asia/Tokyo", "/etc/localtime", "/dev/urandom", "/dev/null"])
def test_what_every_program_may_need_is_in_sight(path: str) -> None:
    result = behind(seen(), "import sys; open(sys.argv[1], 'rb').read(9)", path)
    assert (result.returncode, result.stderr) == (0, b"")


# Programs


@pytest.mark.parametrize("where", ["shown", "mine"])
def test_a_child_runs_no_program_that_it_only_reads_or_wrote(tmp_path: Path, where: str) -> None:
    for name in ("shown", "mine"):
        (tmp_path / name).mkdir()
        shutil.copy("/bin/true", tmp_path / name)
    code = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    reads, writes = tmp_path / "shown", (str(tmp_path / "mine"),)
    assert is_refused(behind(seen(reads, writes=writes), code, tmp_path / where / "true"))
    access = seen(reads, writes=writes)._replace(runs_any=True)
    assert behind(access, code, tmp_path / where / "true").returncode == 0


def test_a_run_that_may_start_any_program_sees_those_of_the_system_and_no_more(secret: Path) -> None:
    access = seen()._replace(runs_any=True)
    code = "import subprocess, sys; sys.exit(subprocess.call(['/bin/cat', *sys.argv[1:]]))"
    assert behind(access, code, "/etc/passwd").stdout == Path("/etc/passwd").read_bytes()
    for hidden in (secret, f"/proc/{os.getpid()}/environ"):
        result = behind(access, code, hidden)
        assert (result.stdout, b"Permission denied" in result.stderr) == (b"", True)


@pytest.mark.parametrize("program", ["/bin/cat", "/usr/bin/env"])
def test_a_program_that_needs_libraries_sees_those_and_no_more(secret: Path, program: str) -> None:
    access = Access((program, "/bin/cat"), (str(secret),))

    def printed(path: str) -> bytes:
        argv = (program, *(("/bin/cat",) if program != "/bin/cat" else ()), path)
        return run(Command("program", argv, {}, access=access), Deadline(20)).stdout

    assert printed(str(secret)) == b"the key"
    assert printed("/etc/ld.so.cache")
    assert printed("/etc/passwd") == b""


@pytest.mark.parametrize("version", HELMS)
def test_a_program_that_needs_none_sees_none(tools_dir: str, version: str) -> None:
    program = f"{tools_dir}/helm/{version}/helm"
    argv = (program, "template", ".", "--values")

    def refusal(path: str) -> str:
        result = run(Command("helm", (*argv, path), {"HOME": "/"}, access=Access((program,))), Deadline(20))
        return result.stderr.decode()

    assert "open /etc/ld.so.cache: permission denied" in refusal("/etc/ld.so.cache")
    assert "permission denied" not in refusal("/dev/null")


def test_a_script_that_was_put_in_the_place_of_a_tool_runs_what_it_needs(secret: Path, tmp_path: Path) -> None:
    script = tmp_path / "helm"
    script.write_text('#!/bin/sh\nexec cat "$@"\n')
    script.chmod(0o755)

    def printed(path: Path) -> bytes:
        env = {"PATH": os.defpath}
        return run(Command("helm", (str(script), str(path)), env, access=Access((str(script),))), Deadline(20)).stdout

    assert printed(Path("/etc/passwd"))
    assert printed(secret) == b""


@pytest.mark.parametrize("content", [b"\x7fELF", b"\x7fELF\x02\x01" + b"\xff" * 90, b"no program"])
def test_what_is_no_program_is_an_error_and_not_a_bug(content: bytes, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(content)
    program.chmod(0o755)
    with pytest.raises(ToolError, match="cannot start helm: "):
        run(Command("helm", (str(program),), {}, access=Access((str(program),))), Deadline(20))


# Hosts and processes


def test_a_child_reaches_no_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_refused(behind(seen(), CONNECT, port))
        assert behind(None, CONNECT, port).returncode == 0


def test_a_child_reaches_no_abstract_socket() -> None:
    name = os.urandom(8).hex()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen()
        assert is_refused(behind(seen(), ABSTRACT, name))
        assert behind(None, ABSTRACT, name).returncode == 0


def test_a_child_sends_no_signal_to_another() -> None:
    sleep = Command("sleep", ("sleep", "60"), {"PATH": os.defpath})
    with ChildProcesses(Deadline(60)) as processes:
        other = processes.start(sleep)
        assert is_refused(behind(seen(), SIGNAL, other.process.pid))
        assert other.process.poll() is None
        assert behind(None, SIGNAL, other.process.pid).returncode == 0
        assert processes.wait(other)[0].returncode == -signal.SIGUSR1


@pytest.mark.parametrize("runs_any", [False, True])
def test_a_child_sees_nothing_of_another_process(*, runs_any: bool) -> None:
    access = seen()._replace(runs_any=runs_any)
    for name in ("environ", "mem", "maps", "fd/0"):
        path = f"/proc/{os.getpid()}/{name}"
        assert is_refused(behind(access, "import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)", path))
    assert behind(None, "import sys; open(sys.argv[1], 'rb')", f"/proc/{os.getpid()}/environ").returncode == 0


# Kernels with less of it


def test_an_older_kernel_keeps_files_and_no_more(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "version", lambda: 3)
    assert is_refused(behind(seen(), READ, secret))
    assert is_refused(behind(seen(), READ, f"/proc/{os.getpid()}/environ"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert behind(seen(), CONNECT, server.getsockname()[1]).returncode == 0


@pytest.mark.parametrize("version", [1, 2, 4, 5])
def test_a_wall_can_be_built_for_every_version(secret: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "version", lambda: version)
    assert is_refused(behind(seen(writes=("/tmp",)), READ, "/etc/passwd"))  # noqa: S108
    assert behind(seen(secret), READ, secret).stdout == b"the key"


def test_a_kernel_without_it_changes_nothing(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "version", lambda: 0)
    assert behind(seen(), READ, secret).stdout == b"the key"


def test_nothing_is_left_open() -> None:
    before = os.listdir("/proc/self/fd")
    behind(seen(), "print()")
    assert os.listdir("/proc/self/fd") == before
