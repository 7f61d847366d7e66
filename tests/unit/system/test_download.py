"""Downloads: the hosts that are asked, the credentials they get, forbidden addresses, and the messages of failures."""

from __future__ import annotations

import base64
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from cmp import environ
from cmp.errors import ChartError, ConfigError, DeadlineError
from cmp.model import NOTHING
from cmp.system import retry
from cmp.system.download import Credentials, Downloader, Source, everywhere
from cmp.system.download.connections import DownloadError, address_kind
from cmp.system.download.proxies import Proxies
from cmp.system.process import Deadline
from cmp.system.urls import normal, origin, shown
from tests.support.servers import authority
from tests.support.servers.web import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cmp.system.download import UrlCheck

ME = Credentials(username="me", password="my-own-password")
BASIC = "Basic " + base64.b64encode(b"me:my-own-password").decode()
MIB = 1 << 20


@pytest.fixture
def host() -> Iterator[WebServer]:
    with WebServer() as host:
        yield host


@pytest.fixture
def other() -> Iterator[WebServer]:
    with WebServer() as host:
        yield host


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "BACKOFF_SECONDS", 0.001)


def unlisted(_url: str, _led_by: str) -> bool:
    return False


def read(
    url: str,
    home: str = "",
    permit: UrlCheck = unlisted,
    credentials: Credentials = ME,
    seconds: float = 30,
    env: Mapping[str, str] = NOTHING,
) -> bytes:
    settings = environ.read(env, default_deadline=30).settings
    source = Source("the thing", url, MIB, home or url, permit, credentials)
    return Downloader(settings, Deadline(seconds), ChartError).read(source)


def failure(url: str, home: str = "", permit: UrlCheck = unlisted, **env: str) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        read(url, home, permit, env=env)
    return caught.value


# -- who gets credentials


def test_credentials_go_to_the_origin_of_the_repository_alone(host: WebServer, other: WebServer) -> None:
    host.give("/charts/index.yaml", b"index")
    host.give("/charts/moved", f"{host.at()}/charts/index.yaml")
    host.give("/charts/away", f"{other.at()}/archive")
    other.give("/archive", b"archive")
    assert read(f"{host.at()}/charts/moved", home=f"{host.at()}/charts") == b"index"
    assert [given for _, given in host.requests] == [BASIC, BASIC]
    assert read(f"{host.at()}/charts/away", f"{host.at()}/charts", everywhere) == b"archive"
    assert other.requests == [("GET /archive", "")]


def test_pass_credentials_all_is_for_the_url_that_an_index_names_and_for_no_redirect(
    host: WebServer, other: WebServer
) -> None:
    all_get_it = ME._replace(pass_credentials_all=True)
    other.give("/archive", b"archive")
    assert read(f"{other.at()}/archive", host.at(), everywhere, all_get_it) == b"archive"
    host.give("/archive", f"{other.at()}/archive")
    read(f"{host.at()}/archive", host.at(), everywhere, all_get_it)
    assert [given for _, given in other.requests] == [BASIC, ""]


def test_credentials_never_leave_tls(host: WebServer, tmp_path: Path) -> None:
    private = authority.create(tmp_path)
    with WebServer(private) as safe:
        safe.give("/archive", f"{host.at()}/archive")
        error = failure(f"{safe.at()}/archive", CMP_CA_FILE=str(private.ca), permit=everywhere)
        assert (error.kind, error.message) == (
            "redirect",
            f"{safe.at()}/archive answers 302 and leads to {host.at()}/archive, without TLS",
        )
        host.give("/archive", b"archive")
        all_get_it = ME._replace(pass_credentials_all=True)
        read(f"{host.at()}/archive", safe.at(), everywhere, all_get_it)
        assert host.requests == [("GET /archive", "")]


def test_an_entry_says_at_home_how_certificates_are_verified_and_nowhere_else(tmp_path: Path) -> None:
    private = authority.create(tmp_path)
    with WebServer(private) as host, WebServer(private) as other:
        host.give("/archive", f"{other.at()}/archive")
        other.give("/archive", b"archive")
        lax = ME._replace(insecure_skip_tls_verify=True)
        trusting = ME._replace(ca_file=str(private.ca))
        other.give("/own", b"own")
        for credentials in (lax, trusting):
            assert read(f"{other.at()}/own", credentials=credentials) == b"own"
            with pytest.raises(DownloadError, match=r"certificate verify failed") as caught:
                read(f"{host.at()}/archive", host.at(), everywhere, credentials)
            assert caught.value.host == origin(other.at()).netloc


