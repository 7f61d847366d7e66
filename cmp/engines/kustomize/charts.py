"""Charts of a kustomization (`helmCharts` and its older forms): from the chart cache to where kustomize looks for them.

kustomize renders a chart that is there already, and so pulls none itself.  It runs the pinned helm, which has the same
access as kustomize: the private folder, the tree, no home and no network.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.features import (
    CHARTS_BY_VERSION,
    HELM_CHARTS,
    HELM_KUBE_VERSION,
    dotted,
    require,
    require_helm,
    without_schemas,
)
from cmp.engines.kustomize.kustomization import CHART_GENERATOR, field, items, place
from cmp.engines.protocol import WHOLE, SchemaCheck
from cmp.engines.registry import HELM, KUSTOMIZE, KustomizeOptions
from cmp.errors import ConfigError
from cmp.model import ChartRef, ToolPin
from cmp.system.tree import join, walk
from cmp.system.unpack import unpack
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.engines.kustomize.build import Build
    from cmp.engines.kustomize.graph import Graph, Kustomization, MirroredKustomization
    from cmp.model import Instance, Tool
    from cmp.system.tree import Tree
    from cmp.yamldoc.access import Map

PROGRAM = "helm of kustomize"  # the engine's name for it where another helm comes first
OLD_KEY = "helmChartInflationGenerator"
HOME = "charts"
LATEST = "*"
# kustomize has no option for it
WITHOUT_SCHEMAS = (
    "the engine helm, for a chart in a folder of its own, with `helm: {skipSchemaValidation: true}` in cmp-app.yaml,"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Entry(NamedTuple):
    """A chart of a kustomization; `home` is the folder of its charts from the root of the tree."""

    name: str
    version: str
    repository: str
    home: str
    place: str

    def folder(self, kustomize: str) -> str:
        """Return where a version of kustomize looks for the chart, from the root of the tree."""
        by_version, with_repository = CHARTS_BY_VERSION
        version = numbers(kustomize)
        if self.version and version >= by_version and (self.repository or version < with_repository):
            return join(self.home, f"{self.name}-{self.version}", self.name)
        return join(self.home, self.name)

    @property
    def ref(self) -> ChartRef:
        """The chart to obtain."""
        return ChartRef(self.repository, self.name, self.version or LATEST, self.place)


class LocalCharts(NamedTuple):
    """The charts that are known before anything is fetched: of chart repositories, and chart folders of the tree.

    `folders` are those of the kustomizations that name them, `copies` other folders that must be private copies.
    """

    refs: tuple[ChartRef, ...]
    charts: tuple[str, ...]
    folders: tuple[str, ...]
    copies: tuple[str, ...]


def check(tree: Tree, instance: Instance, graph: Graph) -> LocalCharts:
    """Look at all charts of the repository's kustomizations; empty where they are not to be rendered.

    ConfigError for an entry that cannot be a chart; ToolError where kustomize and helm do not fit together.
    """
    refs: list[ChartRef] = []
    charts: list[str] = []
    folders: list[str] = []
    copies: list[str] = []
    for kustomization in graph.kustomizations.values():
        for entry, folder in rendered(instance, tree, kustomization):
            is_in_tree = tree.kind(folder) == "folder"
            refs += [entry.ref] if entry.repository and not is_in_tree else []
            charts += [folder] if is_in_tree else []
            folders.append(kustomization.folder)
            copies += _folder_around(tree, kustomization, folder)
    return LocalCharts(
        refs=tuple(dict.fromkeys(refs)),
        charts=tuple(dict.fromkeys(charts)),
        folders=tuple(folders),
        copies=tuple(copies),
    )


def rendered(instance: Instance, tree: Tree, kustomization: Kustomization) -> Iterator[tuple[Entry, str]]:
    """Yield the charts that are to be rendered, each with the folder where kustomize looks for it; raises as `check`.

    Before 4.1.3 kustomize would run any program that a kustomization names (`helmBin`), enabled or not.
    """
    kustomize = instance.pins[KUSTOMIZE]
    for entry in entries(tree, kustomization):
        require(kustomize, HELM_CHARTS)
        if is_enabled(instance):
            require_helm(kustomize, pin(instance), "kustomize.helmVersion")
            yield entry, entry.folder(kustomize.version)


def tools(instance: Instance) -> Mapping[str, ToolPin]:
    """Return the helm that kustomize runs, by the name under which `place_all` looks for it; it also fetches charts."""
    return {PROGRAM if HELM in instance.engines else HELM: pin(instance)}


def is_enabled(instance: Instance) -> bool:
    """Say whether charts are to be rendered; if not, kustomize refuses them."""
    return KustomizeOptions(instance.options).enable_helm


def pin(instance: Instance) -> ToolPin:
    """Return the helm that kustomize runs."""
    version = KustomizeOptions(instance.options).helm_version
    return ToolPin(HELM, version, "kustomize.helmVersion") if version else instance.pins[HELM]


def entries(tree: Tree, kustomization: Kustomization) -> Iterator[Entry]:
    """Yield the charts of a kustomization; ConfigError for a name or a folder that no chart can have."""
    for item, home, where in _entries(tree, kustomization):
        name, version, repository = (str(field(item, key) or "") for key in ("name", "version", "repo"))
        if not _NAME.fullmatch(name) or "/" in version:
            raise ConfigError(f"no chart can be called {name!r} and have the version {version!r}", file=where)
        folder = posixpath.normpath(posixpath.join(kustomization.folder, str(home or HOME)))
        if folder.startswith(("/", "../")) or folder == "..":
            raise ConfigError(f"chartHome {home} leads outside the source tree", file=where)
        yield Entry(name, version, repository, "" if folder == "." else folder, where)


def place_all(build: Build, kustomizations: Sequence[MirroredKustomization]) -> None:
    """Put the charts where kustomize looks for them, and add the flags with which it runs helm."""
    wanted: dict[str, Entry] = {}
    is_fetched: dict[str, bool] = {}  # by the paths of all charts in the mirror
    for mirrored in kustomizations:
        for entry, folder in rendered(build.instance, mirrored.tree, mirrored.kustomization):
            build.flags = build.flags or [*_flags(build)]
            path = join(mirrored.root, folder)
            is_fetched[path] = bool(mirrored.root)
            if entry.repository and mirrored.tree.kind(folder) != "folder":
                _require_same(wanted.setdefault(path, entry), entry, build)
            elif mirrored.root:  # fetched: the charts of the repository itself were looked through before
                _inspect_packed(build, mirrored, folder)
    obtained = build.work.provider.charts([entry.ref for entry in wanted.values()]) if wanted else []
    for path, chart in zip(wanted, obtained, strict=True):
        with open(chart.path, "rb") as file:
            unpack(file.read(), build.writable_path(path), f"chart {chart.name} {chart.version}", skip=1)
    for path, is_of_base in is_fetched.items():
        if os.path.isdir(build.writable_path(path)):
            _place_schemas(build, path, is_fetched=is_of_base, is_pulled=path in wanted)


def _inspect_packed(build: Build, mirrored: MirroredKustomization, folder: str) -> None:
    """ChartError for a packed chart in charts/ of a fetched one that no program should open."""
    for packed in (file for file in walk(mirrored.tree, join(folder, HOME)) if file.endswith(".tgz")):
        build.work.provider.inspect(join(mirrored.root, packed))


def _place_schemas(build: Build, path: str, *, is_fetched: bool, is_pulled: bool) -> None:
    """Put the remote schemas of a chart into its copy: of a fetched repository's chart, or of one that was pulled."""
    helm = _helm(build)
    check_of_chart = SchemaCheck(
        path=build.writable_path(path),
        label=path,
        helm=helm,
        hint=without_schemas(helm, WITHOUT_SCHEMAS),
        third_party=WHOLE if is_fetched or is_pulled else (),
        is_fetched=is_fetched and not is_pulled,
    )
    build.work.provider.schemas(check_of_chart)


