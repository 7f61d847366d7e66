"""Files that are written whole or not at all, and the digests of their content.

The digest is sha256 without OpenSSL: `hashlib` loads all of it, which costs as much as half of a bare interpreter's
start.  The standard library does the same in its `random`.  What a render hashes is small; `toolstore` hashes programs
of many megabytes and uses hashlib.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from functools import partial

if sys.version_info >= (3, 12):
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found]  # typeshed has neither
else:
    from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]


def sha256(data: bytes) -> str:
    """Return the digest in hexadecimal digits."""
    digits: str = _sha256(data).hexdigest()
    return digits


def replace(path: str, data: bytes, mode: int | None = None) -> None:
    """Replace or make a file with this content; it keeps the mode of the replaced one.  OSError leaves nothing behind.

    With a `mode` the file has that one from the start.  A concurrent reader of the path reads the old content or the
    new one.
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
