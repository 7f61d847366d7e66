"""The chart of an application that is values alone: a folder of the tree, or a chart of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.engines.registry import CHAINS, KUSTOMIZE
from cmp.errors import ConfigError, suggestion
from cmp.model import ChartRef
from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.repository.config import FILE as CONFIG_FILE
from cmp.repository.instances.root import ANNOTATION
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.repository.config import ValuesChart
    from cmp.repository.instances.repository import Target
    from cmp.system.tree import Tree

FILE = "Chart.yaml"
LIBRARY = b"library"  # the type of a chart that renders nothing


def reference(chart: ValuesChart) -> ChartRef:
    """Return a chart of a repository."""
    return ChartRef(chart.repository, chart.name, chart.version, chart.place, may_be_alias=True)


def folder_of(tree: Tree, chart: ValuesChart, target: Target, *, in_sidecar: bool) -> str:
    """Return the folder of a chart, its placeholders filled; ConfigError, at the line that names it, for no chart."""
    pattern = layout.parse(chart.folder, chart.place)
    layout.require(pattern, target.known, target.whose)
    found = layout.expand(tree, pattern, target.known)  # one or none: the pattern has no wildcard
    folder = layout.fill(pattern, target.known)
    if not found or found[0].kind != "folder":
        near = suggestion(folder, _charts_beside(tree, folder))
        arrives = (
            f"to a repo-server that sends plugins only what the annotation {ANNOTATION} names, that must have "
            f"{layout.shown(_item_of(tree, folder))}, as `cmp paths` prints it"
        )
        raise ConfigError(
            f"`chart` names the folder {layout.shown(folder)}, which is not there",
            file=chart.place,
            hint=f"the path starts at the root of the repository; {arrives if in_sidecar else near}",
        )
    file = join(folder, FILE)
    if tree.kind(file) != "file":
        raise ConfigError(
            f"`chart` names the folder {layout.shown(folder)}, which has no {FILE}",
            file=chart.place,
            hint="name the folder of a chart, from the root of the repository",
        )
    if LIBRARY in (data := tree.read(file)) and _is_library(data):
        raise ConfigError(
            f"`chart` names {layout.shown(folder)}, a library chart, which renders nothing by itself",
            file=chart.place,
            hint="name an application chart, which may have the library among its dependencies",
        )
    return folder


def _item_of(tree: Tree, folder: str) -> str:
    """Return the item of the annotation that stands for a folder: a path from the root of Git."""
    return f"/{join(tree.prefix, folder)}"


def _charts_beside(tree: Tree, folder: str) -> Iterable[str]:
    above = folder.rpartition("/")[0]
    paths = [join(above, entry.name) for entry in tree.entries(above)] if tree.kind(above) == "folder" else []
    return [path for path in paths if tree.kind(join(path, FILE)) == "file"]


def _is_library(data: bytes) -> bool:
    from cmp import yamldoc  # noqa: PLC0415  # few charts have the word in their Chart.yaml

    try:
        documents = yamldoc.load_all(data)
    except yamldoc.YamlError:  # helm says why
        return False
    return any(isinstance(one, dict) and one.get("type") == LIBRARY.decode() for one in documents[:1])


def shown(chart: ValuesChart) -> str:
    """Return a chart as messages name it."""
    return f"{chart.name} {chart.version} of {chart.repository}" if chart.repository else chart.folder


def two_sources(chart: ValuesChart, path: str, engine: str, target: Target) -> ConfigError:
    """Return the error for a folder with the file of an engine (at `path`) beside a chart that is to be rendered."""
    folder = path.rpartition("/")[0]
    own = join(folder, APP_FILE)
    ways = []
    if engine == KUSTOMIZE:
        ways.append(f"`engine: [{', '.join(CHAINS[0])}]` in {own} makes the rendered chart one of its resources")
    if folder == target.instance_folder:
        ways.append(f"`replace: true` in {own} renders {folder} in place of the chart")
    elif chart.place.startswith(f"{CONFIG_FILE}:"):
        ways.append("let that entry of `applications` name others, or remove the file")
    else:
        ways.append("remove `chart` or the file")
    return ConfigError(
        f"{layout.shown(target.app_folder)} is to be rendered by the chart {shown(chart)}, and has "
        f"{layout.shown(path)} ({engine})",
        file=chart.place,
        hint="; ".join(ways),
    )


def renders_no_chart(chart: ValuesChart, engine: str, file: str) -> ConfigError:
    """Return the error for an engine that a file asks for beside a chart."""
    chain = f", or write `engine: [{', '.join(CHAINS[0])}]`" if engine == KUSTOMIZE else ""
    return ConfigError(
        f"{file} asks for the engine {engine}, which does not render the chart {shown(chart)}",
        file=chart.place,
        hint=f"remove `engine` or `chart`{chain}",
    )


def beside_manifests(chart: ValuesChart, path: str) -> ConfigError:
    """Return the error for a manifest beside values of the layout's chart: either could be meant."""
    folder = path.rpartition("/")[0]
    return ConfigError(
        f"more than one engine fits the folder {layout.shown(folder)}: {layout.shown(path)} is a plain manifest, and "
        f"it has values for the chart {shown(chart)}",
        file=chart.place,
        hint=f"say which in {join(folder, APP_FILE)}: `engine: plain` or `engine: helm`; or name the file in "
        "layout.ignore of cmp.yaml",
    )
