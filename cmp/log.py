"""What a person reads on stderr: one line a message, masked, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO


class Log:
    """Write masked lines to one stream; `detail` lines appear only when the user asked for them."""

    def __init__(self, stream: TextIO, mask: Callable[[str], str], *, verbose: bool = False) -> None:
        self._stream = stream
        self._mask = mask
        self.verbose = verbose

    def line(self, text: str) -> None:
        """Write one message."""
        self._stream.write(self._mask(text).rstrip("\n") + "\n")

    def plain(self, text: str) -> None:
        """Write a line of our own words, names and numbers, which needs no masking (the first mask costs time)."""
        self._stream.write(f"{text}\n")

    def warning(self, text: str) -> None:
        """Write a warning: the work goes on, but its author should know."""
        self.line(f"cmp: warning: {text}")

    def detail(self, text: str) -> None:
        """Write what only `--explain` shows."""
        if self.verbose:
            self.line(text)
