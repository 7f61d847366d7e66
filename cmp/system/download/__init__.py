"""Downloads over HTTP: the policy is asked about each URL on the way, and credentials go to their own origin alone.

Proxies and certificates come from the settings.  Behind a proxy the proxy looks names up, so that addresses are not
checked there.  A transient fault is tried again, within the deadline.
"""

from __future__ import annotations

import http.client
import io
import ssl
from base64 import b64encode
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from cmp import __version__
from cmp.errors import DeadlineError
from cmp.system import retry, signals
from cmp.system.download.connections import Dialer, DownloadError, Response, connection_errors, reason
from cmp.system.download.proxies import Proxies
from cmp.system.urls import origin, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import IO

    from cmp.errors import CmpError
    from cmp.model import Settings
    from cmp.system.download.connections import Kind
    from cmp.system.process import Deadline

    # Called with the URL of a request, and the URL that led there ("" for the first).  It raises to refuse the request,
    # and returns whether an administrator lists the host, which may have any address then.
    UrlCheck = Callable[[str, str], bool]
    # Called with a file's name and its size in bytes (0 is unknown); the block gets a function that counts bytes.
    Progress = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]

MAX_HOPS = 10
MIB = 1 << 20
_CHUNK = 1 << 16
_OK = 200
_REDIRECTS = (301, 302, 303, 307, 308)
_IN_URL = "%/:=&?~#+!$,;'@()*[]"  # characters of a URL that are not quoted once more


class Credentials(NamedTuple):
    """Login, client certificate and trust for the origin of a repository; the fields are those of repositories.yaml.

    With `pass_credentials_all` the first URL of a download gets user and password too where it lies elsewhere.
    """

    username: str = ""
    password: str = ""
    pass_credentials_all: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    insecure_skip_tls_verify: bool = False


NO_CREDENTIALS = Credentials()


def everywhere(_url: str, _source: str) -> bool:
    """Allow every URL and every address, for a URL that an administrator named."""
    return True


class Source(NamedTuple):
    """One thing to download, of at most `limit` bytes; `subject` is how messages call it.

    `home` is the URL of the repository to which it belongs: its origin gets the `credentials`, and it may be this
    machine if it says so itself.
    """

    subject: str
    url: str
    limit: int
    home: str
    check_url: UrlCheck = everywhere
    credentials: Credentials = NO_CREDENTIALS


def silent(name: str, size: int) -> AbstractContextManager[Callable[[int], object]]:  # noqa: ARG001  # a Progress
    """Show no progress of a download."""
    return nullcontext(lambda _count: None)


