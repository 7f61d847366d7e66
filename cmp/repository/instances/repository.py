"""A source tree with its configuration: which applications and clusters it holds, and in which folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.registry import ENGINES, KUSTOMIZE
from cmp.errors import ConfigError, suggestion
from cmp.model import NOTHING, Cluster
from cmp.repository import config, layout
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.config import AppConfig
    from cmp.repository.layout import Captures, PathMatch, Pattern
    from cmp.system.tree import Entry, Tree

COMPONENT = b"Component"  # the kind of a kustomization
NO_CLUSTER = "without a cluster"


class Pair(NamedTuple):
    """One application on one cluster.

    `instance_folder` is empty where only the configuration says that it runs there, `cluster` where the layout knows
    none, `app_folder` where an instance folder belongs to no application.
    """

    app: str
    cluster: str
    app_folder: str
    instance_folder: str


class Owner(NamedTuple):
    """The application, and perhaps the cluster, that a folder belongs to; empty for a folder of no application."""

    app: str = ""
    cluster: str = ""


class Target(NamedTuple):
    """One application on one cluster and its folders; `known` fills the placeholders of patterns.

    Without a cluster its name is empty; `instance_folder` is empty without one.
    """

    app: str
    cluster: Cluster
    app_folder: str
    instance_folder: str
    known: Captures

    @property
    def whose(self) -> str:
        """Complete the sentence "… is not known"."""
        return f"of cluster {self.cluster.name}" if self.cluster.name else NO_CLUSTER


class CachedTree:
    """A tree that lists each folder once: every pattern looks into the same few."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._entries: dict[str, list[Entry]] = {}
        self.prefix = tree.prefix
        self.kind = tree.kind
        self.read = tree.read
        self.is_executable = tree.is_executable
        self.resolve = tree.resolve

    def entries(self, path: str) -> list[Entry]:
        if path not in self._entries:
            self._entries[path] = self._tree.entries(path)
        return self._entries[path]


