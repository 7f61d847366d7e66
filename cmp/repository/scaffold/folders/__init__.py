"""A layout from folders and files alone: what a person would guess who sees the tree for the first time.

walk.py    the folders of a tree, and what tells applications from others
words.py   the words by which people name them
roles.py   which folders are named after clusters, which hold applications
shapes.py  paths of many applications as one shape, and the names of its placeholders
charts.py  applications that are values alone
places.py  the shapes of the applications' folders and of their clusters' folders
values.py  the names of values files: layers, and alternatives for each cluster
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cmp.errors import ConfigError, and_more
from cmp.repository.config.model import SUFFIXES
from cmp.repository.scaffold.folders import charts, places, shapes, values
from cmp.repository.scaffold.folders.roles import Roles
from cmp.repository.scaffold.folders.shapes import ENV, GROUP, PLACE
from cmp.repository.scaffold.folders.words import FOREIGN, is_cluster_like
from cmp.repository.scaffold.proposal import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.model import EngineTraits
    from cmp.repository.scaffold.folders.places import Places
    from cmp.repository.scaffold.folders.shapes import Clusters, Spot, Spots
    from cmp.repository.scaffold.folders.walk import Folder

MAX_INSTANCES = 4  # shapes that say where an application runs
MAX_LISTED = 10
MANY = 8  # names that are no accident


def propose(folders: Sequence[Folder], engines: Mapping[str, EngineTraits], suffixes: Sequence[str]) -> Proposal:
    """Propose the layout of a tree's folders; ConfigError where no pattern tells its applications apart."""
    shared = charts.shared(folders, engines)
    if shared is None:
        proposal = _propose(folders, engines, suffixes)
        foreign = [folder.path for folder in folders if folder.engines and not FOREIGN.isdisjoint(folder.segments)]
        if foreign and folders[0].is_taken:
            note = f"only folders that are seldom deployed hold applications: {and_more(foreign, MAX_LISTED)}"
            return proposal._replace(notes=(*proposal.notes, note))
        return proposal
    proposal = _propose(shared.folders, shared.engines, suffixes)
    note = f"{shared.chart}, the only chart, is taken for that of the folders with values alone: is it?"
    return proposal._replace(chart=shared.chart, notes=(*proposal.notes, note))


def _propose(folders: Sequence[Folder], engines: Mapping[str, EngineTraits], suffixes: Sequence[str]) -> Proposal:
    roles = Roles(folders)
    found = places.find(folders, roles)
    if not found.apps:
        marked = [path or "." for path in roles.marked]
        raise ConfigError(
            f"no pattern with {{app}} tells the applications apart: {and_more(marked, MAX_LISTED)}",
            hint="each needs a folder of its own, as namespaces/{app}; describe others in a cmp.yaml by hand",
        )
    outside = places.outside(folders, found, roles)
    found = found._replace(
        instances={
            shape: [*found.instances.get(shape, ()), *outside.folders.get(shape, ())]
            for shape in {**found.instances, **outside.folders}
        }
    )
    variants = {shape for shape, spots in found.instances.items() if _are_variants(spots)}
    found = found._replace(instances={one: spots for one, spots in found.instances.items() if one not in variants})
    files = values.find(folders, found, roles=roles, engines=engines, suffixes=suffixes or SUFFIXES)
    known = frozenset(
        place
        for spots in (*found.apps.values(), *found.instances.values(), *outside.files.values())
        for spot in spots
        for place in spot.places
    )
    families, notes = values.sort_families(files, known, found)
    every = [found.apps, found.instances, families, outside.files]
    clusters = shapes.clusters([spots for group in every for spots in group.values()])
    running = {shape: outside.files[shape] for shape in outside.running}
    instances = _instances(found, {**families, **running}, clusters)
    found = _running(found, instances)
    patterns = values.patterns(
        files.layers,
        {**outside.files, **families},
        clusters=clusters,
        places=found,
        suffixes=suffixes or SUFFIXES,
    )
    for shape in sorted(variants):
        text = "/".join(shape).replace(PLACE, "*")
        notes.append(f"the folders {text} look like variants, not clusters: `layout.instances` can say where they run")
    if roles.guessed:
        names = {path.rpartition("/")[2] for path in roles.guessed}
        notes.append(values.guess(names, "since each has folders of the same names"))
    notes += _notes(found.left, "no application in this layout", "are no applications in this layout", "is")
    notes += _notes(
        sorted({*files.doubtful}),
        "no layer in this layout: which clusters is it for?",
        "are no layers in this layout: which clusters are they for?",
        "is",
    )
    if outside.files and outside.common:
        notes.append(
            f"{and_more(list(outside.common), MAX_LISTED)} may be for all applications of a cluster: add the pattern "
            "to `layout.values`, or to `layout.shared` where only some take it"
        )
    used = [*found.apps.items(), *instances.items(), *families.items(), *outside.files.items()]
    by_place = [clusters.serving(shape, spots).values() for shape, spots in used if PLACE in "/".join(shape)]
    served = {name for group in by_place for names in group for name in names}
    return Proposal(
        apps=tuple(clusters.spell(shape, spots) for shape, spots in found.apps.items()),
        name=_name(found.apps),
        instances=tuple(clusters.spell(shape, spots) for shape, spots in instances.items()),
        values=tuple(patterns),
        clusters={name: facts for name, facts in clusters.facts.items() if name in served},
        notes=tuple(notes),
    )


