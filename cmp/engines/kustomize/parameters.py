"""The ConfigMap `cmp-parameters`: the author commits it with defaults, parameters replace its data, nobody applies it.

It stands beside the `replacements` or `vars` that use it, in any kustomization of the repository, as a resource or as
an entry of `configMapGenerator`; patches of an overlay may change its defaults.

In the private copies every one of these ConfigMaps gets a marker, an annotation with a random value, by which it is
recognized in kustomize's output and left out: its name may have got a prefix, a suffix or a hash.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cmp import yamldoc
from cmp.engines.kustomize.kustomization import items, texts
from cmp.engines.registry import KUSTOMIZE
from cmp.errors import ConfigError, EngineError, suggestion
from cmp.versions import numbers
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp.engines.kustomize.build import Build
    from cmp.engines.kustomize.graph import Graph
    from cmp.model import Parameters
    from cmp.system.tree import Tree
    from cmp.yamldoc.access import Map

NAME = "cmp-parameters"
ANNOTATION = "cmp.internal/parameters"
HOLDERS = ("resources", "patches", "patchesStrategicMerge")  # keys whose files may hold it
HOW = (
    f"commit a ConfigMap {NAME} with a default for each parameter, name its file in `resources`, and take the values "
    "from it by `replacements` (kustomize 4.2 or newer) or `vars`: docs/kustomize.md has an example"
)


class Defaults(NamedTuple):
    """The files that hold the ConfigMap, the folders of kustomizations that do, and the keys that have a default.

    `json_patched_by` are kustomizations that change it by patches which parameters do not reach.
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    json_patched_by: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Say whether there is such a ConfigMap."""
        return bool(self.files or self.folders)


def find(tree: Tree, graph: Graph) -> Defaults:
    """Look for the ConfigMap in all kustomizations; mistakes in a file kustomize tells itself."""
    files: set[str] = set()
    folders: set[str] = set()
    keys: set[str] = set()
    for path in _possible_files(graph):
        values = [*_configmaps(tree.read(path))]
        files.update([path] if values else ())
        keys.update(key for value in values for key in mapping(value.get("data")))
    for kustomization in graph.kustomizations.values():
        inline = [*_inline_keys(kustomization.value)]
        folders.update([kustomization.folder] if inline else ())
        keys.update(key for of_one in inline for key in of_one)
    patched = (one.file for one in graph.kustomizations.values() if _has_json_patch(one.value))
    return Defaults(
        files=frozenset(files),
        folders=frozenset(folders),
        keys=frozenset(keys),
        json_patched_by=frozenset(patched),
    )


NO_DEFAULTS = Defaults(files=frozenset(), folders=frozenset(), keys=frozenset(), json_patched_by=frozenset())


def require_defaults(parameters: Parameters, defaults: Defaults) -> None:
    """ConfigError for a parameter without a default, and for parameters that kustomize cannot use."""
    if parameters.values_files or parameters.values_yaml:
        raise ConfigError("kustomize reads no values files", hint=f"use `set`: {HOW}")
    keys = given(parameters)
    if keys and not defaults:
        listed = ", ".join(f"`{key}`" for key in keys)
        raise ConfigError(f"{listed} is set, but no kustomization has a ConfigMap {NAME}", hint=HOW)
    if keys and defaults.json_patched_by:
        raise ConfigError(
            f"a patch with the target {NAME} is stronger than parameters",
            file=", ".join(sorted(defaults.json_patched_by)),
            hint="write it as a strategic merge patch, an object with kind, name and data: parameters replace its data",
        )
    for key in keys:
        if key not in defaults.keys:
            raise ConfigError(
                f"the ConfigMap {NAME} has no key {key}",
                file=", ".join(sorted(defaults.files or defaults.folders)),
                hint=f"{suggestion(key, defaults.keys)}; a parameter needs a default there",
            )


def given(parameters: Parameters) -> dict[str, str]:
    """Return the parameters by their names: for kustomize all of them are texts."""
    return dict(parameters.set_pairs)


class ParameterMarker:
    """The parameters (text by key) of one build, and the marker of the ConfigMaps that hold them."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._parameters = parameters
        self._marker = os.urandom(16).hex()

    def set(self, build: Build, defaults: Defaults) -> None:
        """Put the parameters and the marker into every ConfigMap in the copies."""
        for path in _possible_files(build.graph):
            if path not in defaults.files and [*_configmaps(build.read(path))]:
                raise EngineError(
                    "this file holds the parameters' defaults, and even its names are encrypted",
                    file=path,
                    hint="let sops encrypt the data alone (`encrypted_regex: ^data$`): names are read before it runs",
                )
        for path in sorted(defaults.files):
            build.write(path, self._stream(build.read(path)))
        for folder in sorted(defaults.folders):
            self._kustomization(build.kustomization(folder), build.work.tools[KUSTOMIZE].version)

    def removed_from(self, manifests: bytes) -> bytes:
        """Return kustomize's output without the ConfigMap; EngineError where the marker came into other objects."""
        marker = self._marker.encode()
        kept = []
        for document in re.split(rb"^---\n", manifests, flags=re.MULTILINE):
            if marker not in document:
                kept.append(document)
            elif not re.search(rb"^kind: ConfigMap$", document, re.MULTILINE):
                raise EngineError(
                    f"annotations of the ConfigMap {NAME} were copied into another object",
                    hint=f"take single keys of its data by `replacements` or `vars`, not annotations of {NAME}",
                )
        return b"---\n".join(kept)

    def _stream(self, data: bytes) -> bytes:
        """Replace the documents that are the ConfigMap; the others stay as they are written."""
        return b"".join(
            yamldoc.dump_all([self._marked(mapping(document.value))])
            if _is_configmap(document.value)
            else document.text
            for document in yamldoc.parse(data)
        )

    def _marked(self, value: Map) -> Map:
        metadata, data = mapping(value["metadata"]), mapping(value.get("data"))
        annotations = {**cast("Map", metadata.get("annotations") or {}), ANNOTATION: self._marker}
        changed = {key: self._parameters.get(key, text) for key, text in data.items()}
        return {**value, "metadata": {**metadata, "annotations": annotations}, **({"data": changed} if data else {})}

    def _kustomization(self, value: Map, version: str) -> None:
        for _, item in items(value, "patches"):
            if isinstance(item, dict) and isinstance(item.get("patch"), str):
                item["patch"] = self._text(item["patch"])
        entries = value.get("patchesStrategicMerge")
        if isinstance(entries, list):
            entries[:] = [self._text(entry) if isinstance(entry, str) else entry for entry in entries]
        for item in _generator_entries(value):
            item.setdefault("options", {}).setdefault("annotations", {})[ANNOTATION] = self._marker
            item["literals"] = [self._literal(text, version) for text in texts(item.get("literals", []))]

    def _text(self, text: str) -> str:
        return self._stream(text.encode()).decode() if [*_configmaps(text.encode())] else text

    def _literal(self, text: str, version: str) -> str:
        """Return `key=value`; kustomize removes quotes around the value, 3.x all that stand at its ends."""
        key = text.partition("=")[0]
        if key not in self._parameters:
            return text
        value = self._parameters[key]
        if numbers(version) < (4,) and value != value.strip("\"'"):
            raise ConfigError(
                f"the parameter {key} has a quote at its begin or end, and kustomize {version} loses it in a "
                "configMapGenerator",
                hint=f"write {NAME} as a ConfigMap of `resources`, or pin kustomize 4 or newer",
            )
        return f'{key}="{value}"'


