"""Samples of the memory and the processes of a sidecar while it works."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
PAUSE_SECONDS = 0.1
PAGE_BYTES, BYTES_IN_MIB = os.sysconf("SC_PAGE_SIZE"), 1024 * 1024


class Sample(NamedTuple):
    """Of one moment: memory in MiB, and how many `helm template` there are."""

    memory: float
    helms: int


@contextmanager
def sampled(pid: int) -> Iterator[list[Sample]]:
    """Sample a process and all below it during the block; the list is never empty."""
    samples = [_sample(pid)]
    is_over = threading.Event()

    def go_on() -> None:
        while not is_over.wait(PAUSE_SECONDS):
            samples.append(_sample(pid))

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()


def memory_of(pid: int) -> float:
    """Return the anonymous memory of one process in MiB: what no container can be given back while it lives.

    Pages of programs are left out: the kernel has one copy of them for all, and drops them when memory is short.
    """
    fields = _read(pid, "statm").split()
    return (int(fields[1]) - int(fields[2])) * PAGE_BYTES / BYTES_IN_MIB if fields else 0.0  # resident - shared


def children_of(pid: int) -> list[int]:
    """Return the children of all threads of a process, the dead ones that nobody has reaped too."""
    children: list[int] = []
    with suppress(OSError):  # it has ended meanwhile
        for thread in os.listdir(PROC / str(pid) / "task"):
            children += map(int, _read(pid, f"task/{thread}/children").split())
    return children


def _sample(pid: int) -> Sample:
    pids = [pid]
    for each in pids:  # grows while it is walked
        pids += children_of(each)
    helms = sum("helm\0template\0" in _read(each, "cmdline") for each in pids)
    return Sample(sum(map(memory_of, pids)), helms)


def _read(pid: int, name: str) -> str:
    with suppress(OSError):
        return (PROC / str(pid) / name).read_text("utf-8", "replace")
    return ""
