"""Kustomizations, built by `kustomize build` from a private copy, with the options of Argo CD's built-in kustomize.

kustomization.py  the references of one kustomization, and its plugins
graph.py          a kustomization with all bases and components that it uses
build.py          the build in the private copies, which steps change; it runs kustomize
external.py       a step: remote bases and charts
remote.py         remote bases and files, fetched      remote_urls.py  how they are referred to
charts.py         charts, put where kustomize looks for them
options.py        a step: Argo CD's options, by `kustomize edit`
ksops.py          a step: KSOPS without KSOPS
parameters.py     the parameters of a render, put into a ConfigMap
chain.py          a chart, rendered by helm first, as a resource
messages.py       the stderr of kustomize
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from cmp.engines.kustomize import chain, external, ksops, options, parameters
from cmp.engines.kustomize.build import Build
from cmp.engines.kustomize.graph import graph_of
from cmp.engines.kustomize.parameters import ParameterMarker
from cmp.engines.protocol import MEMORY_FILES, EngineOutput, Needs
from cmp.engines.registry import HELM, KUSTOMIZE

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from cmp.engines.kustomize.graph import Graph
    from cmp.engines.kustomize.parameters import Defaults
    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses
    from cmp.system.tree import Tree

NAME = KUSTOMIZE
NOISE: tuple[re.Pattern[str], ...] = ()

# The changes in the private copies before the build, in this order.
STEPS: tuple[Callable[[Build], None], ...] = (external.place, options.apply, ksops.replace)


class Analysis(NamedTuple):
    """The kustomizations of the repository, and the defaults of parameters in them."""

    graph: Graph
    defaults: Defaults


def needs(tree: Tree, instance: Instance) -> Needs:
    """Ask for kustomize, and for the plaintext of every encrypted file that a kustomization names.

    ConfigError for a kustomization with which kustomize would run programs or leave the tree, which no render does; and
    for parameters that nothing uses.
    """
    graph = graph_of(tree, instance.folder, options.references(instance))
    is_chain = HELM in instance.engines
    graph.require_present(tree, options.optional_components(instance), is_chain=is_chain)
    defaults = parameters.NO_DEFAULTS if instance.is_builtin else parameters.find(tree, graph)
    if is_chain:
        chain.require_free_name(tree, chain.target(instance, graph))
    elif not instance.is_builtin:
        parameters.require_defaults(instance.parameters, defaults)
    files = graph.files()
    outside = external.check(tree, instance, graph)
    if instance.is_builtin:
        ksops.require_none(graph)
    changed = {*ksops.check(tree, graph), *defaults.folders, *outside.folders}  # kustomizations, by a step
    if is_chain:
        changed.add(chain.target(instance, graph))
    chart_folders = (instance.chart_folder,) if is_chain and not instance.chart else ()
    copies = {path for folder in changed for path in graph.with_overlays(folder)}
    copies |= {path for file in defaults.files for path in files[file]} | outside.copies | {*chart_folders}
    if not instance.folder:  # the root is no copy: all that its kustomization names as files is one
        root = graph.kustomizations.get("")
        copies |= {root.file, *root.files} if root else set()
    return Needs(
        tools={NAME: instance.pins[NAME], **outside.tools, **({HELM: instance.pins[HELM]} if is_chain else {})},
        chart_folders=(*chart_folders, *outside.charts),
        encryptable_files=files,
        object_files=graph.object_files(),
        private_copies=tuple(sorted(copies)),
        read_paths=(instance.folder, *chart_folders, *graph.kustomization_files(tree), *files, *outside.charts),
        chart_refs=(*((instance.chart,) if instance.chart else ()), *outside.chart_refs),
        discover_remote_charts=outside.discover_remote_charts,
        needs_whole_tree=True,
        layer_transport=MEMORY_FILES if is_chain else "",
        analysis=Analysis(graph, defaults),
    )


def start(instance: Instance, work: Work, processes: ChildProcesses) -> Callable[[], EngineOutput]:
    """Return the function that runs kustomize: it reads everything at once and cannot wait for the start gate.

    Helm, where it comes first, is started.
    """
    graph, defaults = cast("Analysis", work.analysis)
    build = Build(instance, work, processes, graph)
    add_chart = chain.start(build) if HELM in instance.engines else None

    def finish() -> EngineOutput:
        if add_chart:
            add_chart()
        for step in STEPS:
            step(build)
        marker = ParameterMarker({} if add_chart else parameters.given(instance.parameters))
        if not instance.is_builtin:
            marker.set(build, defaults)
        build.save()
        manifests = build.run("", "build", instance.folder or ".", *options.build_flags(build), *build.flags)
        return EngineOutput(marker.removed_from(manifests) if defaults else manifests, build.warnings)

    return finish
