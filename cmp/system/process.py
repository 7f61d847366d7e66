"""Run programs: the only module that starts processes.

A `Command` is an argv tuple and a whole environment; there is no shell and no inherited variable.  `ChildProcesses`
runs any number of commands at once and reads all their streams in one loop: the caller never blocks on one child while
another waits to be read.  Whatever is still alive when the `with` block ends, for whatever reason, is killed and
reaped.

No child outlives this process: the end of the `with` block kills it, and on Linux the kernel does when the thread that
started it dies (parent-death signal), also by SIGKILL, unless it ends by itself then (`ends_alone`).  Children stay in
the process group, to which Argo CD and terminals send their signals.

No child takes more memory than this process allows its children (`limit_memory`, on Linux): the code that waits for a
child also looks at its resident size from time to time.  The kernel has no limit for that: none of the resident size
of a process, and Go reserves far more address space than it uses.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from cmp.errors import CmpError, DeadlineError, EngineError, OutputError, ToolError
from cmp.system import kernel, sandbox, signals, workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

CHUNK = 1 << 16
POLL_MS = 100  # delay until the end of a child is noticed whose own child still holds the pipes
LINGER_SECONDS = 1.0  # such pipes are read for so long after the child itself has ended
MAX_STDERR_BYTES = 1 << 20
MAX_STDOUT_BYTES = 256 << 20  # no cluster accepts that much; a template in an endless loop prints more
MEMORY_LOOK_SECONDS = 0.25  # between two looks at a child's memory; a usual helm has ended before the first
MAX_GROWTH = 4 << 30  # bytes a second: no program fills memory faster, so that no look is late by much

_limits = {"memory": 0}  # bytes that a child of this process may take with all that it starts; 0: any number
_folders = {"memory files": ""}  # the folder for them where the system has none in memory


def limit_memory(count: int) -> None:
    """Limit the memory of each child, its descendants included, to a number of bytes; 0 is no limit."""
    _limits["memory"] = count


def keep_memory_files_in(base: str) -> None:
    """Choose the folder for memory files (CMP_TMPDIR, or empty) where the system can keep none in memory."""
    _folders["memory files"] = base


class Deadline:
    """The moment by which all work must be done; `seconds` is the whole allowance, for messages."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left, never below 0."""
        return max(0.0, self._at - time.monotonic())

    def renew(self) -> None:
        """Allow the same seconds from now on, for the next of several works that do not depend on each other."""
        self._at = time.monotonic() + self.seconds

    def sooner(self, seconds: float) -> Deadline:
        """Return a deadline for a part of the work: `seconds` from now, or this one if that comes first."""
        return Deadline(min(seconds, self.remaining()))


