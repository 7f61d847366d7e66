"""Charts of a kustomization (`helmCharts` and its older forms): from the chart cache to where kustomize looks for them.

A chart that is there already, kustomize renders as it is; so it pulls none itself.  It runs the pinned helm, which sees
what kustomize sees: the private folder, the tree, no home and no network.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple, cast

from cmp import yamldoc
from cmp.engines.features import (
    CHARTS_BY_VERSION,
    HELM_CHARTS,
    HELM_KUBE_VERSION,
    require,
    require_helm,
    without_schemas,
)
from cmp.engines.kustomize import options
from cmp.engines.kustomize.plugins import CHART
from cmp.engines.kustomize.uses import field, items, place
from cmp.engines.protocol import WHOLE, SchemaCheck
from cmp.engines.registry import HELM, KUSTOMIZE
from cmp.errors import ConfigError
from cmp.model import ChartRef, ToolPin
from cmp.system.tree import join, walk
from cmp.system.unpack import unpack
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.engines.kustomize.graph import Graph, Node
    from cmp.engines.kustomize.remote import Found
    from cmp.engines.kustomize.rewrite import Build
    from cmp.engines.kustomize.uses import Map
    from cmp.model import Instance, Tool
    from cmp.system.tree import Tree

PROGRAM = "helm of kustomize"  # the engine's name for it where another helm comes first
OLD = "helmChartInflationGenerator"
HOME = "charts"
LATEST = "*"
# kustomize has no such option
WITHOUT = (
    "the engine helm, for a chart in a folder of its own, with `helm: {skipSchemaValidation: true}` in cmp-app.yaml,"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Entry(NamedTuple):
    """A chart that a kustomization names; `home` is the folder of its charts from the root of the tree."""

    name: str
    version: str
    repository: str
    home: str
    place: str

    def folder(self, kustomize: str) -> str:
        """Return where a version of kustomize looks for the chart, from the root of the tree."""
        by_version, with_repository = CHARTS_BY_VERSION
        this = numbers(kustomize)
        if self.version and this >= by_version and (self.repository or this < with_repository):
            return join(self.home, f"{self.name}-{self.version}", self.name)
        return join(self.home, self.name)

    @property
    def ref(self) -> ChartRef:
        """What to obtain."""
        return ChartRef(self.repository, self.name, self.version or LATEST, self.place)


class Local(NamedTuple):
    """What is known before anything is fetched: charts of repositories, and chart folders of the tree.

    `folders` are those of the kustomizations that name them, `copies` what else must be a private copy.
    """

    refs: tuple[ChartRef, ...]
    charts: tuple[str, ...]
    folders: tuple[str, ...]
    copies: tuple[str, ...]


def check(tree: Tree, instance: Instance, found: Graph) -> Local:
    """Look at all charts of the repository's kustomizations; nothing where they are not to be rendered.

    ConfigError for what cannot be a chart; ToolError where kustomize and helm do not fit together.
    """
    refs: list[ChartRef] = []
    there: list[str] = []
    folders: list[str] = []
    copies: list[str] = []
    for node in found.nodes.values():
        for entry, folder in rendered(instance, tree, node):
            is_there = tree.kind(folder) == "folder"
            refs += [entry.ref] if entry.repository and not is_there else []
            there += [folder] if is_there else []
            folders.append(node.folder)
            copies += _room(tree, node, folder)
    return Local(tuple(dict.fromkeys(refs)), tuple(dict.fromkeys(there)), tuple(folders), tuple(copies))


def rendered(instance: Instance, tree: Tree, node: Node) -> Iterator[tuple[Entry, str]]:
    """Yield the charts that are to be rendered, each with the folder where kustomize looks for it; raises as `check`.

    Before 4.1.3 kustomize would run whatever program a kustomization names (`helmBin`), enabled or not.
    """
    kustomize = instance.pins[KUSTOMIZE]
    for entry in named(tree, node):
        require(kustomize, HELM_CHARTS)
        if is_enabled(instance):
            require_helm(kustomize, pin(instance), "kustomize.helmVersion")
            yield entry, entry.folder(kustomize.version)


def tools(instance: Instance) -> Mapping[str, ToolPin]:
    """Return the helm that kustomize runs, by the name under which `place_all` looks for it; it fetches charts, too."""
    return {PROGRAM if HELM in instance.engines else HELM: pin(instance)}


def is_enabled(instance: Instance) -> bool:
    """Say whether charts are to be rendered; if not, kustomize refuses them."""
    return bool(options.of(instance).get("enableHelm"))


def pin(instance: Instance) -> ToolPin:
    """Return the helm that kustomize runs."""
    version = options.of(instance).get("helmVersion")
    return ToolPin(HELM, cast("str", version), "kustomize.helmVersion") if version else instance.pins[HELM]


def named(tree: Tree, node: Node) -> Iterator[Entry]:
    """Yield the charts that a kustomization names; ConfigError for a name or a place that none can have."""
    for item, home, where in _items(tree, node):
        name, version, repository = (str(field(item, key) or "") for key in ("name", "version", "repo"))
        if not _NAME.fullmatch(name) or "/" in version:
            raise ConfigError(f"no chart can be called {name!r} and have the version {version!r}", file=where)
        folder = posixpath.normpath(posixpath.join(node.folder, str(home or HOME)))
        if folder.startswith(("/", "../")) or folder == "..":
            raise ConfigError(f"chartHome {home} leads outside the source tree", file=where)
        yield Entry(name, version, repository, "" if folder == "." else folder, where)


def place_all(build: Build, found: Sequence[Found]) -> None:
    """Put the charts where kustomize looks for them, and tell it of helm."""
    wanted: dict[str, Entry] = {}
    all_charts: dict[str, bool] = {}
    for one in found:
        for entry, folder in rendered(build.instance, one.tree, one.node):
            build.flags = build.flags or [*_flags(build)]
            path = join(one.root, folder)
            all_charts[path] = bool(one.root)
            if entry.repository and one.tree.kind(folder) != "folder":
                _require_same(wanted.setdefault(path, entry), entry, build)
            elif one.root:  # fetched: the charts of the repository itself were looked through before
                _inspect_packed(build, one, folder)
    obtained = build.work.provider.charts([entry.ref for entry in wanted.values()]) if wanted else []
    for path, chart in zip(wanted, obtained, strict=True):
        with open(chart.path, "rb") as file:
            unpack(file.read(), build.path(path), f"chart {chart.name} {chart.version}", skip=1)
    for path, is_fetched in all_charts.items():
        if os.path.isdir(build.path(path)):
            _supply_schemas(build, path, is_fetched=is_fetched, is_pulled=path in wanted)


def _inspect_packed(build: Build, found: Found, folder: str) -> None:
    """ChartError for a packed chart in charts/ of a fetched one that no program should open."""
    for packed in (file for file in walk(found.tree, join(folder, HOME)) if file.endswith(".tgz")):
        build.work.provider.inspect(join(found.root, packed))


def _supply_schemas(build: Build, path: str, *, is_fetched: bool, is_pulled: bool) -> None:
    """Put the remote schemas of a chart into its copy: of a `fetched` repository's, or of one that was pulled."""
    helm = _helm(build)
    known = WHOLE if is_fetched or is_pulled else ()
    without = without_schemas(helm, WITHOUT)
    checked = SchemaCheck(build.path(path), path, helm, without, known, is_fetched=is_fetched and not is_pulled)
    build.work.provider.schemas(checked)


