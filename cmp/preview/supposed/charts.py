"""Versions of charts, wherever the repository names them: dependencies, `chart`, helmCharts and Applications.

A chart of a helmfile is not among them: its file is a template.  A chart of the tree has the version that it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.argocd.document import GROUP, KUSTOMIZATIONS, chart_of_template
from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts import vendored
from cmp.artifacts.charts.dependencies import DECLARATIONS, LOCAL
from cmp.changes import Supposition
from cmp.errors import ConfigError, UsageError, suggestion
from cmp.preview.declarations import EVERY_FILE
from cmp.preview.supposed import locks
from cmp.preview.supposed.locks import LockedDependency
from cmp.repository.config import APP_FILE, FILE
from cmp.system.globs import whole_match
from cmp.system.tree import join
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.context import Context
    from cmp.preview.supposed.asked import ChartVersion
    from cmp.preview.supposed.edits import Edits
    from cmp.repository.edit import Path

WHERE = (
    "looked at are dependencies of charts, `chart` in cmp.yaml and cmp-app.yaml, helmCharts of kustomizations and "
    "sources of Applications"
)


class Fields(NamedTuple):
    """The keys under which a map names a chart, its version and its repository."""

    name: str
    version: str
    repository: str


class Named(NamedTuple):
    """A version of a chart of a repository in a file: the document, and the path of keys that leads to it."""

    file: str
    document: int
    path: Path
    name: str
    version: str
    repository: str


DEPENDENCY = Fields("name", "version", "repository")
APPLICATION_SOURCE = Fields("chart", "targetRevision", "repoURL")
OF_KUSTOMIZATIONS = {
    "helmCharts": Fields("name", "version", "repo"),
    "helmChartInflationGenerator": Fields("chartName", "chartVersion", "chartRepo"),
}


def chart(edits: Edits, asked: ChartVersion, context: Context) -> Supposition:
    """Set the version of a chart in every file that names it, with the locks that bind it.

    UsageError for a chart that no file names, and where each names this version already.
    """
    found = [*named(edits)]
    wanted = [one for one in found if one.name == asked.name]
    if not wanted:
        raise UsageError(
            f"--chart {asked.text}: no file names a chart {asked.name} of a repository",
            hint=f"{suggestion(asked.name, {one.name for one in found})} ({WHERE})",
        )
    others = [one for one in wanted if one.version != asked.version]
    if not others:
        raise UsageError(f"--chart {asked.text}: {wanted[0].file} names this version already")
    places = [_set(edits, one, asked.version) for one in others]
    indexes: dict[str, list[int]] = {}
    for one in others:
        if one.file.rpartition("/")[2] in DECLARATIONS and isinstance(index := one.path[1], int):
            indexes.setdefault(one.file, []).append(index)
    for file, of_file in indexes.items():
        locks.lock_dependencies(edits, file, of_file, asked.version, context.settings.helm_repository_config)
        _remove_vendored(edits, file, asked, context)
    before = [
        LockedDependency(one.repository, one.name, one.version, place)
        for one, place in zip(others, places, strict=True)
    ]
    locks.lock_charts(edits, before, asked.version, context)
    return Supposition(f"chart {asked.name} {asked.version}", tuple(places))


def named(edits: Edits) -> Iterator[Named]:
    """Yield each version of a chart of a repository that a file of the tree names, file by file."""
    tree, repository = edits.edited, edits.repository
    patterns = repository.config.preview.application_files if repository.config.source else EVERY_FILE
    paths = [path for path in sorted(tree.blobs) if tree.kind(path) == "file" and tree.resolve(path) == path]
    tree.load(path for path in paths if path.endswith((".yaml", ".yml")))
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name in DECLARATIONS and not _is_vendored(edits, folder):
            yield from _entries(path, _content(edits, path), {"dependencies": DEPENDENCY})
        elif name in KUSTOMIZATIONS:
            yield from _entries(path, _content(edits, path), OF_KUSTOMIZATIONS)
        elif path == FILE or name == APP_FILE:
            yield from _in_maps(path, _content(edits, path), DEPENDENCY, key="chart")
        elif any(whole_match(pattern, path) for pattern in patterns) and chart_of_template(tree, path) is None:
            yield from _of_applications(path, _content(edits, path))


def _content(edits: Edits, path: str) -> bytes:
    """Return the content of a file; one that cannot be read names no chart, and the comparison reports it."""
    try:
        return edits.read(path)
    except ConfigError:
        return b""


def _set(edits: Edits, one: Named, version: str) -> str:
    return edits.set_text(one.file, one.path, version, document=one.document)


def _is_vendored(edits: Edits, folder: str) -> bool:
    """Say whether a chart lies in charts/ of another one, which has it as it is."""
    above, charts, _ = f"/{folder}".rpartition("/charts/")
    return bool(charts) and edits.edited.kind(join(above.strip("/"), "Chart.yaml")) == "file"


def _remove_vendored(edits: Edits, declaration: str, asked: ChartVersion, context: Context) -> None:
    """Remove other versions of a chart from charts/ of the chart that depends on it, as `helm dependency update` does.

    The chart is then restored as any that Git has not.
    """
    folder = declaration.rpartition("/")[0]
    for one in vendored.find(edits.edited, folder, ChartCache(context.settings.cache_dir)):
        if one.name == asked.name and one.version != asked.version.removeprefix("v"):
            edits.remove(one.path)


def _entries(file: str, data: bytes, keys: dict[str, Fields]) -> Iterator[Named]:
    """Yield the charts in the lists at the top of a file's first document."""
    for value in yamldoc.load_maps(data)[:1]:
        for key, fields in keys.items():
            entries = value.get(key)
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                yield from _named(file, 0, (key, index), entry, fields)


