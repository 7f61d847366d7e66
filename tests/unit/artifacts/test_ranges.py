"""Ranges: resolved by helm, remembered for a while, or fixed by Chart.lock or cmp.lock."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.lockfile import Lock, LockedChart
from cmp.errors import ChartError
from tests.support.charts import HELMS, World, dependency, repack, sha256, write_chart
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from pathlib import Path

REDIS = "/redis-1.2.3.tgz"


@pytest.mark.parametrize("helm", HELMS)
def test_a_range_is_resolved_remembered_for_a_while_and_reported(
    helm: str, archives: Path, tmp_path: Path, tools_dir: str
) -> None:
    world = World(tmp_path, tools_dir, helm)
    with ChartRepository(archives) as repository:
        world.depend(
            dependency("redis", ">=1.2.0 <2", repository.url),
            dependency("redis", "~1.2.0", repository.url, alias="old"),
        )
        assert [(one.version, one.how) for one in world.restore()] == [("1.3.0", "fetched"), ("1.2.3", "fetched")]
        assert repository.counts() == {"/index.yaml": 1, REDIS: 1, "/redis-1.3.0.tgz": 1}
        assert [(one.version, one.how) for one in world.restore()] == [("1.3.0", "cache"), ("1.2.3", "cache")]
        assert len(repository.requests) == 3
    assert world.stderr.splitlines()[1] == (
        "cmp: warning: app/Chart.yaml:11: redis ~1.2.0 is 1.2.3 for now, and may be another within the hour; "
        "`helm dependency update` or `cmp lock` fixes it"
    )


def test_a_range_is_asked_again_when_its_time_is_over(
    archives: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "^1.2.0", repository.url))
        monkeypatch.setattr("cmp.artifacts.charts.repository_chart.RANGE_SECONDS", -1.0)
        assert [one.how for one in world.restore()] == ["fetched"]
        assert [one.how for one in world.restore()] == ["cache"]
        assert repository.counts() == {"/index.yaml": 2, "/redis-1.3.0.tgz": 1}


def test_a_range_has_the_version_of_a_current_lock(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(
            dependency("postgresql", "4.1.0", repository.url, condition="a<b&c>d", tags=["x"]),
            dependency(
                "redis", ">= 1.2.0, < 1.3.0", repository.url, **{"import-values": ["z", {"parent": "p", "child": "c"}]}
            ),
        )
        world.write_lock()
        assert [one.version for one in world.restore()] == ["4.1.0", "1.2.3"]
        assert world.stderr == ""
        assert "diskcache" not in world.loaded_modules()


def test_a_stale_lock_is_reported_and_not_used(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "~1.2.0", repository.url))
        world.write_lock()
        world.depend(dependency("redis", "^1.2.0", repository.url))
        assert [one.version for one in world.restore()] == ["1.3.0"]
        first, second = world.stderr.splitlines()
    assert first == "cmp: warning: app/Chart.lock does not belong to the dependencies any more and is not used"
    assert second.startswith("cmp: warning: app/Chart.yaml:6: redis ^1.2.0 is 1.3.0 for now")


def test_a_stale_lock_does_not_matter_to_exact_versions(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "1.2.2", repository.url))
        world.write_lock()
        world.depend(dependency("redis", "1.2.3", repository.url))
        assert [one.version for one in world.restore()] == ["1.2.3"]
    assert world.stderr == ""


@pytest.mark.parametrize("constraint", ["~1.2.0", "1.2.3"])
def test_a_chart_of_apiversion_v1_has_requirements(constraint: str, archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        write_chart(world.app, "app", "0.1.0")
        (world.app / "Chart.yaml").write_text("apiVersion: v1\nname: app\nversion: 0.1.0\n")
        requirements = {"dependencies": [dependency("redis", constraint, repository.url)]}
        (world.app / "requirements.yaml").write_text(json.dumps(requirements))
        world.write_lock()
        assert (world.app / "requirements.lock").is_file()
        assert [one.version for one in world.restore()] == ["1.2.3"]
    assert world.stderr == ""


def locked(world: World, archives: Path, url: str, version: str = "1.2.3", **other: str) -> None:
    fields = {"repository": url, "name": "redis", "constraint": "^1.2.0", "version": version}
    digest = sha256(archives / f"redis-{version}.tgz")
    world.lock = Lock((LockedChart(**{**fields, "sha256": digest, **other}),))


def test_cmp_lock_says_which_archive_it_is(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "^1.2.0", repository.url))
        locked(world, archives, repository.url)
        assert [one.version for one in world.restore()] == ["1.2.3"]
        assert [one.how for one in world.restore()] == ["cache"]
    assert world.stderr == ""


def test_cmp_lock_may_name_a_version_as_the_chart_itself_does(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("cert-manager", "1.14.0", repository.url))
        digest = sha256(archives / "cert-manager-v1.14.0.tgz")
        world.lock = Lock((LockedChart(repository.url, "cert-manager", "1.14.0", "v1.14.0", digest),))
        assert [(one.version, one.how) for one in world.restore()] == [("v1.14.0", "fetched")]
        assert [(one.version, one.how) for one in world.restore()] == [("v1.14.0", "cache")]


def test_a_chart_that_cmp_lock_does_not_name_is_an_error(archives: Path, world: World) -> None:
    world.depend(dependency("redis", "~1.2.0", "https://charts.example"))
    locked(world, archives, "https://charts.example")
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.lines() == [
        "cmp: chart redis ~1.2.0 of https://charts.example: cmp.lock has no entry for it",
        "  where: app/Chart.yaml:6",
        "  hint: run `cmp lock` and commit the file",
    ]


def test_a_version_that_cmp_lock_contradicts_is_an_error(archives: Path, world: World) -> None:
    world.depend(dependency("redis", "1.3.0", "https://charts.example"))
    locked(world, archives, "https://charts.example", constraint="1.3.0")
    with pytest.raises(ChartError, match=r"chart redis 1\.3\.0 of https://charts\.example: cmp\.lock says 1\.2\.3"):
        world.restore()


def test_an_archive_that_is_not_the_one_of_cmp_lock_is_refused_and_not_kept(archives: Path, world: World) -> None:
    found, wanted = sha256(archives / "redis-1.2.3.tgz"), "0" * 64
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "^1.2.0", repository.url))
        locked(world, archives, repository.url, sha256=wanted)
        with pytest.raises(ChartError) as caught:
            world.restore()
    assert caught.value.lines(is_cached=True) == [
        f"cmp: chart redis 1.2.3 of {repository.url} has changed: its sha256 is {found}, cmp.lock says {wanted}",
        "  where: app/Chart.yaml:6",
        (
            "  hint: a published version must not change: find out why it did; `cmp lock` accepts it; "
            "Argo CD keeps this error cached until a hard refresh"
        ),
    ]
    assert not list(world.cache.glob("archives/*/*"))


def test_cmp_lock_decides_between_what_is_cached_and_what_is_published(archives: Path, world: World) -> None:
    """The version was published again, and the new lock has come through Git."""
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "^1.2.0", repository.url))
        locked(world, archives, repository.url)
        world.restore()
        again = repack(archives / "redis-1.2.3.tgz", world.folder)
        repository.files[REDIS] = again
        digest = hashlib.sha256(again).hexdigest()
        locked(world, archives, repository.url, sha256=digest)
        assert [(one.sha256, one.how) for one in world.restore()] == [(digest, "fetched")]
        assert [(one.sha256, one.how) for one in world.restore()] == [(digest, "cache")]
