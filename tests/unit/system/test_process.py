"""Children: fed, read, ended.  Real processes, most of them small Python programs."""

from __future__ import annotations

import errno
import gc
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.errors import DeadlineError, Interrupted, OutputError, ToolError
from cmp.system import process
from cmp.system.process import MAX_STDERR_BYTES, Child, ChildProcesses, Command, Deadline, MemoryFile, Pipe, Result, run
from cmp.system.sandbox import Access
from tests.support.leaks import processes_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[3]
ENV = {"PATH": os.defpath}
SLEEP = 60  # seconds: who takes as long has waited for the sleeper


def python(code: str, *argv: str, inputs: tuple[Pipe, ...] = (), stdin: bytes = b"", marker: str = "") -> Command:
    return Command(
        "python", (sys.executable, "-S", "-c", code, *argv), {**ENV, "MARKER": marker}, inputs=inputs, stdin=stdin
    )


def sleeper(marker: str) -> Command:
    return python(f"import time; time.sleep({SLEEP})", marker=marker)


def open_descriptors() -> set[str]:
    gc.collect()  # what earlier tests left open is closed before, and not meanwhile
    return set(os.listdir("/proc/self/fd"))


def fed(*contents: bytes) -> tuple[MemoryFile, ...]:
    inputs = tuple(MemoryFile() for _ in contents)
    for memory_file, content in zip(inputs, contents, strict=True):
        memory_file.provide(content)
    return inputs


READ_ALL = "import sys; [sys.stdout.write(str(len(open(path, 'rb').read())) + ' ') for path in sys.argv[1:]]"


def test_a_result_has_the_exit_code_and_both_streams() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert run(python(code), Deadline(30)) == Result(3, b"out\n", b"err\n")


def test_a_child_that_a_signal_ends_has_a_negative_code() -> None:
    assert run(python("import os; os.kill(os.getpid(), 9)"), Deadline(30)).returncode == -signal.SIGKILL


def test_the_environment_is_exactly_the_given_one() -> None:
    result = run(Command("env", ("env",), {"PATH": os.defpath, "ONLY": "this one"}), Deadline(30))
    assert sorted(result.stdout.splitlines()) == [b"ONLY=this one", f"PATH={os.defpath}".encode()]


def test_stdin_is_empty_unless_given() -> None:
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    assert run(python(code), Deadline(30)).stdout == b"0\n"
    assert run(python(code, stdin=b"x" * 3_000_000), Deadline(30)).stdout == b"3000000\n"


def test_large_outputs_on_both_streams_do_not_block_each_other() -> None:
    code = "import os\nfor _ in range(300): os.write(1, b'o' * 10000); os.write(2, b'e' * 1000)"
    assert run(python(code), Deadline(30)) == Result(0, b"o" * 3_000_000, b"e" * 300_000)


def test_stderr_is_bounded_and_a_child_that_writes_more_still_ends() -> None:
    result = run(python("import os\nfor _ in range(80): os.write(2, b'e' * 65530 + b'\\n')"), Deadline(30))
    assert result.returncode == 0
    assert MAX_STDERR_BYTES - 65536 <= len(result.stderr) <= MAX_STDERR_BYTES + 65536


@pytest.mark.parametrize(("line", "kept"), [("word " * 20 + "\n", "word \n"), ("word " * 20, "")])
def test_a_line_of_stderr_that_was_cut_is_left_out(line: str, kept: str) -> None:
    """Half a secret would not be known as one."""
    result = run(python(f"import sys\nfor _ in range(20000): sys.stderr.write({line!r})"), Deadline(30))
    assert result.stderr[-len("word \n") :].decode() == kept


# Memory files


@pytest.mark.parametrize("sizes", [(0,), (1,), (70_000, 0, 1_500_000), (65_536, 65_536)])
def test_memory_files_carry_any_number_of_bytes(sizes: tuple[int, ...]) -> None:
    inputs = fed(*(b"x" * size for size in sizes))
    result = run(python(READ_ALL, *(memory_file.path for memory_file in inputs), inputs=inputs), Deadline(30))
    assert result.stdout.split() == [str(size).encode() for size in sizes]


