"""Connections to servers: by an address that was checked, with an end to every silence; and how they fail.

The addresses that a name from a repository's files must not lead to are those of this machine, of its network card and
of its cloud.  An administrator may list a host all the same.  Private networks are not among them: chart repositories
lie there.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from contextlib import contextmanager
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp.system import retry
from cmp.system.urls import origin, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.process import Deadline

Kind = Literal["status", "tls", "name", "lookup", "connection", "silence", "cut", "address", "redirect", "proxy"]

CONNECT_SECONDS = 5.0  # for one address

_TRANSIENT_KINDS = ("lookup", "connection", "silence", "cut")
_TRANSIENT_STATUSES = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)

LOOPBACK = "a loopback address"
_METADATA = "the address of a cloud's metadata service"
_LINK_LOCAL = "a link-local address"
# The first network that holds an address names it.  Sources: the documentation of AWS (EC2 instance metadata),
# Google Cloud (metadata server), Azure (IMDS; 168.63.129.16), Alibaba Cloud (ECS metadata), Oracle Cloud, OpenStack.
_NETWORKS = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("169.254.169.254/32", _METADATA),
        ("168.63.129.16/32", _METADATA),
        ("100.100.100.200/32", _METADATA),
        ("192.0.0.192/32", _METADATA),
        ("fd00:ec2::/32", _METADATA),
        ("fd20:ce::254/128", _METADATA),
        ("fe80::a9fe:a9fe/128", _METADATA),
        ("127.0.0.0/8", LOOPBACK),
        ("::1/128", LOOPBACK),
        ("0.0.0.0/8", LOOPBACK),  # Linux connects 0.0.0.0 to this machine
        ("::/128", LOOPBACK),
        ("169.254.0.0/16", _LINK_LOCAL),
        ("fe80::/10", _LINK_LOCAL),
        ("224.0.0.0/4", "a multicast address"),
        ("255.255.255.255/32", "the broadcast address"),
        ("ff00::/8", "a multicast address"),
    )
)
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


class DownloadError(Exception):
    """A failed download: the kind of its failure, the words for a message, the host, and the status of its answer."""

    def __init__(self, kind: Kind, message: str, host: str, status: int = 0) -> None:
        super().__init__(kind, message, host, status)
        self.kind = kind
        self.message = message
        self.host = host
        self.status = status

    def __str__(self) -> str:
        return self.message

    @property
    def is_transient(self) -> bool:
        """Tell whether another try may succeed."""
        if self.kind == "status":
            return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self.status in _TRANSIENT_STATUSES
        return self.kind in _TRANSIENT_KINDS


@contextmanager
def connection_errors(url: str) -> Iterator[None]:
    """Turn the errors of a connection into DownloadError, each of its kind."""
    host = origin(url).netloc
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise DownloadError("tls", f"{host}: certificate verify failed: {error.verify_message}", host) from None
    except TimeoutError:
        raise DownloadError("silence", f"{host} timed out after {retry.ATTEMPT_SECONDS:g} s", host) from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise DownloadError("cut", f"{shown(url)} broke off: TLS ended early", host) from None
    except ssl.SSLError as error:
        raise DownloadError("tls", f"{host}: TLS failed: {reason(error)}", host) from None
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError("cut", f"{shown(url)} broke off: {reason(error)}", host) from None


def reason(error: object) -> str:
    """Return the words of an error of the operating system or of a library."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def address_kind(text: str) -> str:
    """Return the kind of a forbidden address, as a noun; an empty text for an address that may be asked."""
    address = ip_address(text.partition("%")[0])
    candidates = (address, *_embedded(address))
    return next((kind for candidate in candidates for network, kind in _NETWORKS if candidate in network), "")


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that a gateway, or the kernel itself, takes an IPv6 address for."""
    if isinstance(address, IPv4Address):
        return []
    last = IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo or ()
    embedded = [address.ipv4_mapped, address.sixtofour, *teredo]
    if address in _NAT64 or address in _COMPATIBLE:
        embedded.append(last)
    return [inner for inner in embedded if inner]


class Dialer(NamedTuple):
    """Connect to the server `name`; `allows_any` is for every address, `allows_loopback` for those of this machine."""

    name: str
    deadline: Deadline
    allows_any: bool
    allows_loopback: bool

    def connect(self, address: tuple[str, int], *_given: object) -> socket.socket:
        """Look a name up once, check what it resolves to, and connect to one of just these addresses."""
        host, port = address
        last: OSError | None = None
        for family, kind, protocol, _name, target in self.resolve(host, port):
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
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            is_lost = getattr(error, "errno", None) == socket.EAI_AGAIN
            message = f"{self.name} cannot be reached: {reason(error)}"
            raise DownloadError("lookup" if is_lost else "name", message, self.name) from None
        for *_, target in infos:
            self._check(host, str(target[0]))
        return infos  # type: ignore[return-value]  # of IPv4 and IPv6, which both begin with address and port

    def _check(self, host: str, address: str) -> None:
        kind = "" if self.allows_any else address_kind(address)
        if kind and not (self.allows_loopback and kind == LOOPBACK):
            leads = f"{host} is" if host == address else f"{host} leads to {address},"
            raise DownloadError("address", f"{leads} {kind}", self.name)


class Response(http.client.HTTPResponse):
    """A response of which each byte must come before the deadline."""

    def __init__(self, deadline: Deadline, sock: socket.socket, method: str | None = None) -> None:
        super().__init__(sock, method=method)
        self.fp = io.BufferedReader(_Timed(sock, self.fp.detach(), deadline))


class _Timed(io.RawIOBase):
    """The bytes of a socket; TimeoutError where the deadline passes, or the server is silent for too long."""

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
