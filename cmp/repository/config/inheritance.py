"""Clusters that are like another one: `is` of the inventory, followed, and its mistakes.

blue:    {kubeVersion: "1.33", env: prod, region: tokyo}
blue-2:  {is: blue, region: osaka}          # kubeVersion and env are those of blue
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.errors import suggestion
from cmp.model import Problem
from cmp.schema.spec import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import Cluster
    from cmp.yamldoc.nodes import Node

KEY = "is"


def mistakes(inventory: Node | None) -> list[Problem]:
    """Return a problem for each `is` that names no cluster, and one for each circle.

    Asked only of an inventory whose parts are each right.
    """
    clusters = inventory.fields if inventory else {}
    origins = {name: origin for name, field in clusters.items() if (origin := field.value.at(KEY))}
    messages = {
        name: f"{quoted(origin.text)} is no cluster of the inventory; {suggestion(origin.text, clusters)}"
        for name, origin in origins.items()
        if origin.text not in clusters
    }
    for circle in _circles({name: origin.text for name, origin in origins.items()}):
        way = " is ".join(quoted(name) for name in (*circle, circle[0]))
        messages[circle[0]] = f"a cluster that is itself in the end says nothing: {way}"
    places = ((origins[name], message) for name, message in messages.items())
    return [Problem(node.file, node.line, node.column, message) for node, message in places]


def _circles(origins: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the names on each circle, in its order; the earlier clusters of the file enter it at the first."""
    seen: set[str] = set()
    for start in origins:
        way: list[str] = []
        name = start
        while name in origins and name not in seen:
            seen.add(name)
            way.append(name)
            name = origins[name]
        if name in way:
            yield way[way.index(name) :]


def inherited(clusters: Mapping[str, Cluster]) -> dict[str, Cluster]:
    """Return the clusters with all that they have from others; the names in `origin` are known, without a circle."""
    whole: dict[str, Cluster] = {}
    for start in clusters:
        line: list[Cluster] = []
        name = start
        while name and name not in whole:
            line.append(clusters[name])
            name = clusters[name].origin
        for own in reversed(line):
            whole[own.name] = _over(whole[own.origin], own) if own.origin else own
    return {name: whole[name] for name in clusters}


def _over(other: Cluster, own: Cluster) -> Cluster:
    """Lay a cluster's own entries over those of another; its address and context are always its own."""
    return own._replace(
        kube_version=own.kube_version or other.kube_version,
        api_versions=own.api_versions or other.api_versions,
        labels={**other.labels, **own.labels},
        annotations={**other.annotations, **own.annotations},
        facts={**other.facts, **own.facts},
    )
