"""Which engines render an application, and in which of its two folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import layout
from cmp.engines.facts import CHAINS
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.model import EngineFacts
    from cmp.tree import Tree

CONFIG_FILE = "cmp-app.yaml"


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
    if wanted[1:] and wanted not in CHAINS:
        chains = " or ".join(f"[{', '.join(chain)}]" for chain in CHAINS)
        raise ConfigError(
            f"the engines [{', '.join(wanted)}] cannot run one after the other", hint=f"only {chains} can"
        )
    for names in (wanted,) if wanted else _ranks(engines):
        markers = {name: engines[name].markers for name in names}
        folder, found = app_folder, _markers_in(tree, app_folder, markers)
        if instance_folder != app_folder and (own := _markers_in(tree, instance_folder, markers)):
            folder, found = instance_folder, own
        if wanted:
            _require_present(folder, markers, found)
        elif len(found) > 1:
            raise _ambiguous(folder, found)
        if found:
            return Built(folder, wanted or tuple(found))
    raise _nothing(app_folder, engines)


def _ranks(engines: Mapping[str, EngineFacts]) -> tuple[tuple[str, ...], ...]:
    """Return the engines in the order in which their files count."""
    first = tuple(name for name, facts in engines.items() if not facts.is_last)
    return first, tuple(name for name in engines if name not in first)


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


def _ambiguous(folder: str, found: Mapping[str, str]) -> ConfigError:
    files = " and ".join(f"{file} ({engine})" for engine, file in found.items())
    chains = [f"`engine: [{', '.join(chain)}]`" for chain in CHAINS if {*chain} <= found.keys()]
    ways = [*(f"`engine: {name}`" for name in found), *chains]
    return ConfigError(
        f"more than one engine fits the folder {folder}: {files}",
        hint=f"say which in {folder}/{CONFIG_FILE}: {' or '.join(ways)}",
    )
