"""The forges: how an account finds, adds and updates comments of a pull request.  Only the standard library is used."""
# ruff: noqa: INP001  # lies beside the script that imports it

from __future__ import annotations

import json
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import Message

PAGE, PAGES = 100, 100
TIMEOUT = 30.0  # seconds, of one request


class RefusedError(Exception):
    """Nothing that helps to try again; the text is for the reader of the job's log."""


class PassingError(Exception):
    """A fault that passes: a server that is busy, or a limit; `seconds` is what the server asks for, if it does."""

    def __init__(self, what: str, seconds: float | None = None) -> None:
        super().__init__(what)
        self.seconds = seconds


class Comment(NamedTuple):
    """A comment: the id and author as the forge names them."""

    id: str
    author: str
    text: str


class Forge(Protocol):
    """Where pull requests are."""

    limit: int
    """The most characters of a comment."""

    def account(self) -> str:
        """Return who the token belongs to, as in `Comment.author`."""

    def comments(self) -> Iterator[Comment]:
        """Yield all comments of the pull request, the oldest first."""

    def create(self, text: str) -> None:
        """Add a comment."""

    def update(self, comment: Comment, text: str) -> None:
        """Replace the text of a comment."""


class Api(NamedTuple):
    """An HTTP API that speaks JSON."""

    url: str
    headers: Mapping[str, str]
    hint: str

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield the items of a list that comes in pages."""
        for number in range(1, PAGES + 1):
            items, headers = self.ask("GET", f"{path}?{urlencode({'per_page': PAGE, 'page': number})}")
            yield from items
            if 'rel="next"' not in headers.get("Link", ""):
                return
        raise RefusedError(f"more than {PAGE * PAGES} comments")

    def ask(self, method: str, path: str, body: object = None, url: str = "") -> tuple[Any, Message]:
        """Send one request; RefusedError or PassingError when it fails."""
        request = Request(url or f"{self.url}{path}", method=method)  # noqa: S310  # the CI system says where
        request.add_header("User-Agent", "argocd-cmp")
        for name, value in self.headers.items():
            request.add_unredirected_header(name, value)  # another host must not see the token
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
                return json.load(response), response.headers
        except HTTPError as error:
            with error:
                raise self._failed(f"{method} {path}", error) from None
        except ValueError:
            raise RefusedError(f"{method} {path}: the answer is not JSON") from None
        except (OSError, HTTPException) as error:
            raise PassingError(f"{method} {path}: {error}") from None

    def _failed(self, what: str, error: HTTPError) -> RefusedError | PassingError:
        wait = error.headers.get("Retry-After", "")
        seconds = float(wait) if wait.isdecimal() else None
        if error.headers.get("X-RateLimit-Remaining") == "0" and seconds is None:
            reset = error.headers.get("X-RateLimit-Reset", "0")
            seconds = max(0.0, float(reset) - time.time())
        is_limit = error.code == 429 or (error.code == 403 and seconds is not None)  # noqa: PLR2004
        text = f"{what}: HTTP {error.code} {error.reason}"
        if is_limit or error.code >= 500:  # noqa: PLR2004
            return PassingError(text, seconds)
        return RefusedError(f"{text}\n  hint: {self.hint}" if error.code in {401, 403, 404} else text)


class GitHub:
    """The conversation of a pull request on GitHub."""

    limit = 65_536

    def __init__(self, environ: Mapping[str, str], number: str) -> None:
        self._graphql = environ["GITHUB_GRAPHQL_URL"]
        self._repository = environ["GITHUB_REPOSITORY"]
        headers = {
            "Authorization": f"Bearer {environ['STICKY_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        hint = (
            "the job needs `permissions: pull-requests: write`; the token of a fork's run never has it: see "
            "docs/preview.md, Pull requests of forks"
        )
        self._api = Api(environ["GITHUB_API_URL"], headers, hint)
        self._number = number

    def find(self, head: str, commit: str) -> bool:
        """Find the open pull request of a branch, `OWNER:BRANCH`, that is at this commit; False without one."""
        query = urlencode({"state": "open", "head": head, "per_page": PAGE})
        found, _ = self._api.ask("GET", f"/repos/{self._repository}/pulls?{query}")
        numbers = [str(each["number"]) for each in found if each["head"]["sha"] == commit]
        self._number = numbers[0] if len(numbers) == 1 else ""
        return bool(self._number)

    def account(self) -> str:
        """Ask GraphQL: the token of a job may not use `GET /user`."""
        answer, _ = self._api.ask("POST", "/graphql", {"query": "{viewer{login}}"}, self._graphql)
        try:
            return str(answer["data"]["viewer"]["login"])
        except (KeyError, TypeError):
            raise RefusedError("GitHub does not say whose token this is") from None

    def comments(self) -> Iterator[Comment]:
        """Yield the comments of the conversation, not those of the review."""
        for each in self._api.pages(f"/repos/{self._repository}/issues/{self._number}/comments"):
            author = (each["user"] or {}).get("login", "")  # none where the account was deleted
            yield Comment(str(each["id"]), author, each["body"] or "")

    def create(self, text: str) -> None:
        """Add a comment."""
        self._api.ask("POST", f"/repos/{self._repository}/issues/{self._number}/comments", {"body": text})

    def update(self, comment: Comment, text: str) -> None:
        """Replace the text of a comment."""
        self._api.ask("PATCH", f"/repos/{self._repository}/issues/comments/{comment.id}", {"body": text})


class GitLab:
    """The notes of a merge request on GitLab."""

    limit = 1_000_000

    def __init__(self, environ: Mapping[str, str], number: str) -> None:
        hint = "STICKY_TOKEN must be a token of the target project with the scope api and at least the role Reporter"
        self._api = Api(environ["CI_API_V4_URL"], {"PRIVATE-TOKEN": environ["STICKY_TOKEN"]}, hint)
        project = quote(environ["CI_MERGE_REQUEST_PROJECT_ID"], safe="")
        self._notes = f"/projects/{project}/merge_requests/{number}/notes"

    def account(self) -> str:
        """Return the id: a token has a user of its own."""
        answer, _ = self._api.ask("GET", "/user")
        return str(answer["id"])

    def comments(self) -> Iterator[Comment]:
        """Yield the notes, the oldest first."""
        found = list(self._api.pages(self._notes))  # the newest first: what is added meanwhile shifts, and hides none
        for each in reversed(found):
            yield Comment(str(each["id"]), str(each["author"]["id"]), each["body"])

    def create(self, text: str) -> None:
        """Add a note."""
        self._api.ask("POST", self._notes, {"body": text})

    def update(self, comment: Comment, text: str) -> None:
        """Replace the text of a note."""
        self._api.ask("PUT", f"{self._notes}/{comment.id}", {"body": text})
