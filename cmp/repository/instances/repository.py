"""A source tree with its configuration: which applications and clusters it holds, and in which folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, suggestion
from cmp.model import NOTHING, Cluster
from cmp.repository import config, layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.config import AppConfig
    from cmp.repository.layout import Captures, Found, Pattern
    from cmp.system.tree import Entry, Tree


class Pair(NamedTuple):
    """One application on one cluster.

    `instance_folder` is empty where only the configuration says that it runs there, `cluster` where the layout knows
    none, `app_folder` where an instance folder belongs to no application.
    """

    app: str
    cluster: str
    app_folder: str
    instance_folder: str


class Place(NamedTuple):
    """What a folder says by lying where it lies; empty where it says nothing."""

    app: str = ""
    cluster: str = ""


class Listed:
    """A tree whose folders are listed once: every pattern looks into the same few."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._entries: dict[str, list[Entry]] = {}
        self.prefix = tree.prefix
        self.kind = tree.kind
        self.read = tree.read
        self.resolve = tree.resolve

    def entries(self, path: str) -> list[Entry]:
        if path not in self._entries:
            self._entries[path] = self._tree.entries(path)
        return self._entries[path]


class Repository:
    """The configuration of a tree, and the look-ups that need only folders; ConfigError for what is not there."""

    def __init__(self, tree: Tree, engines: Mapping[str, EngineTraits]) -> None:
        self.tree: Tree = Listed(tree)
        self.engines = engines
        self._options = {name: facts.options for name, facts in engines.items()}
        self.config = config.load(self.tree, self._options)
        self.apps = layout.parse(self.config.layout.apps, "layout.apps")
        written = self.config.layout.instances
        self.instances = layout.parse(written, "layout.instances") if written else layout.NOWHERE
        self._app_configs: dict[str, AppConfig] = {}

    def app_config(self, folder: str) -> AppConfig:
        """Return what the folder's cmp-app.yaml says; no folder says nothing."""
        if not folder:
            return config.AppConfig()
        if folder not in self._app_configs:
            self._app_configs[folder] = config.load_app(self.tree, folder, self._options)
        return self._app_configs[folder]

    def place(self, folder: str, *, is_exact: bool) -> Place:
        """Return which application (and cluster) a folder belongs to; also a folder deeper in it unless `is_exact`."""
        found: list[Place] = []
        while folder:
            for pattern in (self.instances, self.apps):
                captures = layout.match(pattern, folder)
                if captures is not None:
                    found.append(Place(captures["app"], captures.get("cluster", "")))
            folder = "" if is_exact else folder.rpartition("/")[0]
        # In a layout such as {app}/{cluster} a chart's own folders look like clusters: the inventory knows better.
        return next((place for place in found if self._may_be(place.cluster)), found[0] if found else Place())

    def _may_be(self, cluster: str) -> bool:
        return not cluster or not self.config.clusters or cluster in self.config.clusters

    def cluster(self, name: str) -> Cluster:
        """Return the cluster's entry in the inventory; without an inventory a cluster is only a name."""
        if name in self.config.clusters:
            return self.config.clusters[name]
        if self.config.clusters or not _is_segment(name):
            raise ConfigError(
                f"the inventory has no cluster {layout.shown(name)}", hint=suggestion(name, self.config.clusters)
            )
        return Cluster(name)

    def app_folder(self, app: str, known: Captures) -> Found:
        """Return the folder of an application, with what its path captures."""
        found = self._folders(self.apps, {**known, "app": app}) if _is_segment(app) else []
        if not found:
            names = sorted({pair.app for pair in self._app_folders() if pair.app_folder})
            raise ConfigError(
                f"there is no application {layout.shown(app)}: no folder {self.config.layout.apps} has this name",
                hint=suggestion(app, names),
            )
        if len(found) > 1:
            raise _ambiguous(app, [hit.path for hit in found])
        return found[0]

    def instance_folder(self, known: Captures) -> Found | None:
        """Return the folder that says that an application runs on a cluster, if there is one."""
        found = self._folders(self.instances, known)
        if len(found) > 1:
            raise ConfigError(
                f"application {known['app']} has several folders for cluster {known['cluster']}: "
                + ", ".join(hit.path for hit in found)
            )
        return found[0] if found else None

    def clusters_of(self, app: str) -> list[str]:
        """Return the names of the clusters that an application runs on, sorted."""
        return sorted({pair.cluster for pair in self.pairs(app) if pair.cluster}) if _is_segment(app) else []

    def pairs(self, app: str = "") -> list[Pair]:
        """Return all pairs of the repository, or of one application, sorted, from folders and cmp-app.yaml alone.

        ConfigError when two applications have one name.
        """
        known = {"app": app} if app else {}
        folders = {(pair.app, pair.cluster): pair for pair in self._app_folders(known)}
        pairs = {(pair.app, pair.cluster): pair for pair in self._instance_folders(known, folders)}
        with_folders = {pair.app for pair in pairs.values()}
        for pair in folders.values():
            for cluster in self._clusters_by_configuration(pair, has_folders=pair.app in with_folders):
                pairs.setdefault((pair.app, cluster), pair._replace(cluster=cluster))
        return sorted(pairs.values())

    def _clusters_by_configuration(self, pair: Pair, *, has_folders: bool) -> list[str]:
        try:
            choice = self.app_config(pair.app_folder).clusters
        except ConfigError:  # whoever resolves the pair meets it again
            return [] if has_folders else [pair.cluster]
        if choice:
            covered = {name for name, cluster in self.config.clusters.items() if choice.covers(cluster)}
            return sorted(covered | set(choice.names))
        is_one = pair.cluster or not (has_folders or self.needs_cluster)  # no cluster is a cluster too: the empty name
        return [pair.cluster] if is_one else []

    @property
    def needs_cluster(self) -> bool:
        """Whether the layout's patterns cannot be filled without a cluster."""
        found = self.config.layout
        patterns = [layout.parse(values.pattern, values.place) for values in found.values]
        patterns += [layout.parse_text(text) for text in (found.release, found.namespace)]
        return "cluster" in self.apps.names or any(pattern.names - self.apps.names for pattern in patterns)

    def is_without_clusters(self, app: str) -> bool:
        """Say whether an application needs no cluster: the layout needs none, and nothing says where it runs."""
        return not self.needs_cluster and not self.clusters_of(app)

    def _app_folders(self, known: Captures = NOTHING) -> Iterator[Pair]:
        seen: dict[tuple[str, str], str] = {}
        for hit in self._folders(self.apps, known):
            key = hit.captures["app"], hit.captures.get("cluster", "")
            if key in seen:
                raise _ambiguous(key[0], [seen[key], hit.path])
            seen[key] = hit.path
            yield Pair(*key, hit.path, "")

    def _instance_folders(self, known: Captures, folders: Mapping[tuple[str, str], Pair]) -> Iterator[Pair]:
        for hit in self._folders(self.instances, known):
            app, cluster = hit.captures["app"], hit.captures["cluster"]
            owner = folders.get((app, "")) or folders.get((app, cluster))
            # As in {app}/base beside {app}/{cluster}.
            is_nested = owner is not None and f"{hit.path}/".startswith(f"{owner.app_folder}/")
            if not is_nested or self._may_be(cluster):
                yield Pair(app, cluster, owner.app_folder if owner else "", hit.path)

    def _folders(self, pattern: Pattern, known: Captures) -> list[Found]:
        return [hit for hit in layout.expand(self.tree, pattern, known) if hit.kind == "folder"]


def _is_segment(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _ambiguous(app: str, folders: list[str]) -> ConfigError:
    return ConfigError(
        f"two applications are named {app}: {' and '.join(folders)}",
        hint="an application's name is unique in a repository: rename one of the folders",
    )
