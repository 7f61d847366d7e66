"""Chart hosts, `file://` charts and extra flags: the administrator's word, warm and cold, online and offline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.charts import HELMS, dependency, write_chart
from tests.support.policy import BANK, EVERYBODY, HOOK, POLICY, SHOP, SHOP_ON_DEV, TEMPLATE, RepositoryOfTeams
from tests.support.servers.charts import ChartRepository
from tests.support.trees import plant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


CACHED = "; Argo CD keeps this error cached until a hard refresh; see operations.md#configuration\n"
HOSTS = "version: 1\ncharts: {hosts: [%s]}\n"
NO_KEY = {"SOPS_AGE_KEY_FILE": "/nonexistent"}  # whoever comes as far as decrypting fails with exit code 6
REFERENCE = "; see operations.md#configuration\n"


@pytest.fixture
def repository(archives: Path) -> Iterator[ChartRepository]:
    with ChartRepository(archives) as server:
        yield server


def depend(teams: RepositoryOfTeams, *dependencies: dict[str, object]) -> None:
    write_chart(teams.root / SHOP, "team-a-shop", "1.0.0", dependencies)


def host(repository: ChartRepository) -> str:
    return repository.url.split("/")[2]


def unlisted(teams: RepositoryOfTeams, chart: str, shown: str, place: str = f"{SHOP}/Chart.yaml") -> str:
    """Return the whole refusal of a chart at the sidecar's door."""
    return (
        f"cmp: {chart} may not be used: the administrator's policy does not list its host {shown}\n"
        f"  where: application team-a-shop, cluster dev, phase policy, {place}\n"
        f"  hint: an administrator adds the host to charts.hosts of {teams.policy}; an author takes the chart from a "
        f"listed one: charts.example.com{CACHED}"
    )


class TestHosts:
    def test_a_listed_one_serves_and_the_cache_does_then(
        self, teams: RepositoryOfTeams, repository: ChartRepository
    ) -> None:
        depend(teams, dependency("redis", "1.2.3", repository.url))
        teams.allow(HOSTS % f'"{host(repository)}"')
        for _ in range(2):
            ran = teams.generate_from()
            assert ran.code == 0, ran.stderr
        assert repository.counts() == {"/index.yaml": 1, "/redis-1.2.3.tgz": 1}

    @pytest.mark.parametrize("state", ["cold", "warm", "warm and offline", "cold and offline"])
    def test_any_other_one_is_refused_before_a_request(
        self, teams: RepositoryOfTeams, repository: ChartRepository, state: str
    ) -> None:
        depend(teams, dependency("redis", "1.2.3", repository.url))
        if state.startswith("warm"):
            assert teams.generate_from(CMP_POLICY="").code == 0
        before = len(repository.requests)
        teams.allow(HOSTS % "charts.example.com")
        ran = teams.generate_from(**NO_KEY, CMP_OFFLINE="1" if state.endswith("offline") else "")
        chart = f"chart redis 1.2.3 of {repository.url}"
        assert (ran.code, ran.stdout) == (3, "")
        assert without_line(ran.stderr) == unlisted(teams, chart, host(repository))
        assert len(repository.requests) == before

    def test_of_several_charts_none_is_fetched(self, teams: RepositoryOfTeams, repository: ChartRepository) -> None:
        depend(
            teams,
            dependency("redis", "^1.2.0", repository.url),
            dependency("postgresql", "4.1.0", "oci://registry.example.com:5000/team"),
        )
        teams.allow(HOSTS % f'"{host(repository)}"')
        ran = teams.generate_from()
        assert (ran.code, repository.requests) == (3, [])
        assert "does not list its host registry.example.com:5000\n" in ran.stderr

    def test_a_chart_below_counts_too(self, teams: RepositoryOfTeams, repository: ChartRepository) -> None:
        write_chart(teams.root / "charts/base", "base", "1.0.0", [dependency("redis", "1.2.3", repository.url)])
        depend(teams, dependency("base", "1.0.0", "file://../../charts/base"))
        teams.allow(HOSTS % "charts.example.com")
        ran = teams.generate_from()
        chart, place = f"chart redis 1.2.3 of {repository.url}", "charts/base/Chart.yaml"
        assert without_line(ran.stderr) == unlisted(teams, chart, host(repository), place)

    def test_an_alias_is_no_way_around(self, teams: RepositoryOfTeams, repository: ChartRepository) -> None:
        depend(teams, dependency("redis", "1.2.3", "@example"))
        config = repository.write_repositories(teams.sandbox.folder / "repositories.yaml")
        teams.allow(HOSTS % "charts.example.com")
        ran = teams.generate_from(HELM_REPOSITORY_CONFIG=str(config))
        chart = f"chart redis 1.2.3 of {repository.url}"
        assert without_line(ran.stderr) == unlisted(teams, chart, host(repository))

    def test_what_lies_in_git_comes_from_no_host(self, teams: RepositoryOfTeams) -> None:
        depend(teams, dependency("redis", "1.2.3", "https://evil.example"))
        write_chart(teams.root / SHOP / "charts/redis", "redis", "1.2.3")
        teams.allow(HOSTS % "charts.example.com")
        ran = teams.generate_from()
        assert ran.code == 0, ran.stderr

    @pytest.mark.parametrize("argv", ["render team-a-shop --cluster dev", "cache warm", "lock"])
    def test_persons_and_warm_caches_have_the_same_hosts(
        self, teams: RepositoryOfTeams, repository: ChartRepository, argv: str
    ) -> None:
        depend(teams, dependency("redis", "1.2.3", repository.url))
        teams.allow(HOSTS % "charts.example.com")
        ran = teams.sandbox.run(*argv.split(), cwd=teams.root)
        what = f"chart redis 1.2.3 of {repository.url} may not be used"
        assert (ran.code, repository.requests) == (3, [])
        assert ran.first_line == f"cmp: {what}: the administrator's policy does not list its host {host(repository)}"

    def test_so_have_a_lock_alone_and_a_refresh(self, teams: RepositoryOfTeams, repository: ChartRepository) -> None:
        depend(teams, dependency("redis", "1.2.3", repository.url))
        assert teams.sandbox.run("lock", cwd=teams.root, CMP_POLICY="").code == 0
        before = len(repository.requests)
        teams.allow(HOSTS % "charts.example.com")
        for argv in (("cache", "warm", "--lock", "cmp.lock"), ("cache", "refresh", "redis")):
            ran = teams.sandbox.run(*argv, cwd=teams.root)
            assert ran.code == 3
            assert "the administrator's policy does not list its host" in ran.first_line
        assert len(repository.requests) == before