def test_memory_files_may_be_read_in_any_order() -> None:
    inputs = fed(b"x" * 200_000, b"y" * 300_000)
    paths = [memory_file.path for memory_file in reversed(inputs)]
    assert run(python(READ_ALL, *paths, inputs=inputs), Deadline(30)).stdout == b"300000 200000 "


def test_a_memory_file_may_be_provided_while_its_reader_waits_at_a_pipe() -> None:
    gate, memory_file = Pipe(), MemoryFile()
    with ChildProcesses(Deadline(30)) as processes:
        reader = processes.start(python(READ_ALL, gate.path, memory_file.path, inputs=(gate, memory_file)))
        (other,) = processes.wait(processes.start(python("print('from another child')")))
        memory_file.provide(other.stdout)
        gate.close_writer()
        assert processes.wait(reader)[0].stdout == b"0 19 "


def test_what_others_read_of_a_memory_file_is_not_missing_where_it_belongs() -> None:
    """Neither what they open anew nor the descriptor of the child itself gives them bytes of the child."""
    gate, memory_file = Pipe(), MemoryFile()
    with ChildProcesses(Deadline(30)) as processes:
        reader = processes.start(python(READ_ALL, gate.path, memory_file.path, inputs=(gate, memory_file)))
        memory_file.provide(b"x" * 300_000)
        theirs = f"/proc/{reader.process.pid}/fd/{memory_file.path.rpartition('/')[2]}"
        assert run(python(READ_ALL, theirs, theirs), Deadline(30)).stdout == b"300000 300000 "
        gate.close_writer()
        assert processes.wait(reader)[0].stdout == b"0 300000 "


def test_nobody_changes_what_a_memory_file_holds() -> None:
    memory_file = MemoryFile()
    memory_file.provide(b"sealed")
    for change in (lambda: os.pwrite(memory_file.reader, b"x", 0), lambda: os.ftruncate(memory_file.reader, 0)):
        with pytest.raises(PermissionError):
            change()


def test_nobody_opens_what_a_child_prints_to() -> None:
    """Or they could read, from a pipe, a part that would be missing then."""
    gate = Pipe()
    with ChildProcesses(Deadline(30)) as processes:
        child = processes.start(python(f"{READ_ALL}; print('whole')", gate.path, inputs=(gate,)))
        for number in (1, child.open_streams[0]):
            pid = child.process.pid if number == 1 else os.getpid()
            with pytest.raises(OSError, match="No such device or address"):
                os.open(f"/proc/{pid}/fd/{number}", os.O_RDONLY | os.O_NONBLOCK)
        gate.close_writer()
        assert processes.wait(child)[0].stdout == b"0 whole\n"


def test_a_script_that_runs_programs_of_the_system_may_open_its_stdout() -> None:
    script = Command("sh", ("/bin/sh", "-c", "echo told >/dev/stdout"), ENV, access=Access((), runs_any=True))
    assert run(script, Deadline(30)) == Result(0, b"told\n", b"")


