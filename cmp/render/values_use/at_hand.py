"""The files of a chart that are at hand, in the tree or in the cache: nothing is fetched, and no program runs."""

from __future__ import annotations

import io
import posixpath
import tarfile
import zlib
from typing import TYPE_CHECKING

from cmp.artifacts.cache import ChartCache, Key
from cmp.artifacts.charts import ChartWork, dependencies, repository_charts
from cmp.artifacts.charts.dependencies import LOCAL
from cmp.errors import CmpError
from cmp.model import Tool
from cmp.repository.values.chart import whole
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.artifacts.charts.dependencies import Dependency
    from cmp.artifacts.lockfile import Lock
    from cmp.context import Context
    from cmp.model import Instance
    from cmp.system.tree import Tree

MOST_BYTES = 32 << 20  # of a chart with all its subcharts
NO_TOOL = Tool("helm", "", "", "")  # no range of versions is asked about


class NotAtHandError(Exception):
    """A part of the chart would have to be fetched, or cannot be read."""


def chart_of(tree: Tree, instance: Instance, lock: Lock | None, context: Context) -> Mapping[str, bytes]:
    """Return the files of the chart that helm renders, subcharts included, by their paths in it; or NotAtHandError."""
    shelf = _Shelf(tree, lock, context)
    try:
        return shelf.named(instance) if instance.chart else shelf.folder(instance.chart_folder)
    except (CmpError, tarfile.TarError, OSError, EOFError, zlib.error) as error:  # a render reports it
        raise NotAtHandError from error


class _Shelf:
    """The tree and the cache, from which charts are taken."""

    def __init__(self, tree: Tree, lock: Lock | None, context: Context) -> None:
        self._tree = tree
        self._lock = lock
        self._context = context
        self._cache = ChartCache(context.settings.cache_dir)
        self._room = MOST_BYTES

    def named(self, instance: Instance) -> dict[str, bytes]:
        """Return the chart of a repository that an instance names."""
        work = ChartWork(self._tree, "", "", NO_TOOL, self._lock)
        charts = repository_charts(work, [instance.chart] if instance.chart else [], self._context)
        found = [self._archive(Key(one.url, one.name, one.version), one.sha256) for one in charts if one.version]
        if not found:
            raise NotAtHandError
        with tarfile.open(fileobj=io.BytesIO(found[0]), mode="r:gz") as archive:
            members = [(member.name.partition("/")[2], archive.extractfile(member)) for member in archive]
            return whole((path, self._bounded(file.read())) for path, file in members if file)

    def folder(self, folder: str, parents: tuple[str, ...] = ()) -> dict[str, bytes]:
        """Return the chart in a folder of the tree, with its dependencies in charts/."""
        if folder in parents:
            raise NotAtHandError
        files = whole(self._files(folder, ""))
        config = self._context.settings.helm_repository_config
        wanted, _ = dependencies.read(self._tree, folder, self._cache, config)
        there = {path.split("/")[1] for path in files if path.startswith("charts/")}
        for dependency in wanted:
            if not any(name == dependency.name or name.startswith(f"{dependency.name}-") for name in there):
                files |= dict(self._below(dependency, folder, (*parents, folder)))
        return files

    def _below(self, dependency: Dependency, folder: str, parents: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        place = f"charts/{dependency.name}"
        if dependency.is_local:
            target = posixpath.normpath(join(folder, dependency.repository.removeprefix(LOCAL)))
            inside = self.folder("" if target == "." else target, parents)
            yield from ((f"{place}/{path}", data) for path, data in inside.items())
            return
        locked = self._lock.chart(dependency.repository, dependency.name, dependency.constraint) if self._lock else None
        version = locked.version if locked else dependency.version
        if not version or (self._lock and not locked):
            raise NotAtHandError
        key = Key(dependency.url, dependency.name, version)
        archive = self._archive(key, locked.sha256 if locked else "")
        yield from whole([(f"{place}-{version}.tgz", self._bounded(archive))]).items()

    def _archive(self, key: Key, sha256: str) -> bytes:
        archive = self._cache.find(key, sha256)
        if archive is None:
            raise NotAtHandError
        return archive.data

    def _files(self, folder: str, below: str) -> Iterator[tuple[str, bytes]]:
        for entry in self._tree.entries(join(folder, below)):
            path = join(below, entry.name)
            if entry.kind == "folder" and not entry.is_link:
                yield from self._files(folder, path)
            elif entry.kind == "file":
                yield path, self._bounded(self._tree.read(join(folder, path)))
            else:  # a circle perhaps, or a link that leads nowhere
                raise NotAtHandError

    def _bounded(self, data: bytes) -> bytes:
        self._room -= len(data)
        if self._room < 0:
            raise NotAtHandError
        return data
