"""A web server on loopback that answers as it is told: bodies, redirects, and bodies that are cut."""

from __future__ import annotations

import http.server
from typing import TYPE_CHECKING

from tests.support.servers.loopback import LoopbackServer

if TYPE_CHECKING:
    from tests.support.servers.authority import Authority


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WebServer

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        self.server.requests.append((f"{self.command} {self.path}", self.headers.get("Authorization", "")))
        status, answer, announced = self.server.answers.get(self.path, (404, b"", -1))
        self.send_response(status)
        if isinstance(answer, str):
            self.send_header("Location", answer)
            answer = b""
        self.send_header("Content-Length", str(len(answer) if announced < 0 else announced))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in http.server
        """Keep quiet: the requests are recorded."""


class WebServer(LoopbackServer):
    """A web server on a free port of 127.0.0.1, as a context manager, with TLS where it has an authority.

    `requests` lists what was asked for, with the header `Authorization`.
    """

    def __init__(self, private: Authority | None = None) -> None:
        super().__init__(_Handler, private)
        self.answers: dict[str, tuple[int, bytes | str, int]] = {}
        self.requests: list[tuple[str, str]] = []

    def at(self, name: str = "127.0.0.1") -> str:
        """Return the URL under which the server is reached by a name."""
        return f"{self.scheme}://{name}:{self.server_port}"

    def give(self, path: str, answer: bytes | str, status: int = 200, announced: int = -1) -> None:
        """Answer a path with a body, of another length than announced if need be, or with a redirect to a URL."""
        self.answers[path] = (status if isinstance(answer, bytes) else 302, answer, announced)

    def handle_error(self, request: object, client_address: object) -> None:
        """Expect clients that do not trust the certificate."""
