"""Which part of the work is running, and how long each took: for error messages, `--explain` and the deadline."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cmp.errors import CmpError, Interrupted
from cmp.system import signals

if TYPE_CHECKING:
    from collections.abc import Iterator


class Phases:
    """Measure named phases, in seconds, in the order in which they first began."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._inside = 0.0  # seconds of the phases inside the present one
        self.seconds: dict[str, float] = {}

    @property
    def total(self) -> float:
        """Seconds since this object was made."""
        return time.monotonic() - self._started

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Attribute the time of the block to a phase, less that of phases inside it, and errors that leave it too."""
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
