"""Worker processes for a list of items, such as the pairs of a comparison: as many at once as there are cores.

A worker is forked, so that it has the list and all that was read; only the number of an item goes to it through a pipe,
and its result comes back through another.  A worker that dies loses no more than its item.  None outlives this process,
and on a signal each of them cleans up.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from cmp.system import kernel, signals

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

NUMBER = struct.Struct("!I")
CHUNK = 1 << 16
GRACE_SECONDS = 5.0  # for the clean-up of a worker

Item = TypeVar("Item")
Result = TypeVar("Result")


def run(
    items: Sequence[Item], work: Callable[[Item], Result], at_once: int, *, subject: str = "renders"
) -> Generator[tuple[int, Result | None], None, None]:
    """Yield the number of each item with the result of `work` for it, in the order in which they are done.

    The result is None where the worker died; `work` itself must not raise, and must return a value that pickle accepts.
    `subject` names the work in the message for a signal.
    """
    pool = _Pool(items, work, subject)
    try:
        yield from pool.run(min(at_once, len(items)))
    finally:
        with signals.held():
            pool.end()


class _Worker:
    """A forked process, the pipe to it, the pipe from it, and the number of its present item."""

    def __init__(self, pid: int, requests: int, results: int) -> None:
        self.pid = pid
        self.requests = requests
        self.results = results
        self.item = -1
        self.answer = bytearray()

    def give(self, item: int) -> None:
        self.item = item
        with suppress(BrokenPipeError):
            os.write(self.requests, NUMBER.pack(item))

    def read(self) -> bytes | None:
        """Read the bytes that are there; return the answer once it is whole, else None.  EOFError for a dead worker."""
        data = os.read(self.results, CHUNK)
        if not data:
            raise EOFError
        self.answer += data
        if len(self.answer) < NUMBER.size:
            return None
        end = NUMBER.size + NUMBER.unpack_from(self.answer)[0]
        if len(self.answer) < end:
            return None
        answer = bytes(self.answer[NUMBER.size : end])
        self.answer.clear()
        return answer

    def close(self) -> None:
        os.close(self.requests)
        os.close(self.results)


class _Pool(Generic[Item, Result]):
    def __init__(self, items: Sequence[Item], work: Callable[[Item], Result], subject: str) -> None:
        self._items = items
        self._work = work
        self._subject = subject
        self._workers: dict[int, _Worker] = {}
        self._waiting = list(reversed(range(len(items))))

    def run(self, at_once: int) -> Iterator[tuple[int, Result | None]]:
        for _ in range(at_once):
            self._start()
        while self._workers:
            poll = select.poll()
            for results in self._workers:
                poll.register(results, select.POLLIN)
            with signals.doing(f"waiting for {self._subject}"):
                ready = poll.poll()
            for results, _ in ready:
                worker = self._workers[results]
                try:
                    answer = worker.read()
                except EOFError:
                    yield worker.item, None
                    self._retire(worker)
                    self._start()
                    continue
                if answer is not None:
                    item = worker.item
                    self._next(worker)
                    yield item, pickle.loads(answer)  # noqa: S301  # a worker of this process sent it

    def _start(self) -> None:
        if not self._waiting:
            return
        request_end, requests = os.pipe()
        results, result_end = os.pipe()
        with signals.held():
            pid = os.fork()
            if pid == 0:
                os.close(requests)  # or this worker would never see the end of its requests
                os.close(results)
                self._serve(request_end, result_end)
            os.close(request_end)
            os.close(result_end)
            self._workers[results] = worker = _Worker(pid, requests, results)
        worker.give(self._waiting.pop())

    def _next(self, worker: _Worker) -> None:
        if self._waiting:
            worker.give(self._waiting.pop())
        else:
            self._retire(worker)

    def _retire(self, worker: _Worker) -> None:
        del self._workers[worker.results]
        worker.close()
        os.waitpid(worker.pid, 0)

    def end(self) -> None:
        """Stop the workers that still work, and wait for their clean-up; kill those that take too long."""
        for worker in self._workers.values():
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGTERM)
        end = time.monotonic() + GRACE_SECONDS
        for worker in list(self._workers.values()):
            while os.waitpid(worker.pid, os.WNOHANG)[0] == 0:
                if time.monotonic() > end:
                    os.kill(worker.pid, signal.SIGKILL)
                time.sleep(0.01)
            worker.close()
        self._workers.clear()

    def _serve(self, requests: int, results: int) -> None:
        """Work as a worker; never return."""
        code = 1
        try:
            kernel.die_with_parent(signal.SIGTERM)
            signals.listen()
            signals.disarm()
            for worker in self._workers.values():  # or their pipes would stay open in this one
                worker.close()
            signals.release()
            while number := os.read(requests, NUMBER.size):
                answer = pickle.dumps(self._work(self._items[NUMBER.unpack(number)[0]]))
                _write(results, NUMBER.pack(len(answer)) + answer)
            code = 0
        finally:
            os._exit(code)


def _write(descriptor: int, data: bytes) -> None:
    unwritten = memoryview(data)
    while unwritten:
        unwritten = unwritten[os.write(descriptor, unwritten) :]
