"""The loopback servers do what the other tests rely on, as the real helm sees it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

from examples import chartserver
from tests.support.harness import CHECKOUT
from tests.support.servers import authority
from tests.support.servers.charts import ChartRepository
from tests.support.servers.oci import Registry

EXAMPLES = CHECKOUT / "examples"
REDIS = "/redis-1.2.3.tgz"


@pytest.fixture(scope="module")
def helm(tools_dir: str) -> Path:
    return Path(tools_dir, "helm/3.18.6/helm")


@pytest.fixture(scope="module")
def archives(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chartserver.package(EXAMPLES / "charts", tmp_path_factory.mktemp("packaged"), helm)


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> authority.Authority:
    return authority.create(tmp_path_factory.mktemp("authority"))


def run(*argv: str | Path, home: Path, timeout: float = 10, **env: str | Path) -> subprocess.CompletedProcess[str]:
    home.mkdir(exist_ok=True)
    environment = {"HOME": str(home), **{name: str(value) for name, value in env.items()}}
    return subprocess.run(argv, cwd=home, env=environment, capture_output=True, text=True, timeout=timeout, check=False)


def pull(helm: Path, repository: ChartRepository, home: Path, *flags: str | Path, timeout: float = 10) -> str:
    """Pull redis in a fresh home; return what helm complains about, "" on success."""
    argv = (helm, "pull", "redis", "--version", "1.2.3", "--repo", repository.url, *flags)
    done = run(*argv, home=home, timeout=timeout)
    assert bool(done.returncode) == bool(done.stderr)
    return done.stderr


def test_serves_an_index_and_archives_and_lists_the_requests(helm: Path, archives: Path, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        assert pull(helm, repository, tmp_path) == ""
        assert repository.requests == ["/index.yaml", REDIS]
    assert (tmp_path / "redis-1.2.3.tgz").read_bytes() == (archives / "redis-1.2.3.tgz").read_bytes()


def test_packages_the_same_content_once(helm: Path, archives: Path) -> None:
    before = (archives / "index.yaml").stat().st_mtime_ns
    assert chartserver.package(EXAMPLES / "charts", archives.parent, helm) == archives
    assert (archives / "index.yaml").stat().st_mtime_ns == before


def test_packages_equal_charts_into_equal_archives(helm: Path, archives: Path, tmp_path: Path) -> None:
    again = chartserver.package(EXAMPLES / "charts", tmp_path, helm)
    assert (again / "redis-1.2.3.tgz").read_bytes() == (archives / "redis-1.2.3.tgz").read_bytes()


def test_answers_a_fault_as_often_as_told_and_then_the_truth(helm: Path, archives: Path, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        repository.fault(REDIS, status=500, times=2)
        assert "500 Internal Server Error" in pull(helm, repository, tmp_path)
        assert "500 Internal Server Error" in pull(helm, repository, tmp_path)
        assert pull(helm, repository, tmp_path) == ""
        assert repository.counts() == {"/index.yaml": 3, REDIS: 3}


def test_does_not_find_what_is_not_there(helm: Path, archives: Path, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        del repository.files[REDIS]
        assert f"failed to fetch {repository.url}{REDIS} : 404 Not Found" in pull(helm, repository, tmp_path)


def test_closes_in_the_middle_of_a_body(helm: Path, archives: Path, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        repository.fault(REDIS, body="cut", times=1)
        assert "unexpected EOF" in pull(helm, repository, tmp_path)
        assert pull(helm, repository, tmp_path) == ""


def test_hangs_until_it_is_closed(helm: Path, archives: Path, tmp_path: Path) -> None:
    with ChartRepository(archives) as repository:
        repository.fault("/index.yaml", body="hang")
        with pytest.raises(subprocess.TimeoutExpired):
            pull(helm, repository, tmp_path, timeout=0.5)


def test_takes_its_time(helm: Path, archives: Path, tmp_path: Path) -> None:
    with ChartRepository(archives, delay=0.3) as repository:
        start = time.monotonic()
        assert pull(helm, repository, tmp_path) == ""
    assert time.monotonic() - start > 0.6  # two requests


def test_wants_the_right_password(helm: Path, archives: Path, tmp_path: Path) -> None:
    with ChartRepository(archives, credentials=("demo-user", "demo-password")) as repository:
        assert "401 Unauthorized" in pull(helm, repository, tmp_path)
        assert "401 Unauthorized" in pull(helm, repository, tmp_path, "--username", "demo-user", "--password", "wrong")
        assert pull(helm, repository, tmp_path, "--username", "demo-user", "--password", "demo-password") == ""


def test_shows_a_certificate_of_the_private_authority(
    helm: Path, archives: Path, private: authority.Authority, tmp_path: Path
) -> None:
    with ChartRepository(archives, authority=private) as repository:
        assert repository.url.startswith("https://127.0.0.1:")
        assert "certificate signed by unknown authority" in pull(helm, repository, tmp_path)
        assert pull(helm, repository, tmp_path, "--ca-file", private.ca) == ""


def test_writes_a_repositories_file_that_helm_accepts(
    helm: Path, archives: Path, private: authority.Authority, tmp_path: Path
) -> None:
    with ChartRepository(archives, credentials=("demo-user", "demo-password"), authority=private) as repository:
        config = repository.write_repositories(tmp_path / "repositories.yaml")
        chart = write_chart(tmp_path / "chart", repository.url)
        update = (helm, "dependency", "update", chart)
        assert run(*update, home=tmp_path / "home").returncode == 1
        assert run(*update, home=tmp_path / "home", HELM_REPOSITORY_CONFIG=config).returncode == 0
    assert (chart / "charts/redis-1.2.3.tgz").is_file()


def write_chart(folder: Path, repository: str) -> Path:
    folder.mkdir()
    dependency = {"name": "redis", "version": "1.2.3", "repository": repository}
    chart = {"apiVersion": "v2", "name": "parent", "version": "0.1.0", "dependencies": [dependency]}
    (folder / "Chart.yaml").write_text(json.dumps(chart), encoding="utf-8")
    return folder


class Dialect(NamedTuple):
    """The flag of one version of helm for plain HTTP, and its message when a password is missing."""

    version: str
    flags: tuple[str, ...]
    complaint: str


DIALECTS = [
    # It speaks plain HTTP to every loopback registry, whatever it is told.
    Dialect("3.14.4", (), "authorization failed: no basic auth credentials"),
    Dialect("3.18.6", ("--plain-http",), "basic credential not found"),
    Dialect("4.0.0", ("--plain-http",), "basic credential not found"),
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.version)
def test_registry_takes_and_gives_charts_over_http(
    dialect: Dialect, tools_dir: str, test_tools_dir: str, archives: Path, tmp_path: Path
) -> None:
    helm, home = f"{tools_dir}/helm/{dialect.version}/helm", tmp_path / "home"
    with Registry(Path(test_tools_dir, "registry/3.0.0/registry"), tmp_path / "registry") as registry:
        config = registry.write_config(tmp_path / "config.json")
        push = [helm, "push", str(archives / "redis-1.2.3.tgz"), registry.url, *dialect.flags]
        assert dialect.complaint in run(*push, home=home).stderr
        assert run(*push, home=home, HELM_REGISTRY_CONFIG=config).returncode == 0
        before = len(registry.requests)
        fetch = [helm, "pull", f"{registry.url}/redis", "--version", "1.2.3", *dialect.flags]
        assert run(*fetch, home=home, HELM_REGISTRY_CONFIG=config).returncode == 0
        requests = registry.requests[before:]
    assert "/v2/charts/redis/manifests/1.2.3" in {request.split()[1] for request in requests}
    assert len([request for request in requests if request.startswith("GET /v2/charts/redis/blobs/")]) == 2
    assert (home / "redis-1.2.3.tgz").read_bytes() == (archives / "redis-1.2.3.tgz").read_bytes()


@pytest.mark.parametrize("version", ["3.18.6", "4.0.0"])
def test_registry_speaks_tls(
    version: str, tools_dir: str, test_tools_dir: str, archives: Path, private: authority.Authority, tmp_path: Path
) -> None:
    helm = Path(tools_dir, f"helm/{version}/helm")
    program = Path(test_tools_dir, "registry/3.0.0/registry")
    with Registry(program, tmp_path / "registry", authority=private) as registry:
        config = registry.write_config(tmp_path / "config.json")
        push = (helm, "push", archives / "redis-1.2.3.tgz", registry.url)
        refused = run(*push, home=tmp_path / "home", HELM_REGISTRY_CONFIG=config)
        assert "certificate signed by unknown authority" in refused.stderr
        done = run(*push, "--ca-file", private.ca, home=tmp_path / "home", HELM_REGISTRY_CONFIG=config)
        assert done.returncode == 0
        assert "PUT /v2/charts/redis/manifests/1.2.3" in registry.requests


def test_registry_is_gone_afterwards(test_tools_dir: str, tmp_path: Path) -> None:
    with Registry(Path(test_tools_dir, "registry/3.0.0/registry"), tmp_path, credentials=None) as registry:
        host, port = registry.host.split(":")
        assert registry.requests == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)


def test_the_demo_serves_its_charts_until_it_is_told_to_stop(helm: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "examples.chartserver", "examples/charts", "--helm", str(helm)]
    env = {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(argv, cwd=EXAMPLES.parent, env=env, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            word, url = server.stdout.readline().split()
            assert word == "ready"
            assert b"redis-1.2.3.tgz" in read(f"{url}/index.yaml")
            asked = [json.loads(read(url.replace("/charts", "/-/requests"))) for _ in range(2)]
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=120) == 130
    assert asked == [{"/index.yaml": 1}, {"/index.yaml": 1}]
    assert list(tmp_path.iterdir()) == []


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:  # noqa: S310  loopback
        content: bytes = answer.read()
    return content
