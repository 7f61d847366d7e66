"""Can every `{name}` of the layout be filled?  Asked only of a configuration whose parts are each right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.errors import suggestion
from cmp.model import Problem
from cmp.repository.config.build import at
from cmp.repository.config.reference import LAYOUT
from cmp.repository.config.rules import CAPTURE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.yamldoc.nodes import Node


def unfilled(root: Node, inventory: Node | None, file: str) -> list[Problem]:
    """Report placeholders that are neither captured by the layout nor a fact of any cluster.

    A fact that only some clusters have is no mistake here: the clusters that have it must not fail with the others.
    """
    known = _known(root, inventory)
    return [
        Problem(
            file,
            node.line,
            node.column,
            f"nothing fills `{{{name}}}`: no cluster has such a fact; {suggestion(name, known)}",
        )
        for node in _filled(at(root, "layout"))
        for name in _names(node.text)
        if name not in known
    ]


def _names(text: str) -> list[str]:
    return [capture[1:-1] for capture in re.findall(CAPTURE, text)]


def _known(root: Node, inventory: Node | None) -> set[str]:
    apps, instances = at(root, "layout", "apps"), at(root, "layout", "instances")
    captured = _names(apps.text if apps else LAYOUT.apps) + _names(instances.text if instances else LAYOUT.instances)
    clusters = inventory.fields.values() if inventory else ()
    return {"app", "cluster", *captured, *(fact for cluster in clusters for fact in cluster.value.fields)}


def _filled(layout: Node | None) -> Iterator[Node]:
    for name in ("values", "ignore"):
        patterns = at(layout, name)
        for item in patterns.items if patterns else ():
            yield at(item, "path") or item
    for name in ("release", "namespace"):
        if text := at(layout, name):
            yield text
