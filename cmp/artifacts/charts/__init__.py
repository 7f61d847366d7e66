"""Chart dependencies: restored from the cache into a private copy of the chart; only missing ones are fetched.

dependencies.py                   the dependencies that Chart.yaml and its lock declare
plan.py                           the source of each dependency:
    vendored.py                       charts/ in Git
    packaged.py                       a folder of the same tree (`file://`)
    repository_chart.py, fetch.py     a repository, over the network
web.py, index.py                  repositories of web servers: their archives and indexes
helm.py, repositories.py          helm in private homes and its errors; repositories.yaml, aliases and credentials
archive.py                        archives: checked before they are trusted, and rewritten with other schemas
schemas.py, schema_references.py  the schemas of a chart and of the charts inside it, and their references
file_access.py                    the files of a chart's folder that can have an effect
upkeep.py                         list, verify, prune, warm and refresh the cache
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
from cmp.system.tree import join
from cmp.versions import is_exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cmp.artifacts.cache import Archive
    from cmp.artifacts.charts.packaged import Packager
    from cmp.artifacts.charts.plan import Plan
    from cmp.artifacts.charts.repository_chart import PolicyCheck, RepositoryChart
    from cmp.artifacts.lockfile import Lock, LockedChart
    from cmp.context import Context
    from cmp.model import ChartRef, Tool
    from cmp.system.tree import Tree


class ChartWork(NamedTuple):
    """A chart whose dependencies are to be restored.

    `folder` is the chart's root-relative folder, `copy` the absolute path of its private, writable copy, `lock` the
    content of cmp.lock if the repository has one, `plan` that of `permitted`, if it was made.  `policy_check` is asked
    about the URLs to which repositories lead.  With `as_helm` a chart in charts/ counts by its name alone, and where
    none is missing nothing is restored.
    """

    tree: Tree
    folder: str
    copy: str
    helm: Tool
    lock: Lock | None
    plan: Plan | None = None
    policy_check: PolicyCheck | None = None
    as_helm: bool = False


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
        return cls(archive.name, archive.version, repository, sha256=archive.sha256, how=how)


def permitted(work: ChartWork, context: Context) -> Plan:
    """Decide where every dependency comes from; ConfigError, before any request, for one that is not allowed."""
    return _planner(work, context).plan(work.folder)


def restore(work: ChartWork, context: Context) -> tuple[Restored, ...]:
    """Fill charts/ of the copy with every dependency, and return them in the order of Chart.yaml.

    Charts that lie there and are not dependencies stay.  Without a miss there is no network and no child process.
    Raises ChartError; DeadlineError names the chart and the repository that were slow.
    """
    # Without a plan from `permitted` the policy is asked about the URLs of archives alone.
    plan = work.plan or _planner(work._replace(policy_check=None), context).plan(work.folder)
    if not plan.items:
        return ()
    archives = from_repositories(plan.repository_charts(), work.helm, context, work.policy_check)
    return tuple(_Filler(work, archives, context).fill(plan, work.copy))


def unpack_local(work: ChartWork, paths: Sequence[str], context: Context) -> dict[str, str]:
    """Unpack the `file://` charts in charts/ of the copy that hold some files of the tree.

    Returns the place of each file, by its path in the tree, from the copy.  Helm reads a folder there as it reads the
    archive, which lies in the cache and never gets another content.
    """
    plan = work.plan or _planner(work._replace(policy_check=None), context).plan(work.folder)
    return dict(_unpacked(plan, work.copy, "", paths))


def _unpacked(plan: Plan, copy: str, prefix: str, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    from cmp.system.unpack import unpack  # noqa: PLC0415  # rare

    for _, source in plan.items:
        if not isinstance(source, LocalChart):
            continue
        charts = join(prefix, "charts")
        packed = os.path.join(copy, charts, f"{source.name}-{source.version}.tgz")
        is_inside = any(path.startswith(folder) for folder in _folders(source.plan) for path in paths)
        if not is_inside or not os.path.exists(packed):  # of one chart under two names there is one archive
            continue
        with open(packed, "rb") as file:
            unpack(file.read(), os.path.join(copy, charts), source.plan.folder)
        os.unlink(packed)
        own = f"{source.plan.folder}/"
        below = join(charts, source.name)
        yield from ((path, join(below, path.removeprefix(own))) for path in paths if path.startswith(own))
        yield from _unpacked(source.plan, copy, below, paths)


def _folders(plan: Plan) -> Iterator[str]:
    """Yield the beginnings of the paths of a chart's files, and of those of the `file://` charts below it."""
    yield f"{plan.folder}/"
    for _, source in plan.items:
        if isinstance(source, LocalChart):
            yield from _folders(source.plan)


def obtain(refs: Sequence[ChartRef], work: ChartWork, context: Context) -> list[Archive]:
    """Return charts that an engine's own files name, in the same order; ChartError and ConfigError as for dependencies.

    The folder and the copy of `work` do not count.
    """
    charts = _charts_of(refs, _planner(work, context), context)
    archives = from_repositories(charts, work.helm, context, work.policy_check)
    return [archives[chart] for chart in charts]


