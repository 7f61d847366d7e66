"""A first cmp.yaml, from the tree that is there: for `cmp init`.

folders.py  which folders hold something to render     shapes.py   the layout that covers most of them
values.py   the names of values files, as patterns     text.py     the file
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository.config.reference import PINS, SUFFIXES
from cmp.repository.scaffold import folders, shapes, text, values
from cmp.versions import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.scaffold.folders import Folder
    from cmp.system.tree import Tree


class Draft(NamedTuple):
    """A cmp.yaml, and what its author should know of it."""

    content: str
    notes: list[str]


def draft(tree: Tree, engines: Mapping[str, EngineTraits], installed: Callable[[str], list[str]]) -> Draft:
    """Describe a tree as its folders show it; ConfigError when they show nothing.

    `installed` returns the versions of a tool on this machine, oldest first: a pin is the package's default where that
    is installed, or nothing is; else the newest installed.
    """
    found = folders.walk(tree, engines)
    marked = [folder for folder in found if folder.engines]
    if not marked:
        markers = ", ".join(marker for facts in engines.values() if not facts.is_fallback for marker in facts.markers)
        raise ConfigError("there is nothing to render here", hint=f"an application's folder has one of {markers}")
    shape = shapes.choose(found)
    if shape is None:
        raise ConfigError(
            "no pattern with {app} tells the applications apart: " + ", ".join(folder.path or "." for folder in marked),
            hint="each needs a folder of its own, as namespaces/{app}; describe others in a cmp.yaml by hand",
        )
    suffixes = values.secret_suffixes(found)
    by_folder = shape.clusters(found)
    clusters = by_folder or values.clusters(found, shape, engines)
    layers = values.find(found, shape, clusters, suffixes or list(SUFFIXES), engines)
    content = text.write(
        text.Parts(
            apps=shape.apps,
            instances=shape.instances,
            values=layers.patterns,
            clusters=clusters,
            tools={name: _version(name, installed(name)) for name in _tools(found, shape)},
            suffixes=suffixes,
        )
    )
    notes = [f"{one.path or '.'} is no application in this layout" for one in marked if not shape.place(one.path)]
    notes += [f"{path} is no layer in this layout: which clusters is it for?" for path in layers.left_out]
    if clusters and not by_folder:
        notes.append("no folder says where an application runs: write `clusters: all`, or names, into its cmp-app.yaml")
    return Draft(content, notes)


def _tools(found: list[Folder], shape: shapes.Shape) -> list[str]:
    used = {engine for folder in found if shape.place(folder.path) for engine in folder.engines}
    has_secrets = any(folder.encrypted for folder in found)
    return [name for name in PINS if name in used or (name == "sops" and has_secrets)]


def _version(tool: str, installed: list[str]) -> str:
    default = PINS[tool].version
    return default if default in installed or not installed else newest(installed)
