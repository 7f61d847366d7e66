"""The comments of pull requests on loopback, as GitHub and GitLab keep them: pages, tokens, limits and faults."""

from __future__ import annotations

import http.server
import json
from collections import deque
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.support.servers.loopback import LoopbackServer

TOKEN = "a-token"
ME, OTHER = "github-actions[bot]", "mallory"
IDS = {ME: 41, OTHER: 66}
REPOSITORY, PROJECT, NUMBER = "platform/clusters", "17", "5"
GITHUB_LIST = f"/repos/{REPOSITORY}/issues/{NUMBER}/comments"
GITHUB_ONE = f"/repos/{REPOSITORY}/issues/comments/"
GITLAB_LIST = f"/projects/{PROJECT}/merge_requests/{NUMBER}/notes"


class Fault(NamedTuple):
    """The answer to the next request of a method and path; with `is_done` it does its work all the same."""

    method: str
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    path: str = ""
    is_done: bool = False


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Forge

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        forge = self.server
        size = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(size)) if size else {}
        forge.requests.append(f"{self.command} {self.path}")
        said = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
        forge.tokens.append(said)
        if said.removeprefix("Bearer ") != TOKEN:
            self._answer(401, {"message": "Bad credentials"})
            return
        fault = forge.next_fault(self.command, self.path)
        if not fault or fault.is_done:
            status, answer, headers = forge.serve(self.command, self.path, body)
        if fault:
            status, answer, headers = fault.status, {"message": "a fault made for a test"}, fault.headers
        self._answer(status, answer, headers)

    def _answer(self, status: int, answer: object, headers: tuple[tuple[str, str], ...] = ()) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in http.server
        """Keep quiet: the requests are recorded."""


class Forge(LoopbackServer):
    """Both forges at once, as a context manager; `comments` holds (id, author, text), the oldest first."""

    def __init__(self, largest_page: int = 100) -> None:
        super().__init__(_Handler)
        self.largest_page = largest_page
        self.comments: list[tuple[int, str, str]] = []
        self.pulls: list[dict[str, object]] = []
        self.requests: list[str] = []
        self.tokens: list[str] = []
        self.faults: deque[Fault] = deque()

    @property
    def url(self) -> str:
        """Where the APIs start."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def texts(self) -> list[str]:
        """The comments' texts."""
        return [text for _, _, text in self.comments]

    @property
    def writes(self) -> list[str]:
        """The requests that write comments."""
        return [each for each in self.requests if not each.startswith(("GET", "POST /graphql"))]

    def env(self) -> dict[str, str]:
        """Return the variables by which a job knows this forge."""
        return {
            "STICKY_TOKEN": TOKEN,
            "GITHUB_API_URL": self.url,
            "GITHUB_GRAPHQL_URL": f"{self.url}/graphql",
            "GITHUB_REPOSITORY": REPOSITORY,
            "CI_API_V4_URL": self.url,
            "CI_MERGE_REQUEST_PROJECT_ID": PROJECT,
        }

    def add(self, text: str, author: str = ME) -> None:
        """Add a comment."""
        self.comments.append((len(self.comments) + 1, author, text))

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Take the first fault that is left, if it is for such a request."""
        if self.faults and self.faults[0].method == method and path.startswith(self.faults[0].path):
            return self.faults.popleft()
        return None

    def serve(self, method: str, target: str, body: dict[str, Any]) -> tuple[int, object, tuple[tuple[str, str], ...]]:
        """Do what a request asks for: status, answer and headers."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/graphql":
            return 200, {"data": {"viewer": {"login": ME}}}, ()
        if path == "/user":
            return 200, {"id": IDS[ME]}, ()
        if path == f"/repos/{REPOSITORY}/pulls":
            return 200, [each for each in self.pulls if [each["label"]] == query["head"]], ()
        if path in {GITHUB_LIST, GITLAB_LIST}:
            return self._list(path, query) if method == "GET" else self._create(body)
        number = path.removeprefix(GITHUB_ONE if method == "PATCH" else f"{GITLAB_LIST}/")
        if number.isdecimal() and method in {"PATCH", "PUT"}:
            index = int(number) - 1
            self.comments[index] = (*self.comments[index][:2], body["body"])
            return 200, {}, ()
        return 404, {"message": "Not Found"}, ()

    def _create(self, body: dict[str, Any]) -> tuple[int, object, tuple[tuple[str, str], ...]]:
        self.add(body["body"])
        return 201, {}, ()

    def _list(self, path: str, query: dict[str, list[str]]) -> tuple[int, object, tuple[tuple[str, str], ...]]:
        size, page = min(int(query["per_page"][0]), self.largest_page), int(query["page"][0])
        is_gitlab = path == GITLAB_LIST
        found = self.comments[::-1] if is_gitlab else self.comments
        items = [self._item(is_gitlab, *each) for each in found[(page - 1) * size : page * size]]
        links = ['<https://example.com/?page=1>; rel="first"']
        links += ['<https://example.com/?page=2>; rel="next"'] if len(found) > page * size else []
        return 200, items, (("Link", ", ".join(links)),)

    @staticmethod
    def _item(is_gitlab: bool, number: int, author: str, text: str) -> dict[str, object]:  # noqa: FBT001
        if is_gitlab:
            return {"id": number, "author": {"id": IDS[author]}, "body": text}
        return {"id": number, "user": {"login": author} if author else None, "body": text}
