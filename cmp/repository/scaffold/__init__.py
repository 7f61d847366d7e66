"""A first cmp.yaml, drafted for `cmp init` from the folders and files of a tree.

proposal.py  a cmp.yaml before it is text, found from Applications or from folders
wanted.py    the pairs that Argo CD has today, as Applications say them
text.py      a proposal as the text of the file
trial.py     a proposal tried on its tree

folders/       a proposal from folders and files alone
applications/  a proposal from what Applications say
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository.config import APP_FILE
from cmp.repository.config.model import PINS
from cmp.repository.scaffold import folders, text
from cmp.repository.scaffold.folders import walk
from cmp.repository.scaffold.trial import Seen, Trial
from cmp.versions import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.instances import Pair
    from cmp.repository.scaffold.folders.walk import Folder
    from cmp.repository.scaffold.proposal import Proposal
    from cmp.system.tree import Tree


class Draft(NamedTuple):
    """The text of a cmp.yaml, notes on folders and files that it leaves out, and the pairs that it has."""

    content: str
    notes: list[str]
    pairs: tuple[Pair, ...]


def draft(tree: Tree, engines: Mapping[str, EngineTraits], installed: Callable[[str], list[str]]) -> Draft:
    """Draft a cmp.yaml for a tree; ConfigError when it holds no application, or none that a pattern can name.

    `installed` returns the versions of a tool on this machine, oldest first: a pin is the package's default where that
    is installed, or nothing is; else the newest installed.
    """
    seen = Seen(tree)
    read = walk.walk(seen, engines)
    if not any(folder.engines for folder in read):
        markers = ", ".join(
            marker for traits in engines.values() if not traits.is_fallback for marker in traits.markers
        )
        raise ConfigError("there is nothing to render here", hint=f"an application's folder has one of {markers}")
    suffixes = walk.secret_suffixes(read)
    tools = {name: _version(name, installed(name)) for name in _tools(read)}

    def write(proposal: Proposal) -> str:
        return text.write(proposal, tools, suffixes)

    proposal = folders.propose(read, engines, suffixes)
    usual = {folder.path: len(folder.engines) for folder in read if APP_FILE not in folder.files}
    settled, pairs = Trial(seen, engines, write, usual=usual, is_guess=True).settled(proposal)
    return Draft(write(settled), list(settled.notes), pairs)


def _tools(read: list[Folder]) -> list[str]:
    used = {engine for folder in read if not folder.is_foreign for engine in folder.engines}
    has_secrets = any(folder.encrypted for folder in read)
    return [name for name in PINS if name in used or (name == "sops" and has_secrets)]


def _version(tool: str, installed: list[str]) -> str:
    default = PINS[tool].version
    return default if default in installed or not installed else newest(installed)
