"""The folders of a tree, with what tells which of them are applications: engines' files, values files, references."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.registry import HELM, KUSTOMIZE
from cmp.errors import ConfigError
from cmp.repository.config.model import SUFFIXES
from cmp.repository.instances.markers import is_component
from cmp.repository.scaffold.folders.words import FOREIGN
from cmp.secrets import sops
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.model import EngineTraits
    from cmp.system.tree import Entry, Tree

MAX_DEPTH = 8  # segments of a path: no usual layout is deeper
YAML = (".yaml", ".yml")
_LIBRARY = re.compile(rb"^type:\s*[\"']?library\b", re.MULTILINE)
_OF_FILE = re.compile(rb"file://([^\s\"'#]+)")
_HELM_CHARTS = re.compile(rb"^helmCharts(?:InflationGenerator)?:|^helmChartInflationGenerator:", re.MULTILINE)
_NAMED = re.compile(rb"(?<![\w./@:-])[\w.][\w./-]*")  # what may be a path in a kustomization
MAX_NAMED = 64 * 1024  # bytes of a kustomization that are searched for paths


class Folder(NamedTuple):
    """A folder with the names of its YAML files; `engines` are those whose file it holds.

    `encrypted` are the files that sops encrypted, `empty` those without a value that it could encrypt, `objects` those
    that look like Kubernetes objects, or like the templates of some.  `named` are the
    paths that its kustomization or chart names.  A library chart, and a component of kustomize, is no engine's.
    With `is_taken` a folder such as examples is like all others.
    """

    path: str
    engines: tuple[str, ...]
    files: tuple[str, ...]
    encrypted: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    named: tuple[str, ...] = ()
    has_helm_charts: bool = False
    is_taken: bool = False

    @property
    def segments(self) -> tuple[str, ...]:
        """The names on the way from the root."""
        return tuple(self.path.split("/")) if self.path else ()

    @property
    def is_foreign(self) -> bool:
        """Tell whether it lies in a folder that is never deployed, such as docs or tests."""
        return not self.is_taken and not FOREIGN.isdisjoint(self.segments)


def walk(tree: Tree, engines: Mapping[str, EngineTraits]) -> list[Folder]:
    """Return every folder with a YAML file or an engine's file, by path; links and hidden ones are not entered.

    Where no folder has the file of an engine, those with Kubernetes objects are the plain engine's.  Folders such as
    examples count where nothing else holds an application.
    """
    folders = list(_walk(tree, "", {name: traits for name, traits in engines.items() if not traits.is_fallback}))
    marked = [folder for folder in folders if folder.engines]
    if all(folder.is_foreign for folder in marked):  # examples of charts are what this repository is about
        folders = [folder._replace(is_taken=True) for folder in folders]
    if marked:
        return folders
    plain = tuple(name for name, traits in engines.items() if traits.is_fallback)
    return [folder._replace(engines=plain) if folder.objects else folder for folder in folders]


def _walk(tree: Tree, path: str, engines: Mapping[str, EngineTraits]) -> Iterator[Folder]:
    entries = [entry for entry in tree.entries(path) if not entry.name.startswith(".") and not entry.is_link]
    names = [entry.name for entry in entries]
    marked = tuple(name for name, traits in engines.items() if _has_any(names, traits.markers))
    files = tuple(entry.name for entry in entries if entry.kind == "file" and entry.name.endswith(YAML))
    if marked or files:
        yield _folder(tree, path, marked, files)
    claimed = {claim.removesuffix("/**") for name in marked for claim in engines[name].claims}
    for entry in entries:
        if _is_entered(entry, claimed) and path.count("/") < MAX_DEPTH - 1:
            yield from _walk(tree, join(path, entry.name), engines)


def _is_entered(entry: Entry, claimed: set[str]) -> bool:
    """Say whether a folder is read: what a chart claims is its own, such as templates and subcharts."""
    return entry.kind == "folder" and entry.name not in claimed


def _folder(tree: Tree, path: str, marked: tuple[str, ...], files: tuple[str, ...]) -> Folder:
    contents = {name: _content(tree, join(path, name)) for name in files}
    named: list[str] = []
    engines = list(marked)
    if HELM in marked:
        chart = contents.get("Chart.yaml", b"")
        named += (text.decode(errors="replace") for text in _OF_FILE.findall(chart))
        if _LIBRARY.search(chart):
            engines.remove(HELM)
    has_helm_charts = False
    if KUSTOMIZE in marked:
        data = next((contents[name] for name in ("kustomization.yaml", "kustomization.yml") if name in contents), None)
        data = data if data is not None else _content(tree, join(path, "Kustomization"))
        named += (text.decode() for text in _NAMED.findall(data[:MAX_NAMED]))
        has_helm_charts = _HELM_CHARTS.search(data) is not None
        if b"Component" in data and is_component(tree, path):
            engines.remove(KUSTOMIZE)
    return Folder(
        path=path,
        engines=tuple(engines),
        files=files,
        encrypted=frozenset(name for name, data in contents.items() if sops.is_encrypted(name, data)),
        empty=frozenset(name for name, data in contents.items() if sops.holds_nothing(data)),
        objects=frozenset(name for name, data in contents.items() if _is_object(data)),
        named=tuple(_resolved(path, dict.fromkeys(named))),
        has_helm_charts=has_helm_charts,
    )


def _resolved(folder: str, named: dict[str, None]) -> Iterator[str]:
    for text in named:
        path = posixpath.normpath(posixpath.join(folder, text))
        if path != folder and not path.startswith(("..", "/")):
            yield path


def _is_object(data: bytes) -> bool:
    lines = b"\n" + data
    return b"\nkind:" in lines and b"\napiVersion:" in lines


def _has_any(names: list[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _content(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except ConfigError:  # too large or unreadable: the command that uses the file reports it
        return b""


def secret_suffixes(folders: Sequence[Folder]) -> list[str]:
    """Return the suffixes, such as `.secret.yaml`, that encrypted files have and no file in clear has.

    An empty file with the default suffix counts as encrypted: its name is chosen for later content.
    """
    encrypted = {_suffix(name) for folder in folders for name in folder.encrypted}
    empty = {_suffix(name) for folder in folders for name in folder.empty}
    plain = {_suffix(name) for folder in folders for name in {*folder.files} - folder.encrypted - folder.empty}
    return sorted((encrypted | (empty & {*SUFFIXES})) - plain - {""})


def _suffix(name: str) -> str:
    parts = name.split(".")
    return f".{parts[-2]}.{parts[-1]}" if len(parts) > 2 else ""  # noqa: PLR2004  # name.secret.yaml
