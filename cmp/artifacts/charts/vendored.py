"""Charts that lie in a chart's own charts/ folder in Git: used when name and version fit, an error when they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.charts import dependencies
from cmp.errors import ChartError
from cmp.system.files import sha256
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp.artifacts.cache import ChartCache
    from cmp.artifacts.charts.dependencies import Dependency
    from cmp.system.tree import Entry, Tree


class VendoredChart(NamedTuple):
    """A chart in Git; `sha256` is that of a packed one, "" of a folder."""

    path: str
    name: str
    version: str
    sha256: str


def inspect_all(tree: Tree, folder: str, cache: ChartCache) -> None:
    """Inspect every archive in `folder`/charts and in the charts/ of charts there; ChartError for a dangerous one.

    Helm reads them all, whether Chart.yaml names them or not.
    """
    seen: set[str] = set()
    waiting = [folder]
    while waiting:
        charts = join(waiting.pop(), "charts")
        if (real := tree.resolve(charts)) in seen:  # by a link; no copy is made of a circle
            continue
        seen.add(real)
        for entry in tree.entries(charts):
            path = join(charts, entry.name)
            if entry.name.startswith(("_", ".")):  # helm passes over them
                continue
            if entry.kind == "folder":
                waiting.append(path)
            elif entry.kind == "file" and entry.name.endswith(".tgz"):
                _identity(tree.read(path), path, cache)


def find(tree: Tree, folder: str, cache: ChartCache) -> list[VendoredChart]:
    """List the charts below `folder`/charts as helm sees them, packed or not."""
    charts = join(folder, "charts")
    return [chart for entry in tree.entries(charts) for chart in _read(tree, charts, entry, cache)]


def _read(tree: Tree, folder: str, entry: Entry, cache: ChartCache) -> Iterator[VendoredChart]:
    path = join(folder, entry.name)
    if entry.name.startswith(("_", ".")):  # helm passes over them
        return
    if entry.kind == "folder" and tree.kind(join(path, "Chart.yaml")) == "file":
        name, version = identity(tree, path, cache)
        yield VendoredChart(path, name, version, sha256="")
    elif entry.kind == "file" and entry.name.endswith(".tgz"):
        data = tree.read(path)
        name, version = _identity(data, path, cache)
        yield VendoredChart(path, name, version, sha256=sha256(data))


def identity(tree: Tree, folder: str, cache: ChartCache) -> tuple[str, str]:
    """Return name and version of the chart in a folder."""
    path = join(folder, "Chart.yaml")
    return _identity(tree.read(path), path, cache)


def _identity(data: bytes, path: str, cache: ChartCache) -> tuple[str, str]:
    """Return name and version from an archive or a Chart.yaml; they are kept, for they follow from the bytes."""
    key = sha256(data)
    note = cache.note("identity", key)
    if isinstance(note, list):
        return note[0], note[1]
    if path.endswith(".tgz"):
        from cmp.artifacts.charts.archive import inspect  # noqa: PLC0415  # only for an archive that was not seen before

        archive = inspect(data, path)
        name, version = archive.name, archive.version
    else:
        name, version = dependencies.identity(data, path)
    cache.keep_note("identity", key, [name, version])
    return name, version


def assign(
    wanted: Sequence[Dependency], charts: Sequence[VendoredChart], fits: Callable[[Dependency, str], bool]
) -> dict[Dependency, VendoredChart]:
    """Give each dependency the one vendored chart that fits; charts without a dependency of their name do not count.

    ChartError for a chart that has such a dependency and does not fit (it is stale, and helm would use it), and for two
    charts that fit one dependency.
    """
    used: dict[Dependency, VendoredChart] = {}
    for dependency in wanted:
        fitting = [chart for chart in charts if chart.name == dependency.name and fits(dependency, chart.version)]
        if len(fitting) > 1:
            raise ChartError(
                f"{fitting[0].path} and {fitting[1].path} both fit {dependency.name} {dependency.constraint}",
                file=dependency.place,
                hint="delete one of them from Git",
            )
        if fitting:
            used[dependency] = fitting[0]
    for chart in charts:
        named = [dependency for dependency in wanted if dependency.name == chart.name]
        if named and chart not in used.values():
            raise _stale(chart, named[-1])
    return used


def _stale(chart: VendoredChart, dependency: Dependency) -> ChartError:
    locked = dependency.version if dependency.version != dependency.constraint else ""
    asked = f"{dependency.constraint} (locked: {locked})" if locked else dependency.constraint
    source = f" of {dependency.repository}" if dependency.repository else ""
    return ChartError(
        f"{chart.path} is stale: it is {chart.name} {chart.version}; asked for is {dependency.name} {asked}{source}",
        file=dependency.place,
        hint="delete it from Git, so that it is restored, or run `helm dependency update`",
    )
