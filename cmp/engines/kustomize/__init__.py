"""Kustomizations, built by `kustomize build` from a private copy, with the options of Argo CD's built-in kustomize.

graph.py    what the kustomizations of the repository use    uses.py       what one of them names
plugins.py  generators and transformers: which may run       ksops.py      KSOPS without KSOPS
rewrite.py  a build: private copies that steps change        chain.py      a rendered chart as a resource
options.py  Argo CD's options, by `kustomize edit`           flags.py      flags of `kustomize build`
mark.py     parameters, put into a ConfigMap                 configmap.py  that ConfigMap, found
program.py  kustomize itself                                 messages.py   what it says
remote.py   remote bases and files, fetched                  charts.py     charts, put where kustomize looks for them
references.py  how remote ones are spelled                   supplied.py   both, for the other modules
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cmp.engines.kustomize import chain, configmap, flags, graph, ksops, options, supplied
from cmp.engines.kustomize.mark import Mark
from cmp.engines.kustomize.program import run
from cmp.engines.kustomize.rewrite import Build
from cmp.engines.protocol import MEMORY_FILES, EngineOutput, Needs
from cmp.engines.registry import HELM, KUSTOMIZE

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from cmp.engines.kustomize.configmap import Found
    from cmp.engines.kustomize.graph import Graph
    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses
    from cmp.system.tree import Tree

NAME = KUSTOMIZE
NOISE: tuple[re.Pattern[str], ...] = ()

# What is changed in the private copies before the build, in this order.
STEPS: tuple[Callable[[Build], None], ...] = (supplied.place, options.apply, ksops.replace)


def needs(tree: Tree, instance: Instance) -> Needs:
    """Ask for kustomize, and for the plaintext of every encrypted file that a kustomization names.

    ConfigError for what kustomize would do and a render does not: run programs, leave the tree; and for parameters
    that nothing uses.
    """
    found = graph.read(tree, instance.folder, options.uses(instance))
    found.require_present(optional=options.optional(instance))
    parameters = configmap.find(tree, found)
    is_chain = HELM in instance.engines
    if is_chain:
        chain.require_name(tree, instance)
    else:
        configmap.require_known(instance.parameters, parameters)
    files = found.files()
    more = supplied.check(tree, instance, found)
    changed = {*ksops.check(tree, found), *parameters.folders, *more.folders}  # by a step: their kustomizations
    copies = {path for folder in changed for path in found.above(folder)}
    copies |= {path for file in parameters.files for path in files[file]} | more.copies
    return Needs(
        tools={NAME: instance.pins[NAME], **more.tools, **({HELM: instance.pins[HELM]} if is_chain else {})},
        chart_folders=(*((instance.folder,) if is_chain else ()), *more.charts),
        encryptable_files=files,
        private_copies=tuple(sorted(copies)),
        read_paths=(instance.folder, *(node.file for node in found.nodes.values()), *files, *more.charts),
        chart_refs=more.refs,
        discover_remote_charts=more.beyond,
        needs_whole_tree=True,
        layer_transport=MEMORY_FILES if is_chain else "",
        analysis=(found, parameters),
    )


def start(instance: Instance, work: Work, processes: ChildProcesses) -> Callable[[], EngineOutput]:
    """Return what runs kustomize: it reads everything at once and cannot wait for what is not in place.

    Helm, where it comes first, is started.
    """
    found, parameters = cast("tuple[Graph, Found]", work.analysis)
    build = Build(instance, work, processes, found)
    chart = chain.start(build) if HELM in instance.engines else None

    def finish() -> EngineOutput:
        if chart:
            chart()
        for step in STEPS:
            step(build)
        mark = Mark({} if chart else configmap.given(instance.parameters))
        mark.set(build, parameters)
        build.save()
        printed = run(build, "", "build", instance.folder, *flags.given(build), *build.flags)
        return EngineOutput(mark.removed_from(printed) if parameters else printed, build.warnings)

    return finish
