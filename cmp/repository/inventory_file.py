"""Where the inventory of a repository lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.repository import config

if TYPE_CHECKING:
    from cmp.system.tree import Tree


def inventory_file(tree: Tree) -> str:
    """Return the path of the file that cmp.yaml names as its inventory, or "" where cmp.yaml itself holds it."""
    root = config.read(tree, config.FILE)[0] if tree.kind(config.FILE) == "file" else None
    clusters = root.fields.get("clusters") if root else None
    file = clusters.value.fields.get("file") if clusters else None
    return file.value.text if file and file.value.kind == "scalar" else ""
