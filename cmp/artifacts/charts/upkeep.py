"""Maintenance of the chart cache: list, verify and prune its archives, warm it by a lock, refresh charts."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from cmp import versions
from cmp.artifacts.cache import SOURCE, TAG, ChartCache, Key
from cmp.artifacts.charts import from_repositories, repositories
from cmp.artifacts.charts.archive import inspect
from cmp.artifacts.charts.fetch import refetch
from cmp.artifacts.charts.repository_chart import RepositoryChart, forget_ranges
from cmp.errors import ChartError, UsageError
from cmp.system.files import sha256
from cmp.system.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.artifacts.cache import Record
    from cmp.artifacts.charts.repository_chart import PolicyCheck
    from cmp.artifacts.lockfile import Lock
    from cmp.context import Context
    from cmp.model import Tool


class StoredArchive(NamedTuple):
    """An archive in the cache; `used` is the time of its last use in seconds since 1970, good to an hour."""

    record: Record
    path: str
    size: int
    used: float


class Refreshed(NamedTuple):
    """An archive that was fetched again; both digests are equal when the repository still has the same archive."""

    key: Key
    before: str
    after: str


def stored(cache: ChartCache) -> list[StoredArchive]:
    """List the archives in the cache, by repository, name and version."""
    archives = []
    for record in cache.records():
        path = cache.path(record)
        try:
            status = os.stat(path)
        except OSError:
            continue
        archives.append(StoredArchive(record, path, size=status.st_size, used=status.st_mtime))
    return archives


def verify(cache: ChartCache) -> Iterator[tuple[Record, str]]:
    """Yield every archive with its problem, or ""."""
    for archive in stored(cache):
        yield archive.record, _problem(archive.record, archive.path)


def _problem(record: Record, path: str) -> str:
    with open(path, "rb") as file:
        data = file.read()
    digest = sha256(data)
    if digest != record.sha256:
        return f"is damaged: its sha256 is {digest}, not {record.sha256}; the next render fetches it again"
    if not record.key.is_chart:
        return ""
    try:
        archive = inspect(data, record.key.name)
    except ChartError as error:
        return f"must not be used: {error.what}"
    if (archive.name, archive.version) != (record.key.name, record.version):
        return f"is another chart: {archive.name} {archive.version}"
    return ""


def prune(cache: ChartCache, older_than: float | None, max_bytes: int | None) -> list[StoredArchive]:
    """Remove archives not used for so many seconds, then the least recently used until the rest fits; return them.

    ChartError for a folder without the tag of a cache.
    """
    if not os.path.exists(cache.folder):
        return []
    if not cache.is_tagged:
        raise ChartError(
            f"{cache.folder} has no {TAG}, so nothing in it is removed",
            hint="does CMP_CACHE_DIR name the right folder?",
        )
    removed: list[StoredArchive] = []
    kept: list[StoredArchive] = []
    limit = None if older_than is None else time.time() - older_than
    for archive in sorted(stored(cache), key=lambda archive: archive.used):
        (removed if limit is not None and archive.used < limit else kept).append(archive)
    while max_bytes is not None and kept and sum(archive.size for archive in kept) > max_bytes:
        removed.append(kept.pop(0))
    for archive in removed:
        cache.remove(archive.record)
    cache.sweep()
    if limit is not None:
        cache.forget_notes(limit)
    return removed


def warm(lock: Lock, helm: Tool, context: Context, policy_check: PolicyCheck | None = None) -> None:
    """Fetch every chart of a lock that is not in the cache yet; ConfigError when one is not permitted."""
    entries = repositories.load(context.settings.helm_repository_config)
    charts = []
    for locked in lock.charts:
        is_alias = repositories.is_alias(locked.repository)
        url = repositories.alias_url(locked.repository, entries) if is_alias else locked.repository.rstrip("/")
        if url and not is_url(url):
            raise ChartError(f"the repository of {locked.name} is no URL: {locked.repository!r}", file="cmp.lock")
        if not url:
            raise ChartError(f"nobody defines the repository {locked.repository} of {locked.name}", file="cmp.lock")
        chart = RepositoryChart(
            url=url,
            name=locked.name,
            constraint=locked.constraint,
            version=locked.version,
            sha256=locked.sha256,
            place="cmp.lock",
        )
        charts.append(chart)
        if policy_check:
            policy_check.chart_host(chart.subject, url, "cmp.lock")
    from_repositories(charts, helm, context, policy_check)


def refresh(
    specs: Iterable[str], helm: Tool, context: Context, policy_check: PolicyCheck | None = None
) -> list[Refreshed]:
    """Fetch charts (`name` or `name@version`) again, and accept archives with another digest than before.

    The versions of their ranges are asked for again too.  UsageError for a chart that was never in the cache.
    """
    cache = ChartCache(context.settings.cache_dir)
    records: dict[Key, Record] = {}
    for spec in specs:
        name, _, version = spec.partition("@")
        of_name = [record for record in cache.records() if record.key.name == name and _is_remote(record.key)]
        fitting = [record for record in of_name if not version or versions.is_same(version, record.version)]
        if not fitting:
            raise UsageError(f"the cache knows no chart {spec}", hint="`cmp cache list` shows what it knows")
        records |= {record.key: record for record in fitting}
    charts = [
        RepositoryChart(
            url=key.repository, name=key.name, constraint=key.version, version=key.version, sha256="", place=""
        )
        for key in records
    ]
    for chart in charts:
        if policy_check:
            policy_check.chart_host(chart.subject, chart.url, "")
    archives = refetch(charts, helm, context, policy_check)
    for key in records:
        forget_ranges(key.repository, key.name, context)
    return [
        Refreshed(key, before=record.sha256, after=archive.sha256)
        for (key, record), archive in zip(records.items(), archives, strict=True)
    ]


def _is_remote(key: Key) -> bool:
    """Say whether the key is that of a chart of a repository."""
    return key.is_chart and not key.repository.startswith(SOURCE)
