"""What a person reads on stderr: one line a message, masked, bounded, and without hidden characters."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cmp.system.visible import visible_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

MAX_WARNING = 500  # characters; programs quote whole maps


class Log:
    """Write masked lines to one stream."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str]) -> None:
        self._stream = stream
        self._mask = mask

    def line(self, text: str) -> None:
        """Write one message."""
        self.plain(self._mask(text).rstrip("\n"))

    def plain(self, text: str) -> None:
        """Write a line of our own words, names and numbers, which needs no masking (the first mask costs time)."""
        with suppress(OSError):  # nobody listens, which is no reason to fail
            self._stream.write(f"{visible_text(text)}\n")

    def warning(self, text: str) -> None:
        """Write a warning: the work goes on, but its author should know."""
        masked = self._mask(text)  # first: of a secret that is cut off, the rest would not be known
        shown = masked if len(masked) <= MAX_WARNING else f"{masked[:MAX_WARNING]} […]"
        self.plain(f"cmp: warning: {shown}")
