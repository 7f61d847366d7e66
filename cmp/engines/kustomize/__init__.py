"""Kustomizations, built by `kustomize build` from a private copy, with the options of Argo CD's built-in kustomize.

graph.py   what the kustomization uses
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from cmp.engines.facts import HELM, KUSTOMIZE
from cmp.engines.kustomize import graph
from cmp.engines.protocol import PIPES, Needs, Printed
from cmp.errors import EngineError
from cmp.proc import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.engines.protocol import Work
    from cmp.model import Instance, ToolPin
    from cmp.proc import Nursery
    from cmp.tree import Tree

NAME = KUSTOMIZE
NOISE: tuple[re.Pattern[str], ...] = (re.compile(r"# Warning: .*"),)


def needs(tree: Tree, instance: Instance) -> Needs:
    """Ask for kustomize, and for the plaintext of every encrypted file that a kustomization names."""
    found = graph.read(tree, instance.folder)
    tools: dict[str, ToolPin] = {NAME: instance.pins[NAME]}
    files = {path: found.above(node.folder) for node in found.nodes.values() for path in node.files}
    return Needs(tools, files=files, sees_tree=True, takes=PIPES if HELM in instance.engines else "")


def start(_: Instance, work: Work, nursery: Nursery) -> Callable[[], Printed]:
    """Return what runs kustomize: it reads everything at once and cannot wait for what is not in place."""
    tool = work.tools[NAME]

    def finish() -> Printed:
        command = Command(
            label="kustomize build",
            argv=(tool.path, "build", os.path.relpath(work.folder, work.root)),
            env={**work.env, "HOME": work.home},
            cwd=work.root,
            sees=work.sight,
        )
        result = nursery.wait(nursery.start(command))[0]
        said = result.stderr.decode(errors="replace").replace(f"{work.root}/", "").replace(work.root, ".").strip()
        if result.returncode != 0:
            raise EngineError(f"kustomize {tool.version}: {said.removeprefix('Error: ')}")
        return Printed(result.stdout, tuple(f"kustomize: {line}" for line in said.splitlines() if line.strip()))

    return finish
