"""Packages a folder of charts and serves it as a Helm chart repository on loopback.

Run it from the root of the checkout: ``python -m examples.chartserver examples/charts --port 8879``.
The tests add faults, latency, credentials and TLS on top (``tests/support/servers/charts.py``).
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "/charts"
REQUESTS = "/-/requests"


def package(charts: Path, cache: Path, helm: Path) -> Path:
    """Return a folder with the archive of every chart below `charts` and their index.yaml.

    The folder lies in `cache` and is named after the content, so nothing is packaged twice; equal charts give equal
    archives, byte for byte.
    """
    done = cache / _digest(charts)
    if done.is_dir():
        return done
    cache.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix="building-", dir=cache))
    for chart in sorted(charts.glob("*/Chart.yaml")):
        _run(helm, "package", str(chart.parent), "--destination", str(building))
    for archive in building.glob("*.tgz"):
        _strip_times(archive)
    _run(helm, "repo", "index", str(building))
    try:
        building.rename(done)
    except OSError:  # somebody else was faster: the same content
        shutil.rmtree(building)
    return done


def _digest(charts: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(charts.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            digest.update(f"{path.relative_to(charts)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _run(helm: Path, *arguments: str) -> None:
    # The user's own Helm configuration has no part in this.
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "PATH": os.defpath}
        subprocess.run([helm, *arguments], check=True, stdout=subprocess.DEVNULL, env=env)


def _strip_times(archive: Path) -> None:
    """Repack without time stamps.

    Helm writes the present into them, and a new digest for an old version is what an attack looks like.
    """
    with tarfile.open(archive) as source:
        members = [(member, source.extractfile(member)) for member in source.getmembers()]
        with (
            archive.with_suffix(".new").open("wb") as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w") as target,
        ):
            for member, content in members:
                member.mtime = 0
                target.addfile(member, content)
    archive.with_suffix(".new").replace(archive)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the files of one folder below ``/charts`` and tells under ``/-/requests`` what was asked for."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer one request; only ``/-/requests`` is not counted."""
        if self.path == REQUESTS:
            self.answer(200, json.dumps(self.server.counts()).encode())
            return
        name = self.path.removeprefix(PREFIX)
        self.server.record(name)
        self.serve(name)

    def serve(self, name: str) -> None:
        """Send the file `name` (``/index.yaml``, ``/redis-1.2.3.tgz``), or 404."""
        content = self.server.files.get(name)
        if content is None:
            self.answer(404, b"no such file\n")
        else:
            self.answer(200, content)

    def answer(self, status: int, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send one whole response."""
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name in http.server
        """Keep quiet: whoever wants to know asks for the requests."""


class Server(http.server.ThreadingHTTPServer):
    """A chart repository on 127.0.0.1; the context manager serves it in a thread of its own."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0, handler: type[Handler] = Handler) -> None:
        """Bind to `port` (0: any free one) and read the files of `folder`."""
        super().__init__(("127.0.0.1", port), handler)
        self.files = {f"/{path.name}": path.read_bytes() for path in folder.iterdir()}
        self._requests: list[str] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The URL to write into Chart.yaml."""
        return f"http://127.0.0.1:{self.server_port}{PREFIX}"

    @property
    def requests(self) -> list[str]:
        """The requests so far, in order: paths below the URL."""
        with self._lock:
            return list(self._requests)

    def record(self, name: str) -> None:
        """Count one request."""
        with self._lock:
            self._requests.append(name)

    def counts(self) -> dict[str, int]:
        """Return the number of requests for each path."""
        requests = self.requests
        return {name: requests.count(name) for name in sorted(set(requests))}

    def __enter__(self) -> Self:
        """Start to serve."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop to serve and free the port."""
        self.shutdown()
        self.server_close()


def main() -> None:
    """Serve until interrupted; the line `ready URL` on stdout says that requests may come."""
    parser = argparse.ArgumentParser(prog="python -m examples.chartserver", description="Serve charts on loopback.")
    parser.add_argument("charts", type=Path, help="a folder of chart folders")
    parser.add_argument("--helm", type=Path, required=True, help="the helm program that packages them")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--cache", type=Path, help="where archives are kept between runs (default: a temporary folder)")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: the temporary folder goes too
    with tempfile.TemporaryDirectory() as temporary:
        folder = package(args.charts, args.cache or Path(temporary), args.helm)
        with Server(folder, args.port) as server:
            print(f"ready {server.url}", flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
