"""The places of this repository that set a value of a chart: layers, parameters, and values.yaml of charts around it.

Only places leave this module, and of the values their shapes: a layer may hold secrets.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.engines.registry import HELMFILE, KUSTOMIZE
from cmp.errors import CmpError
from cmp.preview.bumps.compared import kind
from cmp.preview.bumps.opened import values_place
from cmp.repository import values
from cmp.repository.values.provenance import Origin, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.engines.kustomize import Analysis
    from cmp.engines.protocol import Needs
    from cmp.model import Instance
    from cmp.preview.bumps.uses import ChartUse
    from cmp.repository.values.provenance import Path
    from cmp.system.tree import Tree

_TRUTHS = {"true": True, "false": False}


class Source(NamedTuple):
    """Values, by the place of each; `keys` lead to them in the values of the outermost chart.

    One that `is_of_repository` stands in a file of the tree or in an Application, others in the archive of a chart.
    """

    keys: tuple[str, ...]
    origins: Mapping[Path, Origin]
    is_of_repository: bool = True


class Override(NamedTuple):
    """A place that sets a value, and the shape of what it sets; empty for null, and for one around the value."""

    place: str
    kind: str


class Found(NamedTuple):
    """The overrides of a value, the strongest first, and whether a chart in an archive sets it all the same."""

    overrides: tuple[Override, ...]
    is_shadowed: bool


class Settings:
    """All that is set for the chart of a use, the strongest first; `remarks` say what is not known."""

    def __init__(self, use: ChartUse, tree: Tree, instance: Instance, needs: Needs) -> None:
        self.remarks: list[str] = []
        self._use = use
        of_root = [*_of_kustomizations(use, tree, instance, needs)] if not use.is_own else []
        if use.is_own:
            of_root = [_parameters(instance), self._layers(tree, instance)]
        elif HELMFILE in instance.engines:
            self.remarks.append("which of them the values of helmfile's releases override is not known here")
        of_charts = [
            Source(use.keys[:depth], _origins([(values_place(chart), chart.values)]), chart.folder is not None)
            for depth, (chart, _) in enumerate(use.above)
        ]
        self._sources = [*of_root, *of_charts]

    def find(self, path: tuple[str, ...]) -> Found:
        """Return what is set for a value, by its path from the chart's own values."""
        found: dict[str, Override] = {}
        is_shadowed = False
        for full in self._names(path):
            for source in self._sources:
                if full[: len(source.keys)] != source.keys:
                    continue
                for override in _at(source.origins, full[len(source.keys) :]):
                    if source.is_of_repository:
                        found.setdefault(override.place, override)
                    else:
                        is_shadowed = True
        return Found(tuple(found.values()), is_shadowed)

    def is_disabled(self) -> bool:
        """Tell whether a condition or a tag leaves the chart, or one around it, out."""
        return any(self._is_left_out(depth) for depth in range(len(self._use.above)))

    def is_read_by_helm(self, path: tuple[str, ...]) -> bool:
        """Tell whether helm itself reads a value of the chart, as the condition of a subchart."""
        full = (*self._use.keys, *path)
        charts = [chart for chart, _ in self._use.above] + ([self._use.chart] if self._use.chart else [])
        return any(_covers(chart.read_keys, full[depth:]) for depth, chart in enumerate(charts))

    def _names(self, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        """Return the paths of a value from the outermost chart: a global one may stand in each chart around."""
        keys = self._use.keys
        if path[0] == "global":
            return [(*keys[:depth], *path) for depth in range(len(keys) + 1)]
        return [(*keys, *path)]

    def _is_left_out(self, depth: int) -> bool:
        """Say what helm's processDependencyConditions and processDependencyTags do (pkg/chartutil/dependencies.go)."""
        subchart = self._use.above[depth][1]
        for condition in subchart.conditions:
            truth = self._truth((*self._use.keys[:depth], *condition))
            if truth is not None:
                return not truth
        truths = [truth for tag in subchart.tags if (truth := self._truth(("tags", tag))) is not None]
        return bool(truths) and not any(truths)

    def _truth(self, full: tuple[str, ...]) -> bool | None:
        """Return the truth value at a path, where the strongest source with something there has one."""
        own = self._use.chart
        last = [Source(self._use.keys, _origins([(values_place(own), own.values)]))] if own else []
        for source in (*self._sources, *last):
            origin = source.origins.get(full[len(source.keys) :]) if full[: len(source.keys)] == source.keys else None
            if origin:
                value = origin.value
                return value if isinstance(value, bool) else _TRUTHS.get(str(value))
        return None

    def _layers(self, tree: Tree, instance: Instance) -> Source:
        layers: list[tuple[str, bytes]] = []
        for layer in instance.layers:
            if layer.remote:
                self.remarks.append(f"which of them `{layer.remote.url}` overrides is not known here")
            elif layer.is_in_tree:
                layers.append((layer.path, tree.read(layer.path)))
            elif layer.data is not None:
                layers.append((layer.path, layer.data))
        if text := instance.parameters.values_yaml:
            layers.append(("parameter values-yaml", text.encode()))
        return Source((), _origins(layers))


def _parameters(instance: Instance) -> Source:
    """Return the parameters that set one value each, the last of one key."""
    parameters = instance.parameters
    pairs = [
        *(("--set", key, value) for key, value in parameters.set_values),
        *(("--set-template", key, value) for key, value in parameters.set_templates),
        *(("--set-string", key, value) for key, value in parameters.set_strings),
        *(("--set-file", key, "") for key, _ in instance.value_texts),
    ]
    origins: dict[Path, Origin] = {}
    for flag, key, text in pairs:
        path, place = values.key_path(key), Place(f"{flag} {key}", 0)
        for length in range(1, len(path)):
            around: object = [] if isinstance(path[length], int) else {}
            origins.setdefault(path[:length], Origin(place, (), around))
        shape: object = None if text == "null" and flag == "--set" else [] if text.startswith("{") else text
        origins[path] = Origin(place, (), shape)
    return Source((), origins)


def _of_kustomizations(use: ChartUse, tree: Tree, instance: Instance, needs: Needs) -> Iterator[Source]:
    """Yield the values that the repository's kustomizations give their `helmCharts` of this name."""
    graph = cast("Analysis", needs.analysis).graph if KUSTOMIZE in instance.engines else None
    root = use.above[0][0].name if use.above else use.name
    for kustomization in graph.kustomizations.values() if graph else ():
        charts = kustomization.value.get("helmCharts")
        for index, item in enumerate(charts if isinstance(charts, list) else ()):
            if not isinstance(item, dict) or item.get("name") != root:
                continue
            written = _origins([(kustomization.file, tree.read(kustomization.file))])
            inline = ("helmCharts", index, "valuesInline")
            yield Source((), {path[3:]: origin for path, origin in written.items() if path[:3] == inline and path[3:]})
            more = item.get("additionalValuesFiles")
            for name in (*(reversed(more) if isinstance(more, list) else ()), item.get("valuesFile")):
                path = posixpath.normpath(posixpath.join(kustomization.folder, str(name or "")))
                if name and tree.kind(path) == "file":
                    yield Source((), _origins([(path, tree.read(path))]))


def _origins(layers: Sequence[tuple[str, bytes]]) -> Mapping[Path, Origin]:
    try:
        return values.provenance(layers)
    except CmpError:  # what renders it reports it
        return {}


def _at(origins: Mapping[Path, Origin], path: Path) -> Iterator[Override]:
    """Yield the places that set a path, or else the place of a value around it that is no map."""
    if origin := origins.get(path):
        yield Override(origin.place.text, "value" if origin.is_encrypted else kind(origin.value))
        yield from (Override(place.text, "") for place in origin.overridden)
        return
    for length in range(len(path) - 1, 0, -1):
        around = origins.get(path[:length])
        if around and not isinstance(around.value, dict):
            yield Override(around.place.text, "")
            return


def _covers(known: Iterable[tuple[str, ...]], path: tuple[str, ...]) -> bool:
    return any(path[: len(one)] == one for one in known)
