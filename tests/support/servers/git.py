"""A host of Git repositories and of single files: `git http-backend` behind an HTTP server on loopback."""

from __future__ import annotations

import base64
import http.server
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.servers.loopback import LoopbackServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.servers.authority import Authority

_IDENTITY = {f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
_DATES = {f"GIT_{who}_DATE": "2024-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")}


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular and return its stdout."""
    env = {"PATH": os.defpath, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **_IDENTITY, **_DATES}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, check=True, capture_output=True)
    return done.stdout.decode().strip()


class Repository:
    """A repository that is served; its work tree may be written to and committed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--initial-branch=main")

    def commit(self, files: Mapping[str, str], tag: str = "") -> str:
        """Write files, commit everything, tag it (an annotated tag, moved if it exists) and return the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message=x")
        if tag:
            git(self.folder, "tag", "--force", "--annotate", "--message=x", tag)
        return git(self.folder, "rev-parse", "HEAD")


class _Handler(http.server.BaseHTTPRequestHandler):
    server: GitHost

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        path = urlsplit(self.path).path
        self.server.record(f"{self.command} {path}")
        body = self._body()
        if self.server.credentials and self.headers.get("Authorization") != self.server.authorization:
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="git"'})
        elif fault := self.server.next_fault():
            self._fail(fault)
        elif path in self.server.redirects:
            self._answer(302, b"", {"Location": self.server.redirects[path]})
        elif path in self.server.files:
            self._answer(200, self.server.files[path])
        else:
            self._answer(*self._backend(path, body))

    def _body(self) -> bytes:
        """Read the request's body, which git sends in chunks when it is long."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _backend(self, path: str, body: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Run git's own CGI program, over the work trees' .git folders."""
        env = {
            "PATH": os.defpath,
            "GIT_PROJECT_ROOT": str(self.server.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": urlsplit(self.path).query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(headers.pop("Status", "200").split()[0])
        return status, content or b"<html>not: [a repository</html>", headers

    def _fail(self, fault: int | str) -> None:
        if fault == "hang":
            self.server.closing.wait()
            self.close_connection = True
        elif fault == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"001e# service=git-upload-pack\n")
            self.close_connection = True
        else:
            self._answer(int(fault), b"a fault made for a test\n")

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class GitHost(LoopbackServer):
    """Repositories and files by their paths; `requests` lists what was asked for, `faults` spoil the next answers.

    A fault is a status, `cut` (half an answer) or `hang` (none).
    """

    def __init__(
        self, folder: Path, authority: Authority | None = None, credentials: tuple[str, str] | None = None
    ) -> None:
        super().__init__(_Handler, authority)
        self.folder = folder
        self.credentials = credentials
        self.files: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.faults: list[int | str] = []
        self.closing = threading.Event()
        self._requests: list[str] = []
        self._lock = threading.Lock()

    @property
    def authorization(self) -> str:
        """The header that lets a client in."""
        return "Basic " + base64.b64encode(":".join(self.credentials or ()).encode()).decode()

    @property
    def host(self) -> str:
        """The host as a policy lists it."""
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        """Where repositories and files are."""
        return f"{self.scheme}://{self.host}"

    @property
    def requests(self) -> list[str]:
        """The requests so far, in order."""
        with self._lock:
            return list(self._requests)

    def record(self, request: str) -> None:
        """Count one request."""
        with self._lock:
            self._requests.append(request)

    def next_fault(self) -> int | str | None:
        """Take the next fault."""
        with self._lock:
            return self.faults.pop(0) if self.faults else None

    def repository(self, name: str) -> Repository:
        """Make a repository, served as `name`."""
        return Repository(self.folder / name)

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Expect clients that go away, or that do not trust the certificate."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def __exit__(self, *args: object) -> None:
        """Let go of hanging requests, stop to serve and free the port."""
        self.closing.set()
        super().__exit__(*args)
