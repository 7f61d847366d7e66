"""Fetch charts that the cache lacks: ranges are resolved first, then each archive is pulled once for all processes.

Indexes are downloaded before any lock is taken, and a lock is held while its own chart is pulled and no other: a silent
server delays no chart of another one.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import filelock  # noqa: F401  # once, and not in each of the processes that pull

from cmp import versions
from cmp.artifacts.cache import ChartCache, Key
from cmp.artifacts.charts import repositories
from cmp.artifacts.charts.archive import MAX_PACKED_BYTES, inspect
from cmp.artifacts.charts.helm import AT_ONCE, PLAIN_HTTP, Helm, Home, error_text, failed
from cmp.artifacts.charts.repository_chart import OCI, RepositoryChart, recalled, remember
from cmp.artifacts.charts.web import WebRepositories
from cmp.errors import ChartError, DeadlineError
from cmp.system import workers
from cmp.system.locks import single_flight
from cmp.system.urls import origin
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.artifacts.cache import Archive
    from cmp.artifacts.charts.repository_chart import PolicyCheck
    from cmp.context import Context
    from cmp.model import Tool
    from cmp.system.process import Command

Outcome = TypeVar("Outcome")


def fetch(
    missing: Sequence[RepositoryChart], tool: Tool, context: Context, policy_check: PolicyCheck | None = None
) -> dict[RepositoryChart, Archive]:
    """Return the archives, in the cache from now on; ChartError for the first that cannot be had."""
    with Workspace(context.settings.tmp_dir) as workspace:
        fetcher = _Fetcher(Helm(tool, workspace, context), WebRepositories(context, policy_check), context)
        exact = fetcher.resolve(missing)
        archives = fetcher.obtain({chart.key: chart for chart in exact.values()})
        return {chart: archives[exact[chart].key] for chart in missing}


def refetch(
    charts: Sequence[RepositoryChart], tool: Tool, context: Context, policy_check: PolicyCheck | None = None
) -> list[Archive]:
    """Pull exact versions again, and take them into the cache whatever was there before."""
    with Workspace(context.settings.tmp_dir) as workspace:
        return _Fetcher(Helm(tool, workspace, context), WebRepositories(context, policy_check), context).replace(charts)


class _Pull(NamedTuple):
    """A chart, the URL of its archive, and, where that is in a registry, the home and an empty folder for helm."""

    chart: RepositoryChart
    url: str
    home: Home | None = None
    folder: str = ""

    @property
    def subject(self) -> str:
        return self.chart.subject


Item = TypeVar("Item", _Pull, RepositoryChart)


class _Fetcher:
    """The steps of one fetch, sharing homes and indexes."""

    def __init__(self, helm: Helm, web: WebRepositories, context: Context) -> None:
        self._helm = helm
        self._web = web
        self._context = context
        self._cache = ChartCache(context.settings.cache_dir)
        self._fetched: set[Key] = set()

    def resolve(self, missing: Sequence[RepositoryChart]) -> dict[RepositoryChart, RepositoryChart]:
        """Give every range its version, and remember it for a while."""
        ranges = list({chart.range_key: chart for chart in missing if not chart.version}.values())
        of_oci = [chart for chart in ranges if chart.is_oci]
        of_http = [chart for chart in ranges if not chart.is_oci]
        newest = _each([self._pull_of(chart) for chart in of_oci], self._newest)
        self._fetched |= {
            Key(chart.url, chart.name, archive.version)
            for chart, archive in zip(of_oci, newest, strict=True)
            if archive.is_fetched
        }
        of_tags = [(chart, archive.version) for chart, archive in zip(of_oci, newest, strict=True)]
        versions_of: dict[str, str] = {}
        for chart, version in [*self._search(of_http), *of_tags]:
            remember(chart, version, self._context)
            versions_of[chart.range_key] = version
        return {
            chart: chart if chart.version else chart._replace(version=versions_of[chart.range_key]) for chart in missing
        }

    def obtain(self, charts: Mapping[Key, RepositoryChart]) -> dict[Key, Archive]:
        """Pull exact versions, unless the cache has them by now."""
        cached: dict[Key, Archive] = {}
        for key, chart in charts.items():
            if archive := self._cache.find(key, chart.sha256):
                cached[key] = archive._replace(is_fetched=key in self._fetched)
        missing = [chart for key, chart in charts.items() if key not in cached]
        self._index(missing)
        archives = _each([self._pull_of(chart) for chart in missing], self._obtained)
        return cached | {chart.key: archive for chart, archive in zip(missing, archives, strict=True)}

    def replace(self, charts: Sequence[RepositoryChart]) -> list[Archive]:
        """Pull exact versions, and forget the archives that the cache had under their keys."""
        self._index(charts)
        return _each([self._pull_of(chart) for chart in charts], self._replaced)

    def _obtained(self, pull: _Pull) -> Archive:
        with self._flight(pull, pull.chart.key):
            if archive := self._cache.find(pull.chart.key, pull.chart.sha256):  # another process was faster
                return archive
            archive = self._pull(pull)
            self._publish(pull.chart, archive)
            return archive._replace(is_fetched=True)

    def _replaced(self, pull: _Pull) -> Archive:
        with self._flight(pull, pull.chart.key):
            archive = self._pull(pull)
            _identify(pull.chart, archive)
            self._cache.forget(pull.chart.key)
            self._cache.publish(pull.chart.key, archive)
            return archive

    def _newest(self, pull: _Pull) -> Archive:
        """Let helm choose among the tags of a registry, which it does only while it pulls; publish the archive."""
        with self._flight(pull, Key(pull.chart.url, pull.chart.name, pull.chart.constraint)):
            known = recalled(pull.chart, self._context)
            if known.version and (archive := self._cache.find(known.key)):  # another process was faster
                return archive
            archive = self._pull(pull)
            self._publish(pull.chart._replace(version=archive.version), archive)
            return archive._replace(is_fetched=True)

    @contextmanager
    def _flight(self, pull: _Pull, key: Key) -> Iterator[None]:
        """Hold the lock of one chart; DeadlineError when another process was still pulling it to the last."""
        deadline = self._context.deadline
        with single_flight(self._cache.lock(key), deadline.remaining()) as is_held:
            if not is_held and deadline.remaining() <= 0:
                raise DeadlineError(
                    f"{pull.subject} was still coming from {origin(pull.url).netloc}, to another process, when the "
                    f"deadline of {deadline.seconds:g} s passed",
                    is_external=True,
                )
            yield

    def _index(self, charts: Sequence[RepositoryChart]) -> None:
        """Download the indexes of HTTP repositories, each once."""
        of_http = {chart.url: chart for chart in charts if not chart.is_oci}
        new = [chart for url, chart in of_http.items() if not self._web.has_index(url)]
        for chart, data in zip(new, _each(new, self._web.download_index), strict=True):
            self._web.take_index(chart, data)

    def _search(self, charts: Sequence[RepositoryChart]) -> Iterator[tuple[RepositoryChart, str]]:
        """Ask helm for the version of an index that a range means."""
        self._index(charts)
        commands = []
        for chart in charts:
            home = self._helm.repository(chart.url, self._web.index(chart.url))
            arguments = ("search", "repo", "--output=json", f"--version={chart.constraint}")
            commands.append(self._helm.offline(home, f"search ({chart.url})", *arguments))
        for chart, result in zip(charts, self._helm.run(commands), strict=True):
            if text := error_text(result):
                raise failed(chart.subject, text, chart.place)
            version = _listed(result.stdout, chart).get(f"{repositories.NAME}/{chart.name}", "")
            if not version:
                raise failed(chart.subject, "no chart version found", chart.place)
            yield chart, version

    def _pull_of(self, chart: RepositoryChart) -> _Pull:
        """Find the URL of a chart's archive, and prepare helm's home for one in a registry."""
        url = f"{chart.url}/{chart.name}" if chart.is_oci else self._web.archive_url(chart)
        if not url.startswith(OCI):
            return _Pull(chart, url)
        self._web.check_registry(chart, url)
        return _Pull(chart, url, home=self._helm.registry(url), folder=self._helm.folder())

    def _pull(self, pull: _Pull) -> Archive:
        if pull.home is None:
            return inspect(self._web.archive(pull.chart, pull.url), pull.chart.subject)
        command = partial(self._pull_command, pull, pull.home)
        (result,) = self._helm.run([command()])
        if _wants_plain_http(pull.url, error_text(result)):
            (result,) = self._helm.run([command("--plain-http")])
        if text := error_text(result):
            raise failed(pull.chart.subject, text, pull.chart.place)
        return inspect(_newest_file(pull.folder, pull.chart), pull.chart.subject)

    def _pull_command(self, pull: _Pull, home: Home, *flags: str) -> Command:
        reference, version = _reference(pull)
        arguments = ("pull", reference, f"--version={version}", f"--destination={pull.folder}", *flags)
        return self._helm.command(home, f"pull ({pull.chart.subject})", *arguments)

    def _publish(self, chart: RepositoryChart, archive: Archive) -> None:
        """Put an archive into the cache if it is the chart that was asked for, with the digest of the last time."""
        _identify(chart, archive)
        if chart.sha256:
            _compare(chart, archive.sha256, chart.sha256, says="cmp.lock says", remedy="`cmp lock`")
        elif record := self._cache.record(chart.key):
            remedy = f"`cmp cache refresh {chart.name}@{chart.version}`"
            _compare(chart, archive.sha256, record.sha256, says="it was", remedy=remedy)
        self._cache.publish(chart.key, archive)


def _each(items: Sequence[Item], work: Callable[[Item], Outcome]) -> list[Outcome]:
    """Do the work for each item, a few at once in processes of their own; raise the first error in their order."""
    if len(items) < 2:  # noqa: PLR2004  # one needs no other process
        return [work(item) for item in items]
    subject = ", ".join(item.subject for item in items)
    results: dict[int, Outcome] = {}
    errors: dict[int, Exception] = {}
    for number, outcome in workers.run(items, partial(_tried, work), AT_ONCE, subject=subject):
        if isinstance(outcome, tuple):
            results[number] = outcome[0]
        else:
            errors[number] = outcome or ChartError("a process that fetched charts was killed", is_external=True)
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(items))]


def _tried(work: Callable[[Item], Outcome], item: Item) -> tuple[Outcome] | Exception:
    try:
        return (work(item),)
    except Exception as error:  # noqa: BLE001  # the process that waits raises it
        return error


def _reference(pull: _Pull) -> tuple[str, str]:
    """Return helm's reference of the archive, and its version: an index may name it with a tag."""
    folder, _, last = pull.url.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{folder}/{name}", tag.replace("_", "+") or pull.chart.version or pull.chart.constraint