def from_repositories(
    charts: Sequence[RepositoryChart], helm: Tool, context: Context, policy_check: PolicyCheck | None = None
) -> dict[RepositoryChart, Archive]:
    """Return the archive of each chart from the cache, and only missing ones over the network.

    `policy_check` is asked about the URLs to which repositories lead.  ChartError names the first chart that cannot be
    had.
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

        archives |= fetch.fetch(missing, helm, context, policy_check)
    for chart in charts:
        if not chart.version:
            message = (
                f"{chart.place}: {chart.name} {chart.constraint} is {archives[chart].version} for now, and may be "
                "another within the hour; `helm dependency update` or `cmp lock` fixes it"
            )
            context.log.warning(message)
    return archives


def _planner(work: ChartWork, context: Context) -> Planner:
    return Planner(work.tree, work.helm, work.lock, context, policy_check=work.policy_check, as_helm=work.as_helm)


def _charts_of(refs: Sequence[ChartRef], planner: Planner, context: Context) -> list[RepositoryChart]:
    from cmp.artifacts.charts.repositories import is_alias, load, url_of  # noqa: PLC0415  # no chart's own dependencies need it

    aliased = any(ref.may_be_alias and is_alias(ref.repository) for ref in refs)
    entries = load(context.settings.helm_repository_config) if aliased else ()
    return [
        planner.repository_chart(
            Dependency(
                name=ref.name,
                constraint=ref.version,
                repository=ref.repository,
                url=url_of(ref.name, ref.repository, ref.place, entries if ref.may_be_alias else ()),
                version=ref.version if is_exact(ref.version) else "",
                place=ref.place,
            )
        )
        for ref in refs
    ]


def repository_charts(work: ChartWork, refs: Sequence[ChartRef] | None, context: Context) -> list[RepositoryChart]:
    """Return the charts of repositories that an engine's own files name; without those, a chart's dependencies."""
    planner = _planner(work._replace(policy_check=None), context)
    return planner.plan(work.folder).repository_charts() if refs is None else _charts_of(refs, planner, context)


def archives_of_repositories(restored: Iterable[Restored]) -> frozenset[str]:
    """Return the paths, from a chart's copy, of the unchanged archives of repositories."""
    return frozenset(
        f"charts/{dependency.name}-{dependency.version}.tgz"
        for dependency in restored
        if dependency.how in ("cache", "fetched")
    )


def locked(
    tree: Tree, folder: str, helm: Tool, context: Context, policy_check: PolicyCheck | None = None
) -> list[LockedChart]:
    """Return the entries of cmp.lock for a chart's dependencies, those of its `file://` charts included.

    A chart that is not in the cache is fetched; a range has the version that a render would take now.
    """
    from cmp.artifacts.lockfile import LockedChart  # noqa: PLC0415  # no render needs it

    plan = Planner(tree, helm, None, context, policy_check=policy_check).plan(folder)
    archives = from_repositories(plan.repository_charts(), helm, context, policy_check)
    return [
        LockedChart(
            repository=dependency.repository,
            name=dependency.name,
            constraint=dependency.constraint,
            version=archives[chart].version,
            sha256=archives[chart].sha256,
        )
        for dependency, chart in plan.remote()
    ]


def locked_refs(refs: Sequence[ChartRef], work: ChartWork, context: Context) -> list[LockedChart]:
    """Return the entries of cmp.lock for charts that an engine's own files name; missing charts are fetched."""
    from cmp.artifacts.lockfile import LockedChart  # noqa: PLC0415  # no render needs it

    archives = obtain(refs, work._replace(lock=None), context)
    return [
        LockedChart(
            repository=ref.repository,
            name=ref.name,
            constraint=ref.version,
            version=archive.version,
            sha256=archive.sha256,
        )
        for ref, archive in zip(refs, archives, strict=True)
    ]


class _Filler:
    """Put planned dependencies into copies of charts."""

    def __init__(self, work: ChartWork, archives: Mapping[RepositoryChart, Archive], context: Context) -> None:
        self._work = work
        self._archives = archives
        self._context = context

    def fill(self, plan: Plan, copy: str) -> list[Restored]:
        """Write the archives of a plan into `copy`/charts."""
        restored = []
        names: dict[str, str] = {}
        for dependency, source in plan.items:
            repository = dependency.repository
            if isinstance(source, VendoredChart):
                chart = Restored(source.name, source.version, repository, sha256=source.sha256, how="vendored")
            elif isinstance(source, LocalChart):
                packager = self._packager()
                digest = self._digest(source, packager)
                _write(packager.obtain(source, digest, self._fill_below(source)), copy)
                chart = Restored(source.name, source.version, repository, sha256=digest, how="packaged")
            else:
                archive = self._archives[source]
                if names.setdefault(archive.filename, archive.sha256) != archive.sha256:
                    raise ChartError(f"two different charts are called {archive.filename}", file=dependency.place)
                _write(archive, copy)
                chart = Restored.of(archive, repository)
            restored.append(chart)
        return restored

    def _packager(self) -> Packager:
        from cmp.artifacts.charts.packaged import Packager  # noqa: PLC0415  # many charts have no `file://` dependency

        return Packager(self._work.tree, self._work.helm, self._context)

    def _digest(self, local: LocalChart, packager: Packager) -> str:
        below = [
            self._digest(source, packager) if isinstance(source, LocalChart) else self._archives[source].sha256
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
