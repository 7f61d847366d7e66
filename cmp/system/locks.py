"""Locks on files, which the kernel frees however their holder ends: one process makes what several need, a few render.

Argo CD refreshes every application of a repository at each commit: without a bound, as many helms as applications would
share the memory of one container.  So `turn` queues the renders of one sidecar: each takes a ticket, a numbered file
that it holds locked, and may work when fewer than so many lower numbers are held.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING

from cmp.errors import DeadlineError
from cmp.system import signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.process import Deadline

TICKET_LOCK = "door"  # held while a ticket is made: a number that can be seen is a number that is locked
POLL_SECONDS = 0.01  # of the next in the queue; those behind it look as much more rarely
LONGEST_POLL_SECONDS = 0.25


@contextmanager
def single_flight(path: str, timeout: float) -> Iterator[bool]:
    """Hold the lock file `path` (made with its folder, never deleted) during the block; wait `timeout` seconds for it.

    Yield whether the lock is held.  It is not when the time is up, or when the file system is read-only or has no
    locks; the block runs all the same: without the lock the work may be done twice, and is still correct.  So each
    holder first checks whether the work is done, and publishes by rename.  The kernel frees the lock of a dead process.
    """
    from filelock import FileLock  # noqa: PLC0415  # 80 ms, needed only where something must be fetched or built

    lock = FileLock(path, timeout=max(0.0, timeout), fallback_to_soft=False)  # a negative one would wait for ever
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        lock.acquire()
    except OSError:  # filelock's Timeout is one too
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def unless_held(path: str) -> Iterator[bool]:
    """Hold the lock file `path` during the block if it exists and is free; yield whether it is held."""
    try:
        lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        yield _is_taken(lock)
    finally:
        os.close(lock)


def _is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def turn(folder: str, at_once: int, deadline: Deadline) -> Iterator[bool]:
    """Queue until fewer than `at_once` earlier tickets are left, and keep the own ticket during the block.

    `folder` is made where it is missing; all processes that share it share the queue.  Yield whether there is a bound:
    not where the folder cannot be written.  DeadlineError when the deadline passes in the queue.
    """
    try:
        number, ticket = _take_ticket(folder)
    except OSError:
        yield False
        return
    try:
        with signals.doing("waiting for its turn"):
            _wait(folder, number, at_once, deadline)
        yield True
    finally:
        with suppress(OSError):
            os.unlink(_path(folder, number))
        os.close(ticket)


def _take_ticket(folder: str) -> tuple[int, int]:
    """Return a number above all present ones, and the descriptor that holds its lock."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    lock = os.open(os.path.join(folder, TICKET_LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        number = max(_numbers(folder), default=0) + 1
        ticket = os.open(_path(folder, number), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(ticket, fcntl.LOCK_EX)
        return number, ticket
    finally:
        os.close(lock)


def _wait(folder: str, number: int, at_once: int, deadline: Deadline) -> None:
    while True:
        older = sorted(other for other in _numbers(folder) if other < number)
        if len(list(islice((other for other in older if _is_held(folder, other)), at_once))) < at_once:
            return
        if deadline.remaining() <= 0:
            raise DeadlineError(
                f"no turn until the deadline of {deadline.seconds:g} s passed: {len(older)} ahead",
                hint=f"{at_once} work at once (CMP_RENDERS): allow more, with more memory, or raise Argo CD's timeouts",
                is_external=True,
            )
        pause = min(POLL_SECONDS * (len(older) - at_once + 1), LONGEST_POLL_SECONDS)
        time.sleep(min(max(pause, POLL_SECONDS), deadline.remaining()))


def _is_held(folder: str, number: int) -> bool:
    """Tell whether a ticket has a living holder; remove it if not."""
    path = _path(folder, number)
    try:
        ticket = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(
            ticket, fcntl.LOCK_SH | fcntl.LOCK_NB
        )  # shared: two that check a dead ticket must not see each other
        os.unlink(path)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    finally:
        os.close(ticket)
    return False


def _numbers(folder: str) -> list[int]:
    return [int(name) for name in os.listdir(folder) if name.isdecimal()]


def _path(folder: str, number: int) -> str:
    return os.path.join(folder, str(number))