def _are_variants(spots: Sequence[Spot]) -> bool:
    """Say whether folders are named after what an application can do: few names of clusters are that of one alone."""
    apps: dict[str, set[str]] = defaultdict(set)
    for spot in spots:
        apps[spot.places[-1]].add(spot.app)
    known = sum(len(names) > 1 or is_cluster_like(name) for name, names in apps.items())
    return len(apps) >= MANY and known * 2 < len(apps)


def _is_of_files(spots: Iterable[Spot]) -> bool:
    return any(spot.path.endswith((".yaml", ".yml")) for spot in spots)


def _instances(found: Places, families: Spots, clusters: Clusters) -> Spots:
    """Choose the shapes that say where applications run, deeper ones first: folders, and files where no folder does."""
    covered: dict[str, set[str]] = defaultdict(set)
    for shape, spots in found.apps.items():
        if PLACE in shape and len(clusters.levels_of(shape, spots)) == len(clusters.levels):
            for spot, names in clusters.serving(shape, spots).items():
                covered[spot.app] |= names
    candidates = {**found.instances, **families}
    ordered = sorted(
        candidates.items(),
        key=lambda item: (
            -len(clusters.levels_of(*item)),
            clusters.levels_of(*item) == (ENV,),
            _is_of_files(item[1]),
            -len({(spot.app, spot.places) for spot in item[1]}),
            item[0],
        ),
    )
    chosen: Spots = {}
    apps = {spot.app for spots in found.apps.values() for spot in spots}
    for shape, spots in ordered:
        served = clusters.serving(shape, spots)
        new = [spot for spot, names in served.items() if not covered[spot.app] & names]
        without = {app for app in apps if not covered[app]}
        is_rare = _is_of_files(spots) and len({spot.app for spot in new}) * 2 < len(without)
        if len(chosen) < MAX_INSTANCES and new and not is_rare:
            chosen[shape] = spots
            for spot, names in served.items():
                covered[spot.app] |= names
    return chosen


def _running(found: Places, instances: Spots) -> Places:
    """Leave out the shapes of applications of which none runs anywhere while others do."""
    running = {spot.app for spots in instances.values() for spot in spots}
    if not running:
        return found
    idle = {
        shape
        for shape, spots in found.apps.items()
        if PLACE not in shape and running.isdisjoint(spot.app for spot in spots)
    }
    left = [spot.path for shape in idle for spot in found.apps[shape]]
    apps = {shape: spots for shape, spots in found.apps.items() if shape not in idle}
    return found._replace(apps=apps, left=tuple(sorted((*found.left, *left))))


def _name(apps: Spots) -> str:
    """Return the pattern of the applications' names, where folders of several groups have one name."""
    spots = [spot for found in apps.values() for spot in found]
    is_unique = len({(spot.app, spot.places) for spot in spots}) == len(spots)
    return f"{GROUP}-{{app}}" if not is_unique and all(GROUP in shape for shape in apps) else ""


def _notes(paths: Sequence[str], one: str, several: str, verb: str) -> list[str]:
    if not paths:
        return []
    if len(paths) == 1:
        return [f"{paths[0] or '.'} {verb} {one}"]
    return [f"{and_more([path or '.' for path in paths], MAX_LISTED)} {several}"]
