"""The kinds that the CRDs of a tree define, and whether their objects have a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.argocd.document import objects
from cmp.compare.namespaces import CRD, scopes_of
from cmp.errors import ConfigError
from cmp.system.tree import walk

if TYPE_CHECKING:
    from cmp.system.tree import Tree

SUFFIXES = (".yaml", ".yml", ".json")


def scopes_in(tree: Tree) -> dict[tuple[str, str], bool]:
    """Return the kinds, each with its group; a CRD that a template makes is not found here."""
    found: dict[tuple[str, str], bool] = {}
    for path in walk(tree, ""):
        if path.endswith(SUFFIXES) and CRD[1].encode() in (data := tree.read(path)):
            try:
                for one in objects(data, path):
                    found.update(scopes_of(one.value))
            except ConfigError:  # a template
                continue
    return found