def _identify(chart: RepositoryChart, archive: Archive) -> None:
    """ChartError for an archive of another chart or version."""
    if archive.name != chart.name or not versions.is_same(chart.version, archive.version):
        raise ChartError(
            f"{chart.subject}: the repository gave {archive.name} {archive.version} instead",
            file=chart.place,
            is_external=True,
        )


def _compare(chart: RepositoryChart, sha256: str, expected: str, *, says: str, remedy: str) -> None:
    """ChartError for another digest than the expected one; `says` and `remedy` complete the sentences."""
    if sha256 != expected:
        raise ChartError(
            f"{chart.subject} has changed: its sha256 is {sha256}, {says} {expected}",
            file=chart.place,
            hint=f"a published version must not change: find out why it did; {remedy} accepts it",
            is_external=True,
        )


def _wants_plain_http(url: str, error: str) -> bool:
    """Say whether a registry on this machine answered without TLS, which is allowed nowhere else.

    Helm 3.22 goes over to it by itself, and then hands over no credentials (oras-project/oras-go, GHSA-vh4v-2xq2-g5cg).
    """
    host = origin(url)
    return host.is_loopback and (PLAIN_HTTP in error or f'"http://{host.netloc}/' in error)


def _listed(stdout: bytes, chart: RepositoryChart) -> dict[str, str]:
    """Parse the output of `helm search repo` as name -> version."""
    try:
        return {listed["name"]: listed["version"] for listed in json.loads(stdout)}
    except (ValueError, LookupError, TypeError):
        raise failed(chart.subject, "it reported success and printed no list of charts", chart.place) from None


def _newest_file(folder: str, chart: RepositoryChart) -> bytes:
    with os.scandir(folder) as entries:  # an attempt that was cut off may have left a part behind
        newest = max(entries, key=lambda entry: entry.stat().st_mtime_ns, default=None)
    if newest is None:
        raise failed(chart.subject, "it reported success and left no archive", chart.place)
    with open(newest, "rb") as file:
        return file.read(MAX_PACKED_BYTES + 1)