def test_a_client_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    credentials = ME._replace(cert_file=f"{tmp_path}/none.pem", key_file=f"{tmp_path}/none.key")
    with pytest.raises(ChartError) as caught:
        read("https://127.0.0.1:9/", credentials=credentials)
    assert caught.value.what == "the client certificate of the repository cannot be read: No such file or directory"
    assert caught.value.file == f"{tmp_path}/none.pem"


# -- which URLs and addresses are asked


def test_each_url_is_asked_about_before_it_is_asked_for(host: WebServer, other: WebServer) -> None:
    asked: list[tuple[str, str]] = []

    def permit(url: str, led_by: str) -> bool:
        asked.append((url, led_by))
        if url.startswith(other.at()):
            raise ConfigError("not there")
        return True

    host.give("/a", f"{host.at()}/b")
    host.give("/b", f"{other.at()}/c")
    with pytest.raises(ConfigError, match="not there"):
        read(f"{host.at()}/a", permit=permit)
    assert asked == [
        (f"{host.at()}/a", ""),
        (f"{host.at()}/b", f"{host.at()}/a"),
        (f"{other.at()}/c", f"{host.at()}/b"),
    ]
    assert other.requests == []


def test_a_repository_may_say_that_it_is_this_machine_and_nobody_else_may_lead_there(
    host: WebServer, other: WebServer
) -> None:
    host.give("/own", b"own")
    host.give("/away", f"{other.at()}/secret")
    other.give("/secret", b"secret")
    for name in ("127.0.0.1", "localhost"):
        assert read(f"{host.at(name)}/own") == b"own"
    error = failure(f"{host.at()}/away", home=host.at())
    assert (error.kind, error.message) == ("address", "127.0.0.1 is a loopback address")
    assert failure(f"{other.at()}/secret", home=host.at()).kind == "address"  # as an index may name it
    assert other.requests == []
    assert read(f"{host.at()}/away", permit=everywhere) == b"secret"


@pytest.mark.parametrize("name", ["2130706433", "0x7f.1", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]"])  # noqa: S104
def test_another_spelling_of_this_machine_does_not_say_so(host: WebServer, name: str) -> None:
    host.give("/own", b"own")
    assert failure(f"{host.at(name)}/own").kind == "address"
    assert host.requests == []


def test_a_name_that_resolves_to_this_machine_is_not_asked_and_is_looked_up_once(
    host: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [["10.0.0.1", "127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"]]
    looked_up: list[str] = []

    def resolve(name: str, port: int, **_: object) -> list[tuple[object, ...]]:
        looked_up.append(name)
        found = answers[len(looked_up) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)  # no name of a test machine resolves to anything else
    host.give("/own", b"own")
    said = "charts.example leads to 127.0.0.1, a loopback address"
    assert failure(f"{host.at('charts.example')}/own").message == said  # one address of several is enough
    assert failure(f"{host.at('charts.example')}/own").message == said
    assert host.requests == []
    assert read(f"{host.at('charts.example')}/own", permit=everywhere) == b"own"
    assert looked_up == ["charts.example"] * 3


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("169.254.169.254", "the address of a cloud's metadata service"),
        ("::ffff:169.254.169.254", "the address of a cloud's metadata service"),
        ("64:ff9b::a9fe:a9fe", "the address of a cloud's metadata service"),
        ("2002:a9fe:a9fe::1", "the address of a cloud's metadata service"),
        ("fd00:ec2::254", "the address of a cloud's metadata service"),
        ("100.100.100.200", "the address of a cloud's metadata service"),
        ("169.254.1.1", "a link-local address"),
        ("fe80::1%eth0", "a link-local address"),
        ("127.9.9.9", "a loopback address"),
        ("0.0.0.0", "a loopback address"),  # noqa: S104
        ("::", "a loopback address"),
        ("239.1.1.1", "a multicast address"),
        ("10.0.0.1", ""),
        ("192.168.1.1", ""),
        ("::ffff:10.0.0.1", ""),
        ("100.100.100.201", ""),
        ("fd00::1", ""),
        ("2001:db8::1", ""),
    ],
)
def test_an_address_is(address: str, kind: str) -> None:
    assert address_kind(address) == kind


def test_a_link_local_address_is_not_asked_even_where_a_repository_says_so() -> None:
    assert (
        failure("http://169.254.169.254/latest").message
        == "169.254.169.254 is the address of a cloud's metadata service"
    )
    assert failure("http://[fe80::1]/x").message == "fe80::1 is a link-local address"


# -- faults


