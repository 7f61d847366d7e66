"""The example's chart repository with what real repositories do: faults, latency, passwords, a private authority."""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from examples import chartserver
from tests.support.servers.loopback import with_tls

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from tests.support.servers.authority import Authority

Body = Literal["whole", "cut", "hang"]


class Fault(NamedTuple):
    """A fault of one path, and how many more requests meet it."""

    status: int
    body: Body
    times: int


class _Handler(chartserver.Handler):
    server: ChartRepository

    def serve(self, name: str) -> None:
        time.sleep(self.server.delay)
        if not self.server.admits(self.headers.get("Authorization", "")):
            self.answer(401, b"who are you?\n", [("WWW-Authenticate", 'Basic realm="charts"')])
        elif fault := self.server.next_fault(name):
            self.fail(name, fault)
        else:
            super().serve(name)

    def fail(self, name: str, fault: Fault) -> None:
        if fault.body == "hang":
            self.server.closing.wait()
            self.close_connection = True
        elif fault.body == "cut":
            content = self.server.files[name]
            self.send_response(fault.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        else:
            self.answer(fault.status, b"a fault made for a test\n")


class ChartRepository(chartserver.Server):
    """A chart repository on a free port of 127.0.0.1, as a context manager.

    `files` maps a path to its bytes and may be changed while the server runs (``files["/redis-1.2.3.tgz"] = b"…"``),
    `requests` lists the paths that were asked for, in order, refused ones too.
    """

    def __init__(
        self,
        archives: Path,
        *,
        delay: float = 0,
        credentials: tuple[str, str] | None = None,
        authority: Authority | None = None,
    ) -> None:
        """Serve the folder `archives` that `chartserver.package` made.

        Each answer waits `delay` seconds; `credentials` are (user, password); with `authority` it is https.
        """
        super().__init__(archives, handler=_Handler)
        self.delay = delay
        self.closing = threading.Event()
        self.credentials = credentials
        self.authority = authority
        self._faults: dict[str, Fault] = {}
        self._faults_lock = threading.Lock()
        if authority:
            self.socket = with_tls(self.socket, authority)

    @property
    def url(self) -> str:
        """The URL to write into Chart.yaml."""
        return super().url.replace("http:", "https:") if self.authority else super().url

    def fault(self, name: str, *, status: int = 200, body: Body = "whole", times: int = sys.maxsize) -> None:
        """Spoil the next `times` answers for `name`: another `status`, a body cut in the middle, or no answer."""
        with self._faults_lock:
            self._faults[name] = Fault(status, body, times)

    def next_fault(self, name: str) -> Fault | None:
        """Take one of the faults that are left for `name`."""
        with self._faults_lock:
            fault = self._faults.get(name)
            if fault is None or fault.times == 0:
                return None
            self._faults[name] = fault._replace(times=fault.times - 1)
            return fault

    def admits(self, authorization: str) -> bool:
        """Compare the header `Authorization` with the credentials."""
        if self.credentials is None:
            return True
        return authorization == "Basic " + base64.b64encode(":".join(self.credentials).encode()).decode()

    def write_repositories(self, path: Path, name: str = "example") -> Path:
        """Write a file for HELM_REPOSITORY_CONFIG that knows this repository, its password and its authority."""
        username, password = self.credentials or ("", "")
        ca = str(self.authority.ca) if self.authority else ""
        entry = {"name": name, "url": self.url, "username": username, "password": password, "caFile": ca}
        path.write_text(json.dumps({"apiVersion": "", "repositories": [entry]}), encoding="utf-8")
        return path

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Expect clients that go away, or that do not trust the certificate."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        """Start to serve."""
        super().__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        """Let go of hanging requests, stop to serve and free the port."""
        self.closing.set()
        super().__exit__(*args)
