"""Hosts of remote bases that fail, hang, want a password, lie or are not believed."""

from __future__ import annotations

import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.remotes import git
from cmp.errors import ToolError
from tests.support.kustomize import CONFIG, NEWEST, maps
from tests.support.leaks import processes_of, wait_until
from tests.support.remote_bases import BASE, RepositoryWithRemoteBase
from tests.support.servers import authority
from tests.support.servers.git import GitHost

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox


class TestFaults:
    @pytest.mark.parametrize("fault", [503, 429, "cut"])
    def test_a_transient_fault_is_tried_again(self, fault: int | str, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        remote.host.faults += [fault, fault]
        assert len(maps(remote.must())) == 2

    def test_a_host_that_keeps_failing(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        remote.host.faults += [503] * 9
        lines = remote.refused()
        assert lines[0].startswith(f"cmp: v1.0.0 of the Git repository {remote.url}: it failed (3 tries): ")
        assert len(lines) == 2
        assert len(remote.host.requests) == 3

    def test_what_does_not_pass_is_tried_once(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.host.url}/org/none//base?ref=v1.0.0")
        assert remote.refused()[0].startswith(
            f"cmp: v1.0.0 of the Git repository {remote.host.url}/org/none: there is no such repository: "
        )
        assert len(remote.host.requests) == 1

    def test_a_file_that_is_not_there(self, remote: RepositoryWithRemoteBase) -> None:
        url = f"{remote.host.url}/v1.0/none.yaml"
        remote.use(url)
        assert remote.refused()[0].startswith(f"cmp: the file {url} cannot be had: {url} answers 404")

    def test_a_host_that_is_not_there(self, remote: RepositoryWithRemoteBase) -> None:
        remote.allow("127.0.0.1:9")
        remote.use("http://127.0.0.1:9/org/addons?ref=v1")
        assert ": no connection (3 tries): " in remote.refused()[0]

    def test_offline_and_not_in_the_cache(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        assert remote.refused(CMP_OFFLINE="1") == [
            (
                f"cmp: v1.0.0 of the Git repository {remote.url} is not in the cache,"
                " and CMP_OFFLINE forbids to fetch it"
            ),
            "  where: application web, cluster dev, phase remotes, namespaces/web/kustomization.yaml:1",
            "  hint: run `cmp cache warm` where the network is allowed",
        ]

    def test_the_deadline_names_what_was_slow(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        remote.host.faults.append("hang")
        ran = remote.run(CMP_DEADLINE="4")
        assert ran.code == 9
        assert f"git fetch ({remote.url}) was still running when the deadline of 4 s passed" in ran.stderr
        marker = str(remote.sandbox.folder)
        remote.host.closing.set()
        wait_until(lambda: not processes_of(marker))

    def test_git_is_looked_for_in_fixed_places(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(git, "PROGRAMS", (str(tmp_path / "git"),))
        with pytest.raises(ToolError) as caught:
            git.program()
        assert caught.value.lines(is_cached=True) == [
            f"cmp: a remote base is not in the cache, and there is no git to fetch it with ({tmp_path}/git)",
            (
                "  hint: build the image with `--build-arg PACKAGES=git`, or fill the cache with `cmp cache warm` "
                "elsewhere; Argo CD keeps this error cached until a hard refresh"
            ),
        ]

    def test_a_damaged_entry_is_fetched_again(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        first = remote.must()
        for path in remote.sandbox.cache.glob("archives/*/*.tgz"):
            path.write_bytes(path.read_bytes()[:-1] + b"x")
        assert remote.cmp("cache", "verify").code == 1
        assert remote.must() == first
        assert remote.host.requests.count("GET /org/addons/info/refs") == 2

    def test_one_fetch_however_many_ask(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        argv = ("render", "web", "--cluster", "dev", "--kustomize-version", NEWEST)
        printed: list[str] = []
        threads = [
            threading.Thread(target=lambda: printed.append(remote.sandbox.run(*argv, cwd=remote.root).stdout))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(printed)) == 1
        assert printed[0]
        assert remote.host.requests.count("GET /org/addons/info/refs") == 1


def test_a_private_repository_gets_the_credentials_of_its_host_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.folder.mkdir(parents=True)
    with GitHost(tmp_path / "git", credentials=("me", "correct-horse-battery")) as host:
        remote = RepositoryWithRemoteBase(sandbox, host)
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        lines = remote.refused()
        assert ": it wants a user and a password, or does not exist: " in lines[0]
        assert "let CMP_NETRC name a file with its credentials" in lines[2]
        netrc = tmp_path / "netrc"
        netrc.write_text("machine other.example login me password correct-horse-battery\n")
        assert ": it wants a user and a password" in remote.refused(CMP_NETRC=str(netrc))[0]
        netrc.write_text("machine 127.0.0.1 login me password wrong-horse-battery\n")
        lines = remote.refused(CMP_NETRC=str(netrc))
        assert "wrong-horse" not in "".join(lines)
        netrc.write_text("machine 127.0.0.1 login me password correct-horse-battery\n")
        assert len(maps(remote.must(CMP_NETRC=str(netrc)))) == 2


def test_a_private_authority_is_believed_by_git_and_for_files(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.folder.mkdir(parents=True)
    certificates = authority.create(tmp_path)
    with GitHost(tmp_path / "git", certificates) as host:
        host.files["/v1.0/x.yaml"] = CONFIG.replace("name: config", "name: file").encode()
        remote = RepositoryWithRemoteBase(sandbox, host)
        remote.use(f"{remote.url}//base?ref=v1.0.0", f"{host.url}/v1.0/x.yaml")
        lines = remote.refused()
        assert ": its certificate is not trusted: " in lines[0]
        assert len(maps(remote.must(CMP_CA_FILE=str(certificates.ca)))) == 3


def test_no_request_is_redirected_to_less_safety(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.folder.mkdir(parents=True)
    certificates = authority.create(tmp_path)
    with GitHost(tmp_path / "git", certificates) as host, GitHost(tmp_path / "plain") as plain:
        plain.repository("org/moved").commit(BASE, "v1.0.0")
        host.redirects["/org/moved/info/refs"] = f"{plain.url}/org/moved/info/refs?service=git-upload-pack"
        remote = RepositoryWithRemoteBase(sandbox, host)
        remote.use(f"{host.url}/org/moved//base?ref=v1.0.0")
        assert remote.run(CMP_CA_FILE=str(certificates.ca)).code == 5
        assert plain.requests == []
        host.redirects["/v1.0/x.yaml"] = f"{plain.url}/v1.0/x.yaml"
        remote.use(f"{host.url}/v1.0/x.yaml")
        said = remote.refused(CMP_CA_FILE=str(certificates.ca))[0]
        assert said.endswith(f"answers 302 and leads to {plain.url}/v1.0/x.yaml, without TLS")
        assert plain.requests == []


def test_a_render_that_is_killed_leaves_nothing(remote: RepositoryWithRemoteBase) -> None:
    remote.use(f"{remote.url}//base?ref=v1.0.0")
    remote.host.faults.append("hang")
    argv = remote.sandbox.command("render", "web", "--cluster", "dev", "--kustomize-version", NEWEST)
    with subprocess.Popen(argv, cwd=remote.root, env=remote.sandbox.env(), stderr=subprocess.PIPE) as process:
        wait_until(lambda: bool(remote.host.requests))
        process.terminate()
        _, said = process.communicate(timeout=120)
    assert process.returncode == 143
    assert f"waiting for git fetch ({remote.url})".encode() in said
    remote.host.closing.set()
    wait_until(lambda: not processes_of(str(remote.sandbox.folder)))
    wait_until(lambda: not [*remote.sandbox.tmp.iterdir()])


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "its name cannot be looked up"),
        ("fatal: unable to access 'https://h/503': SSL certificate problem", "its certificate is not trusted"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 403", "it forbids the access"),
        ("error: RPC failed; curl 92 HTTP/2 stream 0\nfatal: early EOF", "it broke off"),
        ("fatal: write error: No space left on device", "there is no room for it"),
        ("fatal: something new", "git failed"),
    ],
)
def test_a_complaint_of_git_is_understood(said: str, meaning: str) -> None:
    assert git.classify(said.encode()).meaning == meaning
