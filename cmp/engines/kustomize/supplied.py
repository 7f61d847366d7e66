"""What kustomizations take from elsewhere, remote bases and charts: known before, brought in when the build begins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cmp.engines.kustomize.graph import Graph
    from cmp.engines.kustomize.rewrite import Build
    from cmp.engines.protocol import RemoteProvider
    from cmp.model import ChartRef, Instance, ToolPin
    from cmp.system.tree import Tree


class Supplied(NamedTuple):
    """What it means for `Needs`; `charts` are chart folders of the tree, which may have dependencies."""

    tools: Mapping[str, ToolPin]
    charts: tuple[str, ...]
    refs: tuple[ChartRef, ...]
    beyond: Callable[[RemoteProvider], Sequence[ChartRef]] | None
    folders: frozenset[str]
    copies: frozenset[str]


NOTHING = Supplied({}, (), (), None, frozenset(), frozenset())


def check(tree: Tree, instance: Instance, found: Graph) -> Supplied:
    """Look at what the repository itself names; ConfigError and ToolError for what no render brings in."""
    if not found.takes_more:
        return NOTHING
    from cmp.engines.kustomize import charts, remote  # noqa: PLC0415  # most kustomizations have neither

    nodes = [*remote.check(tree, found)]
    local = charts.check(tree, instance, found)
    has_helm = charts.is_enabled(instance) and (nodes or local.folders)
    return Supplied(
        charts.tools(instance) if has_helm else {},
        local.charts,
        local.refs,
        partial(_beyond, tree, instance, found) if nodes else None,
        frozenset({*(node.folder for node in nodes), *local.folders}),
        frozenset(local.copies),
    )


def _beyond(tree: Tree, instance: Instance, found: Graph, remotes: RemoteProvider) -> Sequence[ChartRef]:
    """Fetch everything remote and return the charts of the fetched trees."""
    from cmp.engines.kustomize import charts, remote  # noqa: PLC0415  # as above

    refs: list[ChartRef] = []
    for one in remote.follow(tree, found, remotes):
        for _, reference in remote.named(one.node):
            if reference.wanted.is_file:
                remotes.file(reference.wanted)
        if one.root:
            refs += [
                entry.ref
                for entry, folder in charts.rendered(instance, one.tree, one.node)
                if entry.repository and one.tree.kind(folder) != "folder"
            ]
    return refs


def place(build: Build) -> None:
    """Bring everything in."""
    if not build.graph.takes_more:
        return
    from cmp.engines.kustomize import charts, remote  # noqa: PLC0415  # as above

    charts.place_all(build, remote.place(build))
