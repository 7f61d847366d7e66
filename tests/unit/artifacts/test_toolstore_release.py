"""Release downloads: only what the published sha256 confirms is installed, and hosts may be slow, broken or evil."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import toolstore
from cmp.artifacts.toolstore import release
from cmp.artifacts.toolstore.install import Installer
from cmp.artifacts.toolstore.release import mirrored
from cmp.errors import DeadlineError, ToolError
from cmp.model import ToolPin
from cmp.system import retry
from cmp.system.download.connections import Dialer
from cmp.system.process import Deadline
from tests.support.servers.releases import ReleaseHost
from tests.support.tool_stores import ARCH, ASSET, OS, PIN, SUMS, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

    from tests.support.servers.authority import Authority

HELM = ToolPin("helm", "3.18.6", "cmp.yaml:2")
ARCHIVE = f"/helm-v3.18.6-{OS}-{ARCH}.tar.gz"
MEMBER = f"{OS}-{ARCH}/helm"
PROGRAM = b"#!/bin/sh\necho a small program\n"
DIGEST = hashlib.sha256(PROGRAM).hexdigest()


@pytest.fixture
def plain() -> Iterator[ReleaseHost]:
    """Return a host without TLS."""
    with ReleaseHost() as host:
        yield host


@pytest.fixture
def store(tmp_path: Path, release_host: ReleaseHost, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return an empty store whose mirror is the host, with short pauses between attempts and no public authority.

    OpenSSL reads hundreds of those for each connection.
    """
    monkeypatch.setattr(retry, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    return Store(tmp_path, **release_host.env)


def packed(*members: tuple[str, bytes | str]) -> bytes:
    """Make a .tar.gz of files (bytes) and symbolic links (text)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def publish(release_host: ReleaseHost, archive: bytes) -> None:
    """Publish an archive of helm as Helm does: a file of checksums for each."""
    release_host.publish(ARCHIVE, archive, f"{ARCHIVE}.sha256sum")


def failure(store: Store, pin: ToolPin = PIN) -> str:
    """Return the error of an install that must leave nothing behind."""
    with pytest.raises(ToolError) as error:
        store.install(pin)
    assert store.files() == []
    return "\n".join(error.value.lines())


def test_the_real_helm_comes_out_of_its_archive(store: Store, release_host: ReleaseHost, tools_dir: str) -> None:
    content = Path(tools_dir, "helm", "3.18.6", "helm").read_bytes()
    publish(
        release_host, packed((f"{OS}-{ARCH}/LICENSE", b"text"), (MEMBER, content), (f"{OS}-{ARCH}/README.md", b"text"))
    )
    tool = store.install(HELM)
    assert tool.sha256 == hashlib.sha256(content).hexdigest()
    assert Path(tool.path).read_bytes() == content
    assert toolstore.lookup(str(store.folder), HELM) == tool


def test_a_wrong_sha256_installs_nothing_and_is_not_asked_for_again(store: Store, release_host: ReleaseHost) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    release_host.files[ASSET] = b"#!/bin/sh\necho something else\n"
    published, actual = (hashlib.sha256(content).hexdigest() for content in (PROGRAM, release_host.files[ASSET]))
    assert failure(store) == (
        f"cmp: {release_host.url}{ASSET} is not what was published: its sha256 is {actual}, "
        f"{release_host.url}{SUMS} says {published}\n"
        "  hint: nothing was installed; ask whoever runs that host, or the mirror in CMP_TOOLS_MIRROR"
    )
    assert release_host.requests == [SUMS, ASSET]


def test_the_sha256_of_a_file_is_found_where_it_is_named_from_its_folder(
    store: Store, release_host: ReleaseHost
) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    digest, name = release_host.files[SUMS].split()
    release_host.files[SUMS] = digest + b"  ./" + name + b"\n"
    assert store.install(PIN).sha256 == digest.decode()


@pytest.mark.parametrize(
    "sums", [b"", b"<html>sign in</html>", b"0" * 64 + b"  sops-v3.10.2.plan9.mips\n", b"\xff\xfe"]
)
def test_without_a_published_sha256_nothing_is_downloaded(store: Store, release_host: ReleaseHost, sums: bytes) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    release_host.files[SUMS] = sums
    assert failure(store) == f"cmp: {release_host.url}{SUMS} has no sha256 of sops-v3.10.2.{OS}.{ARCH}"
    assert release_host.requests == [SUMS]


def test_what_is_not_there_is_asked_for_once(store: Store, release_host: ReleaseHost) -> None:
    assert failure(store).startswith(
        f"cmp: sops 3.10.2 cannot be installed\n  release: {release_host.url}{SUMS} answers 404 Not Found\n  hint: "
    )
    assert release_host.requests == [SUMS]


def test_a_truncated_download_is_tried_again(store: Store, release_host: ReleaseHost) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    release_host.faults[ASSET] = ["cut", "cut"]
    assert Path(store.install().path).read_bytes() == PROGRAM
    assert release_host.requests == [SUMS, ASSET, ASSET, ASSET]


def test_a_host_that_always_truncates_is_given_up(store: Store, release_host: ReleaseHost) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    release_host.faults[ASSET] = ["cut"] * 9
    reason = f"{release_host.url}{ASSET} broke off: {len(PROGRAM) // 2} of {len(PROGRAM)} bytes came"
    assert failure(store).startswith(f"cmp: sops 3.10.2 cannot be installed\n  release: {reason}\n")
    assert release_host.requests == [SUMS, *[ASSET] * 3]


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_transient_error_is_tried_again(store: Store, release_host: ReleaseHost, status: int) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    release_host.faults[SUMS] = [status]
    store.install()
    assert release_host.requests == [SUMS, SUMS, ASSET]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_lasting_error_is_not(store: Store, release_host: ReleaseHost, status: int) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    release_host.faults[SUMS] = [status]
    assert f"release: {release_host.url}{SUMS} answers {status} " in failure(store)
    assert release_host.requests == [SUMS]


def test_only_the_program_leaves_an_archive_that_wants_to_write_elsewhere(
    store: Store, release_host: ReleaseHost, tmp_path: Path
) -> None:
    evil: list[tuple[str, bytes | str]] = [
        ("../../evil", b"x"),
        (f"{tmp_path}/evil", b"x"),
        ("link", "/etc"),
        ("link/evil", b"x"),
    ]
    publish(release_host, packed(*evil, (MEMBER, PROGRAM), *evil))
    assert Path(store.install(HELM).path).read_bytes() == PROGRAM
    assert store.files() == ["helm/3.18.6/helm", "helm/3.18.6/record.json"]
    assert list(tmp_path.rglob("evil")) == []


@pytest.mark.parametrize(
    "archive",
    [
        packed(("README.md", b"text")),
        packed((MEMBER, "/bin/sh")),
        packed((f"../{MEMBER}", PROGRAM)),
        packed((f"/{MEMBER}", PROGRAM)),
    ],
    ids=["absent", "link", "outside", "absolute"],
)
def test_an_archive_without_the_program_as_a_file_is_refused(
    store: Store, release_host: ReleaseHost, archive: bytes
) -> None:
    publish(release_host, archive)
    assert failure(store, HELM) == f"cmp: {release_host.url}{ARCHIVE} holds no file {MEMBER}"


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (b"<html>sign in</html>", "not a gzip file"),
        (gzip.compress(b"not a tar archive " * 100, mtime=0), "invalid header"),
        (packed((MEMBER, bytes(range(256)) * 400))[:-200], "Compressed file ended before the end-of-stream marker"),
    ],
    ids=["no gzip", "no tar", "cut"],
)
def test_what_is_published_but_no_archive_is_refused(
    store: Store, release_host: ReleaseHost, archive: bytes, reason: str
) -> None:
    publish(release_host, archive)
    said = failure(store, HELM)
    assert said.startswith(f"cmp: {release_host.url}{ARCHIVE} cannot be unpacked: ")
    assert reason in said


def test_downloads_and_programs_have_a_limit(
    store: Store, release_host: ReleaseHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "MAX_BYTES", 1 << 20)
    publish(release_host, packed((MEMBER, b"\0" * (1 << 21))))
    assert failure(store, HELM) == f"cmp: {release_host.url}{ARCHIVE} cannot be unpacked: {MEMBER} is larger than 1 MiB"
    release_host.publish(ASSET, b"\0" * (1 << 21), SUMS)
    assert failure(store) == f"cmp: {release_host.url}{ASSET} is larger than 1 MiB"


def test_redirects_are_followed(store: Store, release_host: ReleaseHost) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    release_host.files["/bucket/sops"] = release_host.files.pop(ASSET)
    release_host.redirects[ASSET] = f"{release_host.url}/bucket/sops"
    assert Path(store.install().path).read_bytes() == PROGRAM


def test_an_unreachable_host_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    connect = Dialer.connect

    def noted(dialer: Dialer, address: tuple[str, int], *given: object) -> socket:
        asked.append(dialer.name)
        return connect(dialer, address, *given)

    monkeypatch.setattr(Dialer, "connect", noted)
    store = Store(tmp_path, CMP_TOOLS_MIRROR="https://127.0.0.1:9")
    installer = Installer(store.context(), ("release",))
    for pin in (PIN, HELM):
        with pytest.raises(ToolError, match=r"127\.0\.0\.1:9 cannot be reached: Connection refused"):
            installer.install(pin)
    assert asked == ["127.0.0.1:9"]


def test_a_name_that_does_not_resolve_is_unreachable(tmp_path: Path) -> None:
    said = failure(Store(tmp_path, CMP_TOOLS_MIRROR="https://releases.invalid"))
    assert "\n  release: releases.invalid cannot be reached: " in said


def test_a_host_of_a_private_authority_needs_its_certificate(
    store: Store, release_host: ReleaseHost, tmp_path: Path
) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    assert "certificate verify failed" in failure(Store(tmp_path, CMP_TOOLS_MIRROR=release_host.url))
    assert store.install().version == "3.10.2"


def test_a_ca_bundle_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    said = failure(Store(tmp_path, CMP_CA_FILE=f"{tmp_path}/absent.pem"))
    assert said == f"cmp: the CA bundle cannot be read: No such file or directory\n  where: {tmp_path}/absent.pem"


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_is_used(tmp_path: Path, plain: ReleaseHost, variable: str) -> None:
    plain.publish(f"/tools{ASSET}", PROGRAM, f"/tools{SUMS}")
    mirror = "http://mirror.invalid/tools"
    Store(tmp_path, CMP_TOOLS_MIRROR=mirror, **{variable: plain.url}).install(release=DIGEST)
    assert plain.requests == [f"{mirror}{SUMS}", f"{mirror}{ASSET}"]


def test_a_host_that_needs_no_proxy_is_asked_directly(tmp_path: Path, release_host: ReleaseHost) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    Store(tmp_path, https_proxy="http://127.0.0.1:9", no_proxy="localhost,127.0.0.1", **release_host.env).install()
    assert release_host.requests == [SUMS, ASSET]


# Without TLS, loopback included: another user of the machine may have the port.


def test_a_mirror_without_tls_is_not_asked(tmp_path: Path, plain: ReleaseHost) -> None:
    plain.publish(ASSET, PROGRAM, SUMS)
    assert failure(Store(tmp_path, **plain.env)) == (
        f"cmp: sops 3.10.2 cannot be fetched from {plain.url}, a mirror without TLS: nothing vouches for what comes\n"
        "  hint: let CMP_TOOLS_MIRROR be an https URL (CMP_CA_FILE may name its authority), or install what a cmp.lock "
        "names: `cmp tools install --from cmp.lock`"
    )
    assert plain.requests == []


def test_a_mirror_without_tls_gives_what_cmp_lock_names_and_nothing_else(tmp_path: Path, plain: ReleaseHost) -> None:
    plain.publish(ASSET, PROGRAM.replace(b"small", b"other"), SUMS)
    store = Store(tmp_path, **plain.env)
    with pytest.raises(ToolError, match=r"sops 3\.10\.2 is not the one of the lock file"):
        store.install(release=DIGEST)
    assert store.files() == []
    plain.files[SUMS] = b""
    plain.publish(ASSET, PROGRAM, SUMS)
    assert store.install(release=DIGEST).sha256 == DIGEST


def test_a_digest_of_another_way_is_none_of_the_release(tmp_path: Path, plain: ReleaseHost) -> None:
    plain.publish(ASSET, PROGRAM, SUMS)
    with pytest.raises(ToolError, match="release: not in the lock file for this platform"):
        Store(tmp_path, **plain.env).install(go=DIGEST)
    assert plain.requests == []


def test_a_mirror_with_tls_that_leads_elsewhere_without_it_is_not_followed(
    store: Store, release_host: ReleaseHost, plain: ReleaseHost
) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    release_host.redirects[ASSET] = f"{plain.url}/sops"
    reason = f"{release_host.url}{ASSET} answers 302 and leads to {plain.url}/sops, without TLS"
    assert failure(store).startswith(f"cmp: sops 3.10.2 cannot be installed\n  release: {reason}\n  hint: ")
    assert plain.requests == []


def test_a_redirect_within_tls_is_followed(
    store: Store, release_host: ReleaseHost, private_authority: Authority
) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    with ReleaseHost(private_authority) as other:
        other.files["/sops"] = PROGRAM
        release_host.redirects[ASSET] = f"{other.url}/sops"
        assert store.install().sha256 == DIGEST


@pytest.mark.parametrize(
    ("mirror", "url"),
    [
        ("", "https://get.helm.sh/helm-v3.18.6-linux-amd64.tar.gz"),
        ("https://mirror.example", "https://mirror.example/helm-v3.18.6-linux-amd64.tar.gz"),
        ("http://mirror.example:8080/a/b/", "http://mirror.example:8080/a/b/helm-v3.18.6-linux-amd64.tar.gz"),
    ],
)
def test_a_mirror_takes_the_place_of_scheme_and_host(mirror: str, url: str) -> None:
    assert mirrored("https://get.helm.sh/helm-v3.18.6-linux-amd64.tar.gz", mirror) == url


def test_a_mirror_is_a_web_address(tmp_path: Path) -> None:
    said = failure(Store(tmp_path, CMP_TOOLS_MIRROR="file:///srv/tools"))
    assert said == "cmp: CMP_TOOLS_MIRROR is 'file:///srv/tools', not an http or https URL"


def test_a_mirror_holds_no_password_because_messages_name_it(tmp_path: Path) -> None:
    said = failure(Store(tmp_path, CMP_TOOLS_MIRROR="https://user:hunter2@mirror.example"))
    assert said == "cmp: CMP_TOOLS_MIRROR must not hold a user name or a password"


def test_a_download_ends_at_the_deadline(store: Store, release_host: ReleaseHost) -> None:
    release_host.publish(ASSET, PROGRAM, SUMS)
    context = store.context()._replace(deadline=Deadline(0))
    with pytest.raises(DeadlineError) as error:
        Installer(context, ("release",)).install(PIN)
    address = f"127.0.0.1:{release_host.server_port}"
    assert error.value.what == (
        "sops 3.10.2 cannot be installed\n"
        f"  release: {release_host.url}{SUMS} was still coming from {address} when the deadline of 0 s passed"
    )
    assert store.files() == []