def test_a_transient_fault_is_tried_three_times_and_another_once(host: WebServer) -> None:
    host.give("/busy", b"", 503)
    error = failure(f"{host.at()}/busy?token=secret")
    assert (error.kind, error.status) == ("status", 404)  # the query belongs to what is asked for
    assert error.message == f"{host.at()}/busy?… answers 404 Not Found"
    error = failure(f"{host.at()}/busy")
    assert (error.kind, error.status, error.message) == (
        "status",
        503,
        f"{host.at()}/busy answers 503 Service Unavailable",
    )
    host.give("/cut", b"12345", announced=10)
    assert failure(f"{host.at()}/cut").message == f"{host.at()}/cut broke off: 5 of 10 bytes came"
    asked = [request for request, _ in host.requests]
    assert asked == ["GET /busy?token=secret", *["GET /busy"] * 3, *["GET /cut"] * 3]


def test_a_redirect_ends_somewhere(host: WebServer) -> None:
    host.give("/round", f"{host.at()}/round")
    assert failure(f"{host.at()}/round").message == f"{host.at()}/round leads to more than 10 URLs"
    for target in ("file:///etc/passwd", "http://me:secret@127.0.0.1/", "http://[x", "http://a.example:99999/", ""):
        host.give("/to", target)
        assert failure(f"{host.at()}/to").message == f"{host.at()}/to answers 302 and leads to no URL that can be asked"


def test_a_body_has_a_limit(host: WebServer) -> None:
    host.give("/large", b"x" * (MIB + 1))
    with pytest.raises(ChartError, match=r"/large is larger than 1 MiB$"):
        read(f"{host.at()}/large")


def test_a_server_that_trickles_is_named_by_the_deadline() -> None:
    """One byte now and then keeps every time limit of a socket from passing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        is_over = threading.Event()

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not is_over.wait(0.05):
                    connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(DeadlineError) as caught:
            read(f"http://{address}/x", seconds=0.5)
        is_over.set()
        thread.join()
    assert caught.value.what == f"the thing was still coming from {address} when the deadline of 0.5 s passed"


# -- proxies


def test_a_proxy_is_asked_and_looks_names_up(host: WebServer) -> None:
    host.give("http://metadata.invalid/x", b"from the proxy")
    proxy = f"http://me:proxy-secret@127.0.0.1:{host.server_port}"
    assert read("http://metadata.invalid/x", env={"http_proxy": proxy}) == b"from the proxy"
    assert [request for request, _ in host.requests] == ["GET http://metadata.invalid/x"]


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_exempt"),
    [
        ("*", "https://a.example", True),
        ("example", "https://a.example", True),
        (".example", "https://a.example", True),
        ("*.example", "https://a.example", True),
        ("a.example:443", "https://a.example", True),
        ("a.example:8443", "https://a.example", False),
        ("xample", "https://a.example", False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.0.0.0/8", "https://a.example", False),
        ("", "http://localhost:8080", True),
        ("", "https://a.example", False),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(no_proxy: str, url: str, is_exempt: bool) -> None:  # noqa: FBT001  # a column
    proxies = Proxies({"HTTPS_PROXY": "proxy.example:3128", "HTTP_PROXY": "proxy.example:3128", "NO_PROXY": no_proxy})
    assert (proxies.of(origin(url)) is None) == is_exempt


def test_a_proxy_of_another_kind_is_an_error() -> None:
    assert failure("https://a.example/x", HTTPS_PROXY="socks5://proxy.example").message == (
        "the proxy for a.example is no http:// URL, and no other is understood"
    )


# -- URLs


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Charts.Example:443/Team/", "https://charts.example/Team"),
        ("http://charts.example:80", "http://charts.example"),
        ("https://charts.example:8443/", "https://charts.example:8443"),
        ("https://me:secret@charts.example/x?token=1#part", "https://charts.example/x"),
        ("https://charts.example/team/../other", "https://charts.example/other"),
        ("https://charts.example/team/%2e%2E/other", "https://charts.example/other"),
        ("https://charts.example/team//../other", "https://charts.example/other"),
        ("https://charts.example/team%2f..%5cother", "https://charts.example/other"),
        ("https://charts.example/../../other", "https://charts.example/other"),
        ("http://[FE80::1]:80/x", "http://[fe80::1]/x"),
    ],
)
def test_a_url_has_one_spelling_to_compare_by(url: str, expected: str) -> None:
    assert normal(url) == expected


def test_a_message_shows_no_query_and_no_password() -> None:
    assert shown("https://me:secret@a.example/x?X-Signature=secret#f") == "https://a.example/x?…"
