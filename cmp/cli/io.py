"""Files that the command line names, for reading."""

from __future__ import annotations

import os
import sys

from cmp.errors import UsageError

STDIN = "-"


def content(file: str, cwd: str, what: str) -> bytes:
    """Return what a file holds; UsageError, which says `cannot read` and `what`, where that cannot be read."""
    try:
        with open(os.path.join(cwd, file), "rb") as opened:
            return opened.read()
    except OSError as error:
        raise UsageError(f"cannot read {what}: {error.strerror}", file=file) from None


def content_or_stdin(file: str, cwd: str, what: str) -> tuple[bytes, str]:
    """Return what a file holds, or, for `-`, what stdin gives; and the name of either for messages."""
    return (sys.stdin.buffer.read(), "stdin") if file == STDIN else (content(file, cwd, what), file)
