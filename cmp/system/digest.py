"""sha256 without OpenSSL: `hashlib` loads all of it, which costs as much as half of a bare interpreter's start.

The standard library does the same in its `random`.  What a render hashes is small; `toolstore` hashes programs of many
megabytes and uses hashlib.
"""

from __future__ import annotations

import sys

if sys.version_info >= (3, 12):
    from _sha2 import sha256 as _sha256
else:
    from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]  # typeshed has the newer name only


def sha256(data: bytes) -> str:
    """Return the digest in hexadecimal digits."""
    digits: str = _sha256(data).hexdigest()
    return digits