def test_a_kernel_that_knows_no_executable_memory_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 6.3 the flag is refused."""
    monkeypatch.setattr("cmp.system.kernel.MFD_NOEXEC_SEAL", 1 << 20)
    assert (
        run(python(READ_ALL, (memory_file := fed(b"x" * 9)[0]).path, inputs=(memory_file,)), Deadline(30)).stdout
        == b"9 "
    )


def test_a_memory_file_whose_reader_ends_early_does_no_harm() -> None:
    inputs = fed(b"x" * 1_000_000)
    code = "import sys; open(sys.argv[1], 'rb').read(10)"
    assert run(python(code, inputs[0].path, inputs=inputs), Deadline(30)).returncode == 0


def test_a_memory_file_that_nobody_reads_does_no_harm() -> None:
    assert run(python("print(1)", inputs=fed(b"x" * 1_000_000), stdin=b"y" * 1_000_000), Deadline(30)).stdout == b"1\n"


def test_a_memory_file_that_is_provided_after_its_reader_has_gone_does_no_harm() -> None:
    memory_file = MemoryFile()
    with ChildProcesses(Deadline(30)) as processes:
        processes.wait(processes.start(python("pass", inputs=(memory_file,))))
        memory_file.provide(b"late")
        processes.wait(processes.start(python("pass")))


def test_a_child_has_its_own_memory_files_and_no_other_descriptor() -> None:
    mine, other = fed(b"mine", b"other")
    code = "import os; print(sorted(int(fd) for fd in os.listdir('/dev/fd') if os.path.exists(f'/dev/fd/{fd}')))"
    descriptor = int(mine.path.rpartition("/")[2])
    assert run(python(code, inputs=(mine,)), Deadline(30)).stdout == f"{[0, 1, 2, descriptor]}\n".encode()
    other.close()


def test_a_memory_file_that_never_met_its_child_is_closed() -> None:
    before = open_descriptors()
    memory_file = MemoryFile()
    assert len(open_descriptors()) == len(before) + 2
    del memory_file
    assert open_descriptors() == before


# Several at once


def test_what_follows_a_child_runs_when_it_has_ended() -> None:
    ended: list[bytes] = []
    with ChildProcesses(Deadline(30)) as processes:
        children = [
            processes.start(python(f"print({n})"), lambda result: ended.append(result.stdout)) for n in range(5)
        ]
        processes.wait(*children)
    assert sorted(ended) == [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"]


def test_an_error_in_what_follows_leaves_the_wait_and_ends_the_others(tmp_path: Path) -> None:
    def refuse(result: Result) -> None:
        raise ToolError(f"refused {result.returncode}")

    with ChildProcesses(Deadline(30)) as processes:
        slow = processes.start(sleeper(str(tmp_path)))
        processes.start(python("pass"), refuse)
        with pytest.raises(ToolError, match="refused 0"):
            processes.wait(slow)
    assert processes_of(str(tmp_path)) == {}


def test_the_end_of_a_child_is_seen_at_once_while_another_is_silent(tmp_path: Path) -> None:
    # The child closes its streams a moment before it ends: no event follows.
    code = "import os, time; os.close(1); os.close(2); time.sleep(0.02); os._exit(0)"
    with ChildProcesses(Deadline(30)) as processes:
        processes.start(sleeper(str(tmp_path)))
        took = []
        for _ in range(10):
            child = processes.start(Command("python", (sys.executable, "-I", "-S", "-c", code), ENV))
            while child.open_streams:
                processes._serve()  # noqa: SLF001
            start = time.monotonic()
            processes.wait(child)
            took.append(time.monotonic() - start)
    assert min(took) < 0.08  # on a busy machine not each time; who looks every 0.1 s never is


def test_children_stay_in_the_process_group() -> None:
    assert run(python("import os; print(os.getpgrp())"), Deadline(30)).stdout == f"{os.getpgrp()}\n".encode()


# Without the calls of Linux


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder for memory files on a system that is not Linux."""
    monkeypatch.setattr(sys, "platform", "darwin")
    process.keep_memory_files_in(str(tmp_path))
    yield tmp_path
    process.keep_memory_files_in("")