class Downloader:
    """Downloads with the settings of one run; `error` is the class of errors for settings that cannot be used.

    Failures of a kind in `final` are not tried again.
    """

    def __init__(
        self,
        settings: Settings,
        deadline: Deadline,
        error: type[CmpError],
        *,
        progress: Progress = silent,
        final: tuple[Kind, ...] = (),
    ) -> None:
        self._ca_file = settings.ca_file
        self._proxies = Proxies(settings.env.fetch)
        self._deadline = deadline
        self._error = error
        self._progress = progress
        self._final = final

    def read(self, source: Source) -> bytes:
        """Return the body; DownloadError when it cannot be downloaded, `error` when it is too large."""
        body = io.BytesIO()
        self.save(source, body)
        return body.getvalue()

    def save(self, source: Source, file: IO[bytes]) -> None:
        """Write the body to an empty file; the errors are those of `read`."""

        def receive() -> None:
            file.seek(0)
            file.truncate()
            with self._answer(source) as (response, url):
                self._copy(response, url, source, file)

        self._retried(receive, source)

    def look(self, source: Source) -> None:
        """Request a body without reading it, so that the policy is asked about each URL that a server leads to.

        A URL that is signed for GET answers no HEAD.
        """

        def look() -> None:
            with self._answer(source):
                pass

        self._retried(look, source)

    def check(self, source: Source) -> None:
        """Check the addresses of a host for a program that connects to it by itself, and so looks it up once more.

        A name that cannot be looked up is reported by that program.
        """
        place = origin(source.url)
        allows_any = source.check_url(source.url, "")
        if allows_any or self._proxies.of(place._replace(scheme="https")):
            return
        allows_loopback = place == origin(source.home) and place.is_loopback
        try:
            Dialer(
                name=place.netloc, deadline=self._deadline, allows_any=allows_any, allows_loopback=allows_loopback
            ).resolve(place.host, place.port)
        except DownloadError as error:
            if error.kind == "address":
                raise

    def _retried(self, work: Callable[[], None], source: Source) -> None:
        """Do the work, and again after a transient fault."""
        for attempt in retry.attempts(self._deadline):
            try:
                with signals.doing(f"waiting for {source.subject}"):
                    return work()
            except DownloadError as error:
                if self._deadline.remaining() <= 0:
                    raise self._late(source, error.host) from None
                last = attempt == retry.TRIES - 1
                if last or not error.is_transient or error.kind in self._final:
                    raise
        return None

    def _late(self, source: Source, host: str) -> DeadlineError:
        seconds = self._deadline.seconds
        return DeadlineError(
            f"{source.subject} was still coming from {host} when the deadline of {seconds:g} s passed", is_external=True
        )

    def _copy(self, response: http.client.HTTPResponse, url: str, source: Source, file: IO[bytes]) -> None:
        host = origin(url).netloc
        announced = response.headers.get("Content-Length", "")
        expected = int(announced) if announced.isdecimal() and not response.chunked else None
        size = 0
        with self._progress(source.url.rpartition("/")[2], expected or 0) as advance, connection_errors(url):
            while data := response.read1(_CHUNK):
                if self._deadline.remaining() <= 0:
                    raise self._late(source, host)
                size += len(data)
                if size > source.limit:
                    raise self._error(f"{shown(source.url)} is larger than {source.limit // MIB} MiB")
                file.write(data)
                advance(len(data))
        if expected is not None and expected != size:
            raise DownloadError("cut", f"{shown(url)} broke off: {size} of {expected} bytes came", host)

    @contextmanager
    def _answer(self, source: Source) -> Iterator[tuple[http.client.HTTPResponse, str]]:
        """Follow redirects; yield the last answer and its URL.  The connections end with the block."""
        url, led_by = source.url, ""
        with ExitStack() as stack:
            for _ in range(MAX_HOPS):
                allows_any = source.check_url(url, led_by)
                connection = self._connection(url, source, allows_any=allows_any)
                stack.callback(connection.close)
                with connection_errors(url):
                    response = self._ask(connection, url, source)
                    stack.callback(response.close)
                if response.status not in _REDIRECTS:
                    break
                url, led_by = _target(url, response), url
            else:
                raise DownloadError("redirect", f"{shown(source.url)} leads to more than {MAX_HOPS} URLs", led_by)
            if response.status != _OK:
                message = f"{shown(url)} answers {response.status} {response.reason}".rstrip()
                raise DownloadError("status", message, host=origin(url).netloc, status=response.status)
            yield response, url

    def _connection(self, url: str, source: Source, *, allows_any: bool) -> http.client.HTTPConnection:
        place, home = origin(url), origin(source.home)
        proxy = self._proxies.of(place)
        allows_loopback = place == home and place.is_loopback
        near = proxy or place
        dialer = Dialer(
            name=near.netloc,
            deadline=self._deadline,
            allows_any=allows_any or proxy is not None,
            allows_loopback=allows_loopback,
        )
        if place.scheme == "https":
            context = self._trust(source.credentials, is_home=place == home)
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(near.host, near.port, context=context)
            if proxy:
                connection.set_tunnel(place.host, place.port, headers=proxy.headers)
        else:
            connection = http.client.HTTPConnection(near.host, near.port)
        # http.client has no other way to connect to an address that was checked.
        connection._create_connection = dialer.connect  # type: ignore[attr-defined]  # noqa: SLF001
        connection.response_class = partial(Response, self._deadline)  # type: ignore[assignment]
        return connection

    def _ask(self, connection: http.client.HTTPConnection, url: str, source: Source) -> http.client.HTTPResponse:
        place, parts = origin(url), urlsplit(url)
        headers = {"Host": place.netloc, "User-Agent": f"argocd-cmp/{__version__}", "Connection": "close"}
        if authorization := _authorization(url, source):
            headers["Authorization"] = authorization
        target = quote(f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}", safe=_IN_URL)
        proxy = self._proxies.of(place)
        if proxy and place.scheme == "http":
            target = f"{place}{target}"
            headers |= proxy.headers
        connection.request("GET", target, headers=headers)
        return connection.getresponse()

    def _trust(self, credentials: Credentials, *, is_home: bool) -> ssl.SSLContext:
        """Return the trust in certificates of the settings, and at the repository's own origin that of its entry."""
        own_ca = credentials.ca_file if is_home else ""
        context = ssl.create_default_context(cafile=None)
        # Newer versions of Python want extensions that many private authorities leave out; Go, and so helm, do not.
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        for path, name in ((self._ca_file, "the CA bundle"), (own_ca, "the CA bundle of the repository")):
            if path:
                self._load(partial(context.load_verify_locations, path), name, path)
        if is_home and credentials.cert_file and credentials.key_file:
            chain = partial(context.load_cert_chain, credentials.cert_file, credentials.key_file, password="")
            self._load(chain, "the client certificate of the repository", credentials.cert_file)
        if is_home and credentials.insecure_skip_tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _load(self, load: Callable[[], object], name: str, path: str) -> None:
        try:
            load()
        except (OSError, ValueError) as error:
            raise self._error(f"{name} cannot be read: {reason(error)}", file=path) from None


def _authorization(url: str, source: Source) -> str:
    """Return the header for a URL; an empty text where the credentials are not for it."""
    credentials, place, home = source.credentials, origin(url), origin(source.home)
    is_less = home.scheme == "https" and place.scheme != "https"
    is_meant = place == home or (credentials.pass_credentials_all and url == source.url and not is_less)
    if not (is_meant and credentials.username and credentials.password):
        return ""
    return "Basic " + b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()


def _target(url: str, response: http.client.HTTPResponse) -> str:
    """Return the URL that a redirect leads to; DownloadError for a missing one, and for one that leaves TLS."""
    location = response.headers.get("Location", "").encode("latin-1", "replace").decode("utf-8", "replace")
    target = ""
    try:
        target = urljoin(url, location) if location else ""
        place = origin(target)
    except ValueError:
        place = None
    host = origin(url).netloc
    answers = f"{shown(url)} answers {response.status}"
    if place is None or place.scheme not in ("http", "https") or "@" in urlsplit(target).netloc:
        raise DownloadError("redirect", f"{answers} and leads to no URL that can be asked", host)
    if origin(url).scheme == "https" and place.scheme != "https":
        raise DownloadError("redirect", f"{answers} and leads to {shown(target)}, without TLS", host)
    return target
