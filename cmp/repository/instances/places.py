"""The places of a tree that the layout's patterns find: folders of applications, and what says where these run.

A capture of a pattern that is `{cluster}` or a fact of the inventory chooses clusters: only those that have it belong
to the place.  Every other capture tells places apart, as `*` does.  Where several patterns match one path, it belongs
to the first of which some cluster may have what it captures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.model import NOTHING, Cluster
from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.repository.instances import markers
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.model import EngineTraits
    from cmp.repository.config import Config, ValuesPattern
    from cmp.repository.layout import Captures, PathMatch, Pattern
    from cmp.system.tree import Entry, Tree

CLUSTER = "cluster"
NO_CLUSTER = Cluster("")


class AppFolder(NamedTuple):
    """The folder of an application: its name, the pattern that the folder belongs to, and what that captures."""

    name: str
    path: str
    captures: Captures
    pattern: Pattern


class InstancePlace(NamedTuple):
    """A folder or file whose presence says that an application runs on a cluster, or on those with some facts."""

    path: str
    is_file: bool
    captures: Captures
    pattern: Pattern


Place = AppFolder | InstancePlace


class Places:
    """The patterns of a layout, and what they find in the tree."""

    def __init__(
        self,
        tree: Tree,
        config: Config,
        engines: Mapping[str, EngineTraits],
        chart_values: Callable[[str], Sequence[ValuesPattern]],
    ) -> None:
        """Read the layout; `chart_values` returns the values of an application that cmp.yaml has a chart for."""
        self._tree = tree
        self._chart_values = chart_values
        self._engines = engines
        self._config = config
        self.clusters = config.clusters
        self.apps = tuple(layout.parse(text, "layout.apps") for text in config.layout.apps)
        self.instances = tuple(layout.parse(text, "layout.instances") for text in config.layout.instances)
        self.name = layout.parse_text(config.layout.name, "layout.name") if config.layout.name else None
        self.facts = frozenset(name for cluster in self.clusters.values() for name in cluster.facts)
        self._choosing: dict[str, frozenset[str]] = {}
        self._configured = frozenset(pattern.text for entry in config.applications for pattern in entry.apps)
        self._fitting: dict[tuple[Pattern, tuple[str, ...]], tuple[str, ...]] = {}

    # Clusters

    def choosing(self, pattern: Pattern) -> frozenset[str]:
        """Return the names in a pattern by which it chooses clusters."""
        if pattern.text not in self._choosing:
            self._choosing[pattern.text] = pattern.names & (self.facts | {CLUSTER})
        return self._choosing[pattern.text]

    def lacking(self, pattern: Pattern, cluster: Cluster) -> list[str]:
        """Return the facts that the pattern needs and the cluster has not; none where its name stands in the path."""
        return [] if CLUSTER in pattern.names else sorted(pattern.names & self.facts - cluster.facts.keys())

    def fits(self, place: Place, cluster: Cluster) -> bool:
        """Say whether a cluster has what the place captures of clusters."""
        has_name = CLUSTER in place.pattern.names
        if has_name and place.captures[CLUSTER] != cluster.name:
            return False
        for name in place.pattern.names & self.facts:
            fact = cluster.facts.get(name)
            if fact != place.captures[name] and not (has_name and fact is None):
                return False
        return True

    def clusters_of(self, place: Place) -> tuple[str, ...]:
        """Return the clusters that a place chooses by what it captures; none where that is nothing of clusters."""
        if CLUSTER in place.pattern.names:
            return (place.captures[CLUSTER],)
        names = sorted(self.choosing(place.pattern))
        key = (place.pattern, tuple(place.captures[name] for name in names))
        if key not in self._fitting:
            fitting = (name for name, cluster in self.clusters.items() if names and self.fits(place, cluster))
            self._fitting[key] = tuple(fitting)
        return self._fitting[key]

    def may_be_cluster(self, name: str) -> bool:
        """Say whether a cluster may have this name, as far as the inventory tells."""
        return not name or not self.clusters or name in self.clusters

    def may_exist(self, place: Place) -> bool:
        """Say whether some cluster may have what the place captures of clusters."""
        clusters = self.clusters_of(place)
        return not self.choosing(place.pattern) or any(map(self.may_be_cluster, clusters))

    def of_cluster(self, cluster: Cluster) -> Captures:
        """Return what a cluster fills in patterns."""
        return {**cluster.facts, CLUSTER: cluster.name} if cluster.name else NOTHING

    def cluster(self, name: str) -> Cluster:
        """Return a cluster; one that the inventory does not have is a name without facts."""
        return self.clusters.get(name) or Cluster(name)

    def of_folder(self, folder: str) -> Iterator[Place]:
        """Yield the instance and the application that a folder is, by the pattern of each that it belongs to."""
        for pattern in self.instances:
            captures = self._captured(pattern, folder)
            place = InstancePlace(folder, is_file=False, captures=captures or NOTHING, pattern=pattern)
            if captures is not None and self._belongs(self.instances, pattern, place):
                yield place
        for pattern in self.apps:
            captures = self._captured(pattern, folder)
            if captures is not None:
                app = AppFolder(self._filled(captures), folder, captures, pattern)
                if self._is_application(app):
                    yield app

    def _expanded(self, pattern: Pattern, given: Captures) -> Iterator[PathMatch]:
        """Yield what a pattern matches in the tree, each path once."""
        found: set[str] = set()
        for known in (*self._mixed(pattern, given), NOTHING):
            for match in layout.expand(self._tree, pattern, {**given, **known}):
                if match.path not in found:
                    found.add(match.path)
                    yield match

    def _captured(self, pattern: Pattern, path: str) -> Captures | None:
        """Return what a pattern captures in a path; None where it does not match."""
        matches = (layout.match(pattern, path, known) for known in (*self._mixed(pattern, NOTHING), NOTHING))
        return next((captures for captures in matches if captures is not None), None)

    def _mixed(self, pattern: Pattern, given: Captures) -> Iterator[Captures]:
        """Yield what each cluster fills where one segment holds several names.

        The text of `{app}-{env}` does not tell where one ends: web-pre-prod may be of prod or of pre-prod.
        """
        names = {name for name in _names_in_company(pattern) if name in self.choosing(pattern) and name not in given}
        fills = [self.of_cluster(cluster) for cluster in self.clusters.values()] if names else []
        mixed = [{name: known[name] for name in names} for known in fills if names <= known.keys()]
        yield from sorted({tuple(sorted(one.items())): one for one in mixed}.values(), key=_longest, reverse=True)

    # Applications

    def app_folders(self, name: str = "", cluster: Cluster = NO_CLUSTER, known: Captures = NOTHING) -> list[AppFolder]:
        """Return the folders of all applications or of those with a name, in the order of the patterns.

        With a cluster only folders that it may run from.  `known` are captures that the folders must have.
        """
        given = {**known, **self.of_cluster(cluster)}
        if name and self.name is None:
            given["app"] = name
        found: list[AppFolder] = []
        for pattern in self.apps:
            if cluster.name and self.lacking(pattern, cluster):
                continue
            for match in self._expanded(pattern, given):
                folder = AppFolder(self._filled(match.captures), match.path, match.captures, pattern)
                is_asked = match.kind == "folder" and name in ("", folder.name) and _is_whole(pattern, match)
                if is_asked and self._is_application(folder):
                    found.append(folder)
        return found

    def without_engine(self, name: str) -> list[str]:
        """Return the folders that have an application's name and nothing to render."""
        given = {"app": name} if self.name is None else {}
        matches = ((pattern, match) for pattern in self.apps for match in self._expanded(pattern, given))
        return [
            match.path
            for pattern, match in matches
            if match.kind == "folder"
            and self._filled(match.captures) == name
            and _is_whole(pattern, match)
            and self._belongs(self.apps, pattern, match)
        ]

    def _filled(self, captures: Captures) -> str:
        return layout.fill(self.name, captures) if self.name else captures["app"]

    def is_component(self, folder: AppFolder) -> bool:
        """Say whether a folder is a component of kustomize, which others include: no application."""
        return markers.is_component(self._tree, folder.path)

    def of_app(self, folder: AppFolder) -> Captures:
        """Return what an application's folder fills in patterns of its instances, whatever the cluster."""
        return self._own(self.with_name(folder), folder.pattern)

    def with_name(self, folder: AppFolder) -> Captures:
        """Return the captures of an application's folder, its name among them where the layout gives one."""
        return {**folder.captures, "name": folder.name} if self.name else folder.captures

    def names_of(self, place: Place) -> list[str]:
        """Return the names of the applications that a place belongs to: several where it captures too little."""
        if isinstance(place, AppFolder):
            return [place.name]
        if self.name is None:
            return [place.captures["app"]]
        if "name" in place.captures:
            return [place.captures["name"]]
        if self.name.names <= place.captures.keys():
            return [self._filled(place.captures)]
        own = self._own(place.captures, place.pattern)
        return sorted({folder.name for folder in self.app_folders(known=own)})

    def agree(self, folder: AppFolder, place: Place) -> bool:
        """Say whether two places may be of one application: what both capture of it is the same."""
        own = self.with_name(folder)
        shared = (own.keys() & place.captures.keys()) - self.choosing(folder.pattern) - self.choosing(place.pattern)
        return all(own[name] == place.captures[name] for name in shared)

    def best(self, folders: Sequence[AppFolder]) -> list[AppFolder]:
        """Return the folder that counts of those of one application on one cluster; several where none is better.

        The first counts where its pattern captures more of the cluster than that of each other one.  A component of
        kustomize counts only where there is nothing else.
        """
        if not folders[1:]:
            return [*folders]
        first, *others = [folder for folder in folders if not self.is_component(folder)] or folders
        return [first, *(folder for folder in others if self._rank(folder.pattern) >= self._rank(first.pattern))]

    def _rank(self, pattern: Pattern) -> tuple[bool, int]:
        """Return how closely a pattern chooses clusters; the name of one implies all of its facts."""
        return CLUSTER in pattern.names, len(self.choosing(pattern))

    def _is_application(self, folder: AppFolder) -> bool:
        if not self._belongs(self.apps, folder.pattern, folder):
            return False
        return not self._may_be_another(folder) or self._is_rendered(folder)

    def _may_be_another(self, folder: AppFolder) -> bool:
        """Say whether a folder need not be an application's: a wildcard matches any, and a group's lies above some."""
        pattern = folder.pattern
        if pattern.has_wildcard or pattern.names - self.choosing(pattern) - {"app"}:
            return True
        if self.apps[1:] and not self.may_exist(folder):
            return True
        return any(_captured_above(other, folder.path) is not None for other in self.apps if other is not pattern)

    def _is_rendered(self, folder: AppFolder) -> bool:
        if self._tree.kind(join(folder.path, APP_FILE)) != "missing" or self._has_engine_file(folder.path):
            return True
        if self._has_values(folder) or self._is_configured(folder):
            return True
        return any(self._says_more(place, folder) for place in self.instance_places(self.of_app(folder)))

    def _own(self, captures: Captures, pattern: Pattern) -> Captures:
        """Return the captures that are of the application alone."""
        return {name: text for name, text in captures.items() if name not in self.choosing(pattern)}

    def _is_configured(self, folder: AppFolder) -> bool:
        """Say whether cmp.yaml names the application: that is as good as a cmp-app.yaml in its folder."""
        return folder.name in self._configured

    def _has_values(self, folder: AppFolder) -> bool:
        """Say whether a folder of values alone has any for the chart that cmp.yaml names."""
        patterns = (layout.parse(values.pattern, values.place) for values in self._chart_values(folder.name))
        known = self.of_app(folder)
        matches = (
            (pattern, match)
            for pattern in patterns
            if not pattern.names.isdisjoint(("app", "name"))
            for match in layout.expand(self._tree, pattern, known)
        )
        suffixes = self._config.secret_suffixes
        return any(match.kind == "file" and layout.may_name(one, match.path, suffixes) for one, match in matches)

    def _says_more(self, place: InstancePlace, folder: AppFolder) -> bool:
        """Say whether an instance makes its folder an application's: any folder in one looks like a cluster's."""
        is_inside = place.path.startswith(f"{folder.path}/")
        return not is_inside or place.is_file or bool(self.clusters) or self._has_engine_file(place.path)

    def _has_engine_file(self, folder: str) -> bool:
        return markers.has_engine_file(self._tree, folder, self._engines, self._config.defaults.options)

    def _belongs(self, patterns: Sequence[Pattern], pattern: Pattern, match: PathMatch | Place) -> bool:
        """Say whether a path belongs to this one of the patterns."""
        depth = match.path.count("/") + 1
        others = [one for one in patterns[1:] and patterns if layout.may_be_of_depth(one, depth)]
        matching = [(one, found) for one in others if (found := self._captured(one, match.path)) is not None]
        if not matching[1:]:
            return True
        kind = InstancePlace("", is_file=False, captures=NOTHING, pattern=pattern)
        likely = (one for one, found in matching if self.may_exist(kind._replace(captures=found, pattern=one)))
        return next(likely, matching[0][0]) is pattern

    # Instances

    def instance_places(self, known: Captures = NOTHING, cluster: Cluster = NO_CLUSTER) -> Iterator[InstancePlace]:
        """Yield the folders and files that say where applications run, in the order of the patterns.

        With a cluster only those of its own.  A component of kustomize is left out, as in {app}/{cluster}, and so is a
        folder that only holds those of an earlier pattern.
        """
        given = {**known, **self.of_cluster(cluster)}
        for index, pattern in enumerate(self.instances):
            if cluster.name and self.lacking(pattern, cluster):
                continue
            for match in self._expanded(pattern, given):
                place = InstancePlace(match.path, match.kind == "file", match.captures, pattern)
                if self._counts(place, match) and not self._is_shelf(place, self.instances[:index]):
                    yield place

    def _counts(self, place: InstancePlace, match: PathMatch) -> bool:
        if not self._belongs(self.instances, place.pattern, match):
            return False
        if place.is_file:
            return self._is_instance_file(place)
        return match.kind == "folder" and not markers.is_component(self._tree, match.path)

    def _is_instance_file(self, place: InstancePlace) -> bool:
        """Say whether a file is an instance: its pattern ends as files do, and nothing says that it is for others."""
        if not is_of_files(place.pattern) or not layout.may_name(
            place.pattern, place.path, self._config.secret_suffixes
        ):
            return False
        if CLUSTER in place.pattern.names and self.clusters:
            return place.captures[CLUSTER] in self.clusters
        return not self._is_layer_of_all(place, *(place.pattern.names - {"app", "name"}))

    def is_instance_file(self, path: str) -> bool:
        """Say whether a file says that some application runs somewhere."""
        matches = ((pattern, self._captured(pattern, path)) for pattern in self.instances if is_of_files(pattern))
        places = (InstancePlace(path, True, captures, one) for one, captures in matches if captures is not None)  # noqa: FBT003
        return any(map(self._is_instance_file, places))

    def is_of_others(self, place: InstancePlace) -> bool:
        """Say whether a place without an application only looks like an instance.

        It is a values file of all applications, an ignored one, a folder of a cluster, or one within an instance or
        within a folder that is no application.
        """
        if place.is_file:
            texts = (*self._config.layout.ignore, *self._config.layout.shared)
            ignored = (layout.parse(text) for text in texts)
            is_ignored = any(layout.match(pattern, place.path) is not None for pattern in ignored)
            return is_ignored or self._is_layer_of_all(place, "app", "name")
        if any(self._looks_like_owner(folder, place) for folder in above(place.path)):
            return True
        others = [pattern for pattern in self.instances if pattern is not place.pattern]
        holding = (_captured_above(pattern, place.path) or NOTHING for pattern in others)
        if any(captures.get(CLUSTER) in self.clusters for captures in holding):
            return True
        if self.may_exist(place):
            return False
        is_at_any_depth = layout.ANY_DEPTH in place.pattern.segments
        return is_at_any_depth or any(layout.matches_above(pattern, place.path) for pattern in others)

    def _looks_like_owner(self, folder: str, place: InstancePlace) -> bool:
        matches = (self._captured(pattern, folder) for pattern in self.apps)
        return any(captures["app"] == place.captures.get("app") for captures in matches if captures)

    def _is_layer_of_all(self, place: InstancePlace, *names: str) -> bool:
        """Say whether a pattern of values files without these names names the file."""
        known = {name: text for name, text in place.captures.items() if name not in names}
        patterns = (layout.parse(values.pattern, values.place) for values in self._config.layout.values)
        return any(
            not pattern.has_wildcard
            and pattern.names.isdisjoint(names)
            and layout.match(pattern, place.path, known) is not None
            for pattern in patterns
        )

    def _is_shelf(self, place: InstancePlace, earlier: Sequence[Pattern]) -> bool:
        """Say whether a folder only holds the instances of earlier patterns, as clusters/prod above prod/blue/web."""
        if place.is_file:
            return False
        held = [match for pattern in earlier for match in self._below(place.path, pattern)]
        if any(match.captures.get("app") != place.captures.get("app") for match in held):
            return True
        return bool(held) and not any(_is_visible_file(entry) for entry in self._tree.entries(place.path))

    def _below(self, folder: str, pattern: Pattern) -> Iterator[PathMatch]:
        """Yield what a pattern may mean as instances below a folder."""
        captures = _captured_above(pattern, folder)
        if captures is None or not self.may_be_cluster(captures.get(CLUSTER, "")):
            return
        for match in layout.expand(self._tree, pattern, captures):
            is_likely = self.may_exist(
                InstancePlace(match.path, is_file=False, captures=match.captures, pattern=pattern)
            )
            if is_likely and match.path.startswith(f"{folder}/"):
                yield match


