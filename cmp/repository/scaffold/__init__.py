"""A first cmp.yaml, drafted for `cmp init` from the folders and files of a tree.

proposal.py  a cmp.yaml before it is text, found from Applications or from folders
wanted.py    the pairs that Argo CD has today, as Applications say them
layouts.py   the folders with applications, and the layout that covers most of them
values.py    the names of values files, as patterns
text.py      a proposal as the text of the file
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository.config.model import PINS, SUFFIXES
from cmp.repository.scaffold import layouts, text, values
from cmp.repository.scaffold.proposal import Proposal
from cmp.versions import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.scaffold.layouts import Folder, LayoutGuess
    from cmp.system.tree import Tree


class Draft(NamedTuple):
    """The text of a cmp.yaml, and notes on folders and files that it leaves out."""

    content: str
    notes: list[str]


def draft(tree: Tree, engines: Mapping[str, EngineTraits], installed: Callable[[str], list[str]]) -> Draft:
    """Draft a cmp.yaml for a tree; ConfigError when it holds no application, or none that a pattern can name.

    `installed` returns the versions of a tool on this machine, oldest first: a pin is the package's default where that
    is installed, or nothing is; else the newest installed.
    """
    folders = layouts.walk(tree, engines)
    marked = [folder for folder in folders if folder.engines]
    if not marked:
        markers = ", ".join(text for traits in engines.values() if not traits.is_fallback for text in traits.markers)
        raise ConfigError("there is nothing to render here", hint=f"an application's folder has one of {markers}")
    guess = layouts.choose(folders)
    if guess is None:
        raise ConfigError(
            "no pattern with {app} tells the applications apart: " + ", ".join(folder.path or "." for folder in marked),
            hint="each needs a folder of its own, as namespaces/{app}; describe others in a cmp.yaml by hand",
        )
    suffixes = values.secret_suffixes(folders)
    by_folder = guess.clusters(folders)
    clusters = by_folder or values.clusters(folders, guess, engines)
    layers = values.patterns(folders, guess, clusters, suffixes or list(SUFFIXES), engines)
    tools = {name: _version(name, installed(name)) for name in _tools(folders, guess)}
    proposal = Proposal(
        apps=(guess.apps,),
        instances=(guess.instances,) if guess.instances else (),
        values=tuple(layers.patterns),
        clusters={name: {} for name in clusters},
    )
    notes = [
        f"{folder.path or '.'} is no application in this layout" for folder in marked if not guess.owner(folder.path)
    ]
    notes += [f"{path} is no layer in this layout: which clusters is it for?" for path in layers.left_out]
    if clusters and not by_folder:
        notes.append("no folder says where an application runs: write `clusters: all`, or names, into its cmp-app.yaml")
    return Draft(text.write(proposal, tools, suffixes), notes)


def _tools(folders: list[Folder], guess: LayoutGuess) -> list[str]:
    used = {engine for folder in folders if guess.owner(folder.path) for engine in folder.engines}
    has_secrets = any(folder.encrypted for folder in folders)
    return [name for name in PINS if name in used or (name == "sops" and has_secrets)]


def _version(tool: str, installed: list[str]) -> str:
    default = PINS[tool].version
    return default if default in installed or not installed else newest(installed)
