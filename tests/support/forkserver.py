"""Runs of `cmp` without the start of an interpreter: a server has imported everything, and forks a process for each.

A run is a process of its own, with its own environment, working directory, streams and exit code, and goes through the
program's entry point.  It only lacks what every run has in common: the interpreter's start and the imports, two thirds
of the time of a short run.  Whatever a test says about those starts a real process (`Sandbox.command`).
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHECKOUT = Path(__file__).resolve().parents[2]
CHUNK = 1 << 16
MAX_DESCRIPTORS = 1024


class ForkServer:
    """The test's side of the server, which ends when this object's process does."""

    def __init__(self) -> None:
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forkserver", str(other.fileno())],
            cwd=CHECKOUT,
            env={"PYTHONPATH": str(CHECKOUT)},
            pass_fds=[other.fileno()],
            stdin=subprocess.DEVNULL,
        )
        other.close()

    def run(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float, code: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `cmp` with these arguments to its end; TimeoutExpired, and the run is killed, after `timeout` seconds.

        With `code` that is run in place of the program's entry point, as by `python -c`.
        """
        pipes = [os.pipe() for _ in range(3)]
        request = os.memfd_create("request")
        os.write(request, json.dumps({"argv": [*argv], "cwd": str(cwd), "env": {**env}, "code": code}).encode())
        ends = [write for _, write in pipes]
        socket.send_fds(self._socket, [b"run"], [request, *ends])
        for descriptor in (request, *ends):
            os.close(descriptor)
        status, stdout, stderr = _read([read for read, _ in pipes], timeout)
        pid, _, code = status.decode().partition(" ")
        if not code:
            os.kill(int(pid), signal.SIGKILL)
            raise subprocess.TimeoutExpired(["cmp", *argv], timeout, stdout, stderr)
        return subprocess.CompletedProcess(["cmp", *argv], int(code), stdout, stderr)


def _read(descriptors: Sequence[int], timeout: float) -> list[bytes]:
    """Read all pipes to their ends, or until the time is up."""
    data = {descriptor: bytearray() for descriptor in descriptors}
    open_ones = set(descriptors)
    end = time.monotonic() + timeout
    while open_ones and (left := end - time.monotonic()) > 0:
        for descriptor in select.select(open_ones, (), (), left)[0]:
            if chunk := os.read(descriptor, CHUNK):
                data[descriptor] += chunk
            else:
                open_ones.remove(descriptor)
    for descriptor in descriptors:
        os.close(descriptor)
    return [bytes(found) for found in data.values()]


def _serve(requests: socket.socket) -> None:
    """Fork for each request, and report `PID CODE` on the first of its pipes, until nobody can send one any more."""
    running: dict[int, tuple[int, int]] = {}  # the descriptor of a process -> its number, the pipe for its status
    while True:
        for ready in select.select([requests.fileno(), *running], (), ())[0]:
            if ready == requests.fileno():
                data, descriptors, _, _ = socket.recv_fds(requests, 16, 4)
                if not data:
                    return
                started, pid, status = _started(*descriptors)
                running[started] = pid, status
            else:
                pid, status = running.pop(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                os.write(status, f"{code}".encode())
                os.close(status)
                os.close(ready)


def _started(request: int, status: int, stdout: int, stderr: int) -> tuple[int, int, int]:
    pid = os.fork()
    if not pid:
        _run(request, stdout, stderr)
    for descriptor in (request, stdout, stderr):
        os.close(descriptor)
    os.write(status, f"{pid} ".encode())
    return os.pidfd_open(pid), pid, status


def _run(request: int, stdout: int, stderr: int) -> None:
    """Become a run of `cmp`; this does not return."""
    wanted = json.loads(os.pread(request, os.fstat(request).st_size, 0))
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.closerange(3, MAX_DESCRIPTORS)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    if code := wanted["code"]:
        sys.argv = ["-c", *wanted["argv"]]
        exec(code, {"__name__": "__main__"})  # noqa: S102  # a test has written it
        os._exit(0)
    from cmp.__main__ import __file__ as program  # noqa: PLC0415  # the server's side alone knows the product
    from cmp.__main__ import entry  # noqa: PLC0415

    sys.argv = [program, *wanted["argv"]]
    entry()


def _import_everything() -> None:
    import cmp  # noqa: PLC0415  # see above

    for module in pkgutil.walk_packages(cmp.__path__, "cmp."):
        importlib.import_module(module.name)


if __name__ == "__main__":
    _import_everything()
    _serve(socket.socket(fileno=int(sys.argv[1])))
