"""Chart dependencies: restored from the cache into a private copy of the chart; only what is missing is fetched.

dependencies.py                            what Chart.yaml and its lock ask for
plan.py                                    where each dependency comes from
vendored.py                                from charts/ in Git
repository_chart.py, fetch.py              from a repository, over the network
packaged.py                                from a folder of the same tree (`file://`)
helm.py, repositories.py                   helm in private homes, its errors, the mounted credentials
archive.py                                 what an archive is; one with other schemas
file_access.py                             which files of a chart's folder can have an effect
schemas.py, schema_references.py           its schemas: found, and what they refer to
upkeep.py                                  list, verify, prune, warm and refresh the cache
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp.artifacts.cache import ChartCache, not_cached
from cmp.artifacts.charts.dependencies import Dependency
from cmp.artifacts.charts.plan import LocalChart, Planner
from cmp.artifacts.charts.repository_chart import recalled
from cmp.artifacts.charts.vendored import VendoredChart
from cmp.errors import ChartError
from cmp.versions import is_exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cmp.artifacts.cache import Archive
    from cmp.artifacts.charts.packaged import Packager
    from cmp.artifacts.charts.plan import Plan
    from cmp.artifacts.charts.repository_chart import PolicyCheck, RepositoryChart
    from cmp.artifacts.lockfile import Lock, LockedChart
    from cmp.context import Context
    from cmp.model import ChartRef, Tool
    from cmp.system.tree import Tree


class ChartWork(NamedTuple):
    """A chart whose dependencies are wanted.

    `folder` is the chart's root-relative folder, `copy` the absolute path of its private, writable copy, `lock` the
    content of cmp.lock if the repository has one, `plan` what was decided already.  `permit` is asked about the URLs to
    which repositories lead.
    """

    tree: Tree
    folder: str
    copy: str
    helm: Tool
    lock: Lock | None
    plan: Plan | None = None
    permit: PolicyCheck | None = None


class Restored(NamedTuple):
    """A dependency that is in place.

    `repository` is as Chart.yaml has it.  `sha256` is that of the archive, for a packaged chart that of its source, and
    "" for a folder in charts/.
    """

    name: str
    version: str
    repository: str
    sha256: str
    how: Literal["cache", "fetched", "vendored", "packaged"]

    @classmethod
    def of(cls, archive: Archive, repository: str) -> Restored:
        """Describe an archive that came from a repository."""
        how: Literal["fetched", "cache"] = "fetched" if archive.is_fetched else "cache"
        return cls(archive.name, archive.version, repository, archive.sha256, how)


def permitted(work: ChartWork, permit: PolicyCheck, context: Context) -> Plan:
    """Decide where every dependency comes from; ConfigError, before any request, for one that is not allowed."""
    return Planner(work.tree, work.helm, work.lock, context, permit).plan(work.folder)


def restore(work: ChartWork, context: Context) -> tuple[Restored, ...]:
    """Fill charts/ of the copy with every dependency, in the order of Chart.yaml, and say what was done.

    Charts that lie there and are not dependencies stay.  Without a miss there is no network and no child process.
    Raises ChartError; DeadlineError names the chart and the repository that were slow.
    """
    plan = work.plan or Planner(work.tree, work.helm, work.lock, context).plan(work.folder)
    if not plan.items:
        return ()
    obtained = from_repositories(plan.repository_charts(), work.helm, context, work.permit)
    return tuple(_Filler(work, obtained, context).fill(plan, work.copy))


def obtain(refs: Sequence[ChartRef], work: ChartWork, context: Context, permit: PolicyCheck | None) -> list[Archive]:
    """Return charts that an engine's own files name, in the same order; ChartError and ConfigError as for dependencies.

    Of `work` count the tree, helm and cmp.lock.
    """
    charts = _charts_of(refs, Planner(work.tree, work.helm, work.lock, context, permit))
    obtained = from_repositories(list(dict.fromkeys(charts)), work.helm, context, permit)
    return [obtained[chart] for chart in charts]


def from_repositories(
    charts: Sequence[RepositoryChart], helm: Tool, context: Context, permit: PolicyCheck | None = None
) -> dict[RepositoryChart, Archive]:
    """Return the archive of each chart, from the cache, and only what is missing over the network.

    `permit` is asked about the URLs to which repositories lead.  ChartError names the first chart that cannot be had.
    """
    cache = ChartCache(context.settings.cache_dir)
    archives: dict[RepositoryChart, Archive] = {}
    missing = []
    charts = list(dict.fromkeys(charts))
    for chart in charts:
        known = recalled(chart, context)
        archive = cache.find(known.key, known.sha256) if known.version else None
        if archive:
            archives[chart] = archive
        else:
            missing.append(chart)
    if missing:
        if context.settings.offline:
            raise not_cached(missing[0].subject, missing[0].place)
        from cmp.artifacts.charts import fetch  # noqa: PLC0415  # a warm run never needs it

        archives |= fetch.fetch(missing, helm, context, permit)
    for chart in charts:
        if not chart.version:
            message = (
                f"{chart.place}: {chart.name} {chart.constraint} is {archives[chart].version} for now, and may be "
                "another within the hour; `helm dependency update` or `cmp lock` fixes it"
            )
            context.log.warning(message)
    return archives


def _charts_of(refs: Sequence[ChartRef], planner: Planner) -> list[RepositoryChart]:
    from cmp.artifacts.charts.repositories import url_of  # noqa: PLC0415  # no chart's own dependencies need it

    return [
        planner.repository_chart(
            Dependency(
                name=ref.name,
                constraint=ref.version,
                repository=ref.repository,
                url=url_of(ref.name, ref.repository, ref.place),
                version=ref.version if is_exact(ref.version) else "",
                place=ref.place,
            )
        )
        for ref in refs
    ]


def repository_charts(work: ChartWork, refs: Sequence[ChartRef] | None, context: Context) -> list[RepositoryChart]:
    """Return the charts of repositories that an engine's own files name; without those, a chart's dependencies."""
    planner = Planner(work.tree, work.helm, work.lock, context)
    return planner.plan(work.folder).repository_charts() if refs is None else _charts_of(refs, planner)


def archives_of_repositories(restored: Iterable[Restored]) -> frozenset[str]:
    """Return the paths in a chart's copy of dependencies that came from repositories as they are."""
    return frozenset(f"charts/{one.name}-{one.version}.tgz" for one in restored if one.how in ("cache", "fetched"))


