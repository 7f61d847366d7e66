"""Which engines render an application, and in which of its two folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import layout
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.model import EngineFacts
    from cmp.tree import Tree

CONFIG_FILE = "cmp-app.yaml"

# Files of engines that this version does not have: they must not be taken for something else, or for nothing.
FOREIGN_MARKERS: Mapping[str, tuple[str, ...]] = {
    "kustomize": ("kustomization.yaml", "kustomization.yml", "Kustomization"),
    "helmfile": ("helmfile.yaml", "helmfile.yaml.gotmpl", "helmfile.d"),
    "cue": ("*.cue",),
}


class Built(NamedTuple):
    """The folder that is built and the engines that build it, the first one first."""

    folder: str
    engines: tuple[str, ...]


def choose(
    tree: Tree, app_folder: str, instance_folder: str, wanted: tuple[str, ...], engines: Mapping[str, EngineFacts]
) -> Built:
    """Choose by the files in the folders, or check the engines that cmp-app.yaml asks for (`wanted`).

    The instance folder is built if it holds an engine's file, else the application's.  ConfigError when no engine, or
    more than one, fits, or when the file of a wanted engine is missing.
    """
    markers = {name: facts.markers for name, facts in engines.items()}
    markers |= {name: patterns for name, patterns in FOREIGN_MARKERS.items() if name not in markers}
    if wanted:
        markers = {name: markers.get(name, ()) for name in wanted}
    folder, found = app_folder, _markers_in(tree, app_folder, markers)
    if instance_folder != app_folder and (own := _markers_in(tree, instance_folder, markers)):
        folder, found = instance_folder, own
    if wanted:
        _require_present(folder, markers, found)
    elif len(found) != 1:
        raise _ambiguous(folder, found, engines) if found else _nothing(folder, engines)
    chosen = wanted or tuple(found)
    for name in chosen:
        if name not in engines:
            raise ConfigError(
                f"the folder {folder} is for {name} ({found[name]}), which this version of cmp cannot render",
                hint=f"it renders with {', '.join(engines)}",
            )
    return Built(folder, chosen)


def _markers_in(tree: Tree, folder: str, markers: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the first file in a folder that stands for each engine."""
    names = [entry.name for entry in tree.entries(folder)] if folder else []
    found: dict[str, str] = {}
    for engine, patterns in markers.items():
        segments = [layout.parse(pattern).segments[0] for pattern in patterns]
        for name in names:
            if engine not in found and any(layout.match_name(segment, name, {}) is not None for segment in segments):
                found[engine] = name
    return found


def _require_present(folder: str, wanted: Mapping[str, tuple[str, ...]], found: Mapping[str, str]) -> None:
    for name, patterns in wanted.items():
        if patterns and name not in found:
            raise ConfigError(
                f"{CONFIG_FILE} asks for the engine {name}, but the folder {folder} has no {' or '.join(patterns)}",
                hint="add the file, or correct `engine`",
            )


def _nothing(folder: str, engines: Mapping[str, EngineFacts]) -> ConfigError:
    known = ", ".join(f"{name} ({' or '.join(facts.markers)})" for name, facts in engines.items())
    return ConfigError(f"the folder {folder} has no file of an engine", hint=f"the engines are {known}")


def _ambiguous(folder: str, found: Mapping[str, str], engines: Mapping[str, EngineFacts]) -> ConfigError:
    files = " and ".join(f"{file} ({engine})" for engine, file in found.items())
    usable = [name for name in found if name in engines]
    ways = [f"`engine: {name}`" for name in usable] + ([f"`engine: [{', '.join(usable)}]`"] if usable[1:] else [])
    return ConfigError(
        f"more than one engine fits the folder {folder}: {files}",
        hint=f"say which in {folder}/{CONFIG_FILE}: {' or '.join(ways)}" if ways else "",
    )
