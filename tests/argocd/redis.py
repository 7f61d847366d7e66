"""The readable contents of Argo CD's Redis, for tests that search them for secrets."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from io import BufferedRWPair

DATABASES = 16  # as many as Redis has by default
_GZIP = b"\x1f\x8b"


def dump(port: int) -> dict[str, bytes]:
    """Return every value of all databases as ``<database>/<key>: bytes``, unpacked where it is packed."""
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rwb") as stream:
        return {
            f"{database}/{key.decode()}": _unpacked(_ask(stream, b"GET", key) or b"")
            for database in range(DATABASES)
            for key in _keys(stream, database)
        }


def is_ready(port: int) -> bool:
    """Return whether the server answers."""
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rwb") as stream:
            return bool(_ask(stream, b"PING") == b"PONG")
    except OSError:
        return False


def _keys(stream: BufferedRWPair, database: int) -> list[bytes]:
    _ask(stream, b"SELECT", str(database).encode())
    keys: list[bytes] = _ask(stream, b"KEYS", b"*")
    return keys


def _unpacked(value: bytes) -> bytes:
    return gzip.decompress(value) if value.startswith(_GZIP) else value


def _ask(stream: BufferedRWPair, *words: bytes) -> Any:  # noqa: ANN401  # a string, a number, a list or nothing
    stream.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
    stream.flush()
    return _answer(stream)


def _answer(stream: BufferedRWPair) -> Any:  # noqa: ANN401
    kind, rest = (line := stream.readline().rstrip(b"\r\n"))[:1], line[1:]
    if kind == b"$":
        return stream.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
    if kind == b"*":
        return [_answer(stream) for _ in range(int(rest))]
    assert kind != b"-", rest
    return rest