def test_elsewhere_a_memory_file_has_a_name_only_while_it_is_empty(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[tuple[str, int, int]] = []

    def unlink(path: str) -> None:
        status = os.stat(path)
        named.append((os.path.dirname(path), status.st_size, stat.S_IMODE(status.st_mode)))
        os.remove(path)

    monkeypatch.setattr(os, "unlink", unlink)
    inputs = fed(b"x" * 1_500_000)
    assert (named, os.listdir(elsewhere)) == ([(str(elsewhere), 0, 0o600)], [])
    assert run(python(READ_ALL, inputs[0].path, inputs=inputs), Deadline(30)).stdout == b"1500000 "
    assert run(python("import sys; print(len(sys.stdin.buffer.read()))", stdin=b"y" * 70_000), Deadline(30)).stdout == (
        b"70000\n"
    )
    assert os.listdir(elsewhere) == []


def test_elsewhere_the_reader_of_a_memory_file_cannot_write_to_it(elsewhere: Path) -> None:  # noqa: ARG001
    inputs = fed(b"as it was")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(inputs[0].reader, b"other")


def test_elsewhere_a_full_disk_is_told_as_one(elsewhere: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    memory_file = MemoryFile()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(ToolError) as caught:
            memory_file.provide(b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.lines() == [
        f"cmp: no space left in {elsewhere} for the private folder",
        "  hint: free some space, or set CMP_TMPDIR to another folder",
    ]


def test_elsewhere_a_folder_that_cannot_be_written_is_named(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: str, name: str) -> tuple[int, int]:  # noqa: ARG001  # root may write anywhere
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("cmp.system.kernel.memory_file", refuse)
    before = open_descriptors()
    with pytest.raises(ToolError) as caught:
        run(python("pass", stdin=b"x"), Deadline(30))
    assert open_descriptors() == before
    assert caught.value.lines() == [
        f"cmp: cannot write to a private folder in {elsewhere}: Permission denied",
        "  hint: set CMP_TMPDIR to a folder that can be written",
    ]


def test_elsewhere_what_a_child_started_is_ended_with_it(elsewhere: Path) -> None:
    code = "import subprocess, sys; subprocess.Popen(['sleep', '60']).wait()"
    with ChildProcesses(Deadline(30)) as processes:
        processes.start(python(code, marker=str(elsewhere)))
        wait_until(lambda: "sleep 60" in processes_of(str(elsewhere)).values())
    assert processes_of(str(elsewhere)) == {}


def test_elsewhere_children_are_not_born_with_signals_held(elsewhere: Path) -> None:  # noqa: ARG001
    status = run(Command("cat", ("cat", "/proc/self/status"), ENV), Deadline(30)).stdout.decode()
    assert re.search(r"^SigBlk:\t0+$", status, re.MULTILINE)


# Failing to start


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0, "No such file or directory"),
        (b"no program", 0o700, "Exec format error"),
        (b"", 0o600, "Permission denied"),
    ],
)
def test_a_program_that_cannot_be_started(content: bytes | None, mode: int, reason: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    if content is not None:
        program.write_bytes(content)
        program.chmod(mode)
    with pytest.raises(ToolError) as caught:
        run(Command("helm 3.18.6", (str(program),), ENV), Deadline(30))
    assert caught.value.is_external
    assert caught.value.lines()[:2] == [f"cmp: cannot start helm 3.18.6: {reason}", f"  where: {program}"]


def test_a_folder_to_run_in_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        run(python("pass")._replace(cwd=str(tmp_path / "gone")), Deadline(30))
    assert caught.value.lines()[:2] == [
        "cmp: cannot start python: No such file or directory",
        f"  where: {tmp_path}/gone",
    ]


def test_arguments_that_are_too_long() -> None:
    with pytest.raises(ToolError, match="cannot start python: Argument list too long"):
        run(python("pass", "x" * 4_000_000), Deadline(30))


# Dying


def test_a_child_that_is_too_slow_is_named_and_ended(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(DeadlineError) as caught:
        run(sleeper(str(tmp_path)), Deadline(0.3))
    assert time.monotonic() - start < SLEEP
    assert caught.value.what == "python was still running when the deadline of 0.3 s passed"
    assert caught.value.is_external
    assert processes_of(str(tmp_path)) == {}


def test_a_deadline_holds_while_a_child_prints_without_end(tmp_path: Path) -> None:
    with pytest.raises(DeadlineError):
        run(python("import os\nwhile True: os.write(2, b'x' * 65536)", marker=str(tmp_path)), Deadline(0.3))
    assert processes_of(str(tmp_path)) == {}


def test_a_deadline_for_a_part_is_never_later() -> None:
    assert Deadline(5).sooner(100).remaining() <= 5
    assert Deadline(100).sooner(5).remaining() <= 5
    assert Deadline(-1).remaining() == 0


def test_whatever_leaves_the_block_ends_the_children(tmp_path: Path) -> None:
    def leave() -> None:
        with ChildProcesses(Deadline(30)) as processes:
            for _ in range(3):
                processes.start(sleeper(str(tmp_path)))
            raise Interrupted(signal.SIGTERM)

    with pytest.raises(Interrupted):
        leave()
    assert processes_of(str(tmp_path)) == {}


def test_a_grandchild_that_holds_the_streams_is_not_waited_for(tmp_path: Path) -> None:
    code = f"import subprocess, sys; subprocess.Popen(['sleep', '{SLEEP}']); print('done')"
    start = time.monotonic()
    result = run(python(code, marker=str(tmp_path)), Deadline(30))
    assert result == Result(0, b"done\n", b"")
    assert time.monotonic() - start < SLEEP
    for pid in processes_of(str(tmp_path)):
        os.kill(pid, signal.SIGKILL)


def test_a_child_that_ignores_sigterm_is_ended(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    with ChildProcesses(Deadline(30)) as processes:
        child = processes.start(python(code, marker=str(tmp_path)))
        wait_until(lambda: processes._serve() or child._stdout)  # type: ignore[func-returns-value]  # noqa: SLF001
    assert processes_of(str(tmp_path)) == {}


def test_children_are_not_born_with_signals_held() -> None:
    status = run(Command("cat", ("cat", "/proc/self/status"), ENV), Deadline(30)).stdout.decode()
    assert re.search(r"^SigBlk:\t0+$", status, re.MULTILINE)


PARENT = """
import os, signal, sys, time
from cmp.system.process import Command, Deadline, ChildProcesses
with ChildProcesses(Deadline(60)) as processes:
    for _ in range(3):
        child = processes.start(Command("sleep", ("sleep", "60"), {"PATH": os.defpath, "MARKER": sys.argv[1]}))
    print("ready", flush=True)
    processes.wait(child)
"""


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV])
def test_no_child_outlives_us_whatever_ends_us(signum: signal.Signals, tmp_path: Path) -> None:
    environ = {**ENV, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"ready\n"
        sleepers = [pid for pid, argv in processes_of(str(tmp_path)).items() if argv == "sleep 60"]
        assert len(sleepers) == 3
        parent.send_signal(signum)
        parent.wait(10)
    wait_until(lambda: not processes_of(str(tmp_path)))


STORM = """
import os, signal, sys
from cmp.errors import Interrupted
from cmp.system.process import Command, Deadline, ChildProcesses
from tests.support.leaks import processes_of

def stop(signum, frame):
    raise Interrupted(signum)

signal.signal(signal.SIGTERM, stop)
command = Command("sleep", ("sleep", "60"), {"PATH": os.defpath, "MARKER": sys.argv[1]})
for n in range(25):
    try:
        with ChildProcesses(Deadline(60)) as processes:
            os.posix_spawn("/bin/sh", ["sh", "-c", f"sleep 0.00{n % 10}; kill -TERM {os.getpid()}"], os.environ)
            while True:
                processes.start(command)
    except Interrupted:
        pass
alive = [argv for argv in processes_of(sys.argv[1]).values() if argv == "sleep 60"]
sys.exit(f"still alive: {alive}" if alive else 0)
"""


def test_a_signal_in_the_middle_of_a_start_loses_no_child(tmp_path: Path) -> None:
    environ = {**ENV, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", STORM, str(tmp_path)], env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_child_may_not_dump_core() -> None:
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    harden = "from cmp.system import workspace; workspace.harden()\nfrom cmp.system.process import *\nimport os, sys\n"
    harden += f"sys.stdout.buffer.write(run(Command('c', (sys.executable, '-c', {code!r}), {{}}), Deadline(30)).stdout)"
    environ = {**ENV, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-c", harden], env=environ, capture_output=True, check=True)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    assert done.stdout == (b"0\n" if hard == 0 else b"1\n")


def test_a_child_is_read_whole_even_when_it_ends_before_we_look() -> None:
    with ChildProcesses(Deadline(30)) as processes:
        child: Child = processes.start(python("print('x' * 60000)"))
        wait_until(lambda: child.process.poll() is not None)
        assert len(processes.wait(child)[0].stdout) == 60_001


def test_a_child_that_prints_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmp.system.process.MAX_STDOUT_BYTES", 1 << 20)
    marker = os.urandom(8).hex()
    code = "import sys\nwhile True: sys.stdout.write('x' * 65536)"
    with pytest.raises(OutputError, match=re.escape("python printed more than 1 MiB")):
        run(python(code, marker=marker), Deadline(30))
    assert processes_of(marker) == {}
