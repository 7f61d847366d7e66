"""A real OCI registry on loopback that wants a password, as a place for charts."""

from __future__ import annotations

import base64
import json
import re
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Self

import bcrypt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.servers.authority import Authority

_START_SECONDS = 10
_ACCESS = re.compile(r'"((?:GET|HEAD|POST|PUT|PATCH|DELETE) \S+) HTTP/')


class Registry:
    """The distribution registry `program` with its data in `folder`, as a context manager.

    Speaks plain HTTP, or TLS with a certificate of `authority`. Wants `credentials` (user, password), or nothing.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        *,
        credentials: tuple[str, str] | None = ("demo-user", "demo-registry-password"),
        authority: Authority | None = None,
    ) -> None:
        self.credentials = credentials
        self.authority = authority
        self._program = program
        self._folder = folder
        self._log = folder / "log"
        self._marks = 0

    @property
    def url(self) -> str:
        """The URL to write into Chart.yaml."""
        return f"oci://{self.host}/charts"

    @property
    def requests(self) -> list[str]:
        """The requests so far, in order: ``GET /v2/charts/redis/manifests/1.2.3``."""
        # The registry logs a request after answering it. When our own mark is in the log, so is what came before.
        self._marks += 1
        mark = f"/mark-{self._marks}"
        scheme = "https" if self.authority else "http"
        self._touch(f"{scheme}://{self.host}{mark}")
        lines = self._wait_for(rf"GET {mark} .*")
        found = _ACCESS.findall(lines)
        return [request for request in found if "/mark-" not in request]

    def write_config(self, path: Path) -> Path:
        """Write a file for HELM_REGISTRY_CONFIG that holds the credentials."""
        auth = base64.b64encode(":".join(self.credentials or ()).encode()).decode()
        path.write_text(json.dumps({"auths": {self.host: {"auth": auth}}}), encoding="utf-8")
        return path

    def __enter__(self) -> Self:
        """Start the registry and wait until it listens."""
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._write_settings()
        with self._log.open("wb") as log:
            env = {"OTEL_TRACES_EXPORTER": "none"}
            self._process = subprocess.Popen(
                [self._program, "serve", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env
            )
        try:
            self.host = re.findall(r"listening on ([\d.:]+)", self._wait_for(r"listening on [\d.:]+"))[0]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the registry and wait for it."""
        self._process.terminate()
        self._process.wait()

    def _write_settings(self) -> Path:
        http: dict[str, object] = {"addr": "127.0.0.1:0"}
        settings: dict[str, object] = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": False}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}},
            "http": http,
        }
        if self.authority:
            http["tls"] = {"certificate": str(self.authority.certificate), "key": str(self.authority.key)}
        if self.credentials:
            user, password = self.credentials
            users = self._folder / "htpasswd"
            digest = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()
            users.write_text(f"{user}:{digest}\n", encoding="utf-8")
            settings["auth"] = {"htpasswd": {"realm": "charts", "path": str(users)}}
        path = self._folder / "config.yml"
        path.write_text(json.dumps(settings), encoding="utf-8")
        return path

    def _touch(self, url: str) -> None:
        context = ssl.create_default_context(cafile=str(self.authority.ca)) if self.authority else None
        try:
            urllib.request.urlopen(url, timeout=5, context=context).close()  # noqa: S310  loopback
        except urllib.error.HTTPError as answer:
            answer.close()  # there is nothing at the mark, and that is an answer

    def _wait_for(self, pattern: str) -> str:
        """Return the log up to what matches `pattern`."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            text = self._log.read_text(encoding="utf-8")
            if found := re.search(pattern, text):
                return text[: found.end()]
            time.sleep(0.01)
        raise TimeoutError(f"the registry did not log {pattern!r}:\n{self._log.read_text(encoding='utf-8')}")
