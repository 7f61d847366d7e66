"""A server on a free port of 127.0.0.1, as a context manager, with TLS where it has an authority."""

from __future__ import annotations

import http.server
import ssl
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import socket

    from tests.support.servers.authority import Authority


class LoopbackServer(http.server.ThreadingHTTPServer):
    """The block of a `with` is served by a thread; `scheme` is that of its URLs."""

    daemon_threads = True

    def __init__(self, handler: type[http.server.BaseHTTPRequestHandler], authority: Authority | None = None) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.scheme = "https" if authority else "http"
        if authority:
            self.socket = with_tls(self.socket, authority)

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Expect clients that go away, or that do not trust the certificate."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()


def with_tls(listening: socket.socket, authority: Authority) -> ssl.SSLSocket:
    """Return a listening socket whose connections are encrypted.

    The handshake belongs to the connection's own thread: a slow client must not hold up the others.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.certificate, authority.key)
    return context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)
