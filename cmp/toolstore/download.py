"""HTTP downloads to files: proxies and certificates from settings, bounded retries, and quick to see a dead host."""

from __future__ import annotations

import hashlib
import http.client
import ssl
import time
import urllib.error
import urllib.request
from contextlib import nullcontext
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp.errors import DeadlineError, ToolError
from cmp.toolstore.recipes import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import IO

    from cmp.model import Settings
    from cmp.proc import Deadline

    # Called with a file's name and its size in bytes (0 is unknown); the block gets a function that counts bytes.
    Progress = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]

CONNECT_SECONDS = 5.0  # for one address; the Go module is waiting as the next way
SILENCE_SECONDS = 60.0  # without a byte
ATTEMPTS = 3
PAUSE_SECONDS = 0.5  # before the second attempt, twice that before the third
_CHUNK = 1 << 16
_TRANSIENT = (408, 425, 429)


class Downloads:
    """The downloads of one run: a host that could not be reached is not tried again."""

    def __init__(self, settings: Settings, deadline: Deadline, progress: Progress) -> None:
        self._deadline = deadline
        self._progress = progress
        self._opener = urllib.request.build_opener(
            *(_Proxies(settings.env.build), _Redirects(), _HTTPHandler()),
            _HTTPSHandler(context=_trust(settings.ca_file)),
        )
        self._dead: dict[str, str] = {}

    def save(self, url: str, path: str, limit: int) -> str:
        """Write the body, of at most `limit` bytes, to `path` and return its sha256.

        UnavailableError when there is none to be had, ToolError when there is too much.
        """
        host = urlsplit(url).netloc
        if host in self._dead:
            raise UnavailableError(self._dead[host])
        said = ""
        for attempt in range(ATTEMPTS):
            time.sleep(min(PAUSE_SECONDS * 2 ** (attempt - 1) if attempt else 0, self._deadline.remaining()))
            try:
                return self._once(url, path, limit)
            except urllib.error.HTTPError as error:
                error.close()
                said = f"{url} answers {error.code} {error.reason}"
                if error.code < http.HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in _TRANSIENT:
                    break
            except urllib.error.URLError as error:  # no connection came about
                said = self._dead[host] = f"{host} cannot be reached: {_reason(error.reason)}"
                break
            except (OSError, http.client.HTTPException) as error:
                said = f"{url} broke off: {_reason(error)}"
        raise UnavailableError(said)

    def _once(self, url: str, path: str, limit: int) -> str:
        digest = hashlib.sha256()
        size = 0
        with self._opener.open(url) as response, open(path, "wb") as file:
            announced = response.headers.get("Content-Length")
            with self._progress(url.rpartition("/")[2], int(announced or 0)) as advance:
                while data := response.read(_CHUNK):
                    self._check_time(url)
                    size += len(data)
                    if size > limit:
                        raise ToolError(f"{url} is larger than {limit >> 20} MiB")
                    digest.update(data)
                    file.write(data)
                    advance(len(data))
        if announced and int(announced) != size:
            raise http.client.HTTPException(f"{size} of {announced} bytes came")
        return digest.hexdigest()

    def _check_time(self, url: str) -> None:
        if self._deadline.remaining() <= 0:
            seconds = self._deadline.seconds
            raise DeadlineError(f"{url} was still coming when the deadline of {seconds:g} s passed", foreign=True)


def silent(name: str, size: int) -> AbstractContextManager[Callable[[int], object]]:  # noqa: ARG001  # a Progress
    """Show nothing of a download."""
    return nullcontext(lambda _count: None)


def _trust(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:
            raise ToolError(f"the CA bundle cannot be read: {_reason(error)}", file=ca_file) from error
    return context


def _reason(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class _Proxies(urllib.request.ProxyHandler):
    """Proxies from a mapping of the usual variables instead of from the process's environment."""

    def __init__(self, env: Mapping[str, str]) -> None:
        def setting(name: str) -> str:
            return env.get(name.lower()) or env.get(name.upper()) or ""

        found = {scheme: setting(f"{scheme}_proxy") or setting("all_proxy") for scheme in ("http", "https")}
        self._exempt = {"no": setting("no_proxy")}
        super().__init__({scheme: proxy for scheme, proxy in found.items() if proxy})

    def proxy_open(self, req: urllib.request.Request, proxy: str, type: str) -> object:  # noqa: A002
        if urllib.request.proxy_bypass_environment(req.host, self._exempt):  # type: ignore[attr-defined]
            return None
        return super().proxy_open(req, proxy, type)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Go wherever a host sends us, but not from https to less."""

    def redirect_request(  # noqa: PLR0913, PLR0917  # as in urllib
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and urlsplit(newurl).scheme != "https":
            raise urllib.error.HTTPError(req.full_url, code, f"and leads to {newurl}, without TLS", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _HTTPConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.timeout = CONNECT_SECONDS
        super().connect()
        self.sock.settimeout(SILENCE_SECONDS)


class _HTTPSConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        self.timeout = CONNECT_SECONDS
        super().connect()
        self.sock.settimeout(SILENCE_SECONDS)


class _HTTPHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPConnection, req)


class _HTTPSHandler(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HTTPSConnection, req, context=self._context)  # type: ignore[attr-defined]
