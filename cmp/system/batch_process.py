"""A program that answers one request after the other, such as `git cat-file --batch`."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

from cmp.errors import DeadlineError, ToolError
from cmp.system import signals
from cmp.system.process import CHUNK, MemoryWatch, Pipe, spawn

if TYPE_CHECKING:
    from cmp.system.process import Command, Deadline


class BatchProcess:
    """A running program that answers requests until it is closed.

    ToolError when it ends, DeadlineError when an answer does not come in time, EngineError when it takes too much
    memory.
    """

    def __init__(self, command: Command, deadline: Deadline) -> None:
        self._command = command
        self._deadline = deadline
        self._input = Pipe()
        try:
            self._process = spawn(command, self._input.reader)
        except OSError as error:
            raise ToolError(f"cannot start {command.label}: {error.strerror}", is_external=True) from None
        self._input.close_reader()
        self._memory = MemoryWatch(command, self._process.pid)
        self._answer = bytearray()

    def ask(self, request: bytes) -> None:
        """Send a request, which must be short: the program reads all of it before it answers."""
        try:
            os.write(self._input.writer, request)
        except BrokenPipeError:
            raise self._ended() from None

    def line(self) -> bytes:
        """Return the next line of the answer, without its newline."""
        while (end := self._answer.find(b"\n")) < 0:
            self._read()
        return self._take(end + 1)[:-1]

    def exactly(self, size: int) -> bytes:
        """Return the next `size` bytes of the answer."""
        while len(self._answer) < size:
            self._read()
        return self._take(size)

    def close(self) -> None:
        """End the program."""
        self._input.close()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def _take(self, size: int) -> bytes:
        data = bytes(self._answer[:size])
        del self._answer[:size]
        return data

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        stream = self._process.stdout.fileno()
        ready: list[int] = []
        with signals.doing(f"waiting for {self._command.label}"):
            while not ready and self._deadline.remaining() > 0:
                self._memory.check()
                ready, _, _ = select.select([stream], [], [], min(self._deadline.remaining(), self._memory.pause()))
        if not ready:
            seconds = self._deadline.seconds
            raise DeadlineError(f"{self._command.label} did not answer when the deadline of {seconds:g} s passed")
        data = os.read(stream, CHUNK)
        if not data:
            raise self._ended()
        self._answer += data

    def _ended(self) -> ToolError:
        return ToolError(f"{self._command.label} ended with status {self._process.wait()}", is_external=True)
