"""Repositories and caches that must not be trusted."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from cmp.errors import CACHED_HINT, ChartError
from tests.support.charts import World, dependency, repack, sha256
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from pathlib import Path

REDIS = "/redis-1.2.3.tgz"


def test_the_same_version_with_another_digest_is_reported_until_it_is_accepted(archives: Path, world: World) -> None:
    before = sha256(archives / "redis-1.2.3.tgz")
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.3", repository.url))
        world.restore()
        shutil.rmtree(world.cache / "archives")  # as after a prune
        repository.files[REDIS] = repack(archives / "redis-1.2.3.tgz", world.folder)
        now = hashlib.sha256(repository.files[REDIS]).hexdigest()
        with pytest.raises(ChartError) as caught:
            world.restore()
    assert caught.value.lines(is_cached=True) == [
        f"cmp: chart redis 1.2.3 of {repository.url} has changed: its sha256 is {now}, it was {before}",
        "  where: app/Chart.yaml:6",
        (
            "  hint: a published version must not change: find out why it did; "
            f"`cmp cache refresh redis@1.2.3` accepts it; {CACHED_HINT}"
        ),
    ]


def cached(world: World, name: str) -> Path:
    (found,) = world.cache.glob(f"archives/*/{name}")
    return found


@pytest.mark.parametrize("damage", ["truncated", "swapped", "empty"])
def test_a_damaged_archive_in_the_cache_is_fetched_again(damage: str, archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.3", repository.url), dependency("postgresql", "4.1.0", repository.url))
        world.restore()
        path = cached(world, "redis-1.2.3.tgz")
        content = {"truncated": path.read_bytes()[:-20], "empty": b""}
        path.write_bytes(content.get(damage) or cached(world, "postgresql-4.1.0.tgz").read_bytes())
        assert [one.how for one in world.restore()] == ["fetched", "cache"]
        assert world.charts["redis-1.2.3.tgz"] == (archives / "redis-1.2.3.tgz").read_bytes()
        assert repository.counts()[REDIS] == 2


def test_an_index_entry_that_names_a_foreign_archive_is_not_believed(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.3", repository.url), dependency("postgresql", "4.1.0", repository.url))
        world.restore()
        foreign = sha256(archives / "postgresql-4.1.0.tgz")
        for entry in world.cache.glob("index/*.json"):
            fields = json.loads(entry.read_text())
            entry.write_text(json.dumps({**fields, "sha256": foreign}))
        with pytest.raises(ChartError, match=f"redis 1.2.3 .* has changed: .* it was {foreign}"):
            world.restore()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"sha256": "../../etc/passwd", "chart": "1.2.3"}', '{"sha256": 1}']
)
def test_a_damaged_index_entry_is_a_miss(content: str, archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.3", repository.url))
        world.restore()
        (entry,) = world.cache.glob("index/*.json")
        entry.write_text(content)
        assert [one.how for one in world.restore()] == ["fetched"]
        assert [one.how for one in world.restore()] == ["cache"]


def test_a_foreign_archive_from_the_repository_is_refused(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        repository.files[REDIS] = repository.files["/postgresql-4.1.0.tgz"]
        world.depend(dependency("redis", "1.2.3", repository.url))
        with pytest.raises(ChartError) as caught:
            world.restore()
    assert caught.value.lines(is_cached=True) == [
        f"cmp: chart redis 1.2.3 of {repository.url}: the repository gave postgresql 4.1.0 instead",
        "  where: app/Chart.yaml:6",
        "  hint: Argo CD keeps this error cached until a hard refresh",
    ]
    assert not list(world.cache.glob("archives/*/*"))


def test_two_different_charts_of_one_name_and_version_are_refused(archives: Path, world: World) -> None:
    with ChartRepository(archives) as one, ChartRepository(archives) as other:
        world.depend(dependency("redis", "1.2.3", one.url), dependency("redis", "1.2.3", other.url, alias="other"))
        assert [found.how for found in world.restore()] == ["fetched", "fetched"]  # the same archive is no harm
        world.env["CMP_CACHE_DIR"] = str(world.folder / "other-cache")
        other.files[REDIS] = repack(archives / "redis-1.2.3.tgz", world.folder)
        with pytest.raises(ChartError) as caught:
            world.restore()
    assert caught.value.lines() == [
        "cmp: two different charts are called redis-1.2.3.tgz",
        "  where: app/Chart.yaml:11",
    ]


def test_something_else_than_a_chart_from_the_repository_is_refused(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        repository.files[REDIS] = b"<html>please log in</html>"
        world.depend(dependency("redis", "1.2.3", repository.url))
        with pytest.raises(ChartError, match=r"chart redis 1\.2\.3 of http.*: this is not a chart archive"):
            world.restore()