class Pipe:
    """A pipe to a child, which reads `path` (`/dev/fd/N`) until `close_writer` is called."""

    reader = writer = -1

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.path = f"/dev/fd/{self.reader}"

    def close_reader(self) -> None:
        """Close the end of the child once the child has inherited it."""
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def close_writer(self) -> None:
        """Close the end of this process: the child reads the end of the file."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        """Close both ends."""
        self.close_reader()
        self.close_writer()

    def __del__(self) -> None:
        self.close()  # an error may come before the start of the child


class MemoryFile(Pipe):
    """Bytes that a child reads from `path` (`/dev/fd/N`) after a call of `provide`, for which it does not wait.

    They lie in memory (memfd_create(2)): in no file system, and in no argv.  Each process that opens the path reads
    from the start, and the content is sealed: another process of this user can neither take bytes away from the child,
    as from a pipe, nor change them.

    Without Linux they lie in a file without a name, which the child alone can open.  macOS gives it one position for
    all that open the path: a program that reads it must do so once, as helm and sops do.
    """

    def __init__(self) -> None:
        with _errors_of_disk() as folder, signals.held():  # or an empty file could be left behind
            self.reader, self.writer = kernel.memory_file(folder, workspace.new_name())
        self.path = f"/dev/fd/{self.reader}"

    def provide(self, data: bytes) -> None:
        """Write the whole content, once; nothing happens where the child has ended, which needs it no more."""
        if self.writer < 0:
            return
        view, offset = memoryview(data), 0
        with _errors_of_disk():
            while offset < len(view):
                offset += os.pwrite(self.writer, view[offset:], offset)
            kernel.seal(self.writer)
        self.close_writer()


@contextmanager
def _errors_of_disk() -> Iterator[str]:
    """Yield the folder for memory files that cannot be in memory; its errors become those of a private folder."""
    if kernel.is_linux():
        yield ""
        return
    folder = workspace.choose(_folders["memory files"])
    try:
        yield folder
    except OSError as error:
        raise workspace.cannot_write(error, folder) from error


class Command(NamedTuple):
    """A program to run.  `label` names it in messages (never masked); the child inherits `inputs` under their `path`.

    With `access` the kernel keeps the child from all other files, and from TCP, as far as it can
    (cmp/system/sandbox.py).  `place` is the file or folder of the repository that the command works on.  Without
    `is_bounded` its memory has no limit.  One that `ends_alone`, soon or with its input, needs no signal when this
    process dies: it starts without a copy of this process, which takes longer than all that a short program does.
    """

    label: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str = "/"
    stdin: bytes = b""
    inputs: tuple[Pipe, ...] = ()
    access: sandbox.Access | None = None
    place: str = ""
    is_bounded: bool = True
    ends_alone: bool = False


class Result(NamedTuple):
    """The end of a command; a negative `returncode` is the signal that killed it.  The streams are not masked."""

    returncode: int
    stdout: bytes
    stderr: bytes


class MemoryWatch:
    """The memory of a running child and its descendants, measured from time to time."""

    def __init__(self, command: Command, pid: int) -> None:
        self._command = command
        self._limit = _limits["memory"] if command.is_bounded and kernel.can_measure_memory() else 0
        self._pid = pid
        self._next = time.monotonic() + self._pause(0)

    def pause(self) -> float:
        """Return the seconds until the next measurement is due."""
        return max(0.0, self._next - time.monotonic()) if self._limit else MEMORY_LOOK_SECONDS

    def check(self) -> None:
        """Measure, if that is due; EngineError when the child takes too much.  The caller ends the child."""
        if not self._limit or self.pause() > 0:
            return
        used = kernel.memory(self._pid)
        if used > self._limit:
            raise EngineError(
                f"{self._command.label} was ended: it took more than {size(self._limit)} of memory",
                file=self._command.place,
                hint="mostly a template makes too much of something, as an endless loop does; if this is needed, raise "
                "CMP_CHILD_MEMORY, and the memory limit of the container with it",
            )
        self._next = time.monotonic() + self._pause(used)

    def _pause(self, used: int) -> float:
        return min(MEMORY_LOOK_SECONDS, (self._limit - used) / MAX_GROWTH)


class Child:
    """A running command; its result exists after the return of `ChildProcesses.wait`."""

    def __init__(self, command: Command, then: Callable[[Result], None] | None) -> None:
        self.command = command
        self._then = then
        self._inputs = [*command.inputs]
        self._stdout_end = stdout = -1
        stdin = subprocess.DEVNULL
        try:
            self._stdout_end, stdout = _stdout_channel(command)
            if command.stdin:
                self._inputs.append(memory_file := MemoryFile())
                memory_file.provide(command.stdin)
                stdin = memory_file.reader
            self.process = spawn(command, stdin, stdout)
        except OSError as error:
            self.close()
            missing = error.filename or command.argv[0]  # the program, or the folder to run it in
            what = f"cannot start {command.label}: {error.strerror}"
            raise ToolError(what, file=missing, is_external=True) from None
        except CmpError:  # of a memory file
            self.close()
            raise
        finally:
            if stdout >= 0:
                os.close(stdout)
        self.memory = MemoryWatch(command, self.process.pid)
        for pipe in self._inputs:
            pipe.close_reader()
        assert self.process.stderr is not None  # noqa: S101
        self.output: dict[int, bytearray] = {}
        for stream in (self._stdout_end, self.process.stderr.fileno()):
            os.set_blocking(stream, False)
            self.output[stream] = bytearray()
        self._stdout, self._stderr = self.output.values()
        self.open_streams = list(self.output)
        self._ended_at = 0.0
        self.result: Result | None = None

    def drain(self, descriptor: int) -> None:
        """Read the bytes that a stream holds now, and notice its end."""
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return
        output = self.output[descriptor]
        if output is self._stdout or len(output) < MAX_STDERR_BYTES:
            output += data
        if len(self._stdout) > MAX_STDOUT_BYTES:
            raise OutputError(f"{self.command.label} printed more than {MAX_STDOUT_BYTES >> 20} MiB")
        if not data:
            self.open_streams.remove(descriptor)

    def settle(self) -> None:
        """Make the result when the process has ended, and its streams too or a while has passed since."""
        if self.process.poll() is None:
            return
        self._ended_at = self._ended_at or time.monotonic()
        if not self.open_streams or time.monotonic() - self._ended_at > LINGER_SECONDS:
            self.result = Result(self.process.returncode, bytes(self._stdout), self._whole_lines())
            self.close()
            if self._then:
                self._then(self.result)

    def _whole_lines(self) -> bytes:
        """Return stderr without the line that was cut where it is too long: half a secret cannot be masked."""
        cut = len(self._stderr) >= MAX_STDERR_BYTES
        return bytes(self._stderr[: self._stderr.rfind(b"\n") + 1] if cut else self._stderr)

    def kill(self) -> None:
        """Kill the process and its descendants at once, and reap it."""
        if self.process.poll() is None:
            for descendant in _stop_descendants(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(descendant, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        self.close()

    def close(self) -> None:
        """Close every descriptor that belongs to this child."""
        for pipe in self._inputs:
            pipe.close()
        if self._stdout_end >= 0:
            os.close(self._stdout_end)
            self._stdout_end = -1
        if hasattr(self, "process") and self.process.stderr:
            self.process.stderr.close()


class ChildProcesses:
    """All children of one piece of work: started here, waited for together, killed at the end of the block."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with signals.held():
            for child in self._children:
                child.kill()

    def start(self, command: Command, then: Callable[[Result], None] | None = None) -> Child:
        """Start a command and return at once; ToolError when the program cannot be started.

        `then` gets the result as soon as a call of `wait` notices the end, and that call raises the errors of `then`.
        """
        with signals.held():  # or a child could run that is in no list
            child = Child(command, then)
            self._children.append(child)
        return child

    def wait(self, *children: Child) -> list[Result]:
        """Serve all children until the given ones have ended; DeadlineError names the first that has not."""
        while waiting := [child for child in children if child.result is None]:
            label = waiting[0].command.label
            if self._deadline.remaining() <= 0:
                seconds = self._deadline.seconds
                raise DeadlineError(
                    f"{label} was still running when the deadline of {seconds:g} s passed", is_external=True
                )
            with signals.doing(f"waiting for {label}"):
                self._serve()
        return [child.result for child in children if child.result is not None]

    def _serve(self) -> None:
        """Read the streams of all children once, note who has ended, and look at the memory of the others."""
        alive = [child for child in self._children if child.result is None]
        poll = select.poll()
        streams = {stream: child for child in alive for stream in child.open_streams}
        for stream in streams:
            poll.register(stream, select.POLLIN)
        # A child that has closed its streams is about to end: its caller must not wait for the silence of another.
        pause = POLL_MS if all(child.open_streams for child in alive) else 1
        running = [child.memory for child in alive if child.process.returncode is None]
        due = min((memory.pause() for memory in running), default=MEMORY_LOOK_SECONDS)
        timeout = min(pause, self._deadline.remaining() * 1000, due * 1000)
        for descriptor, _ in poll.poll(timeout):
            streams[descriptor].drain(descriptor)
        for child in alive:
            child.settle()
        for child in alive:
            if child.process.returncode is None:  # else another process may have its number by now
                child.memory.check()


