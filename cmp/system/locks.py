"""Locks on files: of several processes that need the same thing, one makes it and the others wait for it."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def single_flight(path: str, timeout: float) -> Iterator[bool]:
    """Hold the lock file `path` (made with its folder, never deleted) during the block; wait `timeout` seconds for it.

    Yield whether the lock is held.  It is not when the time is up, or when the file system is read-only or knows no
    locks; the block runs all the same: losing the lock may cost doing the work twice, never correctness.  So whoever
    enters looks first whether the work is done, and publishes by rename.  The kernel frees the lock of a dead process.
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
    """Hold the lock file `path` during the block, if it is there and free; yield whether it is held."""
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
