"""The charts of helmfiles come through the chart cache: with one request each, and with none when it is warm."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.charts import write_chart
from tests.support.helmfile import APP, ENDS, WITH_HELM, HelmfileRepository, chart
from tests.support.servers.charts import ChartRepository
from tests.support.servers.oci import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.harness import Sandbox


@pytest.fixture(params=ENDS, ids=" with ".join)
def world(sandbox: Sandbox, request: pytest.FixtureRequest) -> HelmfileRepository:
    return HelmfileRepository(sandbox).pin(*request.param)


@pytest.fixture
def repository(archives: Path) -> Iterator[ChartRepository]:
    with ChartRepository(archives) as repository:
        yield repository


def helmfile(url: str, *releases: str, more: str = "") -> dict[str, str]:
    return {"helmfile.yaml": f"repositories: [{{name: ex, url: '{url}'{more}}}]\nreleases: [{', '.join(releases)}]\n"}


REDIS = "{name: redis, chart: ex/redis, version: 1.2.3}"


@pytest.mark.parametrize("world", WITH_HELM, ids=" with ".join, indirect=True)
def test_a_chart_of_a_repository(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app(helmfile(repository.url, REDIS, "{name: other, chart: ex/redis, version: 1.3.0, installed: false}"))
    cold = world.run()
    assert (cold.code, "name: redis-1.2.3" in cold.stdout.replace('"', "")) == (0, True), cold.stderr
    assert repository.counts() == {"/index.yaml": 1, "/redis-1.2.3.tgz": 1}
    warm = world.run(CMP_OFFLINE="1")
    assert warm.stdout == cold.stdout
    assert "charts 1/1 without network" in warm.stderr
    assert len(repository.requests) == 2


def test_the_bare_helmfile_makes_the_same_of_it(world: HelmfileRepository, repository: ChartRepository) -> None:
    releases = [f"{{name: {name}, namespace: shop, chart: ex/{name}, version: {version}}}" for name, version in CHARTS]
    world.write_app(helmfile(repository.url, *releases))
    assert world.must().replace("---\n", "").split() == world.by_hand().replace("---\n", "").split()


CHARTS = (("redis", "1.2.x"), ("postgresql", "4.1.0"), ("cert-manager", "v1.14.0"))


def test_a_range_and_no_version_are_reported(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app(helmfile(repository.url, "{name: a, chart: ex/redis}", "{name: b, chart: ex/redis, version: ~1.2}"))
    ran = world.run()
    assert ran.code == 0
    assert [line.partition(";")[0] for line in ran.stderr.splitlines()[:-1]] == [
        f"cmp: warning: {APP}/helmfile.yaml:2: redis >0.0.0 is 1.3.0 for now, and may be another within the hour",
        f"cmp: warning: {APP}/helmfile.yaml:2: redis ~1.2 is 1.2.3 for now, and may be another within the hour",
    ]
    before = len(repository.requests)
    assert world.must() == ran.stdout
    assert len(repository.requests) == before


def test_prereleases_are_taken_with_devel(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app(helmfile(repository.url, "{name: a, chart: ex/redis, devel: true}"))
    assert "redis-2.0.0-rc.1" in world.must()


def test_helmfile_lock_decides_ranges(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app(helmfile(repository.url, "{name: a, chart: ex/redis, version: ^1.0.0}"))
    lock = {
        "version": "1.1.7",
        "generated": "2025-01-01T00:00:00Z",
        "digest": "sha256:0",
        "dependencies": [{"name": "redis", "repository": repository.url, "version": "1.2.2", "alias": "-a"}],
    }
    world.write_app({"helmfile.lock": json.dumps(lock)})
    ran = world.run()
    assert (ran.code, "redis-1.2.2" in ran.stdout, "for now" in ran.stderr) == (0, True, False), ran.stderr


def test_a_registry(world: HelmfileRepository, archives: Path, test_tools_dir: str) -> None:
    program = Path(test_tools_dir, "registry/3.0.0/registry")
    with Registry(program, world.sandbox.folder / "registry", credentials=("user", "pass-word")) as registry:
        config = str(registry.write_config(world.sandbox.folder / "config.json"))
        helm = f"{world.sandbox.tools_dir}/helm/{world.helm}/helm"
        argv = [helm, "push", str(archives / "redis-1.2.3.tgz"), registry.url, "--plain-http"]
        env = {"HOME": str(world.sandbox.folder), "HELM_REGISTRY_CONFIG": config}
        subprocess.run(argv, env=env, capture_output=True, check=True)
        host = registry.url.removeprefix("oci://")
        world.write_app(
            helmfile(host, REDIS, f"{{name: b, chart: '{registry.url}/redis', version: 1.2.3}}", more=", oci: true")
        )
        assert "redis-1.2.3" in world.must(HELM_REGISTRY_CONFIG=config)
        before = len(registry.requests)
        assert "redis-1.2.3" in world.must(CMP_OFFLINE="1")
        assert len(registry.requests) == before


def test_a_local_chart_with_dependencies(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app({"helmfile.yaml": "releases: [{name: a, chart: ./charts/umbrella}]\n"})
    dependencies = [{"name": "redis", "version": "1.2.3", "repository": repository.url}]
    for name in ("umbrella", "unused"):
        write_chart(world.root / APP / "charts" / name, name, "0.1.0", dependencies)
    assert "redis-1.2.3" in world.must()
    assert repository.counts() == {"/index.yaml": 1, "/redis-1.2.3.tgz": 1}
    assert "redis-1.2.3" in world.must(CMP_OFFLINE="1")


def test_a_local_archive(world: HelmfileRepository, archives: Path) -> None:
    world.write_app({"helmfile.yaml": "releases: [{name: a, chart: ./packed/redis-1.2.3.tgz}]\n"})
    world.write({f"{APP}/packed/redis-1.2.3.tgz": (archives / "redis-1.2.3.tgz").read_bytes()})
    assert "redis-1.2.3" in world.must()


def test_a_local_archive_is_looked_into(world: HelmfileRepository) -> None:
    world.write_app({"helmfile.yaml": "releases: [{name: a, chart: ./packed/x.tgz}]\n"})
    world.write({f"{APP}/packed/x.tgz": b"hello"})
    what = f"{APP}/packed/x.tgz: this is not a chart archive (Not a gzipped file (b'he'))"
    assert world.refused()[0] == f"cmp: {what}"


def test_a_chart_that_is_not_there(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app(helmfile(repository.url, "{name: a, chart: ex/nginx, version: 1.0.0}"))
    first, where, *_ = world.refused()
    assert first.startswith(f"cmp: chart nginx 1.0.0 of {repository.url}: ")
    assert where == f"  where: application shop, cluster dev, phase charts, {APP}/helmfile.yaml:2"


def test_a_miss_without_network(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app(helmfile(repository.url, REDIS))
    assert world.refused(CMP_OFFLINE="1") == [
        f"cmp: chart redis 1.2.3 of {repository.url} is not in the cache, and CMP_OFFLINE forbids to fetch it",
        f"  where: application shop, cluster dev, phase charts, {APP}/helmfile.yaml:2",
        "  hint: run `cmp cache warm` where the network is allowed",
    ]
    assert repository.requests == []


def test_the_policy_lists_the_hosts_of_charts(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app(helmfile(repository.url, REDIS))
    policy = world.sandbox.folder / "policy.yaml"
    policy.write_text("version: 1\ncharts: {hosts: [charts.example.com]}\n")
    first = world.refused(CMP_POLICY=str(policy))[0]
    assert first.startswith(f"cmp: chart redis 1.2.3 of {repository.url} may not be used: the administrator's policy ")
    assert repository.requests == []


def test_cmp_lock_has_the_charts_that_states_name_and_is_enforced(
    world: HelmfileRepository, repository: ChartRepository
) -> None:
    world.write_app(
        {
            "repositories.yaml": f"repositories: [{{name: ex, url: '{repository.url}'}}]\n",
            "helmfile.yaml.gotmpl": (
                "bases: [repositories.yaml]\nenvironments: {default: {}, x: {}}\n---\nreleases:\n"
                "- {name: a, chart: ex/redis, version: ^1.0}\n"
                '- {name: b, chart: "ex/{{ print `redis` }}", version: 1.2.3, '
                'installed: {{ eq .Environment.Name "x" }}}\n'
            ),
        }
    )
    ran = world.sandbox.run("lock", cwd=world.root)
    assert (ran.code, ran.stdout) == (0, "cmp.lock: 1 charts, 3 tools\n")
    assert "redis-1.3.0" in world.must(CMP_OFFLINE="1")
    world.write_app({"cmp-app.yaml": "helmfile: {environment: x}\n"})
    assert world.refused()[0] == f"cmp: chart redis 1.2.3 of {repository.url}: cmp.lock has no entry for it"


def test_the_cache_is_warmed_for_the_charts_that_states_name(
    world: HelmfileRepository, repository: ChartRepository
) -> None:
    world.write_app(helmfile(repository.url, REDIS))
    ran = world.sandbox.run("cache", "warm", cwd=world.root)
    assert ran.code == 0, ran.stderr
    assert "redis-1.2.3" in world.must(CMP_OFFLINE="1")


def test_credentials_are_those_of_the_sidecar(world: HelmfileRepository, archives: Path) -> None:
    with ChartRepository(archives, credentials=("user", "pass-word")) as repository:
        world.write_app(helmfile(repository.url, REDIS))
        assert "it wants other credentials" in world.refused()[0]
        config = repository.write_repositories(world.sandbox.folder / "repositories.yaml")
        assert "redis-1.2.3" in world.must(HELM_REPOSITORY_CONFIG=str(config))


def test_explain_lists_the_charts(world: HelmfileRepository, repository: ChartRepository) -> None:
    world.write_app({**chart(), **helmfile(repository.url, REDIS, "{name: web, chart: ./charts/web}")})
    said = world.run("--explain").stderr
    assert f"redis 1.2.3  {repository.url}" in said, said
