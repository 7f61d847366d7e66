"""Parameters put into the ConfigMap `cmp-parameters` of the private copies, which is then left out of the result.

Every one of these ConfigMaps gets a mark, an annotation with a random value, by which it is found in what kustomize
prints: its name may have got a prefix, a suffix or a hash.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, cast

from cmp import yamldoc
from cmp.engines.kustomize import configmap
from cmp.engines.kustomize.configmap import NAME
from cmp.engines.kustomize.uses import items, texts
from cmp.engines.registry import KUSTOMIZE
from cmp.errors import ConfigError, EngineError
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.engines.kustomize.configmap import Found
    from cmp.engines.kustomize.rewrite import Build
    from cmp.engines.kustomize.uses import Map

ANNOTATION = "cmp.internal/parameters"


class Mark:
    """The mark of one build, and the parameters (text by key) that come with it."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._value = os.urandom(16).hex()

    def set(self, build: Build, found: Found) -> None:
        """Give every ConfigMap in the copies the parameters and the mark."""
        for path in configmap.holders(build.graph):
            if path not in found.files and [*configmap.ours(build.read(path))]:
                raise EngineError(
                    "this file holds the parameters' defaults, and even its names are encrypted",
                    file=path,
                    hint="let sops encrypt the data alone (`encrypted_regex: ^data$`): names are read before it runs",
                )
        for path in sorted(found.files):
            build.write(path, self._stream(build.read(path)))
        for folder in sorted(found.folders):
            self._kustomization(build.kustomization(folder), build.work.tools[KUSTOMIZE].version)

    def removed_from(self, manifests: bytes) -> bytes:
        """Return what kustomize printed without the ConfigMap; EngineError where the mark came into other objects."""
        value = self._value.encode()
        kept = []
        for document in re.split(rb"^---\n", manifests, flags=re.MULTILINE):
            if value not in document:
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
            yamldoc.dump_all([self._marked(cast("Map", document.value))])
            if configmap.is_ours(document.value)
            else document.text
            for document in yamldoc.parse(data)
        )

    def _marked(self, value: Map) -> Map:
        metadata, data = cast("Map", value["metadata"]), configmap.data(value)
        annotations = {**cast("Map", metadata.get("annotations") or {}), ANNOTATION: self._value}
        changed = {key: self._given.get(key, text) for key, text in data.items()}
        return {**value, "metadata": {**metadata, "annotations": annotations}, **({"data": changed} if data else {})}

    def _kustomization(self, value: Map, version: str) -> None:
        for _, item in items(value, "patches"):
            if isinstance(item, dict) and isinstance(item.get("patch"), str):
                item["patch"] = self._text(item["patch"])
        entries = value.get("patchesStrategicMerge")
        if isinstance(entries, list):
            entries[:] = [self._text(entry) if isinstance(entry, str) else entry for entry in entries]
        for item in configmap.generated(value):
            item.setdefault("options", {}).setdefault("annotations", {})[ANNOTATION] = self._value
            item["literals"] = [self._literal(text, version) for text in texts(item.get("literals", []))]

    def _text(self, text: str) -> str:
        return self._stream(text.encode()).decode() if [*configmap.ours(text.encode())] else text

    def _literal(self, text: str, version: str) -> str:
        """Return `key=value`; kustomize takes quotes around the value away, 3.x all that stand at its ends."""
        key = text.partition("=")[0]
        if key not in self._given:
            return text
        value = self._given[key]
        if numbers(version) < (4,) and value != value.strip("\"'"):
            raise ConfigError(
                f"the parameter {key} has a quote at its begin or end, and kustomize {version} loses it in a "
                "configMapGenerator",
                hint=f"write {NAME} as a ConfigMap of `resources`, or pin kustomize 4 or newer",
            )
        return f'{key}="{value}"'
