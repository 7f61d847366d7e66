"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from contextlib import suppress


def replace(path: str, data: bytes) -> None:
    """Put a file with this content in the place of another, with its mode, or make it; OSError leaves nothing behind.

    Who reads the path meanwhile reads the old content or the new one.
    """
    beside = f"{path}.{os.getpid()}.new"
    try:
        with open(beside, "xb") as file:
            if os.path.exists(path):
                os.fchmod(file.fileno(), stat.S_IMODE(os.stat(path).st_mode))
            file.write(data)
        os.replace(beside, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)