class TestFileCharts:
    @pytest.mark.parametrize("written", ["../team-b-bank", "../team-a-link"])
    def test_another_teams_chart_is_no_dependency(self, teams: RepositoryOfTeams, written: str) -> None:
        (teams.root / "namespaces/team-a-link").symlink_to("team-b-bank")
        depend(teams, dependency("team-b-bank", "1.0.0", f"file://{written}"))
        ran = teams.generate_from(**NO_KEY)
        through = " (through namespaces/team-a-link)" if written.endswith("link") else ""
        assert without_line(ran.stderr) == (
            f"cmp: AppProject team-a may not use the chart {BANK}{through}\n"
            f"  where: application team-a-shop, cluster dev, phase policy, {SHOP}/Chart.yaml\n"
            "  hint: its folders are namespaces/team-a-*, clusters/*/team-a-*; an administrator adds others to "
            f"`applications` of {teams.policy}, an author keeps to these{CACHED}"
        )
        assert teams.generate_from(**NO_KEY, CMP_POLICY="").code == 6

    def test_a_common_one_is_for_whom_a_rule_gives_it_to(self, teams: RepositoryOfTeams) -> None:
        write_chart(teams.root / "charts/base", "base", "1.0.0")
        depend(teams, dependency("base", "1.0.0", "file://../../charts/base"))
        assert teams.generate_from().first_line == "cmp: AppProject team-a may not use the chart charts/base"
        teams.allow(POLICY + EVERYBODY)
        assert "name: base-1.0.0" in teams.generate_from().stdout.replace('"', "")


