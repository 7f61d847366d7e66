"""The folders of a tree by their role: which are named after a cluster, which hold an application and its parts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cmp.repository.scaffold.folders.words import (
    BASES,
    FOREIGN,
    GENERIC,
    NEUTRAL,
    OVERLAYS,
    TEAMS,
    is_cluster_like,
    is_stage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.repository.scaffold.folders.walk import Folder

NEVER = FOREIGN | OVERLAYS | GENERIC | NEUTRAL | {*BASES}
ENOUGH = 2  # siblings, or names that siblings share, that are no accident


Names = dict[str, dict[str, None]]  # the names in a folder, in order


class Roles:
    """The roles of the folders of a tree.

    `clusters` are the paths whose last name is that of a cluster or of a group of them, `guessed` those of them that
    only the repetition of names below tells; `roots` maps the folder of an application to the one that is rendered.
    `parts` are folders that an application elsewhere is made of: its kustomization or chart names them.
    """

    def __init__(self, folders: Sequence[Folder]) -> None:
        deployed = [folder for folder in folders if not folder.is_foreign]
        self.marked = {folder.path: folder for folder in deployed if folder.engines}
        self.clusters: set[str] = set()
        self.guessed: set[str] = set()
        self._mark_clusters(
            _children(folder.segments for folder in deployed),
            _children(folder.segments for folder in deployed if folder.engines),
        )
        self.roots = dict(self._roots())
        self.parts = self._parts()

    def root(self, path: str) -> str | None:
        """Return the topmost folder of an application at or above a path; None where that is in none."""
        return next((above for above in _above(path) if above in self.roots), None)

    def _parts(self) -> frozenset[str]:
        named = ((path, target) for path, folder in self.marked.items() for target in folder.named)
        return frozenset(
            target
            for path, target in named
            if target in self.marked
            and not target.startswith(f"{path}/")
            and (self.root(path) or path) != (self.root(target) or target)
        )

    def _mark_clusters(self, children: Names, deployed: Names) -> None:
        often = Counter((_parent(parent), name) for parent, names in children.items() for name in names if parent)
        for parent, names in children.items():
            members = [name for name in names if name not in NEVER]
            if _last(parent) in OVERLAYS:
                self.clusters.update(_below(parent, members))
                continue
            if _last(parent) in TEAMS:
                continue
            like = [
                name
                for name in members
                if is_stage(name) or (often[_parent(parent), name] > 1 and is_cluster_like(name))
            ]
            if like and len(like) * 2 >= len(members):
                known = set[str]().union(*(children.get(path, ()) for path in _below(parent, like)))
                alike = [name for name in members if _is_alike(children.get(_join(parent, name), {}), known)]
                self.clusters.update(_below(parent, {*like, *alike}))
            else:
                self._mark_repeated(parent, members, deployed)

    def _mark_repeated(self, parent: str, members: list[str], children: Names) -> None:
        """Mark siblings that have applications of the same names: one of the two levels is that of the clusters.

        The one with fewer names is; the outer one where both have as many, and no base is in it.
        """
        inner = {name: [one for one in children.get(_join(parent, name), ()) if one not in NEVER] for name in members}
        counts = Counter(one for names in inner.values() for one in names)
        shared = {one for one, count in counts.items() if count > 1}
        least = 1 if parent in self.clusters else ENOUGH
        if len(shared) < least or len(shared) * 2 < len(counts):
            return
        if sum(map(is_cluster_like, shared)) * 2 >= len(shared):
            return  # they are marked in their own turn
        outer = [name for name, names in inner.items() if not shared.isdisjoint(names)]
        paths = _below(parent, outer)
        if any(path in self.marked for path in paths):
            return
        has_bases = any(not {*BASES}.isdisjoint(children[path]) for path in paths)
        if has_bases or len(outer) > len(counts):
            if len(shared) < len(counts):
                return
            paths = [_join(path, one) for path in paths for one in children[path] if one in shared]
        self.clusters.update(paths)
        self.guessed.update(paths)

    def _roots(self) -> Iterator[tuple[str, str]]:
        named = {
            (path, target)
            for path, folder in self.marked.items()
            for target in folder.named
            if target in self.marked and not f"{path}/".startswith(f"{target}/")
        }
        lists = Counter(path for path, target in named if _parent(target) == path)
        siblings = Counter(map(_parent, self.marked))
        bases: dict[str, str] = {}
        for path in self.marked:
            parent = _parent(path)
            if _last(path) in BASES and parent not in self.marked and self._may_be_app(parent):
                bases[parent] = path
        for path, target in sorted(named):
            parent = _parent(target)
            is_overlay = path.startswith(f"{parent}/") and self._is_of_clusters(path, parent)
            if is_overlay and target not in self.clusters and self._may_be_app(parent):
                bases.setdefault(parent, target)
        for path in self.marked:
            is_list = lists[path] >= ENOUGH and (siblings[_parent(path)] == 1 or _last(path) in GENERIC)
            if path and path not in self.clusters and not is_list and _last(path) not in {*BASES, *OVERLAYS}:
                yield path, path
        yield from bases.items()

    def _is_of_clusters(self, path: str, parent: str) -> bool:
        """Say whether all folders between the two are those of clusters."""
        depth = parent.count("/") + 1
        return all(above in self.clusters or _last(above) in OVERLAYS for above in [*_above(path)][depth:])

    def _may_be_app(self, path: str) -> bool:
        return bool(path) and path not in self.clusters and _last(path) not in OVERLAYS


def _children(paths: Iterable[tuple[str, ...]]) -> Names:
    """Return the names of the folders in each folder, in order, that lie on the way to some path."""
    children: Names = {}
    for segments in paths:
        for depth, name in enumerate(segments):
            children.setdefault("/".join(segments[:depth]), {}).setdefault(name)
    return children


def _is_alike(names: Mapping[str, None], known: set[str]) -> bool:
    shared = known & names.keys()
    return bool(shared) and len(shared) * 2 >= len(names)


def _below(parent: str, names: Iterable[str]) -> list[str]:
    return [_join(parent, name) for name in names]


def _join(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent else name


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _above(path: str) -> Iterator[str]:
    """Yield the folders from the top down to the path itself."""
    segments = path.split("/")
    for depth in range(1, len(segments) + 1):
        yield "/".join(segments[:depth])
