"""The signals that ask us to stop, and a way to let them wait while something is made or removed as a whole."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held() -> Iterator[None]:
    """Deliver signals that arrive inside the block at its end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def release() -> None:
    """Let signals through again: a new process inherits what its parent held at that moment."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