def above(path: str) -> Iterator[str]:
    """Yield the folders above a path, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


def _names_in_company(pattern: Pattern) -> Iterator[str]:
    """Yield the names that share a segment with another one."""
    for segment in pattern.segments:
        names = [token.text for token in segment if token.kind == "name"]
        yield from names if names[1:] else ()


def _longest(captures: Captures) -> int:
    return sum(map(len, captures.values()))


def _is_whole(pattern: Pattern, match: PathMatch) -> bool:
    """Say whether `{app}` takes all that it can, as it does where it is not known: in `{app}*` web is not web-2."""
    captures = layout.match(pattern, match.path) if pattern.has_wildcard else None
    return captures is None or captures["app"] == match.captures["app"]


def is_of_files(pattern: Pattern) -> bool:
    """Say whether a pattern of instances may name files: it ends as names of files do, in .yaml for one."""
    last = pattern.segments[-1][-1]
    return last.kind == "text" and "." in last.text


def _captured_above(pattern: Pattern, path: str) -> Captures | None:
    """Return what the beginning of a pattern captures in the path of a folder above its matches; None for another."""
    depth = path.count("/") + 1
    head = pattern.segments[:depth]
    if layout.ANY_DEPTH in head:
        head = head[: head.index(layout.ANY_DEPTH)]
    elif len(pattern.segments) <= depth:
        return None
    beginning = "/".join(path.split("/")[: len(head)])
    return layout.match(pattern._replace(segments=head), beginning) if head else NOTHING


def _is_visible_file(entry: Entry) -> bool:
    return entry.kind != "folder" and not entry.name.startswith(".")