def _items(tree: Tree, node: Node) -> Iterator[tuple[Map, object, str]]:
    """Yield what describes a chart, the folder of charts from the kustomization's, and the line."""
    value = node.value
    listed = [(path, item) for path, item in items(value, "helmCharts") if isinstance(item, dict)]
    old = [(path, item) for path, item in items(value, OLD) if isinstance(item, dict)]
    shared = value.get("helmGlobals")
    of_old = {key: item[key] for _, item in old for key in ("chartHome", "helmHome") if item.get(key)}
    shared = shared if isinstance(shared, dict) else of_old
    if listed or old:
        lines = yamldoc.lines(yamldoc.parse(tree.read(node.file))[0])
        _require_no_config(shared, place(("helmGlobals",), node.file, lines))
        for path, item in (*listed, *((path, _renamed(item)) for path, item in old)):
            yield item, field(shared, "chartHome"), place(path, node.file, lines)
    for plugin in node.plugins:
        if plugin.value.get("kind") == CHART:
            where = plugin.use.path or plugin.use.place
            _require_no_config(plugin.value, where)
            yield plugin.value, field(plugin.value, "chartHome"), where


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


def _room(tree: Tree, node: Node, folder: str) -> Iterator[str]:
    """Yield the nearest folder of the tree that a chart's folder is or lies in, unless the kustomization's does too."""
    while folder and tree.kind(folder) != "folder":
        folder = posixpath.dirname(folder)
    if folder and not f"{node.folder}/".startswith(f"{folder}/"):
        yield folder


def _require_same(first: Entry, second: Entry, build: Build) -> None:
    if first.ref[:3] != second.ref[:3]:
        newer = ".".join(str(number) for number in CHARTS_BY_VERSION[0])
        raise ConfigError(
            f"{first.name} {first.version} and {second.version}: kustomize {build.work.tools[KUSTOMIZE].version} has "
            "one place for both, and would render one of them twice",
            file=second.place,
            hint=f"pin kustomize {newer} or newer for this application",
        )


def _helm(build: Build) -> Tool:
    tools = build.work.tools
    return tools.get(PROGRAM) or tools[HELM]


def _flags(build: Build) -> Iterator[str]:
    """Yield what tells kustomize of helm; of capabilities, as in Argo CD, only a version that takes them."""
    tools = build.work.tools
    yield from ("--enable-helm", "--helm-command", _helm(build).path)
    if numbers(tools[KUSTOMIZE].version) >= HELM_KUBE_VERSION.since:
        instance = build.instance
        if instance.kube_version:
            yield from ("--helm-kube-version", instance.kube_version)
        for version in instance.api_versions:
            yield from ("--helm-api-versions", version)
