"""What a render depends on, as one digest: two instances with equal fingerprints render equal.

The opposite never goes unseen: whatever a program could read is in it.  It is made without any program and without a
key: secrets count as their ciphertext, and an encrypted file also by the metadata that sops changes with every edit.
Nothing is in it that no program sees, such as the paths of values files.
"""

from __future__ import annotations

import json
import posixpath
import re
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.artifacts import lockfile
from cmp.artifacts.charts import dependencies, own, repositories, schemas
from cmp.artifacts.charts.dependencies import DeclaredDependency
from cmp.engines import ENGINES, engine_of
from cmp.engines.protocol import MEMORY_FILES
from cmp.engines.registry import HELM
from cmp.repository.config import APP_FILE
from cmp.repository.config import FILE as CONFIG_FILE
from cmp.repository.config.values import overlaid
from cmp.secrets import sops
from cmp.system.digest import sha256
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.artifacts.lockfile import Lock
    from cmp.engines.protocol import Needs
    from cmp.model import Instance, Parameters
    from cmp.system.tree import Tree

VERSION = 1  # of what is in a fingerprint
SOPS = "sops"
CONFIGURATION = (CONFIG_FILE, APP_FILE)

_BEGIN = re.compile(rb"\A(?:[ \t\r]*(?:#[^\n]*)?\n)*(?:---(?=\s))?")  # comments, and the line that begins a document
_SECOND = re.compile(rb"^(?:---|\.\.\.)(?:\s|\Z)", re.MULTILINE)


class InputPaths(NamedTuple):
    """Everything of a tree that a render reads: `files` are single ones, `folders` count with all below them.

    `layers` are the values files, weakest first; `behind` what those of them are that are links.
    """

    layers: tuple[str, ...]
    files: tuple[str, ...]
    folders: tuple[str, ...]
    behind: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        """Return whether a file is one of those, the layers left out, but not what is behind them."""
        is_below = any(not folder or path.startswith(f"{folder}/") for folder in self.folders)
        return is_below or path in self.files or path in self.behind

    def select(self, paths: Sequence[str]) -> set[str]:
        """Return those of some sorted paths that are read, as a layer or otherwise."""
        found = {path for path in (*self.layers, *self.files, *self.behind) if _is_in(path, paths)}
        for folder in self.folders:
            start = f"{folder}/" if folder else ""
            first = bisect_left(paths, start)
            last = bisect_left(paths, f"{folder}0") if folder else len(paths)  # the character behind the slash
            found.update(paths[first:last])
        return found


def _is_in(path: str, paths: Sequence[str]) -> bool:
    at = bisect_left(paths, path)
    return at < len(paths) and paths[at] == path


class Layer(NamedTuple):
    """A values file: its value without what sops adds, and a digest of what does not merge."""

    value: Mapping[str, object] | None
    rest: str
    is_encrypted: bool


