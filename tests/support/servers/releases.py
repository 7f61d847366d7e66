"""A host of release downloads on loopback, which is its own mirror, its own proxy, and as unreliable as it is told."""

from __future__ import annotations

import hashlib
import http.server
import ssl
import threading
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import socket

    from tests.support.servers.authority import Authority


class _Handler(http.server.BaseHTTPRequestHandler):
    server: ReleaseHost

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        path = urlsplit(self.path).path  # asked as a proxy, the server sees a whole URL
        fault = self.server.faults.get(path, [])
        content = self.server.files.get(path)
        if fault:
            self.fail(fault.pop(0), content or b"")
        elif path in self.server.redirects:
            self.send_response(302)
            self.send_header("Location", self.server.redirects[path])
            self.end_headers()
        elif content is None:
            self.send_error(404)
        else:
            self.answer(content)

    def fail(self, fault: int | str, content: bytes) -> None:
        if fault == "cut":
            self.answer(content, sent=len(content) // 2)
        else:
            self.send_error(int(fault))

    def answer(self, content: bytes, sent: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class ReleaseHost(http.server.ThreadingHTTPServer):
    """Files by path; `requests` lists what was asked for; `faults` spoils the next answers for a path, one by one."""

    daemon_threads = True

    def __init__(self, authority: Authority | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.faults: dict[str, list[int | str]] = {}
        self.requests: list[str] = []
        self.authority = authority
        self.scheme = "https" if authority else "http"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.certificate, authority.key)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    @property
    def env(self) -> dict[str, str]:
        """The variables that make the host a mirror."""
        trust = {"CMP_CA_FILE": str(self.authority.ca)} if self.authority else {}
        return {"CMP_TOOLS_MIRROR": self.url, **trust}

    def publish(self, path: str, content: bytes, checksums: str) -> None:
        """Put a file there, and its sha256 into the file of checksums as release tools write them."""
        self.files[path] = content
        line = f"{hashlib.sha256(content).hexdigest()}  {path.rpartition('/')[2]}\n"
        self.files[checksums] = self.files.get(checksums, b"") + line.encode()

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Expect clients that do not trust the certificate."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()
