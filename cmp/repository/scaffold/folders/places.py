"""The folders of applications, and of their clusters, gathered into a few shapes."""

from __future__ import annotations

from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.registry import KUSTOMIZE, PLAIN
from cmp.repository.scaffold.folders.shapes import ANY, APP, GROUP, PLACE, Spot
from cmp.repository.scaffold.folders.words import (
    BASES,
    GENERIC,
    HEADS,
    INNER,
    NEUTRAL,
    OVERLAYS,
    TEAMS,
    VALUES_FOLDERS,
    pieces,
    replaced,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.repository.scaffold.folders.roles import Roles
    from cmp.repository.scaffold.folders.shapes import Shape, Spots
    from cmp.repository.scaffold.folders.walk import Folder

MAX_SHAPES = 6  # roots that a person would write into a list
MAX_WORDS = 8  # of a file's name that are looked at
_NO_APP = OVERLAYS | {*BASES}


class Places(NamedTuple):
    """The shapes of the applications' folders, and of what says where they run; `left` are folders of neither."""

    apps: Spots
    instances: Spots
    left: tuple[str, ...]

    @property
    def folders(self) -> Mapping[str, Spot]:
        """The folders of the applications."""
        return {spot.path: spot for spots in self.apps.values() for spot in spots}


def find(folders: Sequence[Folder], roles: Roles) -> Places:
    """Gather the applications of a tree into shapes, and their clusters' folders."""
    apps: Spots = defaultdict(list)
    overlays: Spots = defaultdict(list)
    named: Spots = defaultdict(list)
    left = []
    with_clusters = {roles.root(path) for path in roles.marked if path in roles.clusters}
    for path in roles.marked:
        root = roles.root(path)
        if path in roles.parts and path not in roles.clusters and root not in with_clusters:
            continue
        if root is None:
            shape, spot = shaped(path, path, roles)
            if spot.app:
                apps[shape].append(spot)
            else:
                left.append(path)
        elif path == roles.roots[root]:
            shape, spot = shaped(path, root, roles)
            (apps[shape].append(spot) if spot.app else left.append(path))
        elif (found := _inside(path, root, roles)) is not None:
            overlays[found[0]].append(found[1])
        elif (found := _inside(path, root, roles, is_named=True)) is not None:
            named[found[0]].append(found[1])
        elif path != root and _is_apart(path, root, roles):
            left.append(path)
    with_overlays = {spot.app for spots in overlays.values() for spot in spots}
    for shape, spots in named.items():
        overlays[shape] += [spot for spot in spots if spot.app not in with_overlays]
    chosen, rest = _few(apps, [folder for folder in folders if folder.is_foreign and folder.engines])
    left += [spot.path for spots in rest.values() for spot in spots]
    with_places, chosen = _demoted(chosen)
    names = {spot.app for spots in chosen.values() for spot in spots}
    instances: Spots = defaultdict(list)
    for shape, spots in (*overlays.items(), *with_places.items()):
        instances[shape] += [spot for spot in spots if spot.app in names]
        left += [spot.path for spot in spots if spot.app not in names]
    return Places(chosen, {shape: spots for shape, spots in instances.items() if spots}, tuple(sorted(left)))


def shaped(path: str, root: str, roles: Roles) -> tuple[Shape, Spot]:
    """Return the shape of a path: which of its names is the application's; no application where all are others'."""
    segments = path.split("/")
    paths = ["/".join(segments[: depth + 1]) for depth in range(len(segments))]
    free = [at for at, one in enumerate(paths) if one not in roles.clusters and segments[at] not in _NO_APP]
    free = [at for at in free if at <= root.count("/")]
    at = max((at for at in free if segments[at] not in INNER), default=max(free, default=-1))
    if at < 0:
        return (), Spot(path, "")
    names = [PLACE if one in roles.clusters else segments[depth] for depth, one in enumerate(paths)]
    for depth in range(1, at):
        if segments[depth - 1] in TEAMS:
            names[depth] = GROUP
    names[at] = APP
    places = tuple(segments[depth] for depth, one in enumerate(paths) if names[depth] == PLACE)
    return tuple(names), Spot(path, segments[at], places)


def _is_apart(path: str, root: str, roles: Roles) -> bool:
    """Say whether a folder inside of an application's is no part of it: its kustomization does not name it."""
    folder = roles.marked.get(root)
    return folder is not None and KUSTOMIZE in folder.engines and path not in folder.named


def _inside(path: str, root: str, roles: Roles, *, is_named: bool = False) -> tuple[Shape, Spot] | None:
    """Return the shape of a folder of one cluster inside of an application's; None for another part of it.

    With `is_named` one that names the application's base is a cluster's, whatever it is called.
    """
    shape, spot = shaped(root, root, roles)
    if not spot.app:
        return None
    names, places = list(shape), list(spot.places)
    at = root
    for name in path.removeprefix(f"{root}/").split("/"):
        is_below = at in roles.clusters  # as blue in dev/blue
        at = f"{at}/{name}"
        names_base = is_named and at in roles.marked and roles.roots[root] in roles.marked[at].named
        is_marked = at == path and at in roles.marked and name not in _NO_APP | GENERIC
        if at in roles.clusters or (is_marked and (is_below or names_base)):
            names.append(PLACE)
            places.append(name)
        elif name in OVERLAYS | VALUES_FOLDERS:
            names.append(name)
        else:
            return None
    return (tuple(names), Spot(path, spot.app, tuple(places))) if len(places) > len(spot.places) else None


def _few(apps: Spots, foreign: Sequence[Folder]) -> tuple[Spots, Spots]:
    """Choose a handful of shapes that have most of the applications.

    Where there are more, a `*` stands for one name of several of them, none of which has half of all these.
    """
    rest = dict(apps)
    wide: dict[Shape, list[Shape]] = defaultdict(list)
    for shape in rest if len(rest) > MAX_SHAPES else ():
        for at, name in enumerate(shape):
            if "{" not in name and at != len(shape) - 1:
                wide[(*shape[:at], ANY, *shape[at + 1 :])].append(shape)
    wide = {star: one for star, one in wide.items() if len(one) > 1}
    wide = {star: one for star, one in wide.items() if not any(_fits(star, folder.segments) for folder in foreign)}
    chosen: Spots = {}
    while rest and len(chosen) < MAX_SHAPES:
        best = min(rest, key=lambda shape: (-len(rest[shape]), shape))
        size = len(rest[best])
        for star, shapes in wide.items():
            sizes = [len(rest[shape]) for shape in shapes if shape in rest]
            if len(sizes) > 1 and sum(sizes) > max(size, 2 * max(sizes)) and _are_unique(rest, shapes):
                best, size = star, sum(sizes)
        merged = [shape for shape in wide.get(best, (best,)) if shape in rest]
        chosen[best] = [spot for shape in merged for spot in rest.pop(shape)]
    return chosen, rest


def _are_unique(apps: Spots, shapes: Iterable[Shape]) -> bool:
    """Say whether the applications of several shapes have names of their own."""
    keys = [(spot.app, spot.places) for shape in shapes for spot in apps.get(shape, ())]
    return len(keys) == len({*keys})


def _fits(shape: Shape, segments: Sequence[str]) -> bool:
    return len(shape) == len(segments) and all(
        "{" in name or name in (ANY, segment) for name, segment in zip(shape, segments, strict=True)
    )


def _demoted(apps: Spots) -> tuple[Spots, Spots]:
    """Part the shapes with the folders of single clusters of applications that have a folder for all."""
    common = {spot.app for shape, spots in apps.items() if PLACE not in shape for spot in spots}
    below: Spots = {}
    for shape, spots in apps.items():
        known = sum(spot.app in common for spot in spots)
        if PLACE in shape and known * 2 > len(spots):
            below[shape] = spots
    return below, {shape: spots for shape, spots in apps.items() if shape not in below}


class Outside(NamedTuple):
    """Folders and files that are named after an application and a cluster, outside of applications.

    `running` are the shapes of files that say where applications run: no other file is named like them.  `common` are
    files beside these that are named after no application.
    """

    folders: Spots
    files: Spots
    running: frozenset[Shape]
    common: tuple[str, ...]


def outside(folders: Sequence[Folder], places: Places, roles: Roles) -> Outside:
    """Return the folders, and files, that are named after an application and a cluster."""
    found = _Outside(places, roles).find(folders)
    known = len(roles.clusters)
    for shape, spots in (*found.folders.items(), *found.files.items()):
        depths = [depth for depth, name in enumerate(shape[:-1]) if name == PLACE]
        roles.clusters.update("/".join(spot.path.split("/")[: depth + 1]) for spot in spots for depth in depths)
    return _Outside(places, roles).find(folders) if len(roles.clusters) > known else found


class _Outside:
    def __init__(self, places: Places, roles: Roles) -> None:
        self._roles = roles
        self._names = {spot.app for spot in places.folders.values()}
        self._is_plain = any(PLAIN in folder.engines for folder in roles.marked.values())
        self._folders: Spots = defaultdict(list)
        self._files: Spots = defaultdict(list)
        self._common: list[str] = []

    def find(self, folders: Sequence[Folder]) -> Outside:
        others = []
        for folder in folders:
            root = self._roles.root(folder.path) if folder.path else None
            if folder.is_foreign or (folder.engines and root is None):
                continue
            if root is not None:
                found = _inside(folder.path, root, self._roles) if folder.path != root else None
                if found and found[1].app in self._names:
                    self._folders[found[0]].append(found[1])
            elif not self._has_values(folder):
                continue
            elif not self._folder(folder.segments):
                self._of_files(folder)
                others.append(folder)
        files = _accepted(self._files)
        return Outside(
            _accepted(self._folders),
            files,
            frozenset(shape for shape in files if self._is_of_all(shape, others)),
            tuple(self._common),
        )

    def _has_values(self, folder: Folder) -> bool:
        """Say whether a folder may hold something for an application: objects alone are applied by somebody else."""
        return self._is_plain or not folder.objects.issuperset(folder.files)

    def _is_of_all(self, shape: Shape, folders: Iterable[Folder]) -> bool:
        """Say whether every file that the shape fits is named after an application."""
        known = {spot.path for spot in self._files[shape]}
        pattern = shape[-1].replace(APP, "*")
        return not any(
            _fits(shape[:-1], folder.segments) and fnmatchcase(name, pattern) and f"{folder.path}/{name}" not in known
            for folder in folders
            for name in {*folder.files} - folder.objects
        )

    def _folder(self, segments: tuple[str, ...]) -> bool:
        """Take a folder in which the name of an application stands beside that of a cluster."""
        for at in reversed(range(len(segments))):
            if segments[at] in self._names and not self._is_cluster(segments, at):
                found = self._spot(segments, at)
                if found is not None:
                    self._folders[found[0]].append(found[1])
                return found is not None
        return False

    def _spot(self, segments: tuple[str, ...], at: int) -> tuple[Shape, Spot] | None:
        names, places = list(segments), []
        for depth, name in enumerate(segments):
            is_beside = depth and depth in (at - 1, at + 1) and name not in _NO_APP | GENERIC
            if depth == at:
                names[depth] = APP
            elif self._is_cluster(segments, depth) or is_beside:
                names[depth] = PLACE
                places.append(name)
        path = "/".join(segments)
        return (tuple(names), Spot(path, segments[at], tuple(places))) if places else None

    def _of_files(self, folder: Folder) -> None:
        """Take files that are named after an application, in the folder of a cluster."""
        for name in (one for one in folder.files if one not in folder.objects):
            stem, ext = name.rsplit(".", 1)
            app = max((word for word in _words(stem) if word in self._names), key=len, default="")
            rest = pieces(replaced(stem, app, APP))[::2] if app else []
            is_common = folder.path in self._roles.clusters and {*pieces(stem)[::2]} <= HEADS | NEUTRAL
            if is_common:
                self._common.append(f"{folder.path}/{name}")
            if app and all(word in {"", APP} | HEADS | NEUTRAL for word in rest):
                found = self._spot((*folder.segments, app), len(folder.segments))
                if found is not None:
                    shape = (*found[0][:-1], f"{replaced(stem, app, APP)}.{ext}")
                    self._files[shape].append(found[1]._replace(path=f"{folder.path}/{name}"))

    def _is_cluster(self, segments: tuple[str, ...], at: int) -> bool:
        return "/".join(segments[: at + 1]) in self._roles.clusters


def _words(stem: str) -> list[str]:
    """Return the parts of a name between its borders, and those that several of them make."""
    parts = stem.replace("_", "-").replace(".", "-").split("-")[:MAX_WORDS]
    ends = range(1, len(parts) + 1)
    words, offset = [], 0
    for at, part in enumerate(parts):
        length = -1
        for end in ends[at:]:
            length += len(parts[end - 1]) + 1
            words.append(stem[offset : offset + length])
        offset += len(part) + 1
    return words


def _accepted(found: Spots) -> Spots:
    """Keep the shapes in which several names of clusters stand, or one application has several."""
    kept: Spots = {}
    for shape, spots in found.items():
        if len({spot.places for spot in spots}) > 1 or any(name in OVERLAYS for name in shape):
            kept[shape] = spots
    return kept
