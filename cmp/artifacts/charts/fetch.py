"""Fetch what the cache lacks: ranges are resolved first, then each archive is pulled once, whoever asks for it.

Indexes are there before any lock is taken, and a lock is held while its own chart is pulled and no other: a server that
says nothing keeps nobody from the charts of another one.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import filelock  # noqa: F401  # here, and not in each of the processes that pull

from cmp import versions
from cmp.artifacts import ttl_cache
from cmp.artifacts.cache import ChartCache, Key
from cmp.artifacts.charts import faults, repositories
from cmp.artifacts.charts.archive import MAX_PACKED_BYTES, inspect
from cmp.artifacts.charts.helm import AT_ONCE, Helm, Home, failed
from cmp.artifacts.charts.remote import RANGE_SECONDS, Wanted, recalled
from cmp.artifacts.charts.web import Web
from cmp.errors import ChartError, DeadlineError
from cmp.system import workers
from cmp.system.locks import single_flight
from cmp.system.urls import origin
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.artifacts.cache import Archive
    from cmp.artifacts.charts.plan import Permit
    from cmp.context import Context
    from cmp.model import Tool
    from cmp.system.process import Command

OCI = "oci://"

Made = TypeVar("Made")


def fetch(
    missing: Sequence[Wanted], tool: Tool, context: Context, permit: Permit | None = None
) -> dict[Wanted, Archive]:
    """Return the archives, in the cache from now on; ChartError for the first that cannot be had."""
    with Workspace(context.settings.tmp_dir) as workspace:
        fetcher = _Fetcher(Helm(tool, workspace, context), Web(context, permit), context)
        exact = fetcher.resolve(missing)
        found = fetcher.obtain({one.key: one for one in exact.values()})
        return {one: found[exact[one].key] for one in missing}


def refetch(wanted: Sequence[Wanted], tool: Tool, context: Context, permit: Permit | None = None) -> list[Archive]:
    """Pull exact versions again, and take them into the cache whatever was there before."""
    with Workspace(context.settings.tmp_dir) as workspace:
        return _Fetcher(Helm(tool, workspace, context), Web(context, permit), context).replace(wanted)


class _Pull(NamedTuple):
    """A chart, the URL of its archive, and, where that is in a registry, the home and an empty folder for helm."""

    one: Wanted
    url: str
    home: Home | None = None
    folder: str = ""


Item = TypeVar("Item", _Pull, Wanted)


class _Fetcher:
    """The steps of one fetch, sharing homes and indexes."""

    def __init__(self, helm: Helm, web: Web, context: Context) -> None:
        self._helm = helm
        self._web = web
        self._context = context
        self._cache = ChartCache(context.settings.cache_dir)
        self._fetched: set[Key] = set()

    def resolve(self, missing: Sequence[Wanted]) -> dict[Wanted, Wanted]:
        """Give every range its version, and remember it for a while."""
        ranges = list({one.fact: one for one in missing if not one.version}.values())
        known: dict[str, str] = {}
        of_oci = [one for one in ranges if one.url.startswith(OCI)]
        of_http = [one for one in ranges if not one.url.startswith(OCI)]
        newest = _each([self._pulled(one) for one in of_oci], self._newest)
        self._fetched |= {
            Key(one.url, one.name, found.version) for one, found in zip(of_oci, newest, strict=True) if found.is_fetched
        }
        of_tags = [(one, found.version) for one, found in zip(of_oci, newest, strict=True)]
        for one, version in [*self._search(of_http), *of_tags]:
            ttl_cache.remember(self._context.settings.state_dir, one.fact, version, RANGE_SECONDS)
            known[one.fact] = version
        return {one: one if one.version else one._replace(version=known[one.fact]) for one in missing}

    def obtain(self, wanted: Mapping[Key, Wanted]) -> dict[Key, Archive]:
        """Pull exact versions, unless the cache has them by now."""
        found: dict[Key, Archive] = {}
        for key, one in wanted.items():
            if archive := self._cache.find(key, one.sha256):
                found[key] = archive._replace(is_fetched=key in self._fetched)
        rest = [one for key, one in wanted.items() if key not in found]
        self._index(rest)
        archives = _each([self._pulled(one) for one in rest], self._obtained)
        return found | {one.key: archive for one, archive in zip(rest, archives, strict=True)}

    def replace(self, wanted: Sequence[Wanted]) -> list[Archive]:
        """Pull exact versions, and forget what the cache had under their keys."""
        self._index(wanted)
        return _each([self._pulled(one) for one in wanted], self._replaced)

    def _obtained(self, pull: _Pull) -> Archive:
        with self._flight(pull, pull.one.key):
            if archive := self._cache.find(pull.one.key, pull.one.sha256):  # somebody else was faster
                return archive
            archive = self._pull(pull)
            self._publish(pull.one, archive)
            return archive._replace(is_fetched=True)

    def _replaced(self, pull: _Pull) -> Archive:
        with self._flight(pull, pull.one.key):
            archive = self._pull(pull)
            _identify(pull.one, archive)
            self._cache.forget(pull.one.key)
            self._cache.publish(pull.one.key, archive)
            return archive

    def _newest(self, pull: _Pull) -> Archive:
        """Let helm choose among the tags of a registry, which it does only while it pulls; publish what came."""
        with self._flight(pull, Key(pull.one.url, pull.one.name, pull.one.constraint)):
            known = recalled(pull.one, self._context)
            if known.version and (found := self._cache.find(known.key)):  # somebody else was faster
                return found
            archive = self._pull(pull)
            self._publish(pull.one._replace(version=archive.version), archive)
            return archive._replace(is_fetched=True)

    @contextmanager
    def _flight(self, pull: _Pull, key: Key) -> Iterator[None]:
        """Hold the lock of one chart; DeadlineError when another process was still pulling it to the last."""
        deadline = self._context.deadline
        with single_flight(self._cache.lock(key), deadline.remaining()) as is_held:
            if not is_held and deadline.remaining() <= 0:
                raise DeadlineError(
                    f"{pull.one.subject} was still coming from {origin(pull.url).netloc}, to another process, when the "
                    f"deadline of {deadline.seconds:g} s passed",
                    is_external=True,
                )
            yield

    def _index(self, wanted: Sequence[Wanted]) -> None:
        """Download the indexes of HTTP repositories, each once."""
        of_http = {one.url: one for one in wanted if not one.url.startswith(OCI)}
        new = [one for url, one in of_http.items() if not self._web.has_index(url)]
        for one, data in zip(new, _each(new, self._web.download_index), strict=True):
            self._web.take_index(one, data)

    def _search(self, wanted: Sequence[Wanted]) -> Iterator[tuple[Wanted, str]]:
        """Ask helm which version of an index a range means."""
        self._index(wanted)
        commands = []
        for one in wanted:
            home = self._helm.repository(one.url, self._web.index(one.url))
            arguments = ("search", "repo", "--output=json", f"--version={one.constraint}")
            commands.append(self._helm.offline(home, f"search ({one.url})", *arguments))
        for one, result in zip(wanted, self._helm.run(commands), strict=True):
            if text := faults.complaint(result):
                raise failed(one.subject, text, one.place)
            version = _found(result.stdout, one).get(f"{repositories.NAME}/{one.name}", "")
            if not version:
                raise failed(one.subject, "no chart version found", one.place)
            yield one, version

    def _pulled(self, one: Wanted) -> _Pull:
        """Find where the archive of a chart is, and make ready what helm needs for one in a registry."""
        url = f"{one.url}/{one.name}" if one.url.startswith(OCI) else self._web.archive_url(one)
        if not url.startswith(OCI):
            return _Pull(one, url)
        self._web.check_registry(one, url)
        return _Pull(one, url, self._helm.registry(url), self._helm.folder())

    def _pull(self, pull: _Pull) -> Archive:
        if pull.home is None:
            return inspect(self._web.archive(pull.one, pull.url), pull.one.subject)
        command = partial(self._pull_command, pull, pull.home)
        (result,) = self._helm.run([command()])
        if _wants_plain_http(pull.url, faults.complaint(result)):
            (result,) = self._helm.run([command("--plain-http")])
        if text := faults.complaint(result):
            raise failed(pull.one.subject, text, pull.one.place)
        return inspect(_newest_file(pull.folder, pull.one), pull.one.subject)

    def _pull_command(self, pull: _Pull, home: Home, *flags: str) -> Command:
        reference, version = _reference(pull)
        arguments = ("pull", reference, f"--version={version}", f"--destination={pull.folder}", *flags)
        return self._helm.command(home, f"pull ({pull.one.subject})", *arguments)

    def _publish(self, one: Wanted, archive: Archive) -> None:
        """Put an archive into the cache if it is what was asked for, and what it was the last time."""
        _identify(one, archive)
        if one.sha256:
            _compare(one, archive.sha256, one.sha256, "cmp.lock says", "`cmp lock`")
        elif before := self._cache.record(one.key):
            _compare(one, archive.sha256, before.sha256, "it was", f"`cmp cache refresh {one.name}@{one.version}`")
        self._cache.publish(one.key, archive)


def _each(items: Sequence[Item], work: Callable[[Item], Made]) -> list[Made]:
    """Do the work for each item, a few at once in processes of their own; raise the first error in their order."""
    if len(items) < 2:  # noqa: PLR2004  # one needs no other process
        return [work(item) for item in items]
    subject = ", ".join((item.one if isinstance(item, _Pull) else item).subject for item in items)
    made: dict[int, Made] = {}
    errors: dict[int, Exception] = {}
    for number, outcome in workers.run(items, partial(_tried, work), AT_ONCE, subject=subject):
        if isinstance(outcome, tuple):
            made[number] = outcome[0]
        else:
            errors[number] = outcome or ChartError("a process that fetched charts was killed", is_external=True)
    if errors:
        raise errors[min(errors)]
    return [made[number] for number in range(len(items))]


def _tried(work: Callable[[Item], Made], item: Item) -> tuple[Made] | Exception:
    try:
        return (work(item),)
    except Exception as error:  # noqa: BLE001  # it is raised where it can be heard
        return error


def _reference(pull: _Pull) -> tuple[str, str]:
    """Return what helm calls the archive, and its version: an index may name it with a tag."""
    folder, _, last = pull.url.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{folder}/{name}", tag.replace("_", "+") or pull.one.version or pull.one.constraint


def _identify(one: Wanted, archive: Archive) -> None:
    if archive.name != one.name or not versions.is_same(one.version, archive.version):
        raise ChartError(
            f"{one.subject}: the repository gave {archive.name} {archive.version} instead",
            file=one.place,
            is_external=True,
        )


def _compare(one: Wanted, found: str, expected: str, says: str, remedy: str) -> None:
    if found != expected:
        raise ChartError(
            f"{one.subject} has changed: its sha256 is {found}, {says} {expected}",
            file=one.place,
            hint=f"a published version must not change: find out why it did; {remedy} accepts it",
            is_external=True,
        )


def _wants_plain_http(url: str, complaint: str) -> bool:
    """Say whether a registry on this machine answered without TLS, which is allowed nowhere else."""
    return faults.PLAIN_HTTP in complaint and origin(url).is_loopback


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
