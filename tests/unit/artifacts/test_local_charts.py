"""`file://` dependencies: packaged from the same tree, with dependencies of their own."""

from __future__ import annotations

import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from cmp.errors import ChartError, ConfigError
from tests.support.charts import HELMS, World, dependency, write_chart
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path, tools_dir: str) -> World:
    world = World(tmp_path, tools_dir)
    world.depend(dependency("common", "0.1.0", "file://../charts/common"))
    return world


def common(world: World, *dependencies: dict[str, object], version: str = "0.1.0") -> Path:
    return write_chart(world.tree / "charts/common", "common", version, dependencies)


def files(archive: Path) -> dict[str, bytes]:
    """Return the packed files of an archive."""
    with tarfile.open(archive) as opened:
        members = [(member.name, opened.extractfile(member)) for member in opened.getmembers()]
        return {name: file.read() for name, file in members if file}


def rendered(world: World) -> str:
    """Render the application's chart with the restored dependencies by the real helm."""
    chart = world.copy / "Chart.yaml"
    chart.write_bytes((world.app / "Chart.yaml").read_bytes())
    argv = [world.tool.path, "template", "x", str(world.copy)]
    return subprocess.run(argv, env={"HOME": str(world.folder)}, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("helm", HELMS)
def test_a_range_that_helm_does_not_judge_is_told_in_one_line(helm: str, tmp_path: Path, tools_dir: str) -> None:
    world = World(tmp_path, tools_dir, helm)
    world.depend(dependency("common", "^0.1.0", "file://../charts/common"))
    (common(world) / "Chart.yaml").write_text("{apiVersion: v2, name: common, version: one}")
    with pytest.raises(ChartError) as caught:
        world.restore()
    first, where, *_ = caught.value.lines()
    assert first.startswith("cmp: chart common one: helm failed: error unpacking ")
    assert first.endswith('validation: chart.metadata.version "one" is invalid')
    assert where == "  where: app/Chart.yaml:6"


@pytest.mark.parametrize("helm", HELMS)
def test_a_local_chart_is_packaged_once_and_again_when_its_source_changes(
    helm: str, tmp_path: Path, tools_dir: str
) -> None:
    world = World(tmp_path, tools_dir, helm)
    world.depend(dependency("common", "0.1.0", "file://../charts/common"))
    chart = common(world)
    (chart / ".helmignore").write_text("*.md\n")
    (chart / "notes.md").write_text("not packaged")
    (first,) = world.restore()
    assert (first.name, first.version, first.repository, first.how) == (
        "common",
        "0.1.0",
        "file://../charts/common",
        "packaged",
    )
    packed = world.charts
    assert sorted(files(world.copy / "charts/common-0.1.0.tgz")) == [
        "common/.helmignore",
        "common/Chart.yaml",
        "common/templates/map.yaml",
    ]
    assert "name: common-0.1.0" in rendered(world) or '"name": "common-0.1.0"' in rendered(world)

    tool, world.tool = world.tool, world.tool._replace(path="/nowhere")
    assert world.restore() == (first,)
    assert world.charts == packed

    world.tool = tool
    (chart / "templates/map.yaml").write_text("# nothing now\n")
    (second,) = world.restore()
    assert second.sha256 != first.sha256
    assert files(world.copy / "charts/common-0.1.0.tgz")["common/templates/map.yaml"] == b"# nothing now\n"
    assert world.leftovers() == []


def test_another_helm_packages_again(world: World, tools_dir: str) -> None:
    common(world)
    (first,) = world.restore()
    world.tool = World(world.folder, tools_dir, "4.0.0").tool
    (second,) = world.restore()
    assert first.sha256 != second.sha256


def test_a_local_chart_brings_its_own_dependencies_local_and_remote(archives: Path, world: World) -> None:
    with ChartRepository(archives) as repository:
        chart = common(
            world, dependency("base", "~0.3.0", "file://../base"), dependency("redis", "1.2.3", repository.url)
        )
        write_chart(world.tree / "charts/base", "base", "0.3.5")
        cold = world.restore()
        assert repository.counts() == {"/index.yaml": 1, "/redis-1.2.3.tgz": 1}
        assert [(one.name, one.how) for one in cold] == [("common", "packaged")]
        packed = files(world.copy / "charts/common-0.1.0.tgz")
        # helm package unpacks the charts of a chart into its archive
        assert {"common/charts/base/Chart.yaml", "common/charts/redis/Chart.yaml"} <= set(packed)
        output = rendered(world)
        assert all(f'"name": "{name}"' in output for name in ("common-0.1.0", "base-0.3.5", "redis-1.2.3"))
        world.tool = world.tool._replace(path="/nowhere")
        assert world.restore() == cold
        assert len(repository.requests) == 2
    assert not (chart / "charts").exists()  # the source tree is never written to


def test_a_change_deep_below_packages_everything_above_again(world: World) -> None:
    common(world, dependency("base", "0.3.5", "file://../base"))
    base = write_chart(world.tree / "charts/base", "base", "0.3.5")
    (first,) = world.restore()
    (base / "templates/map.yaml").write_text("# nothing now\n")
    (second,) = world.restore()
    assert first.sha256 != second.sha256
    assert files(world.copy / "charts/common-0.1.0.tgz")["common/charts/base/templates/map.yaml"] == b"# nothing now\n"


def test_a_local_chart_behind_a_link_is_followed_inside_the_tree(world: World) -> None:
    chart = common(world)
    (world.tree / "shared").mkdir()
    (world.tree / "shared/more.yaml").write_text("# shared\n")
    (chart / "templates/shared").symlink_to("../../../shared")
    world.restore()
    assert files(world.copy / "charts/common-0.1.0.tgz")["common/templates/shared/more.yaml"] == b"# shared\n"
    (chart / "templates/outside").symlink_to("/etc")
    with pytest.raises(ConfigError, match="this path leads outside the source tree"):
        world.restore()


def test_without_a_writable_cache_it_is_packaged_each_time(world: World) -> None:
    common(world)
    world.cache.write_text("a file, not a folder")
    assert [one.how for one in world.restore()] == ["packaged"]
    assert list(world.charts) == ["common-0.1.0.tgz"]


@pytest.mark.parametrize(
    ("repository", "what"),
    [
        ("file://../../common", "file://../../common leads outside the source tree"),
        ("file:///srv/common", "file:///srv/common leads outside the source tree"),
        ("file://../charts/none", "file://../charts/none: there is no chart in charts/none"),
        ("file://..", "file://..: there is no chart in ."),
    ],
)
def test_a_path_without_a_chart_is_an_error(repository: str, what: str, world: World) -> None:
    world.depend(dependency("common", "0.1.0", repository))
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.lines() == [f"cmp: {what}", "  where: app/Chart.yaml:6"]


@pytest.mark.parametrize("constraint", ["0.2.0", "^0.2.0", ">=0.1.1"])
def test_a_local_chart_of_another_version_is_an_error(constraint: str, world: World) -> None:
    common(world)
    world.depend(dependency("common", constraint, "file://../charts/common"))
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.lines() == [
        f"cmp: file://../charts/common is common 0.1.0; asked for is common {constraint}",
        "  where: app/Chart.yaml:6",
    ]


def test_a_lock_says_nothing_about_a_local_chart(world: World) -> None:
    common(world)
    world.depend(dependency("common", "^0.1.0", "file://../charts/common"))
    world.write_lock()
    common(world, version="0.1.1")
    assert [one.version for one in world.restore()] == ["0.1.1"]
    assert world.stderr == ""


def test_a_circle_is_an_error(world: World) -> None:
    common(world, dependency("base", "0.3.5", "file://../base"))
    write_chart(world.tree / "charts/base", "base", "0.3.5", [dependency("common", "0.1.0", "file://../common")])
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.what == (
        "file:// dependencies lead in a circle: app > charts/common > charts/base > charts/common"
    )


def test_a_chart_that_helm_does_not_package_is_an_error(world: World) -> None:
    chart = common(world)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: common\nversion: 0.1.0\ntype: nonsense\n")
    with pytest.raises(ChartError) as caught:
        world.restore()
    assert caught.value.what == (
        "cannot package charts/common: helm failed: validation: chart.metadata.type must be application or library"
    )
    assert caught.value.file == "charts/common/Chart.yaml"
