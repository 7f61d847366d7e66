"""A host of release downloads on loopback, which is its own mirror, its own proxy, and as unreliable as it is told."""

from __future__ import annotations

import hashlib
import http.server
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.servers.loopback import LoopbackServer

if TYPE_CHECKING:
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


class ReleaseHost(LoopbackServer):
    """Files by path; `requests` lists what was asked for; `faults` spoils the next answers for a path, one by one."""

    def __init__(self, authority: Authority | None = None) -> None:
        super().__init__(_Handler, authority)
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.faults: dict[str, list[int | str]] = {}
        self.requests: list[str] = []
        self.authority = authority

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
