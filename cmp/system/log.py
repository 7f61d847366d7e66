"""Messages on stderr for a person, and the phases of the work, which messages and the deadline name.

A message is one line, masked, bounded, and without hidden characters.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cmp.errors import CmpError, Interrupted
from cmp.system import signals
from cmp.system.visible import visible_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

MAX_WARNING = 500  # characters: programs quote whole maps


class Log:
    """Write masked lines to one stream."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str]) -> None:
        self._stream = stream
        self._mask = mask
        self._warned: set[str] = set()

    def line(self, text: str) -> None:
        """Write one message."""
        self.plain(self._mask(text).rstrip("\n"))

    def plain(self, text: str) -> None:
        """Write a line of fixed words, names and numbers, which needs no masking (the first mask costs time)."""
        with suppress(OSError):  # a message without a reader is no reason to fail
            self._stream.write(f"{visible_text(text)}\n")

    def warning(self, text: str) -> None:
        """Write a warning to the author of the input; the work goes on."""
        self.plain(warning_line(text, self._mask))

    def warning_once(self, text: str) -> None:
        """Write a warning that concerns the whole repository where it comes first; each render of a batch has it."""
        if text not in self._warned:
            self._warned.add(text)
            self.warning(text)


def warning_line(text: str, mask: Callable[[str], str]) -> str:
    """Return the line of a warning, masked and bounded."""
    masked = mask(text)  # first: the rest of a secret that is cut off would not be recognised
    shown = masked if len(masked) <= MAX_WARNING else f"{masked[:MAX_WARNING]} […]"
    return f"cmp: warning: {shown}"


class Phases:
    """The phases of the work and the seconds of each, in the order in which they first began."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._inside = 0.0  # seconds of the phases inside the present phase
        self.seconds: dict[str, float] = {}

    @property
    def total(self) -> float:
        """Return the seconds since this object was made."""
        return time.monotonic() - self._started

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Attribute the block to a phase: its errors, and its time without that of the phases inside it."""
        began, before = time.monotonic(), self._inside
        self._inside = 0.0
        try:
            with signals.doing(f"in phase {name}"):
                yield
        except (CmpError, Interrupted) as error:
            raise error.locate(phase=name) from error.__cause__
        finally:
            spent = time.monotonic() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + spent - self._inside
            self._inside = before + spent