def _entries(tree: Tree, kustomization: Kustomization) -> Iterator[tuple[Map, object, str]]:
    """Yield the map that describes a chart, the folder of charts from the kustomization's, and the line."""
    value, file = kustomization.value, kustomization.file
    charts = [(path, item) for path, item in items(value, "helmCharts") if isinstance(item, dict)]
    old_charts = [(path, item) for path, item in items(value, OLD_KEY) if isinstance(item, dict)]
    shared = value.get("helmGlobals")
    shared_of_old = {key: item[key] for _, item in old_charts for key in ("chartHome", "helmHome") if item.get(key)}
    shared = shared if isinstance(shared, dict) else shared_of_old
    if charts or old_charts:
        lines = yamldoc.lines(yamldoc.parse(tree.read(file))[0])
        _require_no_config(shared, place(("helmGlobals",), file, lines))
        for path, item in (*charts, *((path, _renamed(item)) for path, item in old_charts)):
            yield item, field(shared, "chartHome"), place(path, file, lines)
    for plugin in kustomization.plugins:
        if plugin.value.get("kind") == CHART_GENERATOR:
            _require_no_config(plugin.value, plugin.place)
            yield plugin.value, field(plugin.value, "chartHome"), plugin.place


def _renamed(old: Map) -> Map:
    names = {"name": "chartName", "version": "chartVersion", "repo": "chartRepoUrl"}
    return {new: field(old, name) for new, name in names.items()}


def _require_no_config(value: Map, where: str) -> None:
    """ConfigError for a folder in which helm would look for plugins, which are programs."""
    for key in ("configHome", "helmHome"):
        if field(value, key):
            raise ConfigError(
                f"{key} is not supported: helm gets a private, empty folder for its configuration",
                file=where,
                hint=f"remove {key}; credentials of chart repositories are mounted in the sidecar",
            )


def _folder_around(tree: Tree, kustomization: Kustomization, folder: str) -> Iterator[str]:
    """Yield the nearest existing folder around a chart's, or that itself, unless the kustomization is in it, too."""
    while folder and tree.kind(folder) != "folder":
        folder = posixpath.dirname(folder)
    if folder and not f"{kustomization.folder}/".startswith(f"{folder}/"):
        yield folder


def _require_same(first: Entry, second: Entry, build: Build) -> None:
    if first.ref[:3] != second.ref[:3]:
        raise ConfigError(
            f"{first.name} {first.version} and {second.version}: kustomize {build.work.tools[KUSTOMIZE].version} has "
            "one place for both, and would render one of them twice",
            file=second.place,
            hint=f"pin kustomize {dotted(CHARTS_BY_VERSION[0])} or newer for this application",
        )


def _helm(build: Build) -> Tool:
    tools = build.work.tools
    return tools.get(PROGRAM) or tools[HELM]


def _flags(build: Build) -> Iterator[str]:
    """Yield the flags for helm; those for capabilities, as in Argo CD, only for a kustomize that takes them."""
    tools = build.work.tools
    yield from ("--enable-helm", "--helm-command", _helm(build).path)
    if numbers(tools[KUSTOMIZE].version) >= HELM_KUBE_VERSION.since:
        instance = build.instance
        if instance.kube_version:
            yield from ("--helm-kube-version", instance.kube_version)
        for version in instance.api_versions:
            yield from ("--helm-api-versions", version)
