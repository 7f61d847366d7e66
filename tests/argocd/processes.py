"""The processes of the control plane: started with a log of their own, dead when the tests are, restarted on demand."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

PATH = "/usr/local/bin:/usr/bin:/bin"  # nothing of the user's
# For servers in Go that live for minutes: a fifth of their processor time is the collection of garbage otherwise.
FEW_COLLECTIONS = {"GOGC": "400", "GOMEMLIMIT": "700MiB"}
START_SECONDS = 60
POLL_SECONDS = 0.05
_DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")  # a preexec_fn would fork a process with threads


class Program(NamedTuple):
    """A program to start: a name for its log, an argv, a whole environment."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]


class Process:
    """A running program.  Start it in the main thread: the kernel kills it when the thread that started it ends."""

    def __init__(self, program: Program, logs: Path, is_ready: Callable[[], bool]) -> None:
        """Start it and return at once; `is_ready` is asked again and again, and answers at once."""
        self.program = program
        self.log = logs / f"{program.name}.log"
        self._is_ready = is_ready
        self._start(program)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code of the process; None while it runs."""
        return self._process.poll()

    def wait_ready(self) -> None:
        """Return when it is ready; AssertionError with the end of the log when it ends before, or is too slow."""
        end = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self.exit_code is None, f"{self.program.name} ended with {self.exit_code}:\n{self.tail()}"
            assert time.monotonic() < end, f"{self.program.name} is not ready:\n{self.tail()}"
            time.sleep(POLL_SECONDS)

    def tail(self, characters: int = 4000) -> str:
        """Return the end of the log."""
        return self.log.read_text("utf-8", "replace")[-characters:]

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def restart(self, *flags: str, **env: str) -> None:
        """Kill it and start it again, with more flags and variables, until it is ready; the log goes on."""
        self.kill()
        self._start(self.program._replace(argv=(*self.program.argv, *flags), env={**self.program.env, **env}))
        self.wait_ready()

    @contextmanager
    def changed(self, *flags: str, **env: str) -> Iterator[None]:
        """Let it run with more flags and variables during the block."""
        self.restart(*flags, **env)
        try:
            yield
        finally:
            self.restart()

    def _start(self, program: Program) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                (*_DIE_WITH_US, *program.argv),
                env=dict(program.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log.parent,
                start_new_session=True,  # a Ctrl-C ends pytest, and that ends this
            )


@contextmanager
def group() -> Iterator[Callable[[Process], Process]]:
    """Yield a function that takes a process into the group; all of them are killed when the block ends."""
    with ExitStack() as stack:

        def join(process: Process) -> Process:
            stack.callback(process.kill)
            return process

        yield join


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
