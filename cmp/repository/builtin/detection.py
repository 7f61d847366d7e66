"""The kind of a folder that no block of its source tells: by its files, as Argo CD discovers it.

Source: argoproj/argo-cd 3.6, util/app/discovery/discovery.go.  A plugin with discovery, which only the Argo CD knows,
would come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.engines.registry import ENGINES, HELM, KUSTOMIZE, PLAIN

if TYPE_CHECKING:
    from cmp.system.tree import Tree

CHART = "Chart.yaml"  # the end of a name: Argo CD does not ask for more


def engine_of(tree: Tree, folder: str) -> str:
    """Return the engine of a folder: of several fitting files the last one by name decides."""
    engine = PLAIN
    for entry in tree.entries(folder):
        if entry.kind == "folder" and not entry.is_link:
            continue
        if entry.name.endswith(CHART):
            engine = HELM
        if entry.name in ENGINES[KUSTOMIZE].markers:
            engine = KUSTOMIZE
    return engine
