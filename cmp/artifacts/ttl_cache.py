"""A cache of small values that expire: node-local, shared by all processes, lost without harm.

They live in an SQLite file (diskcache).  Its default encoding is pickle, so that everybody who can write the file could
run code in every process that reads it (CVE-2025-69872); `JsonDisk` writes nothing but JSON text and refuses to read
anything else.
"""

from __future__ import annotations

import json
import os
from sqlite3 import Error as SqliteError

from diskcache import UNKNOWN, Cache, Disk, Timeout
from diskcache.core import MODE_RAW

LOST = (OSError, SqliteError, Timeout, ValueError)  # the errors of a broken, full, busy or forged store


class JsonDisk(Disk):  # type: ignore[misc]  # diskcache has no types
    """Keys are text, values are JSON text inside the database; rows of any other kind are a ValueError."""

    def put(self, key: object) -> tuple[str, bool]:
        if not isinstance(key, str):
            raise TypeError("the key of a fact is text")
        return key, True

    def get(self, key: object, raw: object) -> str:
        if not raw or not isinstance(key, str):
            raise ValueError("a key that is not text")
        return key

    def store(self, value: object, read: bool, key: object = UNKNOWN) -> tuple[int, int, None, str]:  # noqa: ARG002, FBT001  # diskcache's signature
        return 0, MODE_RAW, None, json.dumps(value)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> object:  # noqa: ARG002, FBT001  # diskcache's signature
        if mode != MODE_RAW or filename or not isinstance(value, str):
            raise ValueError("a value that is not JSON text")
        parsed: object = json.loads(value)
        return parsed

    def remove(self, file_path: str) -> None:  # a forged row could name any file
        """Remove nothing: no row of ours has a file."""


def recall(state_dir: str, key: str) -> object:
    """Return the value of a key, or None when it is unknown, too old, or cannot be read."""
    try:
        with Cache(os.path.join(state_dir, "facts"), disk=JsonDisk, timeout=1) as cache:
            return cache.get(key)
    except LOST:
        return None


def remember(state_dir: str, key: str, value: object, seconds: float) -> None:
    """Keep a value for so many seconds; a store that cannot be written only means that it is asked for again."""
    try:
        with Cache(os.path.join(state_dir, "facts"), disk=JsonDisk, timeout=1) as cache:
            cache.set(key, value, expire=seconds)
    except LOST:
        return


def forget(state_dir: str, prefix: str) -> None:
    """Drop the values of all keys with a prefix."""
    try:
        with Cache(os.path.join(state_dir, "facts"), disk=JsonDisk, timeout=1) as cache:
            for key in list(cache):
                if key.startswith(prefix):
                    cache.delete(key)
    except LOST:
        return
