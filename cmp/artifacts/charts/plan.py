"""Where each dependency of a chart comes from, decided before anything is fetched or written."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cmp import versions
from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts import constraints, dependencies, vendored
from cmp.artifacts.charts.remote import Wanted
from cmp.errors import ChartError
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.artifacts.charts.dependencies import Dependency
    from cmp.artifacts.charts.vendored import Vendored
    from cmp.artifacts.lockfile import Lock
    from cmp.context import Context
    from cmp.model import Tool
    from cmp.system.tree import Tree


class Local(NamedTuple):
    """A `file://` dependency: a chart folder of the same tree, with dependencies of its own."""

    name: str
    version: str
    plan: Plan


class Plan(NamedTuple):
    """All dependencies of the chart in a root-relative folder, each with its source."""

    folder: str
    items: list[tuple[Dependency, Vendored | Wanted | Local]]

    def remote(self) -> Iterator[tuple[Dependency, Wanted]]:
        """Yield what must come from repositories, for the charts below too."""
        for dependency, source in self.items:
            if isinstance(source, Wanted):
                yield dependency, source
            elif isinstance(source, Local):
                yield from source.plan.remote()

    def wanted(self) -> list[Wanted]:
        """Return what must come from repositories, each chart once."""
        return list(dict.fromkeys(source for _, source in self.remote()))


class Permit(Protocol):
    """What the administrator's policy says to a dependency; it raises ConfigError for one that may not be used."""

    def chart_host(self, subject: str, url: str, place: str) -> None:
        """Ask for a chart of a repository."""

    def chart_url(self, wanted: Wanted, url: str, led_by: str) -> bool:
        """Ask for a URL to which a chart's repository leads; say whether an administrator lists its host."""

    def chart_folder(self, folder: str, place: str) -> None:
        """Ask for a `file://` chart."""


class Planner:
    """Read chart folders of one tree."""

    def __init__(
        self, tree: Tree, helm: Tool, lock: Lock | None, context: Context, permit: Permit | None = None
    ) -> None:
        self._tree = tree
        self._helm = helm
        self._lock = lock
        self._context = context
        self._permit = permit
        self._cache = ChartCache(context.settings.cache_dir)

    def plan(self, folder: str, parents: tuple[str, ...] = ()) -> Plan:
        """Decide for the chart in `folder`; ChartError for what is missing, stale, unlocked or leads in a circle."""
        if folder in parents:
            raise ChartError("file:// dependencies lead in a circle: " + " > ".join((*parents, folder)))
        config = self._context.settings.helm_repository_config
        found, stale = dependencies.read(self._tree, folder, self._cache, config)
        if stale and any(not one.version and not one.is_local for one in found):
            message = f"{stale} does not belong to the dependencies any more and is not used"
            self._context.log.warning(message)
        vendored.inspect_all(self._tree, folder, self._cache)
        charts = vendored.find(self._tree, folder, self._cache) if found else []
        used = vendored.assign(found, charts, self._fits)
        return Plan(folder, [(one, used.get(one) or self._source(one, folder, parents)) for one in found])

    def _fits(self, dependency: Dependency, version: str) -> bool:
        return constraints.fits(dependency, version, self._helm, self._cache, self._context)

    def _source(self, dependency: Dependency, folder: str, parents: tuple[str, ...]) -> Wanted | Local:
        if dependency.is_local:
            return self._local(dependency, folder, (*parents, folder))
        if not dependency.repository:
            raise ChartError(
                f"{dependency.name} has no repository and is not in {join(folder, 'charts')}", file=dependency.place
            )
        return self.wanted(dependency)

    def wanted(self, one: Dependency) -> Wanted:
        """Return what must come from a repository, as cmp.lock has it; raises what `plan` raises."""
        wanted = Wanted(one.url, one.name, one.constraint, one.version, "", one.place)
        if self._permit:
            self._permit.chart_host(wanted.subject, one.url, one.place)
        if self._lock is None:
            return wanted
        locked = self._lock.chart(one.repository, one.name, one.constraint)
        if locked is None or (one.version and not versions.is_same(one.version, locked.version)):
            found = f"says {locked.version}" if locked else "has no entry for it"
            raise ChartError(
                f"{wanted.subject}: cmp.lock {found}", file=one.place, hint="run `cmp lock` and commit the file"
            )
        return wanted._replace(version=locked.version, sha256=locked.sha256)

    def _local(self, dependency: Dependency, folder: str, parents: tuple[str, ...]) -> Local:
        path = dependency.repository.removeprefix("file://")
        target = posixpath.normpath(join(folder, path))
        target = "" if target == "." else target
        if path.startswith("/") or target.split("/")[0] == "..":
            raise ChartError(f"{dependency.repository} leads outside the source tree", file=dependency.place)
        if self._permit:
            self._permit.chart_folder(target, dependency.place)
        if self._tree.kind(join(target, "Chart.yaml")) != "file":
            raise ChartError(f"{dependency.repository}: there is no chart in {target or '.'}", file=dependency.place)
        name, version = vendored.identity(self._tree, target, self._cache)
        if name != dependency.name or not self._fits(dependency, version):
            raise ChartError(
                f"{dependency.repository} is {name} {version}; asked for is {dependency.name} {dependency.constraint}",
                file=dependency.place,
            )
        return Local(name, version, self.plan(target, parents))
