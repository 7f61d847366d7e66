"""Which engines render an application, and in which of its two folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.registry import CHAINS
from cmp.errors import ConfigError
from cmp.repository import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.model import EngineTraits
    from cmp.system.tree import Tree

CONFIG_FILE = "cmp-app.yaml"


class Built(NamedTuple):
    """The folder that is built and the engines that build it, the first one first."""

    folder: str
    engines: tuple[str, ...]


class Folders(NamedTuple):
    """The folders of an application on a cluster; `manifests` yields the paths of the plain manifests in one."""

    app: str
    instance: str
    manifests: Callable[[str], Iterator[str]]


def choose(tree: Tree, folders: Folders, wanted: tuple[str, ...], engines: Mapping[str, EngineTraits]) -> Built:
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
        candidates = {name: engines[name] for name in names}
        folder, found = folders.app, _markers_in(tree, folders.app, candidates, folders)
        if folders.instance != folders.app and (own := _markers_in(tree, folders.instance, candidates, folders)):
            folder, found = folders.instance, own
        if wanted:
            _require_present(folder, candidates, found)
        elif len(found) > 1:
            raise _ambiguous(folder, found)
        if found:
            return Built(folder, wanted or tuple(found))
    raise _nothing(folders.app, engines)


def _ranks(engines: Mapping[str, EngineTraits]) -> tuple[tuple[str, ...], ...]:
    """Return the engines in the order in which their files count."""
    first = tuple(name for name, facts in engines.items() if not facts.is_fallback)
    return first, tuple(name for name in engines if name not in first)


def _markers_in(tree: Tree, folder: str, engines: Mapping[str, EngineTraits], folders: Folders) -> dict[str, str]:
    """Return the first file in a folder that stands for each engine; no folder has none."""
    found: dict[str, str] = {}
    for engine, facts in engines.items() if folder else ():
        segments = [layout.parse(pattern).segments[0] for pattern in facts.markers]
        names = (entry.name for entry in tree.entries(folder))
        marking = (name for name in names if any(layout.match_name(one, name, {}) is not None for one in segments))
        if name := next(folders.manifests(folder) if facts.is_fallback else marking, ""):
            found[engine] = name
    return found


def _require_present(folder: str, wanted: Mapping[str, EngineTraits], found: Mapping[str, str]) -> None:
    for name, facts in wanted.items():
        if facts.markers and name not in found:
            raise ConfigError(
                f"{CONFIG_FILE} asks for the engine {name}, but the folder {folder} has no "
                f"{' or '.join(facts.markers)}",
                hint="add the file, or correct `engine`",
            )


def _nothing(folder: str, engines: Mapping[str, EngineTraits]) -> ConfigError:
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
