"""The pairs that changed files may reach, told from patterns and folders before any pair is resolved.

An application that helm renders reads few kinds of files: those of its own folders and of the charts that it takes from
the tree, values files by patterns, and what links among these lead to.  Its pairs that can read none of the changed
files need no resolution.  All other pairs may be reached by any file, as far as is known here.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from cmp.artifacts.charts.dependencies import DECLARATIONS, local_folders
from cmp.engines import ENGINES
from cmp.engines.registry import HELM, HELMFILE
from cmp.errors import CmpError
from cmp.preview.identity import PairId
from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.repository.git import LINK
from cmp.repository.instances import central
from cmp.repository.instances.markers import matches_any
from cmp.repository.instances.places import CLUSTER, above
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.repository.config import AppConfig
    from cmp.repository.git import GitTree
    from cmp.repository.instances import Pair, Repository
    from cmp.repository.layout import Captures, Pattern

CHARTS = ENGINES[HELM].markers
MARKS = tuple(text for traits in ENGINES.values() if not traits.is_fallback for text in traits.markers)
MOST_NAMES = 10_000  # of changed files, through links

Groups = list[tuple["Captures", list[PairId]]]


class Reach:
    """The pairs of a layout by what they may read; `known` are those of which this is known."""

    def __init__(self, tree: GitTree, repository: Repository, pairs: Sequence[Pair]) -> None:
        self._tree = tree
        self._repository = repository
        self._places = repository.places
        self._folders: dict[str, list[PairId]] = defaultdict(list)
        self._names: dict[str, str] = {}
        self._grouped: dict[tuple[Pattern, bool], Groups] = {}
        config = repository.config
        settings = [config.defaults, *(entry.settings for entry in config.applications)]
        values = [*config.layout.values, *(one for of_entry in settings for one in of_entry.values)]
        self._values = tuple({one.pattern: layout.parse(one.pattern, one.place) for one in values}.values())
        self.known: dict[PairId, Captures] = {}
        if _is_usual(config.defaults) and not config.kept_secrets:
            self._read(pairs)

    def of(self, paths: Iterable[str]) -> set[PairId] | None:
        """Return the known pairs that may read any of some paths, or a folder above one; None where all may."""
        found: set[PairId] = set()
        seen: set[str] = set()
        for path in self._with_links(paths):
            if len(seen) > MOST_NAMES:
                return None
            places = [place for place in (path, *above(path), "") if place not in seen]
            seen.update(places)
            for place in places:
                found.update(self._folders.get(place, ()))
                for pattern in self._values:
                    found.update(self._matching(pattern, place))
                for pattern in (*self._places.apps, *self._places.instances):
                    found.update(self._matching(pattern, place, is_owner=True))
        return found

    def _read(self, pairs: Sequence[Pair]) -> None:
        """Take in the pairs whose folders and settings say that helm renders them."""
        others = [entry for entry in self._repository.config.applications if not _is_usual(entry.settings)]
        is_usual: dict[str, bool] = {}
        facts: dict[str, Captures] = {}
        of_folder: dict[str, list[PairId]] = defaultdict(list)
        name = "app" if self._places.name is None else "name"
        for pair in pairs:
            if pair.app not in is_usual:
                is_usual[pair.app] = not any(central.is_for(entry, pair.app) for entry in others)
            if not (is_usual[pair.app] and self._is_chart(pair)):
                continue
            if pair.cluster not in facts:
                facts[pair.cluster] = self._places.of_cluster(self._places.cluster(pair.cluster))
            key = PairId(app=pair.app, cluster=pair.cluster)
            self.known[key] = {**facts[pair.cluster], name: pair.app}
            for folder in {pair.app_folder, pair.instance_folder} - {""}:
                of_folder[folder].append(key)
        self._tree.load(join(folder, name) for folder in of_folder for name in DECLARATIONS)
        for folder, keys in of_folder.items():
            try:
                names = (entry.name for entry in self._repository.tree.entries(folder))
                charts = local_folders(self._tree, folder) if HELM in map(self._mark, names) else ()
            except CmpError:  # the render of each says why
                for key in keys:
                    self.known.pop(key, None)
                continue
            for read in (folder, *charts):
                self._folders["" if read == "." else read] += keys

    def _is_chart(self, pair: Pair) -> bool:
        """Tell whether the files in its folders choose helm for a pair, and no file there says otherwise."""
        folders = [folder for folder in (pair.app_folder, pair.instance_folder) if folder]
        try:
            names = [[entry.name for entry in self._repository.tree.entries(folder)] for folder in folders]
        except CmpError:
            return False
        marks = [[mark for name in of_folder if (mark := self._mark(name))] for of_folder in names]
        if not pair.app_folder or any(mark != HELM for of_folder in marks for mark in of_folder):
            return False
        return bool(marks[0]) or (any(marks) and self._repository.config.layout.chart is None)

    def _mark(self, name: str) -> str:
        """Return `helm` for the name of a chart's file, the name for one that decides otherwise, else nothing."""
        if name not in self._names:
            is_mark = name == APP_FILE or matches_any(MARKS, name)
            self._names[name] = HELM if matches_any(CHARTS, name) else name if is_mark else ""
        return self._names[name]

    # Patterns

    def _matching(self, pattern: Pattern, path: str, *, is_owner: bool = False) -> Iterator[PairId]:
        """Yield the known pairs for which a pattern may find a path.

        The owner of a path is known by names alone, whatever the facts of its cluster.
        """
        if not path or not layout.may_be_of_depth(pattern, path.count("/") + 1):
            return
        # What is captured does not begin with a dot, what is known may do so.
        is_hidden = path.startswith(".") or "/." in path
        if not is_hidden and layout.match(pattern, path, {}) is None:
            return
        for known, keys in self._groups(pattern, is_owner=is_owner):
            if all(text in path for text in known.values()) and layout.match(pattern, path, known) is not None:
                yield from keys

    def _groups(self, pattern: Pattern, *, is_owner: bool) -> Groups:
        """Return the known pairs by what fills the names of a pattern."""
        if (pattern, is_owner) not in self._grouped:
            names = sorted(pattern.names & {"app", "name", CLUSTER} if is_owner else pattern.names)
            groups: dict[tuple[str | None, ...], list[PairId]] = defaultdict(list)
            for key, known in self.known.items():
                groups[tuple([known.get(name) for name in names])].append(key)
            self._grouped[pattern, is_owner] = [
                ({name: text for name, text in zip(names, texts, strict=True) if text is not None}, keys)
                for texts, keys in groups.items()
            ]
        return self._grouped[pattern, is_owner]

    # Links

    def _with_links(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield paths, and the names that links give them; without an end where links lead in a circle."""
        waiting = [*paths]
        seen = set(waiting)
        while waiting:
            path = waiting.pop()
            yield path
            for target in (path, *above(path), "") if self._links else ():
                for link in self._links.get(target, ()):
                    other = f"{link}{path[len(target) :]}" if target else f"{link}/{path}"
                    if other not in seen:
                        seen.add(other)
                        waiting.append(other)

    @cached_property
    def _links(self) -> Mapping[str, list[str]]:
        """The links of the tree by the paths that they lead to."""
        links: dict[str, list[str]] = defaultdict(list)
        for path, blob in self._tree.blobs.items():
            if blob.mode == LINK:
                try:
                    links[self._tree.resolve(path)].append(path)
                except CmpError:  # it leads out of the tree
                    continue
        return links


def _is_usual(settings: AppConfig) -> bool:
    """Tell whether settings leave it to the files of a folder which engine renders it, and name no other files."""
    is_silent = not (settings.chart or settings.secret_files or settings.kept_secrets or settings.replace)
    return is_silent and settings.engines in ((), (HELM,)) and HELMFILE not in settings.options
