"""All pairs of a repository, listed from folders, files and cmp-app.yaml alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository import layout
from cmp.repository.config.model import LAYOUT
from cmp.repository.instances.places import CLUSTER, NO_CLUSTER, above

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.repository.config import ClusterChoice, Config
    from cmp.repository.instances.places import AppFolder, InstancePlace, Places
    from cmp.repository.layout import Pattern


class Pair(NamedTuple):
    """One application on one cluster.

    `instance_folder` is empty where no folder says that it runs there, `cluster` where the layout knows none,
    `app_folder` where an instance belongs to no application.
    """

    app: str
    cluster: str
    app_folder: str
    instance_folder: str


class Listing:
    """The list of the pairs; `choice` returns the clusters that the configuration says for a folder."""

    def __init__(self, places: Places, config: Config, choice: Callable[[AppFolder], ClusterChoice | None]) -> None:
        self._places = places
        self._config = config
        self._choice = choice

    def pairs(self, app: str) -> list[Pair]:
        """Return all pairs, or those of one application, sorted."""
        folders: dict[str, list[AppFolder]] = {}
        for folder in self._places.app_folders(app):
            folders.setdefault(folder.name, []).append(folder)
        pairs: dict[tuple[str, str], str] = {}
        for name, cluster, place in self._instances(app, folders):
            if app in ("", name):
                pairs.setdefault((name, cluster), "" if place.is_file else place.path)
        with_instances = {name for name, _ in pairs}
        for name, own in folders.items():
            has_instances = name in with_instances
            clusters = [one for folder in own for one in self._clusters_by_configuration(folder, has_instances)]
            if not (clusters or has_instances) and any(map(self._is_without_clusters, own)):
                clusters = [NO_CLUSTER.name]
            for cluster in clusters:
                pairs.setdefault((name, cluster), "")
        return sorted(
            Pair(name, cluster, self._app_folder(folders.get(name, ()), cluster), path)
            for (name, cluster), path in pairs.items()
        )

    def _app_folder(self, folders: Sequence[AppFolder], cluster: str) -> str:
        """Return the folder of a pair; one of several where its resolution names them all, or says that none fits."""
        fitting = [folder for folder in folders if self._places.fits(folder, self._places.cluster(cluster))]
        best = self._places.best(fitting or folders)
        return best[0].path if best else ""

    def _instances(
        self, app: str, folders: Mapping[str, Sequence[AppFolder]]
    ) -> Iterator[tuple[str, str, InstancePlace]]:
        """Yield the name of the application and of the cluster of each instance, and the instance."""
        own = [folder for of_name in folders.values() for folder in of_name]
        by_app: dict[str, list[AppFolder]] = {}
        for folder in own:
            by_app.setdefault(folder.captures["app"], []).append(folder)
        owned = []
        for place in self._asked(app, own):
            candidates = by_app.get(place.captures["app"], []) if "app" in place.captures else own
            owned.append((place, [folder for folder in candidates if self._places.agree(folder, place)]))
        certain = (place.path for place, owners in owned if owners and self._places.may_exist(place))
        shelves = {folder for path in certain for folder in above(path)}
        for place, owners in owned:
            if place.path in shelves and not (owners and self._places.may_exist(place)):
                continue  # as fleet/eu of `fleet/**/{cluster}/{app}`, which is above fleet/eu/dev/web
            clusters = self._places.clusters_of(place)
            for name in dict.fromkeys(folder.name for folder in owners):
                of_name = [folder for folder in owners if folder.name == name]
                yield from ((name, cluster, place) for cluster in clusters if self._may_run(place, of_name, cluster))
            if not owners and not self._places.is_of_others(place):
                name = next(iter(self._places.names_of(place)), "") or place.captures["app"]
                yield from ((name, cluster, place) for cluster in clusters)

    def _asked(self, app: str, own: Sequence[AppFolder]) -> Iterator[InstancePlace]:
        """Yield the instances of all applications, or those that an application of this name may have."""
        if not app:
            yield from self._places.instance_places()
        elif not own:
            yield from self._places.instance_places({} if self._places.name else {"app": app})
        asked = [self._places.of_app(folder) for folder in own] if app else []
        for index, known in enumerate(asked):
            if known not in asked[:index]:
                yield from self._places.instance_places(known)

    def _may_run(self, place: InstancePlace, folders: Sequence[AppFolder], cluster: str) -> bool:
        """Say whether a place is an instance on this cluster: {app}/base looks like {app}/{cluster}."""
        owner = next((folder for folder in folders if self._places.fits(folder, self._places.cluster(cluster))), None)
        is_nested = owner is not None and f"{place.path}/".startswith(f"{owner.path}/")
        return not is_nested or self._places.may_be_cluster(cluster)

    def _clusters_by_configuration(self, folder: AppFolder, has_instances: bool) -> list[str]:  # noqa: FBT001
        """Return the clusters that a folder is for by the configuration or by itself; the empty name is for none."""
        if self._places.is_component(folder):
            return []
        by_folder = list(self._places.clusters_of(folder))
        chooses = bool(self._places.choosing(folder.pattern))
        try:
            choice = self._choice(folder)
        except ConfigError:  # resolving the pair raises it again
            return by_folder if chooses else [] if has_instances else [NO_CLUSTER.name]
        if choice:
            covered = {name for name, cluster in self._config.clusters.items() if choice.covers(cluster)}
            fitting = {name for name in covered if self._places.fits(folder, self._places.cluster(name))}
            return sorted(fitting | set(choice.names))
        if chooses:
            is_enough = CLUSTER in folder.pattern.names or not self.uses_instances
            return by_folder if is_enough else []
        return []

    def _is_without_clusters(self, folder: AppFolder) -> bool:
        """Say whether a folder is an application's where nothing says on which clusters it runs."""
        if self._places.is_component(folder) or self.needs_cluster(folder.pattern):
            return False
        return self._choice(folder) is None

    @cached_property
    def uses_instances(self) -> bool:
        """Tell whether instances say where applications run; those of the reference layout do where one is there."""
        patterns = self._config.layout.instances
        if patterns != LAYOUT.instances:
            return bool(patterns)
        return any(map(self._places.may_exist, self._places.instance_places()))

    def needs_cluster(self, pattern: Pattern) -> bool:
        """Say whether the placeholders of the layout cannot be filled without a cluster for a folder of a pattern."""
        texts = self._config.layout
        patterns = [layout.parse(values.pattern, values.place) for values in texts.values]
        chart = texts.chart.folder if texts.chart else ""
        patterns += [layout.parse_text(text) for text in (texts.release, texts.namespace, chart)]
        filled = pattern.names | {"name"} if self._places.name else pattern.names
        return bool(self._places.choosing(pattern)) or any(one.names - filled for one in patterns)
