"""The inputs of a render from outside the tree: the chart of a repository, and values files of web servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import charts, remotes, toolchain
from cmp.artifacts.remotes import value_files
from cmp.engines.registry import HELM
from cmp.errors import ConfigError
from cmp.repository.builtin.patterns import doublestar, is_pattern
from cmp.system.globs import PatternError
from cmp.system.tree import WorkTree
from cmp.system.unpack import unpack
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.artifacts.cache import Archive
    from cmp.artifacts.charts import Restored
    from cmp.artifacts.lockfile import Lock
    from cmp.context import Context
    from cmp.model import Instance, Layer, RemoteRef
    from cmp.policy import PolicyCheck
    from cmp.system.download import UrlCheck
    from cmp.system.tree import Tree


class Obtained(NamedTuple):
    """An instance whose layers all have their content, the archive of its chart, and what was obtained for both."""

    instance: Instance
    chart: Archive | None
    restored: tuple[Restored, ...]


def obtain(
    tree: Tree, instance: Instance, context: Context, lock: Lock | None, policy_check: PolicyCheck | None
) -> Obtained:
    """Obtain everything, from the cache or over the network; ChartError and ConfigError as for dependencies."""
    restored: list[Restored] = []
    chart = None
    if instance.chart:
        with context.phases.phase("tools"):
            helm = toolchain.find({HELM: instance.pins[HELM]}, context.settings, lock)[HELM]
        with context.phases.phase("charts"):
            work = charts.ChartWork(tree, "", "", helm, lock, policy_check=policy_check)
            (chart,) = charts.obtain([instance.chart], work, context)
        restored.append(charts.Restored.of(chart, instance.chart.repository))
    with context.phases.phase("remotes"):
        layers = [_of_server(layer, context, policy_check, restored) for layer in instance.layers]
        texts = [(name, _of_server(layer, context, policy_check, restored)) for name, layer in instance.value_texts]
    if chart and any(layer.in_chart for layer in (*layers, *(layer for _, layer in texts))):
        with context.phases.phase("charts"), Workspace(context.settings.tmp_dir, outside=tree) as workspace:
            folder = workspace.folder("chart")
            unpack(chart.data, folder, chart.filename, skip=1)
            inside = WorkTree(folder)
            layers = [*_without_repetitions([*_of_chart(inside, layer)] for layer in layers)]
            texts = [(name, found) for name, layer in texts for found in _of_chart(inside, layer)]
    return Obtained(instance._replace(layers=tuple(layers), value_texts=tuple(texts)), chart, tuple(restored))


def _of_server(layer: Layer, context: Context, policy_check: PolicyCheck | None, restored: list[Restored]) -> Layer:
    if layer.remote is None:
        return layer
    archive = value_files.obtain(layer.remote, context, _url_check(layer.remote, policy_check))
    restored.append(charts.Restored.of(archive, layer.remote.url)._replace(version=archive.version[:12]))
    return layer._replace(data=remotes.content(archive), remote=None)


def _url_check(wanted: RemoteRef, policy_check: PolicyCheck | None) -> UrlCheck:
    """Return the function that asks the policy about each URL, as about the repository of a chart."""

    def check(url: str, led_by: str) -> bool:
        if policy_check is None:
            return False
        if not led_by:
            policy_check.chart_host(wanted.subject, url, wanted.place)
        return policy_check.chart_url(wanted, url, led_by or url)

    return check


def _of_chart(chart: Tree, layer: Layer) -> Iterator[Layer]:
    """Yield the files of the chart that a layer names; ConfigError for one that is not there and must be."""
    if not layer.in_chart:
        yield layer
        return
    paths = [layer.path]
    if is_pattern(layer.path):
        try:
            paths = doublestar(chart, layer.path)
        except PatternError as error:
            raise ConfigError(f"the pattern {layer.path} is malformed: {error}", file=layer.source) from None
    found = [path for path in paths if chart.kind(path) == "file"]
    if not found and not layer.is_optional:
        raise ConfigError(
            f"the chart has no file {layer.path}",
            file=layer.source,
            hint="correct the path, or set `ignoreMissingValueFiles: true`",
        )
    for path in found:
        yield layer._replace(path=path, data=chart.read(path), in_chart=False)


def _without_repetitions(entries: Iterable[list[Layer]]) -> Iterator[Layer]:
    """Yield each file once, where it is named, or else where it is first; entries of several files are patterns."""
    listed = [*entries]
    named = {layer.path for layers in listed if len(layers) == 1 for layer in layers}
    seen: set[str] = set()
    for layers in listed:
        for layer in layers:
            if layer.path not in seen and not (len(layers) > 1 and layer.path in named):
                seen.add(layer.path)
                yield layer
