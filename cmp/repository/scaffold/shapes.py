"""Layouts that a tree may have, and the one that covers most of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.repository import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.repository.layout import Captures
    from cmp.repository.scaffold.folders import Folder

APP, CLUSTER = "{app}", "{cluster}"
BASES = ("base", "chart")  # the part of an application's folder that all its clusters share
OVERLAYS = ("overlays", "clusters", "environments", "envs", "instances")  # a folder of clusters is called so
_STAGES = "(?:local|lab|sandbox|dev|develop|development|test|tst|qa|uat|stg|stage|staging|preprod|prd|prod|production)"
WORD_OF_CLUSTER = re.compile(rf"(?<![^-_.]){_STAGES}\d*(?:-cluster)?(?![^-_.])")
_CLUSTER_LIKE = re.compile(rf"(?:.*[-_.])?(?:{_STAGES}\d*|cluster)(?:[-_.].*)?")


class Shape(NamedTuple):
    """Patterns of the applications' folders and of those of their clusters (empty: there are none), and their names."""

    apps: str
    names: frozenset[str]
    instances: str = ""

    def place(self, path: str) -> Captures | None:
        """Return application and cluster of a folder that the layout knows."""
        found = layout.match(layout.parse(self.apps), path)
        if found is not None or not self.instances:
            return found
        found = layout.match(layout.parse(self.instances), path)
        return found if found is not None and found["app"] in self.names else None

    def clusters(self, folders: list[Folder]) -> list[str]:
        """Return the clusters that the folders name."""
        places = (self.place(folder.path) for folder in folders)
        return sorted({place["cluster"] for place in places if place and "cluster" in place})


def is_cluster_like(name: str) -> bool:
    """Whether a cluster could be called so: dev, prod-2, tokyo-cluster."""
    return _CLUSTER_LIKE.fullmatch(name) is not None


def choose(folders: list[Folder]) -> Shape | None:
    """Return the shape that covers most folders with an engine's file, then the one with most clusters' folders."""
    marked = [folder for folder in folders if folder.engines]
    shapes = [shape for apps in _apps(marked) for shape in _with_instances(apps, folders)]

    def covered(shape: Shape) -> tuple[int, int, int]:
        places = [(folder, place) for folder in folders if (place := shape.place(folder.path)) is not None]
        with_engine = sum(bool(folder.engines) for folder, _ in places)
        with_cluster = sum("cluster" in place for _, place in places)
        return with_engine, with_cluster, -shapes.index(shape)

    return max(shapes, key=covered, default=None)


def _apps(marked: list[Folder]) -> list[Shape]:
    """Return each pattern once that some application's folder may come from, where it reads well."""
    patterns = dict.fromkeys(pattern for folder in marked for pattern in _patterns_of(folder.segments))
    found = []
    for pattern in patterns:
        parsed = layout.parse(pattern)
        places = [place for folder in marked if (place := layout.match(parsed, folder.path)) is not None]
        if _is_plausible(pattern, places):
            found.append(Shape(pattern, frozenset(place["app"] for place in places)))
    return found


def _patterns_of(segments: tuple[str, ...]) -> Iterator[str]:
    if segments and segments[-1] not in BASES:
        yield "/".join((*segments[:-1], APP))
    if len(segments) > 1:
        *above, _, last = segments
        if last in BASES:
            yield "/".join((*above, APP, last))
        yield "/".join((*above, CLUSTER, APP))
        yield "/".join((*above, APP, CLUSTER))


def _is_plausible(pattern: str, places: list[Captures]) -> bool:
    """Whether what the pattern takes for clusters looks like clusters, and what it takes for applications does not."""
    above = pattern.split("/{", 1)[0].rpartition("/")[2]
    names = {place["app"] for place in places}
    if CLUSTER not in pattern:
        return above not in OVERLAYS and not all(is_cluster_like(name) for name in names)
    is_named = above in OVERLAYS and pattern.endswith(APP)
    return not names & {*OVERLAYS} and (is_named or all(is_cluster_like(place["cluster"]) for place in places))


def _with_instances(shape: Shape, folders: list[Folder]) -> Iterator[Shape]:
    yield shape
    if CLUSTER in shape.apps:
        return
    below = layout.parse(f"{shape.apps}/**")
    patterns = (
        pattern
        for folder in folders
        if shape.place(folder.path) is None
        for pattern in _instances_of(
            folder.segments, shape.names, is_below=layout.match(below, folder.path) is not None
        )
    )
    yield from (shape._replace(instances=pattern) for pattern in dict.fromkeys(patterns))


def _instances_of(segments: tuple[str, ...], apps: frozenset[str], *, is_below: bool) -> Iterator[str]:
    """Yield the patterns that a folder may come from if it says that one of the applications runs on a cluster."""
    if len(segments) < 2:  # noqa: PLR2004  # an application's and a cluster's name
        return
    *above, outer, last = segments
    if last in apps and not is_below:
        yield "/".join((*above, CLUSTER, APP))
    if outer in apps and (is_cluster_like(last) or {*above[-1:]} & {*OVERLAYS}):
        yield "/".join((*above, APP, CLUSTER))
    if above and above[-1] in apps and outer in OVERLAYS:
        yield "/".join((*above[:-1], APP, outer, CLUSTER))
