"""The input of kustomizations from outside the repository, remote bases and charts: known first, placed by the build.

This module is small so that most kustomizations, which have neither, import nothing else for it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cmp.engines.kustomize.build import Build
    from cmp.engines.kustomize.graph import Graph
    from cmp.engines.protocol import RemoteProvider
    from cmp.model import ChartRef, Instance, ToolPin
    from cmp.system.tree import Tree


class External(NamedTuple):
    """External input as `Needs` has it; `charts` are chart folders of the tree, which may have dependencies.

    `folders` are those of the kustomizations that are changed for it, `copies` other paths that must be private copies.
    """

    tools: Mapping[str, ToolPin]
    charts: tuple[str, ...]
    chart_refs: tuple[ChartRef, ...]
    discover_remote_charts: Callable[[RemoteProvider], Sequence[ChartRef]] | None
    folders: frozenset[str]
    copies: frozenset[str]


NOTHING = External({}, (), (), None, frozenset(), frozenset())


def check(tree: Tree, instance: Instance, graph: Graph) -> External:
    """Look at the references of the repository itself; ConfigError and ToolError for one that no render follows."""
    if not graph.may_be_external:
        return NOTHING
    from cmp.engines.kustomize import charts, remote  # noqa: PLC0415  # most kustomizations have neither

    remote_users = [*remote.check(tree, graph)]
    local = charts.check(tree, instance, graph)
    needs_helm = charts.is_enabled(instance) and (remote_users or local.folders)
    return External(
        tools=charts.tools(instance) if needs_helm else {},
        charts=local.charts,
        chart_refs=local.refs,
        discover_remote_charts=partial(_remote_charts, tree, instance, graph) if remote_users else None,
        folders=frozenset({*(kustomization.folder for kustomization in remote_users), *local.folders}),
        copies=frozenset(local.copies),
    )


def _remote_charts(tree: Tree, instance: Instance, graph: Graph, provider: RemoteProvider) -> Sequence[ChartRef]:
    """Fetch everything remote and return the charts of the fetched trees."""
    from cmp.engines.kustomize import charts, remote  # noqa: PLC0415  # as above

    refs: list[ChartRef] = []
    for mirrored in remote.follow(tree, graph, provider):
        for _, remote_reference in remote.references(mirrored.kustomization):
            if remote_reference.ref.is_file:
                provider.file(remote_reference.ref)
        if mirrored.root:
            refs += [
                entry.ref
                for entry, folder in charts.rendered(instance, mirrored.tree, mirrored.kustomization)
                if entry.repository and mirrored.tree.kind(folder) != "folder"
            ]
    return refs


def place(build: Build) -> None:
    """Put remote bases, remote files and charts into the mirror."""
    if not build.graph.may_be_external:
        return
    from cmp.engines.kustomize import charts, remote  # noqa: PLC0415  # as above

    charts.place_all(build, remote.place(build))