def locked(
    tree: Tree, folder: str, helm: Tool, context: Context, permit: PolicyCheck | None = None
) -> list[LockedChart]:
    """Return what cmp.lock says of a chart's dependencies, those of its `file://` charts included.

    What is not in the cache is fetched; a range has the version that a render would take now.
    """
    from cmp.artifacts.lockfile import LockedChart  # noqa: PLC0415  # no render needs it

    plan = Planner(tree, helm, None, context, permit).plan(folder)
    obtained = from_repositories(plan.repository_charts(), helm, context, permit)
    return [
        LockedChart(dependency.repository, dependency.name, dependency.constraint, found.version, found.sha256)
        for dependency, source in plan.remote()
        for found in (obtained[source],)
    ]


def locked_refs(
    refs: Sequence[ChartRef], work: ChartWork, context: Context, permit: PolicyCheck | None
) -> list[LockedChart]:
    """Return what cmp.lock says of charts that an engine's own files name; what is not in the cache is fetched."""
    from cmp.artifacts.lockfile import LockedChart  # noqa: PLC0415  # no render needs it

    obtained = obtain(refs, work._replace(lock=None), context, permit)
    return [
        LockedChart(ref.repository, ref.name, ref.version, archive.version, archive.sha256)
        for ref, archive in zip(refs, obtained, strict=True)
    ]


class _Filler:
    """Put planned dependencies into copies of charts."""

    def __init__(self, work: ChartWork, obtained: Mapping[RepositoryChart, Archive], context: Context) -> None:
        self._work = work
        self._obtained = obtained
        self._context = context

    def fill(self, plan: Plan, copy: str) -> list[Restored]:
        """Write the archives of a plan into `copy`/charts."""
        filled = []
        names: dict[str, str] = {}
        for dependency, source in plan.items:
            if isinstance(source, VendoredChart):
                done = Restored(source.name, source.version, dependency.repository, source.sha256, "vendored")
            elif isinstance(source, LocalChart):
                packager = self._packager()
                digest = self._digest(source, packager)
                _write(packager.obtain(source, digest, self._fill_below(source)), copy)
                done = Restored(source.name, source.version, dependency.repository, digest, "packaged")
            else:
                archive = self._obtained[source]
                if names.setdefault(archive.filename, archive.sha256) != archive.sha256:
                    raise ChartError(f"two different charts are called {archive.filename}", file=dependency.place)
                _write(archive, copy)
                done = Restored.of(archive, dependency.repository)
            filled.append(done)
        return filled

    def _packager(self) -> Packager:
        from cmp.artifacts.charts.packaged import Packager  # noqa: PLC0415  # many charts have no `file://` dependency

        return Packager(self._work.tree, self._work.helm, self._context)

    def _digest(self, local: LocalChart, packager: Packager) -> str:
        below = [
            self._digest(source, packager) if isinstance(source, LocalChart) else self._obtained[source].sha256
            for _, source in local.plan.items
            if not isinstance(source, VendoredChart)  # its bytes are among the files
        ]
        return packager.source_digest(local.plan.folder, below)

    def _fill_below(self, local: LocalChart) -> Callable[[str], object]:
        return lambda copy: self.fill(local.plan, copy)


def _write(archive: Archive, copy: str) -> None:
    """Write a copy, not a link: helm comments on symbolic links, and a hard link could change the cache."""
    folder = os.path.join(copy, "charts")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, archive.filename), "wb") as file:
            file.write(archive.data)
    except OSError as error:
        raise ChartError(
            f"cannot write {archive.filename} into the work copy: {error.strerror}", is_external=True
        ) from None
