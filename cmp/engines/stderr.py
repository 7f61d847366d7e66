"""Errors from the stderr of an engine's program, as far as they are alike for all engines."""

from __future__ import annotations

from cmp.errors import EngineError


def unexplained(program: str, status: int, message: str) -> EngineError | None:
    """Return the error of a program that was killed, or that failed without a message; None for all others.

    `program` is its name and version; a negative `status` is the signal.
    """
    if status < 0:
        return EngineError(f"{program} was killed by signal {-status}", is_external=True)
    if not message:
        return EngineError(f"{program} exited with status {status} and said nothing")
    return None


def indented(message: str) -> str:
    """Indent all lines but the first: none of them may look like the next part of the error."""
    return message.replace("\n", "\n  ")
