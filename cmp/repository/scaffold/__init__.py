"""A first cmp.yaml, drafted for `cmp init` from the folders and files of a tree.

proposal.py  a cmp.yaml before it is text, found from Applications or from folders
wanted.py    the pairs that Argo CD has today, as Applications say them
text.py      a proposal as the text of the file
habits.py    what a tree needs beside its layout
trial.py     a proposal tried on its tree
compared.py  a layout beside what the Applications say

folders/       a proposal from folders and files alone
applications/  a proposal from what Applications say
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository.config import APP_FILE
from cmp.repository.config.model import PINS
from cmp.repository.instances import Repository
from cmp.repository.scaffold import applications, folders, habits, text
from cmp.repository.scaffold.compared import compare
from cmp.repository.scaffold.folders import walk
from cmp.repository.scaffold.trial import Seen, Trial
from cmp.repository.scaffold.wanted import Wanted
from cmp.versions import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.model import EngineTraits
    from cmp.repository.instances import Pair
    from cmp.repository.scaffold.folders.walk import Folder
    from cmp.repository.scaffold.proposal import Proposal
    from cmp.system.tree import Tree

NO_APPLICATIONS = Wanted()
FEW, LEAST = 5, 10  # so few pairs, fewer than one of ten folders with an engine's file, say too little


class Draft(NamedTuple):
    """The text of a cmp.yaml, notes on folders and files that it leaves out, and the pairs that it has.

    `summary` are the lines that compare it with the Applications of Argo CD, where it is made of these.  `failed` is
    about how many of the pairs have an error, which no narrower layout avoids.
    """

    content: str
    notes: list[str]
    pairs: tuple[Pair, ...]
    summary: tuple[str, ...] = ()
    failed: int = 0


def draft(
    tree: Tree,
    engines: Mapping[str, EngineTraits],
    installed: Callable[[str], list[str]],
    wanted: Wanted = NO_APPLICATIONS,
) -> Draft:
    """Draft a cmp.yaml for a tree; ConfigError when it holds no application, or none that a pattern can name.

    `installed` returns the versions of a tool on this machine, oldest first: a pin is the package's default where that
    is installed, or nothing is; else the newest installed.  The Applications of Argo CD (`wanted`) say what the layout
    is; where they say too little, folders and files do.
    """
    seen = Seen(tree)
    read = walk.walk(seen, engines)
    marked = sum(bool(folder.engines) and not folder.is_foreign for folder in read)
    proposed = applications.propose(seen, wanted)
    if proposed and len(proposed.pairs) < FEW and len(proposed.pairs) * LEAST < marked:
        proposed = None
    if not proposed and not any(folder.engines for folder in read):
        markers = ", ".join(
            marker for traits in engines.values() if not traits.is_fallback for marker in traits.markers
        )
        raise ConfigError("there is nothing to render here", hint=f"an application's folder has one of {markers}")
    suffixes = walk.secret_suffixes(read)
    tools = {name: version(name, installed(name)) for name in _tools(read)}

    def write(proposal: Proposal) -> str:
        return text.write(proposal, tools, suffixes)

    proposal = proposed.proposal if proposed else folders.propose(read, engines, suffixes)
    if not proposed:
        proposal = proposal._replace(preview={**proposal.preview, **applications.preview(wanted)})
    proposal = habits.completed(proposal, seen, read)
    usual = {folder.path: _engines(folder) for folder in read if APP_FILE not in folder.files}
    settled, pairs, failed = Trial(seen, engines, write, usual=usual, is_guess=proposed is None).settled(proposal)
    content = write(settled)
    summary: tuple[str, ...] = ()
    if proposed:
        repository = Repository(seen.planned(content.encode()), engines)
        summary = tuple(compare(repository, proposed, wanted).lines())
    return Draft(content, list(settled.notes), pairs, summary, failed)


def _engines(folder: Folder) -> int:
    """Return the number of a folder's engines; one of plain objects is that, unless it lies in docs or the like."""
    return len(folder.engines) or int(bool(folder.objects) and not folder.is_foreign)


def _tools(read: list[Folder]) -> list[str]:
    used = {engine for folder in read if not folder.is_foreign for engine in folder.engines}
    has_secrets = any(folder.encrypted for folder in read)
    return [name for name in PINS if name in used or (name == "sops" and has_secrets)]


def version(tool: str, installed: list[str]) -> str:
    """Return the version that a pin should have: the default, else the newest of those that are installed."""
    default = PINS[tool].version
    return default if default in installed or not installed else newest(installed)
