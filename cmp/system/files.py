"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from functools import partial


def replace(path: str, data: bytes, mode: int | None = None) -> None:
    """Put a file with this content in the place of another, with its mode, or make it; OSError leaves nothing behind.

    With a `mode` the file has that one from the start, whatever the other had.  Who reads the path meanwhile reads the
    old content or the new one.
    """
    beside = f"{path}.{os.getpid()}.new"
    try:
        with open(beside, "xb", opener=partial(os.open, mode=0o666 if mode is None else mode)) as file:
            if mode is None and os.path.exists(path):
                os.fchmod(file.fileno(), stat.S_IMODE(os.stat(path).st_mode))
            file.write(data)
        os.replace(beside, path)
    finally:
        with suppress(OSError):
            os.unlink(beside)
