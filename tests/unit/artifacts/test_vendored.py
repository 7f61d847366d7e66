"""charts/ in Git: used when it fits, an error when it is stale."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.charts import Restored
from cmp.errors import ChartError
from tests.support.charts import World, dependency, package, sha256, write_chart
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from pathlib import Path

CHART_YAML = b"apiVersion: v2\nname: evil\nversion: 1.0.0\n"


def vendor(world: World, name: str, version: str) -> Path:
    """Put an archive into the application's charts/."""
    chart = write_chart(world.folder / f"{name}-{version}", name, version)
    (world.app / "charts").mkdir(parents=True, exist_ok=True)
    return package(world.tool.path, chart, world.app / "charts")


@pytest.mark.parametrize("constraint", ["1.2.3", "v1.2.3", "^1.2.0", "1.2"])
def test_a_vendored_chart_that_fits_is_used(constraint: str, world: World) -> None:
    world.depend(dependency("redis", constraint, "https://charts.example"))
    archive = vendor(world, "redis", "1.2.3")
    assert world.restore() == (Restored("redis", "1.2.3", "https://charts.example", sha256(archive), "vendored"),)
    assert world.charts == {}  # the copy has it already


def test_a_chart_in_git_that_is_asked_for_without_a_version_is_used(world: World) -> None:
    world.depend({"name": "redis", "repository": ""})
    write_chart(world.app / "charts/redis", "redis", "1.2.3")
    assert [one.how for one in world.restore()] == ["vendored"]


def test_a_vendored_folder_that_fits_is_used_and_others_stay(world: World) -> None:
    world.depend(dependency("redis", "1.2.3", ""))
    write_chart(world.app / "charts/redis", "redis", "1.2.3")
    write_chart(world.app / "charts/extra", "extra", "0.0.1")
    write_chart(world.app / "charts/_off", "redis", "9.9.9")
    (world.app / "charts/README.md").write_text("what these charts are")
    assert world.restore() == (Restored("redis", "1.2.3", "", "", "vendored"),)


@pytest.mark.parametrize("constraint", ["1.2.4", "~1.3.0", "1.2.3-rc.1"])
def test_a_vendored_chart_that_does_not_fit_is_stale(constraint: str, world: World) -> None:
    world.depend(dependency("redis", constraint, "https://charts.example"))
    vendor(world, "redis", "1.2.3")
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.lines() == [
        (
            "cmp: app/charts/redis-1.2.3.tgz is stale: it is redis 1.2.3; "
            f"asked for is redis {constraint} of https://charts.example"
        ),
        "  where: app/Chart.yaml:6",
        "  hint: delete it from Git, so that it is restored, or run `helm dependency update`",
    ]


def test_a_vendored_chart_must_be_the_one_of_the_lock(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        world.depend(dependency("redis", "~1.2.0", repository.url))
        world.write_lock()
        vendor(world, "redis", "1.2.2")
        with pytest.raises(ChartError) as caught:
            world.restore()
    assert caught.value.what == (
        "app/charts/redis-1.2.2.tgz is stale: it is redis 1.2.2; "
        f"asked for is redis ~1.2.0 (locked: 1.2.3) of {repository.url}"
    )


def test_two_vendored_charts_that_fit_are_too_many(world: World) -> None:
    world.depend(dependency("redis", "^1.2.0", "https://charts.example"))
    vendor(world, "redis", "1.2.3")
    vendor(world, "redis", "1.2.2")
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.lines() == [
        "cmp: app/charts/redis-1.2.2.tgz and app/charts/redis-1.2.3.tgz both fit redis ^1.2.0",
        "  where: app/Chart.yaml:6",
        "  hint: delete one of them from Git",
    ]


def test_an_old_vendored_chart_beside_the_new_one_is_stale(world: World) -> None:
    world.depend(dependency("redis", "1.2.3", "https://charts.example"))
    vendor(world, "redis", "1.2.3")
    vendor(world, "redis", "1.2.2")
    with pytest.raises(ChartError, match=r"charts/redis-1\.2\.2\.tgz is stale: it is redis 1\.2\.2"):
        world.restore()


def test_a_dependency_without_repository_must_be_vendored(world: World) -> None:
    world.depend(dependency("redis", "1.2.3", ""))
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.lines() == [
        "cmp: redis has no repository and is not in app/charts",
        "  where: app/Chart.yaml:6",
    ]


def test_whether_a_version_lies_in_a_range_is_asked_once(world: World) -> None:
    world.depend(dependency("redis", "^1.2.0", "https://charts.example"))
    vendor(world, "redis", "1.2.3")
    world.restore()
    world.tool = world.tool._replace(path="/nowhere")
    assert [one.how for one in world.restore()] == ["vendored"]


LINKED = "the archive holds a link or a device: 'evil/x'"


def with_a_link() -> bytes:
    """Return a packed chart with a symbolic link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as packed:
        chart = tarfile.TarInfo("evil/Chart.yaml")
        chart.size = len(CHART_YAML)
        packed.addfile(chart, io.BytesIO(CHART_YAML))
        link = tarfile.TarInfo("evil/x")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        packed.addfile(link)
    return stream.getvalue()


@pytest.mark.parametrize("path", ["charts/evil-1.0.0.tgz", "charts/other/charts/evil.tgz"])
@pytest.mark.parametrize("is_named", [False, True])
def test_an_archive_is_looked_into_whether_it_is_named_or_not(path: str, *, is_named: bool, world: World) -> None:
    world.depend(*([dependency("other", "1.0.0", "")] if is_named else []))
    write_chart(world.app / "charts/other", "other", "1.0.0")
    place(world.app / path)
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.what == f"app/{path}: {LINKED}"


def test_so_are_those_of_a_local_chart(world: World) -> None:
    world.depend(dependency("common", "0.1.0", "file://../common"))
    write_chart(world.tree / "common", "common", "0.1.0")
    place(world.tree / "common/charts/evil.tgz")
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.what == f"common/charts/evil.tgz: {LINKED}"


def test_what_helm_passes_over_may_be_anything(world: World) -> None:
    world.depend()
    for name in ("charts/_evil.tgz", "charts/.evil.tgz", "files/evil.tgz", "charts/evil.zip"):
        place(world.app / name)
    (world.app / "charts/circle").symlink_to("..")
    assert world.restore() == ()


def place(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(with_a_link())