def run(command: Command, deadline: Deadline) -> Result:
    """Run one command to its end."""
    with ChildProcesses(deadline) as processes:
        return processes.wait(processes.start(command))[0]


def _stop_descendants(pid: int) -> list[int]:
    """Stop a process and its descendants, so that they start no others, and return the descendants."""
    descendants: list[int] = []
    with suppress(OSError):  # it has ended
        os.kill(pid, signal.SIGSTOP)
        for child in kernel.children(pid) if kernel.is_linux() else _listed_children(pid):
            descendants += [child, *_stop_descendants(child)]
    return descendants


def _listed_children(pid: int) -> list[int]:
    """Return the processes that a process has started, as `ps` of POSIX lists them; none without that program."""
    argv = ("ps", "-A", "-o", "ppid=", "-o", "pid=")
    with suppress(OSError):
        listed = subprocess.run(argv, env={"PATH": os.defpath}, capture_output=True, check=False).stdout
        pairs = [line.split() for line in listed.splitlines()]
        return [int(child) for parent, child in pairs if int(parent) == pid]
    return []


def size(count: int) -> str:
    """Return a number of bytes as text, in GiB or MiB."""
    return f"{count / (1 << 30):g} GiB" if count % (1 << 29) == 0 else f"{count >> 20} MiB"


def spawn(command: Command, stdin: int, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start a command with these descriptors; OSError when it cannot start.  The caller ends and reaps it."""
    ruleset = sandbox.ruleset(command.access) if command.access else -1
    try:
        return subprocess.Popen(
            command.argv,
            env=dict(command.env),
            cwd=command.cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            pass_fds=[pipe.reader for pipe in command.inputs],
            bufsize=0,
            # One thread; without a function Python uses vfork(2).
            preexec_fn=None if command.ends_alone else _before_exec(os.getpid(), ruleset),  # noqa: PLW1509
        )
    finally:
        if ruleset >= 0:
            os.close(ruleset)


def _stdout_channel(command: Command) -> tuple[int, int]:
    """Return the ends of the channel for stdout: that of this process, and that of the child.

    It is a socket, which cannot be opened by `/proc/PID/fd`: the bytes that another process of this user took from a
    pipe there would be missing in the output.  Scripts may open `/dev/stdout`, which a socket does not allow.
    """
    return os.pipe() if command.access and command.access.runs_any else kernel.socket_pair()


def _before_exec(parent: int, ruleset: int) -> Callable[[], object]:
    """Return the function that a child calls between fork and exec."""

    def prepare() -> None:
        kernel.die_with_parent(signal.SIGKILL)
        signals.release()
        if os.getppid() != parent:  # it died before the first line
            os._exit(1)
        if ruleset >= 0:
            sandbox.restrict_self(ruleset)

    return prepare
