"""Charts as a comparison reads them: Chart.yaml, default values, CRDs and subcharts, of a folder or of archives.

No template of a chart is read here, and nothing runs.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.artifacts.charts.archive import contents
from cmp.errors import ChartError
from cmp.system.files import sha256
from cmp.system.tree import join, walk
from cmp.versions import numbers
from cmp.yamldoc.access import mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.system.tree import Tree
    from cmp.yamldoc.access import Map

KEPT_ARCHIVES = 24  # in the memory of a worker: many pairs have the same

_CHART = r"(?:charts/[^/._][^/]*/)*"  # helm passes over names that begin with a dot or an underline
_READ = re.compile(rf"{_CHART}(?:(?:Chart|requirements|values)\.yaml|crds/.+\.(?:ya?ml|json))")
_PACKED = re.compile(rf"{_CHART}charts/[^/._][^/]*\.tgz")
_SUBCHART = re.compile(r"(charts/[^/]+)/Chart\.yaml")
_OPERATORS = "^~<>=!v "


class Subchart(NamedTuple):
    """A subchart, the key of its values in those of its parent, and the keys there that may leave it out."""

    key: str
    conditions: tuple[tuple[str, ...], ...]
    tags: tuple[str, ...]
    chart: OpenedChart


class OpenedChart(NamedTuple):
    """A chart: `metadata` is its Chart.yaml, `values` its values.yaml, `crds` the files in its crds/ by their paths.

    `folder` is its folder in the tree, None for one in an archive.  `read_keys` are paths of its values that helm
    itself reads (conditions and tags of subcharts, `import-values`).  `digest` is that of all of it but subcharts.
    """

    name: str
    version: str
    metadata: Map
    values: bytes
    crds: tuple[tuple[str, bytes], ...]
    subcharts: tuple[Subchart, ...]
    read_keys: frozenset[tuple[str, ...]]
    folder: str | None
    digest: str


def of_folder(tree: Tree, folder: str, archives: Sequence[tuple[str, str | None, bytes]] = ()) -> OpenedChart | None:
    """Open the chart in a folder of the tree; None where it has no readable Chart.yaml.

    `archives` are dependencies that were put into its charts/: a name for each, the folder of the tree that it was made
    of, and its bytes.
    """
    files: dict[str, bytes] = {}
    packed: dict[str, str | None] = {}
    for path in walk(tree, folder):
        inside = path[len(folder) + 1 :] if folder else path
        if _PACKED.fullmatch(inside):
            _unpack(files, packed, inside, tree.read(path))
        elif _READ.fullmatch(inside):
            files[inside] = tree.read(path)
    for name, origin, data in archives:
        _unpack(files, packed, f"charts/{name}.tgz", data, origin)
    return _opened(files, packed, "", folder)


def of_archive(data: bytes, folder: str | None = None) -> OpenedChart | None:
    """Open the chart in an archive, which was made of a folder of the tree, or not; None where that is no chart."""
    return _opened(_unpacked(data), {}, "", folder)


def _unpack(
    files: dict[str, bytes], packed: dict[str, str | None], path: str, data: bytes, origin: str | None = None
) -> None:
    """Add the files of an archive as if they lay in a folder beside it."""
    place = path.removesuffix(".tgz")
    packed[place] = origin
    files.update((join(place, inside), content) for inside, content in _unpacked(data).items())


@lru_cache(maxsize=KEPT_ARCHIVES)
def _unpacked(data: bytes) -> Mapping[str, bytes]:
    try:
        return contents(data, "archive", lambda path: _READ.fullmatch(path) is not None)
    except ChartError:  # what renders it reports it
        return {}


def _opened(
    files: Mapping[str, bytes], packed: Mapping[str, str | None], place: str, folder: str | None
) -> OpenedChart | None:
    """Open the chart whose files have paths from its own folder; `place` is that folder from the outermost chart's."""
    metadata = _map(files.get("Chart.yaml", b""))
    name, version = metadata.get("name"), metadata.get("version")
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    declared = [
        *maps(metadata.get("dependencies")),
        *maps(_map(files.get("requirements.yaml", b"")).get("dependencies")),
    ]
    subcharts = tuple(_subcharts(files, packed, place, folder, declared))
    crds = tuple(sorted((path, data) for path, data in files.items() if path.startswith("crds/")))
    values = files.get("values.yaml", b"")
    own = [files["Chart.yaml"], values, *(part for path, data in crds for part in (path.encode(), data))]
    keys = sorted(subchart.key for subchart in subcharts)
    return OpenedChart(
        name=name,
        version=version,
        metadata=metadata,
        values=values,
        crds=crds,
        subcharts=subcharts,
        read_keys=frozenset(_read_keys(declared)),
        folder=folder,
        digest=sha256("\n".join((*map(sha256, own), *keys)).encode()),
    )


def _subcharts(
    files: Mapping[str, bytes],
    packed: Mapping[str, str | None],
    place: str,
    folder: str | None,
    declared: Sequence[Map],
) -> Iterator[Subchart]:
    found = []
    for path in files:
        if match := _SUBCHART.fullmatch(path):
            inner, here = f"{match[1]}/", join(place, match[1])
            inside = {name.removeprefix(inner): data for name, data in files.items() if name.startswith(inner)}
            own = packed[here] if here in packed else (None if folder is None else join(folder, match[1]))
            if chart := _opened(inside, packed, here, own):
                found.append(chart)
    for chart in sorted(found, key=lambda one: (one.name, one.version)):
        uses = [use for use in declared if use.get("name") == chart.name]
        if sum(other.name == chart.name for other in found) > 1:
            uses = [use for use in uses if _may_be(str(use.get("version")), chart.version)] or uses
        for use in uses or [{}]:
            yield Subchart(
                key=str(use.get("alias") or chart.name),
                conditions=tuple(_conditions(use)),
                tags=tuple(tag for tag in _list(use.get("tags")) if isinstance(tag, str)),
                chart=chart,
            )


def _may_be(constraint: str, version: str) -> bool:
    """Say whether a constraint may mean a version, where one chart is there twice: it begins with the same number."""
    return numbers(constraint.lstrip(_OPERATORS))[:1] == numbers(version.lstrip("v"))[:1]


def _conditions(use: Map) -> Iterator[tuple[str, ...]]:
    """Yield the paths of a condition, of which the first that holds a truth value counts."""
    for path in str(use.get("condition") or "").split(","):
        if path.strip():
            yield tuple(path.strip().split("."))


def _read_keys(declared: Sequence[Map]) -> Iterator[tuple[str, ...]]:
    for use in declared:
        key = str(use.get("alias") or use.get("name"))
        yield from _conditions(use)
        yield from (("tags", tag) for tag in _list(use.get("tags")) if isinstance(tag, str))
        for item in _list(use.get("import-values")):
            child = f"exports.{item}" if isinstance(item, str) else str(mapping(item).get("child"))
            yield (key, *child.split("."))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _map(data: bytes) -> Map:
    return next(iter(yamldoc.load_maps(data)), {})


def title(chart: OpenedChart) -> str:
    """Return the name and the version, as in `redis-1.2.3`."""
    return f"{chart.name}-{chart.version}"


def values_place(chart: OpenedChart) -> str:
    """Return the path of a chart's values.yaml for a reader."""
    return posixpath.join(title(chart) if chart.folder is None else chart.folder, "values.yaml")
