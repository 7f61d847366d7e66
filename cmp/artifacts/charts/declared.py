"""What a chart asks for: Chart.yaml and Chart.lock (requirements.yaml and .lock in charts of apiVersion v1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.system.digest import sha256
from cmp.system.tree import join

if TYPE_CHECKING:
    from cmp.artifacts.cache import ChartCache
    from cmp.system.tree import Tree

FILES = ("Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock")


class Dependency(NamedTuple):
    """One entry of `dependencies`.

    `repository` is as written, `url` with aliases replaced; `version` is the exact version that is asked for, by
    itself or by a current lock, and "" where a range must be resolved.  `place` is `Chart.yaml:7` below the root.
    """

    name: str
    constraint: str
    repository: str
    url: str
    version: str
    place: str

    @property
    def is_local(self) -> bool:
        """Whether it lies in the same tree, where there is one version and nothing to lock."""
        return self.repository.startswith("file://")


def read(tree: Tree, folder: str, cache: ChartCache, repository_config: str) -> tuple[list[Dependency], str]:
    """Return what the chart in `folder` asks for, and the path of a lock that is out of date, or "".

    ChartError for an entry that cannot be understood.  The result depends on nothing but the files, so that it is kept
    in the cache: a warm run parses no YAML for it.
    """
    files = {name: _content(tree, join(folder, name)) for name in FILES}
    config = _mounted(repository_config)
    text = "\n".join([*Dependency._fields, folder, *(sha256(data) for data in (*files.values(), config))])
    kept = cache.note("declared", text)
    if isinstance(kept, list):
        return [Dependency(*fields) for fields in kept[0]], kept[1]
    from cmp.artifacts.charts.chartfile import parse  # noqa: PLC0415  # only when it is not known yet

    declared = parse(folder, files, repository_config)
    cache.keep("declared", text, declared)
    return declared


def _content(tree: Tree, path: str) -> bytes:
    return tree.read(path) if tree.kind(path) == "file" else b""


def _mounted(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
