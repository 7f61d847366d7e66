"""Signals that stop the program, and the alarm of its deadline: raised as exceptions, held back, and at last ignored.

A signal becomes an `Interrupted` wherever the program happens to be, so that every `with` block on the way out cleans
up.  After the first signal all others are ignored: clean-up must not be interrupted.  Before the clean-up the program
writes its last message: the sender of the signal may not wait for the end of the clean-up.
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cmp.errors import Expired, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from sys import UnraisableHookArgs
    from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HANDLED = (*STOPPING, signal.SIGALRM)
GRACE_SECONDS = 1.0  # code that waits for a child notices the deadline first, and names what was slow
AGAIN_SECONDS = 0.01  # the destructor has returned by then


_activity: list[str] = []  # of this process, outermost first: a signal may ask for it at any moment


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Name the work of the block for the last message: fixed words, files and charts, nothing that must be masked."""
    _activity.append(what)
    try:
        yield
    finally:
        _activity.pop()


def activity() -> list[str]:
    """Return the names of the present work, outermost first."""
    return list(_activity)


def listen(on_signal: Callable[[int], None] = lambda _: None) -> None:
    """Raise Interrupted in the main thread when a signal comes, after a call of `on_signal` with its number."""

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        ignore()
        on_signal(signum)
        raise Interrupted(signum)

    for signum in STOPPING:
        signal.signal(signum, stop)
    sys.unraisablehook = _repeat


def expire_after(seconds: float, grace: float = GRACE_SECONDS) -> None:
    """Raise Expired some seconds (`grace`) after the deadline: a wait for a child would have raised before that."""

    def expire(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        ignore()
        raise Expired(seconds)

    signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds + grace)


def disarm() -> None:
    """Cancel the alarm."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def ignore() -> None:
    """Ignore all signals from now on."""
    for signum in HANDLED:
        signal.signal(signum, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Hold back the signals that arrive inside the block until its end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def release() -> None:
    """Deliver signals again: a new process inherits the held signals of its parent."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)


def _repeat(unraisable: UnraisableHookArgs) -> None:
    """Raise an Interrupted again that came while a destructor ran or a generator was closed: Python swallows it."""
    lost = unraisable.exc_value
    if not isinstance(lost, Interrupted):
        sys.__unraisablehook__(unraisable)
        return

    def again(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        raise lost

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