class TestFlags:
    def ask(self, teams: RepositoryOfTeams, *flags: str, file: str = f"{SHOP}/cmp-app.yaml") -> None:
        written = {"helm": {"extraFlags": flags}}
        plant(teams.root, {file: json.dumps({"defaults": written} if file == "cmp.yaml" else written)})
        plant(teams.root, {f"{SHOP}/templates/hook.yaml": HOOK, f"{SHOP}/templates/all.yaml": TEMPLATE})

    @pytest.mark.parametrize("version", HELMS)
    def test_a_listed_one_reaches_helm(self, teams: RepositoryOfTeams, version: str) -> None:
        self.ask(teams, "--no-hooks")
        parameters = json.dumps([{"name": "helm-version", "string": version}])
        teams.allow("{version: 1, flags: {helm: [--enable-dns, --no-hooks]}}\n")
        ran = teams.generate_from(ARGOCD_APP_PARAMETERS=parameters)
        assert ran.code == 0, ran.stderr
        assert "name: hook" not in ran.stdout
        self.ask(teams)
        assert "name: hook" in teams.generate_from(ARGOCD_APP_PARAMETERS=parameters).stdout

    @pytest.mark.parametrize(
        ("file", "column"),
        [(f"{SHOP}/cmp-app.yaml", 26), (f"{SHOP_ON_DEV}/cmp-app.yaml", 26), ("cmp.yaml", 39)],
    )
    def test_any_other_one_is_refused_where_it_stands(self, teams: RepositoryOfTeams, file: str, column: int) -> None:
        self.ask(teams, "--no-hooks", file=file)
        teams.allow("{version: 1, flags: {helm: [--enable-dns]}}\n")
        teams.without_sops()
        assert teams.generate_from().stderr == (
            "cmp: the flag `--no-hooks` of helm is not allowed\n"
            f"  where: application team-a-shop, cluster dev, phase policy, {file}:1:{column}\n"
            f"  hint: an administrator adds it to flags.helm of {teams.policy}; an author removes it from extraFlags"
            + CACHED
        )

    def test_settings_of_some_applications_name_the_entry_that_holds(self, teams: RepositoryOfTeams) -> None:
        flag = "helm: {extraFlags: [--no-hooks]}}"
        entry = f"- {{apps: team-a-*, where: [dev], {flag}"
        others = [f"- {{apps: team-b-*, {flag}", f"- {{apps: '*', where: [prod], {flag}"]
        plant(teams.root, {"cmp.yaml": "\n".join(["applications:", f"- {{apps: team-a-*, {flag}", entry, *others])})
        teams.allow("{version: 1, flags: {helm: [--enable-dns]}}\n")
        place = f"phase policy, cmp.yaml:3:{entry.index('--no-hooks') + 1}\n"
        assert teams.generate_from().stderr.splitlines(keepends=True)[1].endswith(place)

    def test_without_a_policy_there_are_none(self, teams: RepositoryOfTeams) -> None:
        self.ask(teams, "--no-hooks")
        ran = teams.sandbox.run("render", "team-a-shop", "--cluster", "dev", cwd=teams.root, CMP_POLICY="")
        assert ran.code == 3
        assert ran.stderr == (
            "cmp: the flag `--no-hooks` of helm is not allowed\n"
            f"  where: application team-a-shop, cluster dev, phase policy, {SHOP}/cmp-app.yaml:1:26\n"
            "  hint: an administrator adds it to flags.helm of a policy (CMP_POLICY); an author removes it from "
            "extraFlags\n"
        )

    @pytest.mark.parametrize("flag", ["--post-renderer=/bin/sh", "--no-hooks=false", "-f", "--kubeconfig", ""])
    def test_some_no_policy_allows(self, teams: RepositoryOfTeams, flag: str) -> None:
        self.ask(teams, flag)
        teams.allow("{version: 1, flags: {helm: [--enable-dns, --no-hooks]}}\n")
        ran = teams.generate_from()
        shown = f"`{flag}`" if flag else "an empty text"
        assert (ran.code, ran.first_line) == (3, f"cmp: the flag {shown} of helm is not allowed")
        assert ran.stderr.splitlines()[2].startswith("  hint: no policy can allow it: ")
        assert ran.stderr.endswith(f"; remove it from extraFlags{REFERENCE}")


def without_line(stderr: str) -> str:
    """Leave the line out at which a dependency stands in Chart.yaml."""
    head, found, tail = stderr.partition("/Chart.yaml:")
    return head + "/Chart.yaml" + tail.lstrip("0123456789") if found else stderr
