"""Where chart repositories may lead: by their index, by a redirect, by an address; and whom a slow one may hold up."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.cache import ChartCache, Key
from cmp.artifacts.charts.repository_chart import RepositoryChart
from cmp.errors import CACHED_HINT, ChartError, CmpError, ConfigError, DeadlineError
from cmp.policy import hosts as policy_hosts
from cmp.policy.check import PolicyCheck
from cmp.policy.document import Policy
from cmp.system.locks import single_flight
from cmp.system.urls import origin
from tests.support.charts import World, dependency, sha256
from tests.support.leaks import wait_until
from tests.support.servers.charts import ChartRepository
from tests.support.servers.oci import Registry
from tests.support.servers.web import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

REDIS = "redis-1.2.3.tgz"


@pytest.fixture
def repository(archives: Path) -> Iterator[ChartRepository]:
    with ChartRepository(archives) as server:
        yield server


@pytest.fixture
def cdn(archives: Path) -> Iterator[WebServer]:
    """Serve the archives of the repository elsewhere: another port is another origin."""
    with WebServer() as server:
        server.give(f"/{REDIS}", (archives / REDIS).read_bytes())
        yield server


def name_elsewhere(repository: ChartRepository, url: str) -> None:
    """Let the index name another URL for redis 1.2.3."""
    repository.files["/index.yaml"] = repository.files["/index.yaml"].replace(REDIS.encode(), url.encode())


def host(url: str) -> str:
    return origin(url).netloc


def refusal(world: World, url: str) -> CmpError:
    world.depend(dependency("redis", "1.2.3", url))
    with pytest.raises(CmpError) as caught:
        world.restore()
    assert world.leftovers() == []
    return caught.value


def rules(hosts: tuple[str, ...] | None, *redirects: str) -> PolicyCheck:
    return PolicyCheck(Policy("/etc/cmp/policy.yaml", hosts=hosts, redirects=redirects))


class TestPolicy:
    @pytest.mark.parametrize("way", ["index", "redirect"])
    def test_a_listed_repository_leads_to_listed_hosts_alone(
        self, way: str, repository: ChartRepository, cdn: WebServer, archives: Path, world: World
    ) -> None:
        with WebServer() as listed:
            listed.give("/away", f"{cdn.at()}/{REDIS}")
            name_elsewhere(repository, f"{cdn.at()}/{REDIS}" if way == "index" else f"{listed.at()}/away")
            known = (host(repository.url), host(listed.at()))
            world.permit = rules(known, "cdn.example.net")
            error = refusal(world, repository.url)
            led_by = repository.url if way == "index" else listed.at()
            assert type(error) is ConfigError
            assert error.lines(is_cached=True) == [
                (
                    f"cmp: chart redis 1.2.3 of {repository.url} may not be fetched: {host(led_by)} leads to "
                    f"{host(cdn.at())}, which the administrator's policy does not list"
                ),
                "  where: app/Chart.yaml:6",
                (
                    "  hint: an administrator who trusts that host has the line "
                    f"`redirects: [cdn.example.net, {host(cdn.at())}]` below `charts:` in /etc/cmp/policy.yaml; an "
                    f"author takes the chart from a repository that keeps its archives itself; {CACHED_HINT}"
                ),
            ]
            assert cdn.requests == []
            world.permit = rules(known, "cdn.example.net", host(cdn.at()))
            assert [one.sha256 for one in world.restore()] == [sha256(archives / REDIS)]

    def test_without_a_list_of_hosts_a_repository_leads_anywhere_but_to_this_machine(
        self, repository: ChartRepository, cdn: WebServer, world: World
    ) -> None:
        name_elsewhere(repository, f"{cdn.at()}/{REDIS}")
        error = refusal(world, repository.url)
        assert type(error) is ChartError
        assert error.lines(is_cached=True) == [
            (
                f"cmp: chart redis 1.2.3 of {repository.url}: nothing is fetched from there: "
                "127.0.0.1 is a loopback address"
            ),
            "  where: app/Chart.yaml:6",
            (
                "  hint: an administrator who means that host lists it in the file that CMP_POLICY names: `charts: "
                f"{{redirects: [{host(cdn.at())}]}}`; {CACHED_HINT}"
            ),
        ]
        assert cdn.requests == []
        world.permit = rules(None, host(cdn.at()))
        assert [one.how for one in world.restore()] == ["fetched"]

    def test_the_metadata_service_is_asked_for_nothing(self, repository: ChartRepository, world: World) -> None:
        name_elsewhere(repository, f"http://169.254.169.254/latest/{REDIS}")
        what = "nothing is fetched from there: 169.254.169.254 is the address of a cloud's metadata service"
        assert refusal(world, repository.url).what == f"chart redis 1.2.3 of {repository.url}: {what}"
        url = "http://169.254.169.254/charts"
        assert refusal(world, url).what == f"chart redis 1.2.3 of {url}: cannot fetch the index: {what}"

    @pytest.mark.parametrize(
        "url", ["http:///redis.tgz", "http://a.example:99999/x", "'http://[x/y'", "'//[x/y'", "ftp://a.example/x"]
    )
    def test_an_index_that_names_nonsense_is_an_error(
        self, url: str, repository: ChartRepository, world: World
    ) -> None:
        name_elsewhere(repository, url)
        assert refusal(world, repository.url).what == (
            f"chart redis 1.2.3 of {repository.url}: the index names no URL that can be asked"
        )

    @pytest.mark.parametrize(
        ("url", "led_by", "expected"),
        [
            ("https://release-assets.githubusercontent.com/x?sig=1", "https://github.com/o/r/releases/x.tgz", True),
            ("https://github.com/o/r/releases/download/x.tgz", "https://o.github.io/charts", True),
            ("oci://registry-1.docker.io/bitnamicharts/redis:1.2.3", "https://charts.bitnami.com/bitnami", True),
            ("https://cdn01.quay.io/x", "https://quay.io/v2/x", True),
            ("https://release-assets.githubusercontent.com/x", "https://charts.example.com", False),
            ("https://github.com.evil.example/x", "https://o.github.io/charts", False),
            ("http://github.com:8080/x", "https://o.github.io/charts", False),
            ("https://github.com/o/r", "https://github.io.evil.example/charts", False),
        ],
    )
    def test_where_a_well_known_registry_keeps_archives(self, url: str, led_by: str, expected: bool) -> None:  # noqa: FBT001  # a column
        assert policy_hosts.is_archive_host(url, led_by) == expected
        wanted = RepositoryChart(led_by, "redis", "1.2.3", "1.2.3", "", "Chart.yaml:5")
        permit = rules((host(led_by),))
        if expected:
            assert permit.chart_url(wanted, url, led_by) is False  # allowed, and its address still counts
        else:
            with pytest.raises(ConfigError):
                permit.chart_url(wanted, url, led_by)


class TestUntrusted:
    KNOWN = "https://pages.example/team"

    def permit(self, *redirects: str) -> PolicyCheck:
        known = frozenset({self.KNOWN})
        return PolicyCheck(Policy(redirects=redirects), known_repositories=known)

    @pytest.mark.parametrize("url", [KNOWN, f"{KNOWN}/", "HTTPS://Pages.Example:443/team", f"{KNOWN}/x/.."])
    def test_the_repositories_of_the_base_are_known_in_every_spelling(self, url: str) -> None:
        self.permit().chart_host("chart x", url, "")

    @pytest.mark.parametrize(
        "url",
        [
            "https://pages.example/mallory",
            f"{KNOWN}/../mallory",
            f"{KNOWN}/%2e%2e/mallory",
            f"{KNOWN}/sub",
            f"{KNOWN}x",
        ],
    )
    def test_another_repository_of_the_same_host_is_not(self, url: str) -> None:
        with pytest.raises(ConfigError) as caught:
            self.permit().chart_host("chart x 1.0.0 of there", url, "Chart.yaml:4")
        assert caught.value.lines() == [
            "cmp: chart x 1.0.0 of there may not be fetched: nothing in the base revision comes from this repository",
            "  where: Chart.yaml:4",
            (
                "  hint: an untrusted change gets charts from repositories that the base uses: review it, then compare "
                "it without --untrusted"
            ),
        ]

    def test_a_known_repository_leads_to_its_own_origin_and_to_listed_hosts(self) -> None:
        wanted = RepositoryChart(self.KNOWN, "redis", "1.2.3", "1.2.3", "", "Chart.yaml:4")
        assert not self.permit().chart_url(wanted, "https://pages.example/archives/x.tgz", self.KNOWN)
        assert self.permit("cdn.example.net").chart_url(wanted, "https://cdn.example.net/x.tgz", self.KNOWN)
        with pytest.raises(ConfigError) as caught:
            self.permit().chart_url(wanted, "https://cdn.example.net/x.tgz", self.KNOWN)
        assert caught.value.lines() == [
            (
                f"cmp: chart redis 1.2.3 of {self.KNOWN} may not be fetched: pages.example leads to cdn.example.net, "
                "and the change is not trusted"
            ),
            "  where: Chart.yaml:4",
            (
                "  hint: an administrator who trusts that host has the line `redirects: [cdn.example.net]` below "
                "`charts:` in a policy (CMP_POLICY); or review the change, then compare it without --untrusted"
            ),
        ]


class TestRegistries:
    def test_an_index_may_name_an_archive_in_a_registry_that_is_listed(
        self, repository: ChartRepository, archives: Path, test_tools_dir: str, world: World
    ) -> None:
        program = Path(test_tools_dir, "registry/3.0.0/registry")
        with Registry(program, world.folder / "registry", credentials=None) as registry:
            world.push(registry, archives / REDIS)
            name_elsewhere(repository, f"{registry.url}/redis:1.2.3")
            before = registry.requests
            assert refusal(world, repository.url).what == (
                f"chart redis 1.2.3 of {repository.url}: nothing is fetched from there: 127.0.0.1 is a loopback address"
            )
            assert registry.requests == before
            world.permit = rules(None, registry.host)
            assert [(one.sha256, one.how) for one in world.restore()] == [(sha256(archives / REDIS), "fetched")]

    def test_a_registry_whose_name_leads_to_this_machine_is_not_given_to_helm(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)  # no name of a test machine resolves so
        world.tool = world.tool._replace(path="/nowhere")
        what = "nothing is fetched from there: registry.example leads to 127.0.0.1, a loopback address"
        assert refusal(world, "oci://registry.example/charts").what == (
            f"chart redis 1.2.3 of oci://registry.example/charts: {what}"
        )
        world.env["HTTPS_PROXY"] = "http://proxy.example:3128"  # which looks names up itself: helm is started
        assert refusal(world, "oci://registry.example/charts").what.startswith("cannot start helm pull (chart redis ")


class TestLocks:
    @pytest.mark.parametrize("path", ["/index.yaml", "/postgresql-4.1.0.tgz"])
    def test_a_silent_server_keeps_nobody_from_the_charts_of_another(
        self, path: str, repository: ChartRepository, archives: Path, world: World, tools_dir: str
    ) -> None:
        with ChartRepository(archives) as silent:
            silent.fault(path, body="hang")
            world.depend(dependency("redis", "1.2.3", repository.url), dependency("postgresql", "4.1.0", silent.url))
            held_up = world.start()
            try:
                wait_until(lambda: path in silent.requests)
                other = World(world.folder / "other", tools_dir)
                other.env["CMP_CACHE_DIR"] = str(world.cache)
                other.depend(dependency("redis", "1.2.3", repository.url))
                assert [one.name for one in other.restore()] == ["redis"]
                assert held_up.poll() is None
            finally:
                held_up.terminate()
                held_up.communicate()

    def test_who_waited_to_the_last_is_told_which_host_was_slow(
        self, repository: ChartRepository, cdn: WebServer, world: World
    ) -> None:
        name_elsewhere(repository, f"{cdn.at()}/{REDIS}")
        world.permit = rules(None, host(cdn.at()))
        world.depend(dependency("redis", "1.2.3", repository.url))
        lock = ChartCache(str(world.cache)).lock(Key(repository.url, "redis", "1.2.3"))
        with single_flight(lock, 5) as is_held:
            assert is_held
            with pytest.raises(DeadlineError) as caught:
                world.restore(deadline=1)
        assert caught.value.what == (
            f"chart redis 1.2.3 of {repository.url} was still coming from {host(cdn.at())}, to another process, when "
            "the deadline of 1 s passed"
        )
        assert cdn.requests == []
