"""The signals that ask us to stop, and the alarm of the deadline: heard, held back for a moment, ignored at last.

A signal becomes an `Interrupted` wherever the program happens to be, so that every `with` block on the way out cleans
up.  After the first all others are ignored: clean-up is not to be interrupted.  Before any of that, the program says a
last word: who sent the signal may not wait for the clean-up.
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
HEARD = (*STOPPING, signal.SIGALRM)
AGAIN_SECONDS = 0.01  # by then the destructor is done


_activity: list[str] = []  # of this process, outermost first: a signal asks for it at any moment


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Let the last word tell what was done: our own words and names of files and charts, nothing that needs a mask."""
    _activity.append(what)
    try:
        yield
    finally:
        _activity.pop()


def activity() -> list[str]:
    """Return what is being done, outermost first."""
    return list(_activity)


def listen(last_word: Callable[[int], None] = lambda _: None) -> None:
    """Raise Interrupted in the main thread when a signal comes, after a call of `last_word` with its number."""

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        ignore()
        last_word(signum)
        raise Interrupted(signum)

    for signum in STOPPING:
        signal.signal(signum, stop)
    sys.unraisablehook = _repeat


def expire_after(seconds: float, grace: float) -> None:
    """Raise Expired when a deadline has passed and nobody has noticed for a while: nothing was waited for."""

    def expire(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        ignore()
        raise Expired(seconds)

    signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds + grace)


def disarm() -> None:
    """Call the alarm off."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def ignore() -> None:
    """Hear nothing any more."""
    for signum in HEARD:
        signal.signal(signum, signal.SIG_IGN)


@contextmanager
def held() -> Iterator[None]:
    """Deliver signals that arrive inside the block at its end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def release() -> None:
    """Let signals through again: a new process inherits what its parent held at that moment."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)


def _repeat(unraisable: UnraisableHookArgs) -> None:
    """Raise again what came while a destructor ran, or a generator was closed: Python swallows that."""
    lost = unraisable.exc_value
    if not isinstance(lost, Interrupted):
        sys.__unraisablehook__(unraisable)
        return

    def again(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        raise lost

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
