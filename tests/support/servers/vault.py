"""The transit engine of a Vault on loopback, as far as sops asks it: a key that hides nothing, and a token."""

from __future__ import annotations

import http.server
import json
from typing import NamedTuple

from tests.support.servers.loopback import LoopbackServer

TOKEN = "hvs.token-of-the-sidecar"
SEALED = "vault:v1:"


class Asked(NamedTuple):
    """One request: its path, and the token that came with it."""

    path: str
    token: str


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Vault

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        token = self.headers.get("X-Vault-Token", "")
        self.server.asked.append(Asked(self.path, token))
        if token != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
        elif self.path == "/v1/transit/encrypt/shop":
            self._answer(200, {"data": {"ciphertext": SEALED + body["plaintext"]}})
        elif self.path == "/v1/transit/decrypt/shop":
            self._answer(200, {"data": {"plaintext": body["ciphertext"].removeprefix(SEALED)}})
        else:
            self._answer(404, {"errors": []})

    def _answer(self, status: int, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class Vault(LoopbackServer):
    """A server with the transit key `shop`; `asked` are the requests that reached it."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.asked: list[Asked] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = f"{self.url}/v1/transit/keys/shop"
