"""Repositories that fail: what is tried again, and what is said; of ranges with the real texts of every helm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.charts import helm
from cmp.errors import ChartError, DeadlineError
from tests.support.charts import HELMS, World, dependency
from tests.support.servers.charts import Body, ChartRepository

if TYPE_CHECKING:
    from pathlib import Path

INDEX, REDIS = "/index.yaml", "/redis-1.2.3.tgz"
CACHED = "Argo CD keeps this error cached until a hard refresh"


@pytest.fixture
def world(tmp_path: Path, tools_dir: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("cmp.system.retry.BACKOFF_SECONDS", 0.001)
    return World(tmp_path, tools_dir)


def refusal(world: World, url: str, version: str = "1.2.3", deadline: float = 30) -> ChartError:
    world.depend(dependency("redis", version, url))
    with pytest.raises(ChartError) as caught:
        world.restore(deadline)
    assert caught.value.file == "app/Chart.yaml:6"
    assert world.leftovers() == []
    return caught.value


@pytest.mark.parametrize("path", [INDEX, REDIS])
@pytest.mark.parametrize(("status", "body"), [(500, "whole"), (503, "whole"), (429, "whole"), (200, "cut")])
def test_a_transient_fault_is_tried_again(status: int, body: Body, path: str, archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.3", repository.url))
        repository.fault(path, status=status, body=body, times=2)
        assert [one.how for one in world.restore()] == ["fetched"]
        assert repository.counts() == {INDEX: 1, REDIS: 1, path: 3}
    assert world.charts["redis-1.2.3.tgz"] == (archives / "redis-1.2.3.tgz").read_bytes()


@pytest.mark.parametrize(
    ("path", "status", "what"),
    [
        (
            INDEX,
            500,
            "cannot fetch the index: it failed (3 tries): {url}{path} answers 500 Internal Server Error",
        ),
        (REDIS, 502, "it failed (3 tries): {url}{path} answers 502 Bad Gateway"),
    ],
)
def test_a_fault_that_does_not_pass_is_tried_three_times(
    path: str, status: int, what: str, archives: Path, world: World
) -> None:
    with ChartRepository(archives) as repository:
        repository.fault(path, status=status)
        error = refusal(world, repository.url)
        assert repository.counts()[path] == 3
        expected = f"chart redis 1.2.3 of {repository.url}: {what.format(url=repository.url, path=path)}"
    assert error.lines(is_cached=True) == [f"cmp: {expected}", "  where: app/Chart.yaml:6", f"  hint: {CACHED}"]


REFUSALS = {
    401: ("it wants other credentials", f"{helm.CREDENTIALS}; {CACHED}"),
    403: ("it forbids the access", f"{helm.CREDENTIALS}; {CACHED}"),
    404: ("it has no such thing", "check repository, name and version"),
}


@pytest.mark.parametrize("path", [INDEX, REDIS])
@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_final(status: int, path: str, archives: Path, world: World) -> None:
    meaning, hint = REFUSALS[status]
    with ChartRepository(archives) as repository:
        repository.fault(path, status=status)
        error = refusal(world, repository.url)
        assert repository.counts()[path] == 1
    assert f": {meaning}: {repository.url}{path} answers {status} " in error.what
    assert error.lines(is_cached=True)[-1] == f"  hint: {hint}"


@pytest.mark.parametrize(
    ("version", "what"),
    [
        ("9.9.9", "it has no such chart or version: no chart version found for redis-9.9.9"),
        ("^9", "it has no such chart or version: no chart version found"),
        (
            "what ever",
            (
                "helm does not understand its version: an invalid version/constraint format: "
                "improper constraint: what ever"
            ),
        ),
    ],
)
@pytest.mark.parametrize("helm", HELMS)
def test_a_version_that_does_not_exist_is_final(
    helm: str, version: str, what: str, archives: Path, tmp_path: Path, tools_dir: str
) -> None:
    world = World(tmp_path, tools_dir, helm)
    with ChartRepository(archives) as repository:
        error = refusal(world, repository.url, version)
        assert repository.counts() == {INDEX: 1}
    said = error.what.replace('"', "")  # Helm 4.3 quotes what it does not understand
    assert said == f"chart redis {version} of {repository.url}: {what}"
    assert not error.is_external


def test_an_index_that_is_none_is_an_error(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        repository.files[INDEX] = b"<html>please log in</html>"
        error = refusal(world, repository.url)
    assert error.what == (
        f"chart redis 1.2.3 of {repository.url}: cannot fetch the index: it gives no index of charts: "
        "it has no apiVersion"
    )


def test_a_repository_that_is_not_there_is_an_error(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        url = repository.url
    error = refusal(world, url)
    assert f"chart redis 1.2.3 of {url}: cannot fetch the index: no connection (3 tries): " in error.what
    assert error.what.endswith(" cannot be reached: Connection refused")


@pytest.mark.parametrize("path", [INDEX, REDIS])
def test_a_repository_that_hangs_ends_with_the_deadline_which_names_it(path: str, archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        repository.fault(path, body="hang")
        world.depend(dependency("redis", "1.2.3", repository.url))
        with pytest.raises(DeadlineError) as caught:
            world.restore(deadline=2)
    what = "the index of" if path == INDEX else "chart redis 1.2.3 of"
    host = f"127.0.0.1:{repository.server_port}"
    assert caught.value.what == (
        f"{what} {repository.url} was still coming from {host} when the deadline of 2 s passed"
    )
    assert world.leftovers() == []


def test_a_repository_that_hangs_once_is_asked_again(
    archives: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cmp.system.retry.ATTEMPT_SECONDS", 1.0)
    with ChartRepository(archives) as repository:
        repository.fault(INDEX, body="hang", times=1)
        world.depend(dependency("redis", "1.2.3", repository.url))
        assert [one.how for one in world.restore()] == ["fetched"]
        repository.fault(REDIS, body="hang")
        world.env["CMP_CACHE_DIR"] = str(world.folder / "other-cache")
        error = refusal(world, repository.url)
    assert error.what == (
        f"chart redis 1.2.3 of {repository.url}: it took too long (3 tries): 127.0.0.1:{repository.server_port} "
        "timed out after 1 s"
    )


# Texts that no server on loopback can be made to cause; the other rows are tested above and with registries.
@pytest.mark.parametrize(
    ("text", "meaning", "passing"),
    [
        ('Get "https://a/x": dial tcp: lookup a on 10.0.0.2:53: no such host', "there is no such host", False),
        (
            'Get "https://a/x": dial tcp: lookup a: Temporary failure in name resolution',
            "its name cannot be looked up",
            True,
        ),
        (
            'Get "https://a/x": dial tcp: lookup a on 10.0.0.2:53: server misbehaving',
            "its name cannot be looked up",
            True,
        ),
        ('Get "https://a/x": net/http: TLS handshake timeout', "it took too long", True),
        ('Get "https://a/x": dial tcp 10.0.0.9:443: i/o timeout', "it took too long", True),
        ('Get "https://a/x": dial tcp 10.0.0.9:443: connect: no route to host', "no connection", True),
        ('Get "https://a/x": read tcp 10.0.0.9:443: read: connection reset by peer', "no connection", True),
        ('Get "https://a/x": EOF', "it ended the connection early", True),
        ('GET "https://a:5000/v2/x": response status code 503: Service Unavailable', "it failed", True),
        ('GET "https://a/401/x:5000": response status code 404: not found: no', "it has no such thing", False),
        ("failed to fetch https://a/500/404 : 403 Forbidden", "it forbids the access", False),
        ("something new", "helm failed", False),
    ],
)
def test_a_complaint_means(text: str, meaning: str, passing: bool) -> None:  # noqa: FBT001  # a column of the table
    assert helm.classify(text)[::2] == (meaning, passing)