class FingerprintIndex:
    """The fingerprints of one tree: what several instances share is read once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._digests: dict[str, str] = {}
        self._folders: dict[str, tuple[str, ...]] = {}
        self._readers: dict[tuple[str, ...], bool] = {}
        self._links: dict[str, tuple[str, ...]] = {}
        self._layers: dict[str, Layer] = {}
        self._charts: dict[str, tuple[DeclaredDependency, ...]] = {}

    def inputs(self, instance: Instance, needs: Needs) -> InputPaths:
        """Return what the render reads, the local charts that its charts depend on included."""
        reads = dict.fromkeys([*needs.read_paths, *needs.encryptable_files, *self._local(needs)])
        folders = tuple(path for path in reads if self.tree.kind(path) == "folder")
        files = [path for path in reads if path not in folders]
        files += [self.tree.resolve(path) for path in files if self.tree.resolve(path) != path]
        linked = [path for folder in folders for path in self._linked(folder)]
        layers = tuple(layer.path for layer in instance.layers)
        behind = tuple(self.tree.resolve(path) for path in layers if self.tree.resolve(path) != path)
        return InputPaths(layers, tuple(dict.fromkeys([*files, *linked])), folders, behind)

    def copied_folders(self, instance: Instance, needs: Needs) -> tuple[str, ...]:
        """Return the folders of which a render makes private copies."""
        folders = (path for path in needs.private_copies if self.tree.kind(path) == "folder")
        return tuple(dict.fromkeys((instance.folder, *folders, *self._local(needs))))

    def of(self, instance: Instance) -> str:
        """Return the fingerprint; ConfigError for what keeps the instance from being rendered at all."""
        needs = engine_of(instance.engines).needs(self.tree, instance)
        base = instance.folder or "."
        reads_cluster_facts = any(ENGINES[name].reads_cluster_facts for name in instance.engines)
        found = {
            "version": VERSION,
            "engines": instance.engines,
            "files": sorted(self._files(instance, needs, base)),
            "values": self._values(instance, needs),
            "tools": self._tools(instance, needs),
            "charts": [*self._locked(needs)],
            "schemas": self._schemas(needs),
            "release": (instance.release, instance.namespace),
            "capabilities": (instance.kube_version, instance.api_versions),
            "parameters": instance.parameters._replace(cluster="", release="", values_files=(), tool_versions={}),
            "options": {name: instance.options.get(name, {}) for name in instance.engines},
            "output": instance.output,
            "secrets": (instance.secret_suffixes, [posixpath.relpath(path, base) for path in instance.secret_files]),
            "facts": instance.known if reads_cluster_facts else {},
            "application": instance.build_env._replace(
                revision="", target_revision="", kube_version="", api_versions=()
            ),
        }
        return sha256(json.dumps(found, sort_keys=True, default=dict).encode())

    def merged_values(self, instance: Instance) -> dict[str, object]:
        """Return the values layers laid over each other as Helm does it: maps merge, the rest replaces, null stays."""
        value: dict[str, object] = {}
        for layer in instance.layers:
            value = overlaid(value, self._layer(layer.path).value or {})
        return value

    def values_of(self, path: str) -> Mapping[str, object] | None:
        """Return what a values file says, encrypted leaves as they are; None for no map, or no file."""
        return self._layer(path).value if self.tree.kind(path) == "file" else None

    def chart_repositories(self, needs: Needs) -> Iterator[str]:
        """Yield the URLs of the repositories that charts come from, and their aliases (`@name`) as they are written."""
        yield from (ref.repository for ref in needs.chart_refs)
        for folder in (*needs.chart_folders, *self._local(needs)):
            urls = (one.repository for one in self._chart(folder) if one.folder is None)
            yield from (url for url in urls if "://" in url or repositories.is_alias(url))

    def needs_sops(self, instance: Instance, needs: Needs) -> bool:
        """Return whether sops is needed."""
        return any(self._layer(layer.path).is_encrypted for layer in instance.layers) or any(
            sops.is_encrypted(path, self.tree.read(path)) for path in (*needs.encryptable_files, *instance.secret_files)
        )

    def _files(self, instance: Instance, needs: Needs, base: str) -> Iterator[tuple[str, str]]:
        """Yield each file by its path from the folder that is built, which may be moved as a whole."""
        inputs = self.inputs(instance, needs)
        charts = (instance.folder, *self._local(needs)) if instance.engines == (HELM,) else ()
        if charts and self._may_read_others(charts, inputs, instance.parameters):
            charts = ()
        paths = {path for folder in inputs.folders for path in self._below(folder)}
        if HELM not in instance.engines:  # what they say is in the instance; a template may read them all the same
            paths -= {join(folder, APP_FILE) for folder in (instance.app_folder, instance.instance_folder)}
        for path in paths.union(inputs.files):
            chart = next((one for one in charts if path.startswith(f"{one}/")), "")
            if chart and not own.is_part(path.removeprefix(f"{chart}/")):
                continue
            yield posixpath.relpath(path, base), self._digest(path)

    def _may_read_others(self, charts: tuple[str, ...], inputs: InputPaths, given: Parameters) -> bool:
        """Return whether templates may read what is no part of their charts, by texts of the charts or of values."""
        if charts not in self._readers:
            paths = (path for chart in charts for path in self._below(chart))
            self._readers[charts] = own.may_read_others(self._text(path) for path in paths)
        more = (given.values_yaml, *(text for pair in (*given.set_values, *given.set_strings) for text in pair))
        values = [*map(self._text, inputs.layers), *(text.encode() for text in more)]
        return self._readers[charts] or own.may_read_others(values)

    def _text(self, path: str) -> bytes:
        """Return a file's content; what is packed is no text that could be looked through."""
        return own.ACCESS if path.endswith(".tgz") else self._content(path)

    def _below(self, folder: str) -> tuple[str, ...]:
        if folder not in self._folders:
            self._folders[folder] = tuple(_all_below(self.tree, folder))
        return self._folders[folder]

    def _linked(self, folder: str) -> tuple[str, ...]:
        """Return what links in a folder lead to."""
        if folder not in self._links:
            real = ((path, self.tree.resolve(path)) for path in self._below(folder))
            self._links[folder] = tuple(target for path, target in real if target != path)
        return self._links[folder]

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            self._digests[path] = sha256(self.tree.read(path)) if self.tree.kind(path) == "file" else ""
        return self._digests[path]

    def _values(self, instance: Instance, needs: Needs) -> object:
        """Return what the layers come to: merged where they merge by Helm's rules, else one after the other."""
        layers = [self._layer(layer.path) for layer in instance.layers]
        if needs.layer_transport == MEMORY_FILES and all(layer.value is not None for layer in layers):
            return self.merged_values(instance), [layer.rest for layer in layers if layer.rest]
        return [self._digest(layer.path) for layer in instance.layers]

    def _layer(self, path: str) -> Layer:
        if path not in self._layers:
            self._layers[path] = _read(path, self.tree.read(path))
        return self._layers[path]

    def _tools(self, instance: Instance, needs: Needs) -> list[tuple[str, str, str, list[str] | None]]:
        pins = {**needs.tools, **({SOPS: instance.pins[SOPS]} if self.needs_sops(instance, needs) else {})}
        lock = self._lock
        return [
            (
                role,
                pin.name,
                pin.version,
                sorted(one.sha256 for one in lock.tools if one[:2] == pin[:2]) if lock else None,
            )
            for role, pin in sorted(pins.items())
        ]

    def _locked(self, needs: Needs) -> Iterator[object]:
        """Yield what is asked for from repositories, with what cmp.lock says of it."""
        lock = self._lock
        found = [DeclaredDependency(ref.repository, ref.name, ref.version) for ref in needs.chart_refs]
        for folder in (*needs.chart_folders, *self._local(needs)):
            found += [one for one in self._chart(folder) if one.folder is None]
        for one in found:
            yield one, lock.chart(*one) if lock else None

    def _schemas(self, needs: Needs) -> Sequence[object]:
        """Return what cmp.lock says of remote schemas, all of them: which a chart refers to, its archive knows."""
        lock = self._lock
        if not (lock and lock.schemas):
            return ()
        has_archives = bool(needs.chart_refs or needs.discover_remote_charts or any(True for _ in self._locked(needs)))
        folders = (*needs.chart_folders, *self._local(needs))
        may_refer = has_archives or any(self._may_refer(path) for folder in folders for path in self._below(folder))
        return sorted(lock.schemas) if may_refer else ()

    def _may_refer(self, path: str) -> bool:
        is_schema = posixpath.basename(path) == schemas.FILE
        return path.endswith(schemas.ARCHIVE) or (is_schema and schemas.may_refer(self._content(path)))

    @cached_property
    def _lock(self) -> Lock | None:
        return lockfile.load(self.tree)

    def _local(self, needs: Needs) -> tuple[str, ...]:
        """Return the folders of the charts that charts take from the same tree by `file://`, nested ones too."""
        found: dict[str, None] = {}
        waiting = list(needs.chart_folders)
        while waiting:
            folder = waiting.pop(0)
            for path in (one.folder for one in self._chart(folder) if one.folder is not None):
                target = posixpath.normpath(join(folder, path))
                target = "" if target == "." else target
                if not target.startswith("..") and target not in found:
                    found[target] = None
                    waiting.append(target)
        return tuple(found)

    def _chart(self, folder: str) -> tuple[DeclaredDependency, ...]:
        """Return what a chart depends on, as it is written: what is wrong with one hides no other."""
        if folder not in self._charts:
            found = (dependencies.declared(self._content(join(folder, name))) for name in dependencies.DECLARATIONS)
            self._charts[folder] = tuple(one for some in found for one in some)
        return self._charts[folder]

    def _content(self, path: str) -> bytes:
        return self.tree.read(path) if self.tree.kind(path) == "file" else b""


def _read(path: str, data: bytes) -> Layer:
    encrypted = sops.is_encrypted(path, data)
    try:
        documents = yamldoc.load_all(data)
    except yamldoc.YamlError:
        return Layer(None, sha256(data), encrypted)
    value = documents[0] if documents else {}
    if not isinstance(value, dict) or _SECOND.search(_BEGIN.sub(b"", data)):  # Helm reads the first one, also if empty
        return Layer(None, sha256(data), encrypted)
    if encrypted:
        rest = sha256(json.dumps(value.get(SOPS), sort_keys=True, default=str).encode())
        return Layer({key: item for key, item in value.items() if key != SOPS}, rest, encrypted)
    return Layer(value, "", encrypted)


def _all_below(tree: Tree, folder: str, around: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every file below a folder, also through links, as a private copy has them; and links that lead nowhere."""
    around = (*around, tree.resolve(folder))
    for entry in tree.entries(folder):
        path = join(folder, entry.name)
        if entry.kind != "folder" or tree.resolve(path) in around:  # a circle is never copied
            yield path
        else:
            yield from _all_below(tree, path, around)
