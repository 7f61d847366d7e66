"""The charts of a rendered source and of all below them, each at the place of its values, and those that were bumped.

The archives come from the cache by their digests, where the render has put them; nothing is fetched here.
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.cache import SOURCE, ChartCache, Key, Record
from cmp.artifacts.charts.dependencies import DECLARATIONS, LOCAL, declared
from cmp.engines.registry import HELM
from cmp.preview.bumps import opened
from cmp.system.files import sha256
from cmp.system.tree import join
from cmp.versions import is_exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.artifacts.charts import Restored
    from cmp.engines.protocol import Needs
    from cmp.model import Instance
    from cmp.preview.bumps.opened import OpenedChart, Subchart
    from cmp.system.tree import Tree

    UseKey = tuple[object, ...]


class ChartUse(NamedTuple):
    """A use of a chart by a source of a pair: the same chart under two aliases has two.

    `root` tells the charts apart that one source renders, each by itself; `is_own` says that it gets the layers.
    `keys` lead to its values in those of that chart.  `above` are the charts around it, the outermost first, each with
    the subchart of it through which this one is reached.  `chart` is None where its archive is not in the cache.
    """

    source: int
    root: str
    is_own: bool
    keys: tuple[str, ...]
    name: str
    version: str
    chart: OpenedChart | None
    above: tuple[tuple[OpenedChart, Subchart], ...] = ()


def uses(
    source: int, tree: Tree, instance: Instance, needs: Needs, *, restored: Sequence[Restored], cache: ChartCache
) -> list[ChartUse]:
    """Return all charts of a rendered source; `restored` are those that were obtained for it."""
    waiting = list(restored)
    roots: list[tuple[str, bool, str, OpenedChart | None]] = []
    for folder in needs.chart_folders:
        own = _of_folder(tree, folder, waiting, cache)
        is_own = HELM in instance.engines and folder == instance.chart_folder and instance.chart is None
        if own:
            roots.append((own.name, is_own, own.version, own))
    for chart in waiting:
        if chart.how not in ("cache", "fetched") or not chart.sha256:
            continue
        data = _archive(chart, cache)
        of_archive = opened.of_archive(data) if data is not None else None
        if of_archive or (data is None and is_exact(chart.version)):  # others are no charts, such as remote bases
            is_own = HELM in instance.engines and instance.chart is not None and instance.chart.name == chart.name
            roots.append((chart.name, is_own, chart.version, of_archive))
    found: list[ChartUse] = []
    numbers: Counter[str] = Counter()
    for name, is_own, version, root in roots:
        label = "" if is_own else f"{name}\n{numbers[name]}"
        numbers[name] += 1
        outermost = ChartUse(source, label, is_own=is_own, keys=(), name=name, version=version, chart=root)
        found += (outermost, *_below(outermost))
    return found


def bumped(before: Sequence[ChartUse], after: Sequence[ChartUse]) -> Iterator[tuple[ChartUse, ChartUse]]:
    """Yield the uses of one chart on both sides that have different versions.

    A chart is looked for in its place; where another one is there, or none, the only use of its name that is left.
    """
    old, new = ({_place(use): use for use in side} for side in (before, after))
    in_place = [(old[place], use) for place, use in new.items() if place in old and old[place].name == use.name]
    yield from ((was, now) for was, now in in_place if was.version != now.version)
    done = {*map(_place, (was for was, _ in in_place))}, {*map(_place, (now for _, now in in_place))}
    moved = _by_name(use for use in before if _place(use) not in done[0])
    for name, left in _by_name(use for use in after if _place(use) not in done[1]).items():
        if len(left) == 1 and len(moved.get(name, ())) == 1 and moved[name][0].version != left[0].version:
            yield moved[name][0], left[0]


def _place(use: ChartUse) -> UseKey:
    return (use.source, use.root, use.keys)


def _by_name(found: Iterable[ChartUse]) -> Mapping[str, list[ChartUse]]:
    named: dict[str, list[ChartUse]] = defaultdict(list)
    for use in found:
        named[use.name].append(use)
    return named


def _below(use: ChartUse) -> Iterator[ChartUse]:
    chart = use.chart
    for subchart in chart.subcharts if chart else ():
        inner = use._replace(
            keys=(*use.keys, subchart.key),
            name=subchart.chart.name,
            version=subchart.chart.version,
            chart=subchart.chart,
            above=(*use.above, (chart, subchart)) if chart else (),
        )
        yield inner
        yield from _below(inner)


def _of_folder(tree: Tree, folder: str, waiting: list[Restored], cache: ChartCache) -> OpenedChart | None:
    """Open the chart in a folder with its dependencies, which are taken out of those that wait."""
    archives: list[tuple[str, str | None, bytes]] = []
    for dependency in _declared(tree, folder):
        own = next((one for one in waiting if (one.name, one.repository) == dependency), None)
        if own is None:
            continue
        waiting.remove(own)
        data = _archive(own, cache) if own.how != "vendored" else None
        if data is not None:
            local = own.repository.removeprefix(LOCAL) if own.how == "packaged" else ""
            origin = posixpath.normpath(join(folder, local)) if local else None
            archives.append((f"{own.name}-{own.version}", origin, data))
    return opened.of_folder(tree, folder, archives)


def _declared(tree: Tree, folder: str) -> list[tuple[str, str]]:
    """Return name and repository of each dependency, in the order in which they were restored."""
    paths = [path for name in DECLARATIONS if tree.kind(path := join(folder, name)) == "file"]
    return [(entry.name, entry.repository) for path in paths for entry in declared(tree.read(path))]


def _archive(chart: Restored, cache: ChartCache) -> bytes | None:
    """Return the bytes of an archive as the cache has them; None where they are not there, or damaged."""
    key = Key(f"{SOURCE}{chart.sha256}", chart.name, chart.version)
    record = cache.record(key) if chart.how == "packaged" else Record(key, chart.version, chart.sha256)
    if record is None:
        return None
    try:
        with open(cache.path(record), "rb") as file:
            data = file.read()
    except OSError:
        return None
    return data if sha256(data) == record.sha256 else None