class Repository:
    """The configuration of a tree, and the look-ups that need only folders; ConfigError for a name that is unknown."""

    def __init__(self, tree: Tree, engines: Mapping[str, EngineTraits]) -> None:
        self.tree: Tree = CachedTree(tree)
        self.engines = engines
        self._options = {name: traits.options for name, traits in engines.items()}
        self.config = config.load(self.tree, self._options)
        self.apps = tuple(layout.parse(text, "layout.apps") for text in self.config.layout.apps)
        self.instances = tuple(layout.parse(text, "layout.instances") for text in self.config.layout.instances)
        self._app_configs: dict[str, AppConfig] = {}

    def app_config(self, folder: str) -> AppConfig:
        """Return the settings in the folder's cmp-app.yaml; empty ones for the empty path, which is no folder."""
        if not folder:
            return config.AppConfig()
        if folder not in self._app_configs:
            self._app_configs[folder] = config.load_app(self.tree, folder, self._options)
        return self._app_configs[folder]

    def owner(self, folder: str, *, is_exact: bool) -> Owner:
        """Return the application (and cluster) of a folder, or unless `is_exact` of the nearest folder above it."""
        owners: list[Owner] = []
        while folder:
            for pattern in (*self.instances, *self.apps):
                captures = layout.match(pattern, folder)
                if captures is not None:
                    owners.append(Owner(captures["app"], captures.get("cluster", "")))
            folder = "" if is_exact else folder.rpartition("/")[0]
        # In a layout such as {app}/{cluster} a chart's own folders look like clusters: the inventory knows better.
        return next(
            (owner for owner in owners if self._may_be_cluster(owner.cluster)), owners[0] if owners else Owner()
        )

    def _may_be_cluster(self, name: str) -> bool:
        return not name or not self.config.clusters or name in self.config.clusters

    def locate(self, app: str, cluster_name: str, folder_asked: str = "") -> Target:
        """Find the folders of an application on a cluster; the empty name is for an application without clusters.

        The folder in which it was asked for tells applications of one name apart.  ConfigError when application or
        cluster is unknown, when the one does not run on the other, or when no cluster is named and one is needed.
        """
        cluster = self.cluster(cluster_name) if cluster_name else Cluster("")
        own = {"cluster": cluster.name} if cluster.name else {}
        known = {**self._captures(folder_asked, app), **cluster.facts, **own, "app": app}
        if not cluster.name and self.has_cluster_folders:
            raise self._cluster_needed(app)
        folder = self.app_folder(app, known)
        choice = self.app_config(folder.path).clusters
        if not cluster.name:
            if not self.is_without_clusters(app):
                raise self._cluster_needed(app)
            return Target(app, cluster, app_folder=folder.path, instance_folder="", known=folder.captures)
        instance = self.instance_folder(folder.captures)
        if instance:
            return Target(app, cluster, app_folder=folder.path, instance_folder=instance.path, known=instance.captures)
        # An application in the folder of its cluster runs there without an instance folder or a cmp-app.yaml.
        runs_anyway = "cluster" in self._pattern_of(folder.path).names or self.is_without_clusters(app)
        if not (choice.covers(cluster) if choice else runs_anyway):
            raise self._runs_elsewhere(app, cluster_name, folder)
        return Target(app, cluster, app_folder=folder.path, instance_folder="", known=folder.captures)

    def _captures(self, folder: str, app: str) -> Captures:
        """Return what the patterns of the layout capture in a folder of an application, or above it."""
        while folder:
            for pattern in (*self.instances, *self.apps):
                captures = layout.match(pattern, folder)
                if captures is not None and captures["app"] == app:
                    return {name: text for name, text in captures.items() if name != "cluster"}
            folder = folder.rpartition("/")[0]
        return NOTHING

    def _pattern_of(self, folder: str) -> Pattern:
        """Return the pattern that the folder of an application belongs to."""
        return next(pattern for pattern in self.apps if layout.match(pattern, folder) is not None)

    def is_component(self, folder: str) -> bool:
        """Say whether a folder is a component of kustomize: no application, and no cluster of one."""
        return is_component(self.tree, folder)

    def _runs_elsewhere(self, app: str, cluster: str, folder: PathMatch) -> ConfigError:
        clusters = self.clusters_of(app)
        is_misspelt = cluster not in self.config.clusters
        return ConfigError(
            f"application {app} does not run on cluster {cluster}: " + self._why_not(folder.captures),
            hint=suggestion(cluster, clusters) if is_misspelt else f"it runs on {', '.join(clusters) or 'none'}",
        )

    def _cluster_needed(self, app: str) -> ConfigError:
        with_cluster = (pattern.text for pattern in (*self.instances, *self.apps) if "cluster" in pattern.names)
        path = next((f"a source path such as {text}, " for text in with_cluster), "")
        clusters = ", ".join(self.clusters_of(app)) or f"none: {self._why_not({'app': app})}"
        return ConfigError(
            f"which cluster? application {layout.shown(app)} runs on {clusters}",
            hint=f"name it by --cluster; in Argo CD by the parameter cluster, {path}or CMP_CLUSTER in the sidecar",
        )

    def _why_not(self, known: Captures) -> str:
        if not self.instances:
            return "no `clusters` of its cmp-app.yaml says so"
        return f"there is no folder {' or '.join(layout.sketch(pattern, known) for pattern in self.instances)}"

    def cluster(self, name: str) -> Cluster:
        """Return the cluster's entry in the inventory; without an inventory a cluster is only a name."""
        if name in self.config.clusters:
            return self.config.clusters[name]
        if self.config.clusters or not _is_segment(name):
            raise ConfigError(
                f"the inventory has no cluster {layout.shown(name)}", hint=suggestion(name, self.config.clusters)
            )
        return Cluster(name)

    def app_folder(self, app: str, known: Captures) -> PathMatch:
        """Return the folder of an application, with what its path captures."""
        folders = self._folders(self.apps, {**known, "app": app}) if _is_segment(app) else []
        if len(folders) > 1:
            folders = [folder for folder in folders if not self.is_component(folder.path)] or folders
        if not folders:
            names = sorted({pair.app for pair in self._app_folders() if pair.app_folder})
            patterns = " or ".join(self.config.layout.apps)
            raise ConfigError(
                f"there is no application {layout.shown(app)}: no folder {patterns} has this name",
                hint=suggestion(app, names),
            )
        if len(folders) > 1:
            raise _ambiguous(app, [folder.path for folder in folders])
        return folders[0]

    def instance_folder(self, known: Captures) -> PathMatch | None:
        """Return the folder that says that an application runs on a cluster, if there is one."""
        found = (self._instances((pattern,), known) for pattern in self.instances)
        folders = next((matches for matches in found if matches), [])
        if len(folders) > 1:
            raise ConfigError(
                f"application {known['app']} has several folders for cluster {known['cluster']}: "
                + ", ".join(folder.path for folder in folders)
            )
        return folders[0] if folders else None

    def clusters_of(self, app: str) -> list[str]:
        """Return the names of the clusters that an application runs on, sorted."""
        return sorted({pair.cluster for pair in self.pairs(app) if pair.cluster}) if _is_segment(app) else []

    def pairs(self, app: str = "") -> list[Pair]:
        """Return all pairs of the repository, or of one application, sorted, from folders and cmp-app.yaml alone.

        Several applications of one name are one pair, whose resolution is an error.
        """
        known = {"app": app} if app else {}
        folders = {(pair.app, pair.cluster): pair for pair in self._app_folders(known)}
        pairs: dict[tuple[str, str], Pair] = {}
        for pair in self._instance_folders(known, folders):
            pairs.setdefault((pair.app, pair.cluster), pair)
        with_folders = {pair.app for pair in pairs.values()}
        for pair in folders.values():
            clusters = self._clusters_by_configuration(pair, has_folders=pair.app in with_folders)
            for cluster in clusters if clusters and not self.is_component(pair.app_folder) else ():
                pairs.setdefault((pair.app, cluster), pair._replace(cluster=cluster))
        return sorted(pairs.values())

    def _clusters_by_configuration(self, pair: Pair, *, has_folders: bool) -> list[str]:
        try:
            choice = self.app_config(pair.app_folder).clusters
        except ConfigError:  # resolving the pair raises it again
            return [] if has_folders else [pair.cluster]
        if choice:
            covered = {name for name, cluster in self.config.clusters.items() if choice.covers(cluster)}
            return sorted(covered | set(choice.names))
        is_one = pair.cluster or not (has_folders or self.needs_cluster)  # no cluster is a cluster too: the empty name
        return [pair.cluster] if is_one else []

    @property
    def needs_cluster(self) -> bool:
        """Return whether the layout's patterns cannot be filled without a cluster."""
        texts = self.config.layout
        patterns = [layout.parse(values.pattern, values.place) for values in texts.values]
        patterns += [layout.parse_text(text) for text in (texts.release, texts.namespace)]
        captured = frozenset.intersection(*(pattern.names for pattern in self.apps))
        return self.has_cluster_folders or any(pattern.names - captured for pattern in patterns)

    @property
    def has_cluster_folders(self) -> bool:
        """Return whether applications lie in folders of their clusters."""
        return any("cluster" in pattern.names for pattern in self.apps)

    def is_without_clusters(self, app: str) -> bool:
        """Say whether an application needs no cluster: the layout needs none, and nothing says where it runs."""
        return not self.needs_cluster and not self.clusters_of(app)

    def _app_folders(self, known: Captures = NOTHING) -> Iterator[Pair]:
        seen: dict[tuple[str, str], str] = {}
        for folder in self._folders(self.apps, known):
            key = folder.captures["app"], folder.captures.get("cluster", "")
            if key in seen and self.is_component(folder.path):
                continue
            if key in seen and not self.is_component(seen[key]):
                continue  # its resolution names both: the other applications go on
            seen[key] = folder.path
            yield Pair(*key, folder.path, "")

    def _instance_folders(self, known: Captures, folders: Mapping[tuple[str, str], Pair]) -> Iterator[Pair]:
        for folder in self._instances(self.instances, known):
            app, cluster = folder.captures["app"], folder.captures["cluster"]
            owner = folders.get((app, "")) or folders.get((app, cluster))
            # As in {app}/base beside {app}/{cluster}.
            is_nested = owner is not None and f"{folder.path}/".startswith(f"{owner.app_folder}/")
            if not is_nested or self._may_be_cluster(cluster):
                yield Pair(app, cluster, owner.app_folder if owner else "", folder.path)

    def _instances(self, patterns: tuple[Pattern, ...], known: Captures) -> list[PathMatch]:
        """Return the instance folders; in {app}/{cluster} a component of the application looks like one."""
        return [match for match in self._folders(patterns, known) if not self.is_component(match.path)]

    def _folders(self, patterns: tuple[Pattern, ...], known: Captures) -> list[PathMatch]:
        """Return the folders that the patterns match; a folder that several match belongs to the first."""
        found: dict[str, PathMatch] = {}
        for pattern in patterns:
            for match in layout.expand(self.tree, pattern, known):
                if match.kind == "folder":
                    found.setdefault(match.path, match)
        return list(found.values())


def is_component(tree: Tree, folder: str) -> bool:
    """Say whether the kustomization in a folder is a component, which others include."""
    for path in (join(folder, name) for name in ENGINES[KUSTOMIZE].markers):
        if tree.kind(path) == "file" and COMPONENT in (data := tree.read(path)):
            try:
                documents = yamldoc.load_all(data)
            except yamldoc.YamlError:  # kustomize says why
                return False
            return any(isinstance(one, dict) and one.get("kind") == COMPONENT.decode() for one in documents)
    return False


def _is_segment(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _ambiguous(app: str, folders: list[str]) -> ConfigError:
    return ConfigError(
        f"two applications are named {app}: {' and '.join(folders)}",
        hint="go into one of the folders, or name it as the source path: by a name alone only one can be meant",
    )
