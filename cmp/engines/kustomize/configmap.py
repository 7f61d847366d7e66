"""The ConfigMap `cmp-parameters`: the author commits it with defaults, parameters replace its data, nobody applies it.

It stands beside the `replacements` or `vars` that use it, in any kustomization of the repository, as a resource or as
an entry of `configMapGenerator`; patches of an overlay may change its defaults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cmp import yamldoc
from cmp.engines.kustomize.uses import items, texts
from cmp.errors import ConfigError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.engines.kustomize.graph import Graph
    from cmp.engines.kustomize.uses import Map
    from cmp.model import Parameters
    from cmp.system.tree import Tree

NAME = "cmp-parameters"
HOLDERS = ("resources", "patches", "patchesStrategicMerge")  # keys whose files may hold it
HOW = (
    f"commit a ConfigMap {NAME} with a default for each parameter, name its file in `resources`, and take the values "
    "from it by `replacements` (kustomize 4.2 or newer) or `vars`: docs/kustomize.md has an example"
)


class Found(NamedTuple):
    """Where the ConfigMap stands: files, and folders whose kustomization has it; and the keys that have a default.

    `overruled` are kustomizations that change it by patches which parameters do not reach.
    """

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    overruled: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether there is one."""
        return bool(self.files or self.folders)


def find(tree: Tree, graph: Graph) -> Found:
    """Look for it in all kustomizations; what kustomize could not read, it says itself."""
    files: set[str] = set()
    folders: set[str] = set()
    keys: set[str] = set()
    for path in holders(graph):
        values = [*ours(tree.read(path))]
        files.update([path] if values else ())
        keys.update(key for value in values for key in data(value))
    for node in graph.nodes.values():
        inside = [*_inside(node.value)]
        folders.update([node.folder] if inside else ())
        keys.update(key for found in inside for key in found)
    overruled = (node.file for node in graph.nodes.values() if _has_json_patch(node.value))
    return Found(frozenset(files), frozenset(folders), frozenset(keys), frozenset(overruled))


def require_known(parameters: Parameters, found: Found) -> None:
    """ConfigError for what the author provided no default for, and for parameters that kustomize has no use for."""
    if parameters.values_files or parameters.values_yaml:
        raise ConfigError("kustomize reads no values files", hint=f"use `set`: {HOW}")
    wanted = given(parameters)
    if wanted and not found:
        raise ConfigError(f"{_listed(wanted)} is set, but no kustomization has a ConfigMap {NAME}", hint=HOW)
    if wanted and found.overruled:
        raise ConfigError(
            f"a patch with the target {NAME} is stronger than parameters",
            file=", ".join(sorted(found.overruled)),
            hint="write it as a strategic merge patch, an object with kind, name and data: parameters replace its data",
        )
    for key in wanted:
        if key not in found.keys:
            raise ConfigError(
                f"the ConfigMap {NAME} has no key {key}",
                file=", ".join(sorted(found.files or found.folders)),
                hint=f"{suggestion(key, found.keys)}; a parameter needs a default there",
            )


def holders(graph: Graph) -> Iterator[str]:
    """Yield the files that may hold it."""
    uses = (use for node in graph.nodes.values() for use in node.uses)
    yield from dict.fromkeys(use.path for use in uses if use.kind == "file" and use.key in HOLDERS)


def given(parameters: Parameters) -> dict[str, str]:
    """Return the parameters as they are meant here: all of them are texts."""
    return {**dict(parameters.set_values), **dict(parameters.set_strings)}


def ours(data: bytes) -> Iterator[Map]:
    """Yield the ConfigMaps of this name in a file; most files do not even have the name in them."""
    if NAME.encode() in data:
        yield from filter(is_ours, yamldoc.load_maps(data))


def is_ours(value: object) -> bool:
    """Say whether an object, or a patch, is the ConfigMap."""
    if not (isinstance(value, dict) and value.get("kind") == "ConfigMap"):
        return False
    metadata = value.get("metadata")
    return isinstance(metadata, dict) and metadata.get("name") == NAME


def data(value: Map) -> Map:
    """Return its data."""
    found = value.get("data")
    return found if isinstance(found, dict) else {}


def generated(kustomization: Map) -> Iterator[dict[str, Any]]:
    """Yield the entries of `configMapGenerator` that make it."""
    for _, item in items(kustomization, "configMapGenerator"):
        if isinstance(item, dict) and item.get("name") == NAME:
            yield item


def _inside(kustomization: Map) -> Iterator[Iterable[str]]:
    """Yield the keys of each ConfigMap that stands in the kustomization itself: generated, or changed by a patch."""
    for item in generated(kustomization):
        yield [text.partition("=")[0] for text in texts(item.get("literals", []))]
    inline = [item.get("patch") for _, item in items(kustomization, "patches") if isinstance(item, dict)]
    for text in (*inline, *(entry for _, entry in items(kustomization, "patchesStrategicMerge"))):
        if isinstance(text, str):
            yield from (data(value) for value in ours(text.encode()))


def _has_json_patch(kustomization: Map) -> bool:
    """Say whether a patch names the ConfigMap by its target alone, so that its text does not tell what it changes."""
    for _, item in (*items(kustomization, "patches"), *items(kustomization, "patchesJson6902")):
        target = item.get("target") if isinstance(item, dict) else None
        if isinstance(target, dict) and target.get("name") == NAME and not [*ours(str(item.get("patch")).encode())]:
            return True
    return False


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)
