"""Connections to servers: by the address that was checked, and with an end to every silence."""

from __future__ import annotations

import http.client
import io
import socket
from typing import TYPE_CHECKING, NamedTuple

from cmp.system import retry
from cmp.system.download import addresses
from cmp.system.download.faults import DownloadError, reason

if TYPE_CHECKING:
    from cmp.system.process import Deadline

CONNECT_SECONDS = 5.0  # for one address


class Dialer(NamedTuple):
    """How to connect to the server `name`; `is_free` allows every address, `may_be_us` those of this machine."""

    name: str
    deadline: Deadline
    is_free: bool
    may_be_us: bool

    def connect(self, address: tuple[str, int], *_given: object) -> socket.socket:
        """Look a name up once, check what it resolves to, and connect to one of just these addresses."""
        host, port = address
        found = self.resolve(host, port)
        last: OSError | None = None
        for family, kind, protocol, _name, target in found:
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(min(CONNECT_SECONDS, max(self.deadline.remaining(), 0.001)))
                connection.connect(target)
            except OSError as error:
                connection.close()
                last = error
            else:
                connection.settimeout(min(retry.ATTEMPT_SECONDS, max(self.deadline.remaining(), 0.001)))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
        raise DownloadError("connection", f"{self.name} cannot be reached: {reason(last)}", self.name)

    def resolve(self, host: str, port: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        """Look a name up and check its addresses; DownloadError."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            is_lost = getattr(error, "errno", None) == socket.EAI_AGAIN
            said = f"{self.name} cannot be reached: {reason(error)}"
            raise DownloadError("lookup" if is_lost else "name", said, self.name) from None
        for *_, target in found:
            self._check(host, str(target[0]))
        return found  # type: ignore[return-value]  # of IPv4 and IPv6, which both begin with address and port

    def _check(self, host: str, address: str) -> None:
        kind = "" if self.is_free else addresses.kind(address)
        if kind and not (self.may_be_us and kind == addresses.LOOPBACK):
            leads = f"{host} is" if host == address else f"{host} leads to {address},"
            raise DownloadError("address", f"{leads} {kind}", self.name)


class Response(http.client.HTTPResponse):
    """A response whose every byte comes before the deadline."""

    def __init__(self, deadline: Deadline, sock: socket.socket, method: str | None = None) -> None:
        super().__init__(sock, method=method)
        self.fp = io.BufferedReader(_Timed(sock, self.fp.detach(), deadline))


class _Timed(io.RawIOBase):
    """The bytes of a socket; TimeoutError where the deadline passes, or nothing comes for a while."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, deadline: Deadline) -> None:
        self._socket = sock
        self._raw = raw
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]  # of any buffer
        remaining = self._deadline.remaining()
        if remaining <= 0:
            raise TimeoutError
        self._socket.settimeout(min(retry.ATTEMPT_SECONDS, remaining))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
