"""Fetch what the cache lacks: ranges are resolved first, then each archive is pulled once, whoever asks for it."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from cmp import facts
from cmp.chartcache import ChartCache, Key
from cmp.charts import faults, repositories, versions
from cmp.charts.archive import MAX_PACKED_BYTES, inspect
from cmp.charts.helm import Helm, failed
from cmp.charts.remote import RANGE_SECONDS, Wanted, recalled
from cmp.errors import ChartError
from cmp.locks import single_flight
from cmp.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.chartcache import Archive
    from cmp.context import Context
    from cmp.model import Tool
    from cmp.proc import Command


def fetch(missing: Sequence[Wanted], tool: Tool, context: Context) -> dict[Wanted, Archive]:
    """Return the archives, in the cache from now on; ChartError for the first that cannot be had."""
    with Workspace(context.settings.tmp_dir) as workspace:
        fetcher = _Fetcher(Helm(tool, workspace, context), context)
        exact = fetcher.resolve(missing)
        found = fetcher.obtain({one.key: one for one in exact.values()})
        return {one: found[exact[one].key] for one in missing}


def refetch(wanted: Sequence[Wanted], tool: Tool, context: Context) -> list[Archive]:
    """Pull exact versions again, and take them into the cache whatever was there before."""
    with Workspace(context.settings.tmp_dir) as workspace:
        return _Fetcher(Helm(tool, workspace, context), context).replace(wanted)


class _Fetcher:
    """The steps of one fetch, sharing homes and indexes."""

    def __init__(self, helm: Helm, context: Context) -> None:
        self._helm = helm
        self._context = context
        self._cache = ChartCache(context.settings.cache_dir)
        self._fetched: set[Key] = set()

    def resolve(self, missing: Sequence[Wanted]) -> dict[Wanted, Wanted]:
        """Give every range its version, and remember it for a while."""
        ranges = list({one.fact: one for one in missing if not one.version}.values())
        with self._flights(Key(one.url, one.name, one.constraint) for one in ranges):
            known = {one.fact: recalled(one, self._context).version for one in ranges}  # found out while we waited?
            unknown = [one for one in ranges if not known[one.fact]]
            for one, version in [*self._search(_of_http(unknown)), *self._pull_newest(_of_oci(unknown))]:
                facts.remember(self._context.settings.state_dir, one.fact, version, RANGE_SECONDS)
                known[one.fact] = version
        return {one: one if one.version else one._replace(version=known[one.fact]) for one in missing}

    def obtain(self, wanted: Mapping[Key, Wanted]) -> dict[Key, Archive]:
        """Pull exact versions, unless somebody else did so while we waited for our turn."""
        found: dict[Key, Archive] = {}
        with self._flights(wanted):
            for key, one in wanted.items():
                if archive := self._cache.find(key, one.sha256):
                    found[key] = archive._replace(is_fetched=key in self._fetched)
            rest = [one for key, one in wanted.items() if key not in found]
            self._index(rest)
            for one, archive in zip(rest, self._pull(rest), strict=True):
                self._publish(one, archive)
                found[one.key] = archive._replace(is_fetched=True)
        return found

    def replace(self, wanted: Sequence[Wanted]) -> list[Archive]:
        """Pull exact versions, and forget what the cache had under their keys."""
        with self._flights(one.key for one in wanted):
            self._index(wanted)
            archives = self._pull(wanted)
            for one, archive in zip(wanted, archives, strict=True):
                _identify(one, archive)
                self._cache.forget(one.key)
                self._cache.publish(one.key, archive)
            return archives

    @contextmanager
    def _flights(self, keys: Iterable[Key]) -> Iterator[None]:
        """Hold the locks of all keys, in one order for everybody, so that no two wait for each other."""
        with ExitStack() as stack:
            for path in sorted({self._cache.lock(key) for key in keys}):
                stack.enter_context(single_flight(path, self._context.deadline.remaining()))
            yield

    def _index(self, wanted: Sequence[Wanted]) -> None:
        complaints = self._helm.index([one.url for one in wanted])
        for one in wanted:
            if one.url in complaints:
                raise failed(f"{one.subject}: cannot fetch the index", complaints[one.url], one.place)

    def _search(self, wanted: Sequence[Wanted]) -> Iterator[tuple[Wanted, str]]:
        """Ask helm which version of an index a range means; the index is all that is fetched."""
        self._index(wanted)
        arguments = ("search", "repo", "--output=json")
        commands = [
            self._helm.offline(
                self._helm.home(one.url), f"search ({one.url})", *arguments, f"--version={one.constraint}"
            )
            for one in wanted
        ]
        for one, result in zip(wanted, self._helm.run(commands), strict=True):
            if text := faults.complaint(result):
                raise failed(one.subject, text, one.place)
            version = _found(result.stdout, one).get(f"{repositories.NAME}/{one.name}", "")
            if not version:
                raise failed(one.subject, "no chart version found", one.place)
            yield one, version

    def _pull_newest(self, wanted: Sequence[Wanted]) -> Iterator[tuple[Wanted, str]]:
        """Let helm choose among the tags of a registry, which it does only while it pulls."""
        for one, archive in zip(wanted, self._pull(wanted), strict=True):
            exact = one._replace(version=archive.version)
            self._publish(exact, archive)
            yield one, archive.version

    def _pull(self, wanted: Sequence[Wanted]) -> list[Archive]:
        folders = [self._helm.folder() for _ in wanted]
        pairs = list(zip(wanted, folders, strict=True))
        results = self._helm.run([self._pull_command(one, folder) for one, folder in pairs])
        plain = [
            index for index, result in enumerate(results) if _wants_plain_http(wanted[index], faults.complaint(result))
        ]
        again = self._helm.run([self._pull_command(*pairs[index], "--plain-http") for index in plain])
        for index, result in zip(plain, again, strict=True):
            results[index] = result
        for one, result in zip(wanted, results, strict=True):
            if text := faults.complaint(result):
                raise failed(one.subject, text, one.place)
        return [inspect(_newest_file(folder, one), one.subject) for one, folder in pairs]

    def _pull_command(self, one: Wanted, folder: str, *flags: str) -> Command:
        is_oci = one.url.startswith("oci://")
        reference = f"{one.url if is_oci else repositories.NAME}/{one.name}"
        version = f"--version={one.version or one.constraint}"
        home = self._helm.home(one.url)
        return self._helm.command(
            home, f"pull ({one.subject})", "pull", reference, version, f"--destination={folder}", *home.flags, *flags
        )

    def _publish(self, one: Wanted, archive: Archive) -> None:
        """Put an archive into the cache if it is what was asked for, and what it was the last time."""
        _identify(one, archive)
        if one.sha256:
            _compare(one, archive.sha256, one.sha256, "cmp.lock says", "`cmp lock`")
        elif before := self._cache.record(one.key):
            _compare(one, archive.sha256, before.sha256, "it was", f"`cmp cache refresh {one.name}@{one.version}`")
        self._cache.publish(one.key, archive)
        self._fetched.add(one.key)


def _identify(one: Wanted, archive: Archive) -> None:
    if archive.name != one.name or not versions.is_same(one.version, archive.version):
        raise ChartError(
            f"{one.subject}: the repository gave {archive.name} {archive.version} instead", file=one.place, foreign=True
        )


def _compare(one: Wanted, found: str, expected: str, says: str, remedy: str) -> None:
    if found != expected:
        raise ChartError(
            f"{one.subject} has changed: its sha256 is {found}, {says} {expected}",
            file=one.place,
            hint=f"a published version must not change: find out why it did; {remedy} accepts it",
            foreign=True,
        )


def _of_http(wanted: Sequence[Wanted]) -> list[Wanted]:
    return [one for one in wanted if not one.url.startswith("oci://")]


def _of_oci(wanted: Sequence[Wanted]) -> list[Wanted]:
    return [one for one in wanted if one.url.startswith("oci://")]


def _wants_plain_http(one: Wanted, complaint: str) -> bool:
    """Say whether a registry on this machine answered without TLS, which is allowed nowhere else."""
    return faults.PLAIN_HTTP in complaint and repositories.is_loopback(one.url)


def _found(stdout: bytes, one: Wanted) -> dict[str, str]:
    """Read what `helm search repo` printed, as name -> version."""
    try:
        return {chart["name"]: chart["version"] for chart in json.loads(stdout)}
    except (ValueError, LookupError, TypeError):
        raise failed(one.subject, "it reported success and printed no list of charts", one.place) from None


def _newest_file(folder: str, one: Wanted) -> bytes:
    with os.scandir(folder) as entries:  # a try that was cut off may have left a part behind
        newest = max(entries, key=lambda entry: entry.stat().st_mtime_ns, default=None)
    if newest is None:
        raise failed(one.subject, "it reported success and left no archive", one.place)
    with open(newest, "rb") as file:
        return file.read(MAX_PACKED_BYTES + 1)
