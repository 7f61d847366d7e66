"""Exact versions of HTTP repositories: fetched once, then restored from the cache."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts import ttl_cache
from cmp.artifacts.charts import Restored
from cmp.errors import CACHED_HINT, ChartError
from tests.support.charts import HELMS, World, dependency, sha256
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from pathlib import Path

REDIS = "/redis-1.2.3.tgz"


@pytest.mark.parametrize("helm", HELMS)
def test_a_cold_restore_fetches_each_archive_once_and_a_warm_one_nothing(
    helm: str, archives: Path, tmp_path: Path, tools_dir: str
) -> None:
    world = World(tmp_path, tools_dir, helm)
    with ChartRepository(archives) as repository:
        world.depend(
            dependency("redis", "1.2.3", repository.url, condition="redis.enabled"),
            dependency("postgresql", "4.1.0", repository.url, alias="ledger"),
            dependency("postgresql", "4.1.0", repository.url, alias="audit", tags=["audit"]),
        )
        cold = world.restore()
        assert repository.counts() == {"/index.yaml": 1, REDIS: 1, "/postgresql-4.1.0.tgz": 1}
        charts = world.charts
        warm = world.restore()
        assert len(repository.requests) == 3
    redis, postgresql = sha256(archives / "redis-1.2.3.tgz"), sha256(archives / "postgresql-4.1.0.tgz")
    assert cold == (
        Restored("redis", "1.2.3", repository.url, redis, "fetched"),
        Restored("postgresql", "4.1.0", repository.url, postgresql, "fetched"),
        Restored("postgresql", "4.1.0", repository.url, postgresql, "fetched"),
    )
    assert warm == tuple(one._replace(how="cache") for one in cold)
    assert charts == world.charts == {name: (archives / name).read_bytes() for name in charts}
    assert sorted(charts) == ["postgresql-4.1.0.tgz", "redis-1.2.3.tgz"]
    assert world.leftovers() == []
    assert world.stderr == ""


def test_the_private_copy_holds_files_and_not_links_into_the_cache(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.3", repository.url))
        world.restore()
    restored = world.copy / "charts/redis-1.2.3.tgz"
    assert not restored.is_symlink()
    assert restored.stat().st_nlink == 1


def test_a_chart_without_dependencies_needs_neither_cache_nor_helm(world: World) -> None:
    world.depend()
    world.tool = world.tool._replace(path="/nowhere")
    assert world.restore() == ()


def test_sixteen_cold_restores_at_once_share_one_download(archives: Path, world: World) -> None:
    with ChartRepository(archives, delay=0.05) as repository:
        world.depend(dependency("redis", "^1.2.0", repository.url), dependency("postgresql", "4.1.0", repository.url))
        running = [world.start() for _ in range(16)]
        ended = [(process.communicate(timeout=60), process.returncode) for process in running]
        asked = repository.counts()
    assert [code for _, code in ended] == [0] * 16, ended[0]
    assert asked.pop("/index.yaml") <= 2 * 16
    assert asked == {"/redis-1.3.0.tgz": 1, "/postgresql-4.1.0.tgz": 1}
    digests = [sha256(archives / name) for name in ("redis-1.3.0.tgz", "postgresql-4.1.0.tgz")]
    for (stdout, _), _ in ended:
        assert all(digest in stdout for digest in digests)
        assert stdout.endswith("['postgresql-4.1.0.tgz', 'redis-1.3.0.tgz']\n")


@pytest.mark.parametrize(
    ("name", "asked", "got"),
    [
        ("cert-manager", "1.14.0", "v1.14.0"),
        ("cert-manager", "v1.14.0", "v1.14.0"),
        ("rancher", "3.0.0", "3.0.0+up1.7"),
    ],
)
def test_a_version_is_found_as_helm_finds_it(name: str, asked: str, got: str, archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency(name, asked, repository.url))
        world.restore()
        assert [one.version for one in world.restore()] == [got]
        assert len(repository.requests) == 2
    assert list(world.charts) == [f"{name}-{got}.tgz"]


def test_a_warm_restore_of_exact_versions_imports_nothing_heavy_and_starts_no_child(
    archives: Path, world: World
) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.3", repository.url))
        world.restore()
    heavy = {"yaml", "filelock", "diskcache", "sqlite3", "tarfile", "tempfile", "concurrent.futures", "dataclasses"}
    assert not heavy & world.loaded_modules()


@pytest.mark.parametrize("constraint", ["1.2.3", "^1.2.0"])
def test_offline_a_hit_is_served_and_a_miss_names_chart_version_and_repository(
    constraint: str, archives: Path, world: World
) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", constraint, repository.url))
        world.restore()
        world.env["CMP_OFFLINE"] = "1"
        world.restore()
        assert len(repository.requests) == 2
        shutil.rmtree(world.cache)
        ttl_cache.forget(str(world.folder / "state"), f"range\n{repository.url}\nredis\n^1.2.0")
        with pytest.raises(ChartError) as caught:
            world.restore()
        assert len(repository.requests) == 2
    assert caught.value.lines(is_cached=True) == [
        f"cmp: chart redis {constraint} of {repository.url} is not in the cache, and CMP_OFFLINE forbids to fetch it",
        "  where: app/Chart.yaml:6",
        f"  hint: run `cmp cache warm` where the network is allowed; {CACHED_HINT}",
    ]


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ({"name": "../redis", "version": "1.2.3"}, "a dependency without a usable name"),
        ({"version": "1.2.3"}, "a dependency without a usable name"),
        ({"name": "redis", "version": 1.2}, "version and repository of redis must be text"),
        ({"name": "redis", "repository": "https://charts.example"}, "redis of https://charts.example has no version"),
        ({"name": "redis", "version": "1.2\n3"}, "the version of redis is not understood"),
        (
            {"name": "redis", "version": "1.2.3", "repository": "ftp://charts.example"},
            "the repository of redis is no http, https, oci or file URL and no alias: 'ftp://charts.example'",
        ),
        (
            {"name": "redis", "version": "1.2.3", "repository": "https://charts.example:99999"},
            "the repository of redis is no http, https, oci or file URL and no alias: 'https://charts.example:99999'",
        ),
        (
            {"name": "redis", "version": "1.2.3", "repository": "stable"},
            "the repository of redis is no http, https, oci or file URL and no alias: 'stable'",
        ),
        (
            {"name": "redis", "version": "1.2.3", "repository": "https://u:pa55w0rd@charts.example/x"},
            "the repository of redis has credentials in its URL: https://charts.example/x",
        ),
        (
            {"name": "redis", "version": "1.2.3", "repository": "@stable"},
            "nobody defines the repository @stable of redis",
        ),
    ],
)
def test_a_dependency_that_is_not_understood_is_named_with_its_line(
    entry: dict[str, object], what: str, world: World
) -> None:
    world.depend(entry)
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.what == what
    assert caught.value.file == "app/Chart.yaml:6"


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("dependencies: {a: b}\n", "`dependencies` is not a list of maps", "app/Chart.yaml"),
        ("dependencies: [redis]\n", "`dependencies` is not a list of maps", "app/Chart.yaml"),
        (
            "name: app\n  dependencies: []\n",
            "this is not YAML: mapping values are not allowed in this context",
            "app/Chart.yaml:2",
        ),
    ],
)
def test_a_chart_yaml_that_is_not_understood_is_an_error(text: str, what: str, place: str, world: World) -> None:
    world.app.mkdir(parents=True)
    (world.app / "Chart.yaml").write_text(text)
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert (caught.value.what, caught.value.file) == (what, place)
