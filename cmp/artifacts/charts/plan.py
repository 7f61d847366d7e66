"""Where each dependency of a chart comes from, decided before anything is fetched or written."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from cmp import versions
from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts import dependencies, vendored
from cmp.artifacts.charts.repository_chart import RepositoryChart
from cmp.errors import ChartError
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.artifacts.charts.dependencies import Dependency
    from cmp.artifacts.charts.repository_chart import PolicyCheck
    from cmp.artifacts.charts.vendored import VendoredChart
    from cmp.artifacts.lockfile import Lock
    from cmp.context import Context
    from cmp.model import Tool
    from cmp.system.tree import Tree


class LocalChart(NamedTuple):
    """A `file://` dependency: a chart folder of the same tree, with dependencies of its own."""

    name: str
    version: str
    plan: Plan


class Plan(NamedTuple):
    """All dependencies of the chart in a root-relative folder, each with its source."""

    folder: str
    items: list[tuple[Dependency, VendoredChart | RepositoryChart | LocalChart]]

    def remote(self) -> Iterator[tuple[Dependency, RepositoryChart]]:
        """Yield the dependencies that come from repositories, those of the charts below too."""
        for dependency, source in self.items:
            if isinstance(source, RepositoryChart):
                yield dependency, source
            elif isinstance(source, LocalChart):
                yield from source.plan.remote()

    def repository_charts(self) -> list[RepositoryChart]:
        """Return the charts of repositories, each chart once."""
        return list(dict.fromkeys(chart for _, chart in self.remote()))


class Planner:
    """Read chart folders of one tree."""

    def __init__(
        self,
        tree: Tree,
        helm: Tool,
        lock: Lock | None,
        context: Context,
        *,
        policy_check: PolicyCheck | None = None,
        as_helm: bool = False,
    ) -> None:
        self._tree = tree
        self._helm = helm
        self._lock = lock
        self._context = context
        self._policy_check = policy_check
        self._as_helm = as_helm
        self._cache = ChartCache(context.settings.cache_dir)

    def plan(self, folder: str, parents: tuple[str, ...] = ()) -> Plan:
        """Plan the chart in `folder`; ChartError for a dependency that is missing, stale, unlocked or in a circle."""
        if folder in parents:
            raise ChartError("file:// dependencies lead in a circle: " + " > ".join((*parents, folder)))
        config = self._context.settings.helm_repository_config
        wanted, stale_lock = dependencies.read(self._tree, folder, self._cache, config)
        if stale_lock and any(not dependency.version and not dependency.is_local for dependency in wanted):
            message = f"{stale_lock} does not belong to the dependencies any more and is not used"
            self._context.log.warning(message)
        vendored.inspect_all(self._tree, folder, self._cache)
        charts = vendored.find(self._tree, folder, self._cache) if wanted else []
        # helm renders with any version (pkg/action/package.go, CheckDependencies), and Argo CD asks for no more.
        if self._as_helm and {one.name for one in wanted} <= {chart.name for chart in charts}:
            return Plan(folder, [])
        if self._as_helm and stale_lock:
            raise ChartError(
                f"{stale_lock} does not belong to the dependencies any more, and Argo CD cannot build them",
                file=stale_lock,
                hint="run `helm dependency update` and commit the file",
            )
        used = vendored.assign(wanted, charts, self._fits)
        items = [
            (dependency, used.get(dependency) or self._source(dependency, folder, parents)) for dependency in wanted
        ]
        return Plan(folder, items)

    def repository_chart(self, dependency: Dependency) -> RepositoryChart:
        """Return the chart of a repository, at the version of cmp.lock; raises the errors of `plan`."""
        chart = RepositoryChart(
            url=dependency.url,
            name=dependency.name,
            constraint=dependency.constraint,
            version=dependency.version,
            sha256="",
            place=dependency.place,
        )
        if self._policy_check:
            self._policy_check.chart_host(chart.subject, chart.url, chart.place)
        if self._lock is None:
            return chart
        locked = self._lock.chart(dependency.repository, dependency.name, dependency.constraint)
        if locked is None or (chart.version and not versions.is_same(chart.version, locked.version)):
            entry = f"says {locked.version}" if locked else "has no entry for it"
            raise ChartError(
                f"{chart.subject}: cmp.lock {entry}", file=chart.place, hint="run `cmp lock` and commit the file"
            )
        return chart._replace(version=locked.version, sha256=locked.sha256)

    def _source(self, dependency: Dependency, folder: str, parents: tuple[str, ...]) -> RepositoryChart | LocalChart:
        if dependency.is_local:
            return self._local_chart(dependency, folder, (*parents, folder))
        if not dependency.repository:
            raise ChartError(
                f"{dependency.name} has no repository and is not in {join(folder, 'charts')}", file=dependency.place
            )
        return self.repository_chart(dependency)

    def _local_chart(self, dependency: Dependency, folder: str, parents: tuple[str, ...]) -> LocalChart:
        path = dependency.repository.removeprefix(dependencies.LOCAL)
        target = posixpath.normpath(join(folder, path))
        target = "" if target == "." else target
        if path.startswith("/") or target.split("/")[0] == "..":
            raise ChartError(f"{dependency.repository} leads outside the source tree", file=dependency.place)
        if self._policy_check:
            self._policy_check.chart_folder(target, dependency.place)
        if self._tree.kind(join(target, "Chart.yaml")) != "file":
            raise ChartError(f"{dependency.repository}: there is no chart in {target or '.'}", file=dependency.place)
        name, version = vendored.identity(self._tree, target, self._cache)
        if name != dependency.name or not self._fits(dependency, version):
            raise ChartError(
                f"{dependency.repository} is {name} {version}; asked for is {dependency.name} {dependency.constraint}",
                file=dependency.place,
            )
        return LocalChart(name, version, self.plan(target, parents))

    def _fits(self, dependency: Dependency, version: str) -> bool:
        """Say whether a chart of this version satisfies the dependency; a dependency without a version takes any."""
        if not dependency.constraint:
            return True
        if dependency.version:
            return versions.is_same(dependency.version, version)
        asked = Range(dependency.constraint, f"chart {dependency.name} {version}", dependency.place)
        return asked.holds(version, self._helm, self._context)


class Range(NamedTuple):
    """A range of versions as helm reads it; `subject` and `place` are for an error of helm."""

    constraint: str
    subject: str
    place: str

    def holds(self, version: str, helm: Tool, context: Context) -> bool:
        """Say whether a version lies in the range: helm decides, offline, and its answer is kept."""
        cache = ChartCache(context.settings.cache_dir)
        question = f"{helm.version}\n{self.constraint}\n{version}"
        answer = cache.note("fits", question)
        if not isinstance(answer, bool):
            answer = _lies_in_range(self, version, helm, context)
            cache.keep_note("fits", question, answer)
        return answer


def _lies_in_range(asked: Range, version: str, helm: Tool, context: Context) -> bool:
    """Let `helm dependency list` judge a throw-away chart that holds another one of this version."""
    from cmp.artifacts.charts.helm import Helm, error_text, failed  # noqa: PLC0415  # only for a range without an answer in the cache
    from cmp.system.workspace import Workspace  # noqa: PLC0415

    entry = {"name": "asked", "version": asked.constraint, "repository": ""}
    with Workspace(context.settings.tmp_dir) as workspace:
        for path, chart in (
            ("Chart.yaml", {"apiVersion": "v2", "name": "asking", "version": "0.0.0", "dependencies": [entry]}),
            ("charts/asked/Chart.yaml", {"apiVersion": "v2", "name": "asked", "version": version}),
        ):
            workspace.write(f"chart/{path}", json.dumps(chart).encode())
        runner = Helm(helm, workspace, context)
        arguments = ("dependency", "list", workspace.folder("chart"))
        (result,) = runner.run([runner.offline(runner.home(), "dependency list", *arguments)])
    if text := error_text(result):
        raise failed(asked.subject, text, asked.place)
    return any(line.split()[-1] == b"unpacked" for line in result.stdout.splitlines() if line.startswith(b"asked"))
