"""A source tree with its configuration, and the look-up of one application on one cluster in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, suggestion
from cmp.model import Cluster
from cmp.repository import config, layout
from cmp.repository.instances import central
from cmp.repository.instances.listing import Listing
from cmp.repository.instances.markers import is_component
from cmp.repository.instances.places import CLUSTER, NO_CLUSTER, Places, is_of_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.model import EngineTraits
    from cmp.repository.config import AppConfig, ClusterChoice, ValuesPattern
    from cmp.repository.instances.central import Misfit
    from cmp.repository.instances.listing import Pair
    from cmp.repository.instances.places import AppFolder, InstancePlace, Place
    from cmp.repository.layout import Captures
    from cmp.system.tree import Entry, Tree

WITHOUT_CLUSTER = "without a cluster"


class Owner(NamedTuple):
    """The application, and perhaps the cluster, that a folder belongs to; empty for a folder of no application.

    `others` are further applications that share it.
    """

    app: str = ""
    cluster: str = ""
    others: tuple[str, ...] = ()


class Target(NamedTuple):
    """One application on one cluster and its folders; `known` fills the placeholders of patterns.

    Without a cluster its name is empty; `instance_folder` is empty without one, `instance_file` where no file says
    that the application runs there.
    """

    app: str
    cluster: Cluster
    app_folder: str
    instance_folder: str
    known: Captures
    instance_file: str = ""

    @property
    def whose(self) -> str:
        """Complete the sentence "… is not known"."""
        return f"of cluster {self.cluster.name}" if self.cluster.name else WITHOUT_CLUSTER


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
        self.places = Places(self.tree, self.config, engines, self._chart_values)
        self._app_configs: dict[str, AppConfig] = {}
        self._listing = Listing(self.places, self.config, self.cluster_choice)

    def app_config(self, folder: str) -> AppConfig:
        """Return the settings in the folder's cmp-app.yaml; empty ones for the empty path, which is no folder."""
        if not folder:
            return config.AppConfig()
        if folder not in self._app_configs:
            self._app_configs[folder] = config.load_app(self.tree, folder, self._options)
        return self._app_configs[folder]

    def settings(self, app: str, cluster: Cluster, app_folder: str, instance_folder: str = "") -> AppConfig:
        """Return the merged settings of an application on a cluster, whose folders say the strongest.

        Without a cluster those that hold on every one.
        """
        merged = self.config.defaults
        for stronger in self.settings_in_order(app, cluster, app_folder, instance_folder):
            merged = config.merge(merged, stronger)
        return merged

    def settings_in_order(
        self, app: str, cluster: Cluster, app_folder: str, instance_folder: str
    ) -> Iterator[AppConfig]:
        """Yield the settings of a pair that are stronger than the defaults, the weakest first."""
        yield from (entry.settings for entry in central.applying(self.config.applications, app, cluster))
        yield self.app_config(app_folder)
        yield self.app_config(instance_folder)

    def _chart_values(self, app: str) -> Sequence[ValuesPattern]:
        """Return the patterns of an application's values where cmp.yaml has a chart for them; else none."""
        texts = self.config.layout
        own = [entry.settings for entry in self.config.applications if central.is_for(entry, app)]
        if texts.chart is None and not any(settings.chart for settings in own):
            return ()
        return [*texts.values, *(values for settings in own for values in settings.values)]

    def cluster_choice(self, folder: AppFolder) -> ClusterChoice | None:
        """Return the clusters on which an application is to run by its cmp-app.yaml, or else by cmp.yaml."""
        return self.app_config(folder.path).clusters or central.choice(self.config.applications, folder.name)

    def misfits(self) -> list[Misfit]:
        """Return the entries of `applications` in cmp.yaml that fit no application, or no cluster of one."""
        if not self.config.applications:
            return []
        pairs = self.pairs()
        apps = sorted({*(pair.app for pair in pairs), *(folder.name for folder in self.places.app_folders())})
        return [*central.misfits(self.config.applications, apps, pairs, self.config.clusters)]

    def owner(self, folder: str, *, is_exact: bool) -> Owner:
        """Return the application (and cluster) of a folder, or unless `is_exact` of the nearest folder above it."""
        owners = [place for place in self._places_of(folder, is_exact=is_exact) if self.places.names_of(place)]
        if not owners:
            return Owner()
        # In a layout such as {app}/{cluster} a chart's own folders look like clusters: the inventory knows better.
        place = next(filter(self.places.may_exist, owners), owners[0])
        app, *others = self.places.names_of(place)
        return Owner(app, place.captures.get(CLUSTER, ""), tuple(others))

    def _places_of(self, folder: str, *, is_exact: bool = False) -> Iterator[Place]:
        """Yield the instances and applications that a folder, and unless `is_exact` each above it, may be."""
        while folder:
            yield from self.places.of_folder(folder)
            folder = "" if is_exact else folder.rpartition("/")[0]

    def locate(self, app: str, cluster_name: str, folder_asked: str = "") -> Target:
        """Find the folders of an application on a cluster; the empty name is for an application without clusters.

        The folder in which it was asked for tells applications of one name apart.  ConfigError when application or
        cluster is unknown, when the one does not run on the other, or when no cluster is named and one is needed.
        """
        cluster = self.cluster(cluster_name) if cluster_name else NO_CLUSTER
        asked = next((place for place in self._places_of(folder_asked) if app in self.places.names_of(place)), None)
        if asked and cluster.name:
            self._require_fitting(asked, cluster)
        folder = self.app_folder(app, cluster, asked)
        if not cluster.name:
            if not self.is_without_clusters(folder):
                raise self._cluster_needed(app, asked)
            known = self.places.with_name(folder)
            return Target(app, cluster, app_folder=folder.path, instance_folder="", known=known)
        instance = self.instance(folder, cluster)
        if instance:
            known = {**self.places.with_name(folder), **instance.captures}
            folders = ("", instance.path) if instance.is_file else (instance.path, "")
            return Target(app, cluster, folder.path, *folders[:1], known=known, instance_file=folders[1])
        choice = self.cluster_choice(folder)
        if not (choice.covers(cluster) if choice else self._runs_anyway(folder)):
            why = self._why_not(self.places.with_name(folder))
            if choice and choice.place.startswith(f"{config.FILE}:"):
                why = f"`clusters` in {choice.place} does not name it"
            raise self._runs_elsewhere(app, cluster_name, why)
        known = self.places.with_name(folder)
        return Target(app, cluster, app_folder=folder.path, instance_folder="", known=known)

    def _require_fitting(self, asked: Place, cluster: Cluster) -> None:
        """ConfigError where the folder in which a pair is asked for is for other clusters."""
        facts = sorted(asked.pattern.names & self.places.facts)
        other = [name for name in facts if cluster.facts.get(name, asked.captures[name]) != asked.captures[name]]
        if other:
            wanted, has = (_listed(f"{name} {of[name]}" for name in other) for of in (asked.captures, cluster.facts))
            raise ConfigError(
                f"the folder {asked.path} is for clusters with {wanted}, and cluster {cluster.name} has {has}",
                hint="they must agree: name another cluster, or go into the folder of this one",
            )

    def _runs_anyway(self, folder: AppFolder) -> bool:
        """Say whether an application runs on the clusters of its folder without an instance or a cmp-app.yaml."""
        names = self.places.choosing(folder.pattern)
        return CLUSTER in names or (not self._listing.uses_instances if names else self.is_without_clusters(folder))

    def is_component(self, folder: str) -> bool:
        """Say whether a folder is a component of kustomize: no application, and no cluster of one."""
        return is_component(self.tree, folder)

    def _runs_elsewhere(self, app: str, cluster: str, why: str) -> ConfigError:
        clusters = self.clusters_of(app)
        is_misspelt = cluster not in self.config.clusters
        return ConfigError(
            f"application {app} does not run on cluster {cluster}: {why}",
            hint=suggestion(cluster, clusters) if is_misspelt else f"it runs on {', '.join(clusters) or 'none'}",
        )

    def _cluster_needed(self, app: str, asked: Place | None) -> ConfigError:
        instances = (pattern for pattern in self.places.instances if not is_of_files(pattern))
        patterns = (*instances, *self.places.apps)
        path = next((f"a source path such as {one.text}, " for one in patterns if CLUSTER in one.names), "")
        names = [
            name for name in self.clusters_of(app) if not asked or self.places.fits(asked, self.places.cluster(name))
        ]
        clusters = ", ".join(names) or f"none: {self._why_not({'app': app})}"
        return ConfigError(
            f"which cluster? application {layout.shown(app)} runs on {clusters}",
            hint=f"name it by --cluster; in Argo CD by the parameter cluster, {path}or CMP_CLUSTER in the sidecar",
        )

    def _why_not(self, known: Captures) -> str:
        patterns = self.places.instances
        if not patterns:
            return "no `clusters` of its cmp-app.yaml or of `applications` in cmp.yaml says so"
        kind = (
            "file"
            if all(map(is_of_files, patterns))
            else "file or folder"
            if any(map(is_of_files, patterns))
            else "folder"
        )
        return f"there is no {kind} {' or '.join(layout.sketch(pattern, known) for pattern in patterns)}"

    def cluster(self, name: str) -> Cluster:
        """Return the cluster's entry in the inventory; without an inventory a cluster is only a name."""
        if name in self.config.clusters:
            return self.config.clusters[name]
        if self.config.clusters or not _is_segment(name):
            raise ConfigError(
                f"the inventory has no cluster {layout.shown(name)}", hint=suggestion(name, self.config.clusters)
            )
        return Cluster(name)

    def app_folder(self, app: str, cluster: Cluster = NO_CLUSTER, asked: Place | None = None) -> AppFolder:
        """Return the folder of an application on a cluster; of several alike the one in which it is asked for."""
        found = self.places.app_folders(app, cluster) if _is_segment(app) else []
        if not found:
            raise self._without_folder(app, cluster)
        if not cluster.name:
            found = [folder for folder in found if not self.places.choosing(folder.pattern)]
        if not found:
            raise self._cluster_needed(app, asked)
        best = self.places.best(found)
        if best[1:] and asked:
            same = [one for one in best if one.path == asked.path]
            best = same or [one for one in best if self.places.agree(one, asked)]
        if len(best) != 1:
            raise self._ambiguous(app, best or found)
        return best[0]

    def _without_folder(self, app: str, cluster: Cluster) -> ConfigError:
        """Explain why there is no folder of an application, or none on this cluster."""
        if _is_segment(app):
            if self.places.app_folders(app):
                return self._elsewhere(app, cluster)
            if folders := self.places.without_engine(app):
                known = ", ".join(f"{name} ({' or '.join(one.markers)})" for name, one in self.engines.items())
                return ConfigError(
                    f"there is no application {app}: {_listed(folders)} has no file of an engine",
                    hint=f"the engines are {known}",
                )
        names = sorted({folder.name for folder in self.places.app_folders()})
        patterns = " or ".join(pattern.text for pattern in self.places.apps)
        asking = self._file_without_application(app, cluster)
        return ConfigError(
            f"there is no application {layout.shown(app)}{asking}: no folder {patterns} has this name",
            hint=suggestion(app, names),
        )

    def _file_without_application(self, app: str, cluster: Cluster) -> str:
        if not (cluster.name and _is_segment(app)):
            return ""
        files = (one.path for one in self.places.instance_places({"app": app, "name": app}, cluster) if one.is_file)
        return next((f", though {path} says that it runs on {cluster.name}" for path in files), "")

    def _elsewhere(self, app: str, cluster: Cluster) -> ConfigError:
        """Explain why an application that has folders has none on this cluster."""
        patterns = self.places.apps
        lacking = sorted({fact for pattern in patterns for fact in self.places.lacking(pattern, cluster)})
        known = {**self.places.of_cluster(cluster), "app": app}
        if not lacking:
            missing = " or ".join(layout.sketch(pattern, known) for pattern in patterns)
            return self._runs_elsewhere(app, cluster.name, f"there is no folder {missing}")
        return ConfigError(
            f"application {app} does not run on cluster {cluster.name}, which has no {_listed(lacking)}: its folders "
            f"are {' or '.join(pattern.text for pattern in patterns)}",
            hint=f"give the cluster the fact {_listed(lacking)} in the inventory; "
            f"the application runs on {', '.join(self.clusters_of(app)) or 'none'}",
        )

    def _ambiguous(self, app: str, folders: Sequence[AppFolder]) -> ConfigError:
        first, *others = folders
        is_one = all(folder.pattern == first.pattern for folder in others)
        told = [folder.path if is_one else f"{folder.path} ({folder.pattern.text})" for folder in folders]
        where = _listed(told) + (f", by the pattern {first.pattern.text}" if is_one else "")
        closer = next((folder for folder in others if self.places.best([folder, first]) == [folder]), None)
        own = sorted(first.pattern.names - self.places.choosing(first.pattern) - {"app"})
        way = "rename one of them"
        if closer:
            way = f"put {closer.pattern.text} before {first.pattern.text} in layout.apps"
        elif own:
            way = f"`name: '{{{own[0]}}}-{{app}}'` in layout gives each a name of its own"
        return ConfigError(
            f"{len(folders)} applications are named {app}: {where}"
            if others[1:]
            else f"two applications are named {app}: {where}",
            hint=f"{way}; or go into one of the folders, or name it as the source path",
        )

    def instance(self, folder: AppFolder, cluster: Cluster) -> InstancePlace | None:
        """Return the place that says that an application runs on a cluster, if there is one.

        The first pattern counts that finds one.
        """
        known = self.places.with_name(folder)
        found: list[InstancePlace] = []
        for place in self.places.instance_places(known, cluster):
            if found and place.pattern != found[0].pattern:
                break
            found.append(place)
        if len(found) > 1:
            raise ConfigError(
                f"application {folder.name} has several {'files' if found[0].is_file else 'folders'} for cluster "
                f"{cluster.name}: {', '.join(place.path for place in found)}",
                hint=f"all match {found[0].pattern.text} of layout.instances: remove all but one",
            )
        return found[0] if found else None

    def clusters_of(self, app: str) -> list[str]:
        """Return the names of the clusters that an application runs on, sorted."""
        return sorted({pair.cluster for pair in self.pairs(app) if pair.cluster}) if _is_segment(app) else []

    def pairs(self, app: str = "") -> list[Pair]:
        """Return all pairs of the repository, or of one application, sorted, from folders and cmp-app.yaml alone.

        Several applications of one name are one pair, whose resolution is an error.
        """
        return self._listing.pairs(app)

    def is_without_clusters(self, folder: AppFolder) -> bool:
        """Say whether an application needs no cluster: the layout needs none, and nothing says where it runs."""
        return not self._listing.needs_cluster(folder.pattern) and not self.clusters_of(folder.name)


def _is_segment(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _listed(texts: Iterable[str]) -> str:
    return " and ".join(texts)