def _possible_files(graph: Graph) -> Iterator[str]:
    """Yield the files that may hold the ConfigMap."""
    references = (reference for one in graph.kustomizations.values() for reference in one.references)
    yield from dict.fromkeys(one.path for one in references if one.kind == "file" and one.key in HOLDERS)


def _configmaps(data: bytes) -> Iterator[Map]:
    """Yield the ConfigMaps of this name in a file; most files do not even have the name in them."""
    if NAME.encode() in data:
        yield from filter(_is_configmap, yamldoc.load_maps(data))


def _is_configmap(value: object) -> bool:
    """Say whether an object, or a patch, is the ConfigMap."""
    return dig(value, "kind") == "ConfigMap" and dig(value, "metadata", "name") == NAME


def _generator_entries(kustomization: Map) -> Iterator[dict[str, Any]]:
    """Yield the entries of `configMapGenerator` that generate the ConfigMap."""
    for _, item in items(kustomization, "configMapGenerator"):
        if isinstance(item, dict) and item.get("name") == NAME:
            yield item


def _inline_keys(kustomization: Map) -> Iterator[Iterable[str]]:
    """Yield the keys of each ConfigMap in the kustomization itself: generated, or changed by an inline patch."""
    for item in _generator_entries(kustomization):
        yield [text.partition("=")[0] for text in texts(item.get("literals", []))]
    patches = [item.get("patch") for _, item in items(kustomization, "patches") if isinstance(item, dict)]
    for text in (*patches, *(entry for _, entry in items(kustomization, "patchesStrategicMerge"))):
        if isinstance(text, str):
            yield from (mapping(value.get("data")) for value in _configmaps(text.encode()))


def _has_json_patch(kustomization: Map) -> bool:
    """Say whether a patch names the ConfigMap by its target alone, so that its text does not tell what it changes."""
    for _, item in (*items(kustomization, "patches"), *items(kustomization, "patchesJson6902")):
        is_target = dig(item, "target", "name") == NAME
        if is_target and not [*_configmaps(str(item.get("patch")).encode())]:
            return True
    return False