def _in_maps(file: str, data: bytes, fields: Fields, *, key: str) -> Iterator[Named]:
    """Yield the charts that are maps under a key, wherever that is in a file's first document."""
    for value in yamldoc.load_maps(data)[:1]:
        for path, inner in _walk(value):
            if path and path[-1] == key:
                yield from _named(file, 0, path, inner, fields)


def _of_applications(file: str, data: bytes) -> Iterator[Named]:
    """Yield the charts of all sources in Applications and ApplicationSets of a file, in lists of them too."""
    if GROUP.encode() not in data or APPLICATION_SOURCE.name.encode() not in data:
        return
    try:
        documents = yamldoc.load_all(data)
    except yamldoc.YamlError:  # the comparison reports it
        return
    for index, document in enumerate(documents):
        for above, value in _objects(document):
            for path, inner in _walk(value):
                yield from _named(file, index, (*above, *path), inner, APPLICATION_SOURCE)


def _objects(document: object) -> Iterator[tuple[Path, dict[str, object]]]:
    """Yield the objects of Argo CD in a document: itself, or the items of a list."""
    items = mapping(document).get("items") if isinstance(document, dict) else document
    above: Path = ("items",) if isinstance(document, dict) else ()
    listed: Iterable[tuple[Path, object]] = [((), document)]
    if isinstance(items, list):
        listed = [((*above, index), item) for index, item in enumerate(items)]
    for path, value in listed:
        if isinstance(value, dict) and str(value.get("apiVersion") or "").startswith(GROUP):
            yield path, value


def _named(file: str, document: int, path: Path, value: object, fields: Fields) -> Iterator[Named]:
    """Yield the chart that a map names, unless it lies in the tree or a template makes its version."""
    entry = mapping(value)
    name, version, repository = (entry.get(field) for field in fields)
    if not (isinstance(name, str) and isinstance(version, str) and isinstance(repository, str)):
        return
    if repository and not repository.startswith(LOCAL) and "{{" not in version:
        yield Named(file, document, (*path, fields.version), name, version, repository)


def _walk(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield a value and all that is in it, each with its path."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from _walk(item, (*path, key))
