"""The fingerprint of an instance: one digest of every input, so that instances with equal ones render equal.

No input that a program could read is left out, so that no change of one goes unseen.  A fingerprint is made without
any program and without a key: secrets count as their ciphertext, and an encrypted file also by the metadata that sops
changes with every edit.  Inputs that no program sees, such as the paths of values files, are not in it.
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
from cmp.artifacts.charts import dependencies, file_access, repositories, schemas
from cmp.artifacts.charts.dependencies import DeclaredDependency
from cmp.engines import ENGINES
from cmp.engines.protocol import MEMORY_FILES
from cmp.engines.registry import HELM, HELMFILE
from cmp.render.decrypt import SOPS, is_kept, tool_pins
from cmp.render.unread import needs_of
from cmp.repository.config import APP_FILE
from cmp.repository.config import FILE as CONFIG_FILE
from cmp.repository.config.model import overlaid
from cmp.secrets import sops
from cmp.system.files import sha256
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.artifacts.lockfile import Lock
    from cmp.engines.protocol import Needs
    from cmp.model import Instance, Layer
    from cmp.system.tree import Tree

VERSION = 1  # of the inputs in a fingerprint
CONFIGURATION = (CONFIG_FILE, APP_FILE)

_BEGIN = re.compile(rb"\A(?:[ \t\r]*(?:#[^\n]*)?\n)*(?:---(?=\s))?")  # comments, and the line that begins a document
_SECOND = re.compile(rb"^(?:---|\.\.\.)(?:\s|\Z)", re.MULTILINE)


class InputPaths(NamedTuple):
    """The paths of a tree that a render reads: single `files`, and `folders` with every file below them.

    `layers` are the values files, weakest first, `link_targets` the resolved paths of those that are symlinks.
    """

    layers: tuple[str, ...]
    files: tuple[str, ...]
    folders: tuple[str, ...]
    link_targets: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        """Return whether a file is one of the paths, the layers left out, but not the targets of their symlinks."""
        is_below = any(not folder or path.startswith(f"{folder}/") for folder in self.folders)
        return is_below or path in self.files or path in self.link_targets

    def select(self, paths: Sequence[str]) -> set[str]:
        """Return the subset of some sorted paths that is read, as a layer or otherwise."""
        selected = {path for path in (*self.layers, *self.files, *self.link_targets) if _is_in(path, paths)}
        for folder in self.folders:
            start = f"{folder}/" if folder else ""
            first = bisect_left(paths, start)
            last = bisect_left(paths, f"{folder}0") if folder else len(paths)  # the character behind the slash
            selected.update(paths[first:last])
        return selected


def _is_in(path: str, paths: Sequence[str]) -> bool:
    at = bisect_left(paths, path)
    return at < len(paths) and paths[at] == path


class ValuesFile(NamedTuple):
    """A values file: its values without sops' metadata, and a digest of the part that does not merge.

    `values` is None for a file without one map, and then the digest is of the whole file.
    """

    values: Mapping[str, object] | None
    digest: str
    is_encrypted: bool


UNKNOWN = ValuesFile(None, "", is_encrypted=False)  # only a render can tell


class FingerprintIndex:
    """The fingerprints of one tree; files that several instances share are read once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._digests: dict[str, str] = {}
        self._folders: dict[str, tuple[str, ...]] = {}
        self._readers: dict[tuple[str, ...], bool] = {}
        self._link_targets: dict[str, tuple[str, ...]] = {}
        self._values_files: dict[str, ValuesFile] = {}
        self._dependencies: dict[str, tuple[DeclaredDependency, ...]] = {}

    @cached_property
    def _lock(self) -> Lock | None:
        return lockfile.load(self.tree)

    def inputs(self, instance: Instance, needs: Needs) -> InputPaths:
        """Return the paths that the render reads, the local charts that its charts depend on included."""
        reads = dict.fromkeys([*needs.read_paths, *needs.encryptable_files, *self._local_charts(needs)])
        folders = tuple(path for path in reads if self.tree.kind(path) == "folder")
        files = [path for path in reads if path not in folders]
        files += [self.tree.resolve(path) for path in files if self.tree.resolve(path) != path]
        linked = [path for folder in folders for path in self._targets_in(folder)]
        layers = tuple(layer.path for layer in instance.layers if layer.is_in_tree)
        files += [layer.path for _, layer in instance.value_texts if layer.is_in_tree]
        return InputPaths(
            layers=layers,
            files=tuple(dict.fromkeys([*files, *linked])),
            folders=folders,
            link_targets=tuple(self.tree.resolve(path) for path in layers if self.tree.resolve(path) != path),
        )

    def copied_folders(self, instance: Instance, needs: Needs) -> tuple[str, ...]:
        """Return the folders of which a render makes private copies."""
        folders = (path for path in needs.private_copies if self.tree.kind(path) == "folder")
        is_copied = needs.needs_whole_tree or instance.folder in needs.read_paths
        own = (instance.folder,) if is_copied else ()
        return tuple(dict.fromkeys((*own, *folders, *self._local_charts(needs))))

    def of(self, instance: Instance) -> str:
        """Return the fingerprint; ConfigError for a mistake that keeps the instance from being rendered at all."""
        needs = needs_of(self.tree, instance)
        base = instance.folder or "."
        reads_cluster_facts = any(ENGINES[name].reads_cluster_facts for name in instance.engines)
        inputs = {
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
            "output": instance.output_rules,
            "secrets": (
                instance.secret_suffixes,
                [posixpath.relpath(path, base) for path in instance.secret_files],
                instance.kept_kinds,
                [posixpath.relpath(path, base) for path in self._kept(instance, needs)],
            ),
            "texts": [(name, self._layer_digest(layer)) for name, layer in instance.value_texts],
            "builtin": instance.is_builtin,
            "facts": instance.placeholders if reads_cluster_facts else {},
            "application": instance.build_env._replace(
                revision="", target_revision="", kube_version="", api_versions=()
            ),
        }
        return sha256(json.dumps(inputs, sort_keys=True, default=dict).encode())

    def _kept(self, instance: Instance, needs: Needs) -> Iterator[str]:
        """Yield the listed files that may be printed; cmp.yaml may list those of other applications, too."""
        folders = tuple(f"{folder}/" for folder in (instance.folder, *self._local_charts(needs)))
        yield from (path for path in instance.kept_files if path in needs.encryptable_files or path.startswith(folders))

    def merged_values(self, instance: Instance) -> dict[str, object]:
        """Return the values layers merged as Helm does it: maps merge, other values replace, null stays."""
        values: dict[str, object] = {}
        for layer in instance.layers:
            values = overlaid(values, self._values_of(layer).values or {})
        return values

    def values_of(self, path: str) -> Mapping[str, object] | None:
        """Return the values of a file, encrypted leaves as they are; None for another value than a map, or no file."""
        return self._values_file(path).values if self.tree.kind(path) == "file" else None

    def chart_repositories(self, instance: Instance, needs: Needs) -> Iterator[str]:
        """Yield the URLs of the repositories that charts come from, and their aliases (`@name`) as they are written.

        A values file of a web server is one of its own.
        """
        layers = (*instance.layers, *(layer for _, layer in instance.value_texts))
        yield from (layer.remote.url for layer in layers if layer.remote)
        yield from (ref.repository for ref in needs.chart_refs)
        for folder in (*needs.chart_folders, *self._local_charts(needs)):
            urls = (dependency.repository for dependency in self._declared(folder) if dependency.folder is None)
            yield from (url for url in urls if "://" in url or repositories.is_alias(url))

    def needs_sops(self, instance: Instance, needs: Needs) -> bool:
        """Return whether a layer or another file of the instance is encrypted."""
        if instance.is_builtin:
            return False
        return any(self._values_file(layer.path).is_encrypted for layer in instance.layers) or any(
            sops.is_encrypted(path, data := self.tree.read(path)) and not is_kept(path, data, instance, needs)
            for path in (*needs.encryptable_files, *instance.secret_files)
        )

    def _files(self, instance: Instance, needs: Needs, base: str) -> Iterator[tuple[str, str]]:
        """Yield each file by its path from the folder that is built, which may be moved as a whole."""
        inputs = self.inputs(instance, needs)
        is_chart = instance.engines == (HELM,) and instance.chart is None
        charts = (instance.folder, *self._local_charts(needs)) if is_chart else ()
        if charts and self._may_access_files(charts, inputs, instance):
            charts = ()
        paths = {path for folder in inputs.folders for path in self._below(folder)}
        if HELM not in instance.engines:  # their content is in the instance; a template may read them all the same
            paths -= {join(folder, APP_FILE) for folder in (instance.app_folder, instance.instance_folder)}
        for path in paths.union(inputs.files):
            chart = next((folder for folder in charts if path.startswith(f"{folder}/")), "")
            if chart and not file_access.is_part(path.removeprefix(f"{chart}/")) and self.tree.kind(path) != "other":
                continue  # helm reads every name, so that a dangling link counts anywhere
            # Only a helmfile may start files of the tree, as hooks: without the bit it fails.
            is_program = HELMFILE in instance.engines and self.tree.is_executable(path)
            yield posixpath.relpath(path, base), f"{self._digest(path)}{' executable' if is_program else ''}"

    def _may_access_files(self, charts: tuple[str, ...], inputs: InputPaths, instance: Instance) -> bool:
        """Return whether templates may read files outside their charts, as far as a text of charts or values tells."""
        if charts not in self._readers:
            paths = (path for chart in charts for path in self._below(chart))
            self._readers[charts] = file_access.may_read_others(self._text(path) for path in paths)
        parameters = instance.parameters
        set_texts = (text for pair in parameters.set_pairs for text in pair)
        values = [
            *map(self._text, inputs.layers),
            *(layer.data for layer in instance.layers if layer.data is not None),
            *(text.encode() for text in (parameters.values_yaml, *set_texts)),
        ]
        return self._readers[charts] or file_access.may_read_others(values)

    def _text(self, path: str) -> bytes:
        """Return a file's content; a packed chart, which is no text to search, counts as if it accessed `.Files`."""
        return file_access.ACCESS if path.endswith(".tgz") else self._content(path)

    def _below(self, folder: str) -> tuple[str, ...]:
        if folder not in self._folders:
            self._folders[folder] = tuple(_all_below(self.tree, folder))
        return self._folders[folder]

    def _targets_in(self, folder: str) -> tuple[str, ...]:
        """Return the targets of the symlinks in a folder."""
        if folder not in self._link_targets:
            resolved = ((path, self.tree.resolve(path)) for path in self._below(folder))
            self._link_targets[folder] = tuple(target for path, target in resolved if target != path)
        return self._link_targets[folder]

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            self._digests[path] = sha256(self.tree.read(path)) if self.tree.kind(path) == "file" else ""
        return self._digests[path]

    def _values(self, instance: Instance, needs: Needs) -> object:
        """Return the layers merged where they merge by Helm's rules, else the digest of each in order."""
        files = [self._values_of(layer) for layer in instance.layers]
        if needs.layer_transport == MEMORY_FILES and all(file.values is not None for file in files):
            return self.merged_values(instance), [file.digest for file in files if file.digest]
        return [self._layer_digest(layer) for layer in instance.layers]

    def _layer_digest(self, layer: Layer) -> object:
        """Return the digest of a layer's content, or, where only a render can tell that, what names it."""
        if layer.is_in_tree:
            return self._digest(layer.path)
        return sha256(layer.data) if layer.data is not None else layer._replace(source="", remote=None)

    def _values_of(self, layer: Layer) -> ValuesFile:
        if layer.is_in_tree:
            return self._values_file(layer.path)
        return _read_values(layer.path, layer.data) if layer.data is not None else UNKNOWN

    def _values_file(self, path: str) -> ValuesFile:
        if path not in self._values_files:
            self._values_files[path] = _read_values(path, self.tree.read(path))
        return self._values_files[path]

    def _tools(self, instance: Instance, needs: Needs) -> list[tuple[str, str, str, list[str] | None]]:
        pins = tool_pins(instance, needs, with_sops=self.needs_sops(instance, needs))
        lock = self._lock
        return [
            (
                role,
                pin.name,
                pin.version,
                sorted(tool.sha256 for tool in lock.tools if tool[:2] == pin[:2]) if lock else None,
            )
            for role, pin in sorted(pins.items())
        ]

    def _locked(self, needs: Needs) -> Iterator[object]:
        """Yield the charts that come from repositories, each with its entry in cmp.lock."""
        lock = self._lock
        charts = [DeclaredDependency(ref.repository, ref.name, ref.version) for ref in needs.chart_refs]
        for folder in (*needs.chart_folders, *self._local_charts(needs)):
            charts += [dependency for dependency in self._declared(folder) if dependency.folder is None]
        for chart in charts:
            yield chart, lock.chart(*chart) if lock else None

    def _schemas(self, needs: Needs) -> Sequence[object]:
        """Return all remote schemas of cmp.lock, if a chart may refer to one: only its archive says to which."""
        lock = self._lock
        if not (lock and lock.schemas):
            return ()
        has_archives = bool(needs.chart_refs or needs.discover_remote_charts or any(True for _ in self._locked(needs)))
        folders = (*needs.chart_folders, *self._local_charts(needs))
        may_refer = has_archives or any(self._may_refer(path) for folder in folders for path in self._below(folder))
        return sorted(lock.schemas) if may_refer else ()

    def _may_refer(self, path: str) -> bool:
        is_schema = posixpath.basename(path) == schemas.FILE
        return path.endswith(schemas.ARCHIVE) or (is_schema and schemas.may_refer(self._content(path)))

    def _local_charts(self, needs: Needs) -> tuple[str, ...]:
        """Return the folders of the charts that charts take from the same tree by `file://`, nested ones too."""
        local: dict[str, None] = {}
        waiting = list(needs.chart_folders)
        while waiting:
            folder = waiting.pop(0)
            for dependency in self._declared(folder):
                if dependency.folder is None:
                    continue
                target = posixpath.normpath(join(folder, dependency.folder))
                target = "" if target == "." else target
                if not target.startswith("..") and target not in local:
                    local[target] = None
                    waiting.append(target)
        return tuple(local)

    def _declared(self, folder: str) -> tuple[DeclaredDependency, ...]:
        """Return the dependencies of a chart as they are written: a mistake in one hides no other."""
        if folder not in self._dependencies:
            files = (self._content(join(folder, name)) for name in dependencies.DECLARATIONS)
            self._dependencies[folder] = tuple(
                dependency for content in files for dependency in dependencies.declared(content)
            )
        return self._dependencies[folder]

    def _content(self, path: str) -> bytes:
        return self.tree.read(path) if self.tree.kind(path) == "file" else b""


def _read_values(path: str, data: bytes) -> ValuesFile:
    is_encrypted = sops.is_encrypted(path, data)
    try:
        documents = yamldoc.load_all(data)
    except yamldoc.YamlError:
        return ValuesFile(None, sha256(data), is_encrypted)
    values = documents[0] if documents else {}
    if not isinstance(values, dict) or _SECOND.search(_BEGIN.sub(b"", data)):  # Helm reads the first one, also if empty
        return ValuesFile(None, sha256(data), is_encrypted)
    if is_encrypted:
        metadata = sha256(json.dumps(values.get(SOPS), sort_keys=True, default=str).encode())
        return ValuesFile({key: item for key, item in values.items() if key != SOPS}, metadata, is_encrypted)
    return ValuesFile(values, "", is_encrypted)


def _all_below(tree: Tree, folder: str, parents: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every file below a folder, through symlinks too, as a private copy has them; and dangling symlinks."""
    parents = (*parents, tree.resolve(folder))
    for entry in tree.entries(folder):
        path = join(folder, entry.name)
        if entry.kind != "folder" or tree.resolve(path) in parents:  # a circle is never copied
            yield path
        else:
            yield from _all_below(tree, path, parents)
