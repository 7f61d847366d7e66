"""`file://` charts: packaged by helm, so that .helmignore counts, and kept under the digest of their source.

A packaged archive has another digest each time, for it holds times; the digest of its source identifies it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from cmp.artifacts.cache import SOURCE, ChartCache, Key
from cmp.errors import ChartError
from cmp.system.files import sha256
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp.artifacts.cache import Archive
    from cmp.artifacts.charts.plan import LocalChart
    from cmp.context import Context
    from cmp.model import Tool
    from cmp.system.tree import Tree


class Packager:
    """Package the charts of one tree with one helm."""

    def __init__(self, tree: Tree, helm: Tool, context: Context) -> None:
        self._tree = tree
        self._helm = helm
        self._context = context
        self._cache = ChartCache(context.settings.cache_dir)

    def source_digest(self, folder: str, dependencies: Iterable[str]) -> str:
        """Digest everything that decides about a packaged chart: files, digests of dependencies, helm's version."""
        lines = ["\n".join((self._helm.version, *dependencies))]
        for path, data in _files(self._tree, folder):
            lines.append(f"{path}\0{sha256(data)}")
        return sha256("\n".join(lines).encode())

    def obtain(self, local: LocalChart, digest: str, fill: Callable[[str], object]) -> Archive:
        """Return the chart, from the cache or packaged now; `fill` puts its own dependencies into a copy of it."""
        key = Key(f"{SOURCE}{digest}", local.name, local.version)
        if archive := self._cache.find(key):
            return archive
        from cmp.system.locks import single_flight  # noqa: PLC0415  # only where a chart must be packaged

        with single_flight(self._cache.lock(key), self._context.deadline.remaining()):
            if archive := self._cache.find(key):
                return archive
            archive = self._package(local, fill)
            with suppress(ChartError):  # made from the tree: without a cache it only has to be made again
                self._cache.publish(key, archive)
            return archive

    def _package(self, local: LocalChart, fill: Callable[[str], object]) -> Archive:
        from cmp.artifacts.charts.archive import inspect  # noqa: PLC0415  # only where a chart must be packaged
        from cmp.artifacts.charts.helm import Helm, error_text, failed  # noqa: PLC0415
        from cmp.system.workspace import Workspace  # noqa: PLC0415

        folder = local.plan.folder
        with Workspace(self._context.settings.tmp_dir) as workspace:
            copy = workspace.copy_tree(self._tree, folder, "chart")
            fill(copy)
            helm = Helm(self._helm, workspace, self._context)
            target = helm.folder()
            command = helm.offline(helm.home(), f"package ({folder})", "package", copy, f"--destination={target}")
            (result,) = helm.run([command])
            if text := error_text(result):
                raise failed(f"cannot package {folder}", text, join(folder, "Chart.yaml"))
            with open(os.path.join(target, os.listdir(target)[0]), "rb") as file:
                return inspect(file.read(), folder)


def _files(tree: Tree, folder: str, below: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in tree.entries(join(folder, below)):
        path = join(below, entry.name)
        if entry.kind == "folder":
            yield from _files(tree, folder, path)
        elif entry.kind == "file":
            yield path, tree.read(join(folder, path))
