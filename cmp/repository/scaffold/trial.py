"""A proposal tried on its tree before it is written: what fails is narrowed or left out, with a note."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import CmpError, ConfigError, and_more
from cmp.repository import instances
from cmp.repository.config import FILE
from cmp.repository.instances import Repository, Request
from cmp.repository.scaffold.folders import values
from cmp.repository.scaffold.folders.shapes import APP, Spot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.model import EngineTraits, Instance
    from cmp.repository.instances import Pair
    from cmp.repository.scaffold.proposal import Proposal
    from cmp.system.tree import Entry, Kind, Tree

MAX_CACHED = 64 * 1024  # bytes of a file that is kept: configuration and kustomizations are read again and again
MAX_USUAL = 300  # pairs that are alike, and resolved all the same
MAX_LISTED = 3
NOWHERE = "no folder says where an application runs: write `clusters: all`, or names, into its cmp-app.yaml"
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,51}[a-z0-9])?")


class Seen:
    """A tree that is listed and read once, with a cmp.yaml that is not written yet where one is given."""

    def __init__(self, tree: Tree, content: bytes | None = None) -> None:
        self._tree, self._content = tree, content
        self._entries: dict[str, list[Entry]] = {}
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._read: dict[str, bytes] = {}
        self.prefix = tree.prefix
        self.is_executable = tree.is_executable
        self.resolve = tree.resolve

    def planned(self, content: bytes) -> Seen:
        """Return the same tree with a cmp.yaml."""
        other = Seen(self._tree, content)
        other._entries, other._kinds, other._read = self._entries, self._kinds, self._read
        return other

    def entries(self, path: str) -> list[Entry]:
        if path not in self._entries:
            self._entries[path] = self._tree.entries(path)
        return self._entries[path]

    def kind(self, path: str) -> Kind:
        if path == FILE and self._content is not None:
            return "file"
        folder, _, name = path.rpartition("/")
        if not name or ".." in path or name.startswith("."):
            return self._tree.kind(path)
        if folder not in self._kinds:
            self._kinds[folder] = {entry.name: entry.kind for entry in self.entries(folder)}
        return self._kinds[folder].get(name, "missing")

    def read(self, path: str) -> bytes:
        if path == FILE and self._content is not None:
            return self._content
        if path not in self._read:
            data = self._tree.read(path)
            if len(data) > MAX_CACHED:
                return data
            self._read[path] = data
        return self._read[path]


class Outcome(NamedTuple):
    """The pairs of a proposal, the number of those that run somewhere without an error, and the errors of others."""

    pairs: tuple[Pair, ...]
    right: int
    failures: tuple[tuple[str, ConfigError], ...]


class Settled(NamedTuple):
    """A proposal that was tried, and its pairs."""

    proposal: Proposal
    pairs: tuple[Pair, ...]


class Trial:
    """A tree on which proposals are tried; `write` returns the text of one.

    `usual` has the number of engines of each folder without settings of its own: of the pairs in folders with one not
    all are resolved where they are many.  With `is_guess` files that look like alternatives must not be layers of one
    pair: nobody has said that they are.
    """

    def __init__(
        self,
        tree: Seen,
        engines: Mapping[str, EngineTraits],
        write: Callable[[Proposal], str],
        *,
        usual: Mapping[str, int],
        is_guess: bool,
    ) -> None:
        self._tree, self._engines, self._write = tree, engines, write
        self._usual, self._is_guess = usual, is_guess

    def settled(self, proposal: Proposal) -> Settled:
        """Return the proposal without what fails, with a note on each thing that it then does not say."""
        outcome = self._outcome(proposal)
        if proposal.instances and not outcome.pairs and not outcome.failures:
            proposal = proposal._replace(instances=(), notes=(*proposal.notes, NOWHERE))
            outcome = self._outcome(proposal)
        while outcome.failures:
            tried = [(self._outcome(other), note, other) for other, note in _narrower(proposal)]
            better = [
                one
                for one in tried
                if one[0].right >= 0 and one[0].right >= outcome.right and _is_better(one[0], outcome)
            ]
            if not better:
                break
            cause = outcome.failures[0][1].what
            outcome, note, proposal = min(better, key=lambda one: (len(one[0].failures), -one[0].right))
            if note:
                proposal = proposal._replace(notes=(*proposal.notes, f"{note}: {cause}"))
        return Settled(proposal._replace(notes=(*proposal.notes, *_unsettled(outcome))), outcome.pairs)

    def _repository(self, proposal: Proposal) -> Repository:
        return Repository(self._tree.planned(self._write(proposal).encode()), self._engines)

    def _outcome(self, proposal: Proposal) -> Outcome:
        try:
            repository = self._repository(proposal)
            pairs = repository.pairs()
        except ConfigError as error:
            return Outcome((), -1, ((FILE, error),))
        failures: list[tuple[str, ConfigError]] = []
        for pair in self._doubtful(pairs):
            failure = self._failure(repository, pair)
            if failure is not None:
                failures.append((f"{pair.app} on {pair.cluster}" if pair.cluster else pair.app, failure))
        idle = sum(not pair.cluster for pair in pairs) if repository.config.clusters else 0
        return Outcome(tuple(pairs), len(pairs) - idle - len(failures), tuple(failures))

    def _doubtful(self, pairs: list[Pair]) -> Iterator[Pair]:
        """Yield the pairs that are resolved: of many usual ones some, among them one of each cluster."""
        every = len(pairs) // MAX_USUAL + 1
        clusters: set[str] = set()
        for at, pair in enumerate(pairs):
            is_usual = self._usual.get(pair.app_folder) == 1 and self._usual.get(pair.instance_folder, 0) <= 1
            if not (is_usual and _NAME.fullmatch(pair.app)) or at % every == 0 or pair.cluster not in clusters:
                clusters.add(pair.cluster)
                yield pair

    def _failure(self, repository: Repository, pair: Pair) -> ConfigError | None:
        try:
            instance = instances.resolve_in(repository, Request(pair.app, pair.cluster))
        except ConfigError as error:
            return error
        except CmpError:  # such as a tool that is not there: no fault of the layout
            return None
        stacked = _alternatives(instance) if self._is_guess else ""
        return ConfigError(f"{stacked} would be layers of one render") if stacked else None


def _is_better(one: Outcome, other: Outcome) -> bool:
    return other.right < 0 or len(one.failures) < len(other.failures)


def _narrower(proposal: Proposal) -> Iterator[tuple[Proposal, str]]:
    """Yield proposals that say less, each with what it leaves out."""
    for at, pattern in enumerate(proposal.apps):
        if "*" not in pattern:
            wide = pattern.replace(APP, f"{APP}*")
            yield proposal._replace(apps=(*proposal.apps[:at], wide, *proposal.apps[at + 1 :])), ""
    for at in reversed(range(len(proposal.values))):
        rest = (*proposal.values[:at], *proposal.values[at + 1 :])
        yield proposal._replace(values=rest), f"the values files {proposal.values[at].pattern} are left out"
    for at in reversed(range(len(proposal.instances))):
        rest_of = (*proposal.instances[:at], *proposal.instances[at + 1 :])
        yield proposal._replace(instances=rest_of), f"the instances {proposal.instances[at]} are left out"
    if len(proposal.apps) > 1:
        for at in reversed(range(len(proposal.apps))):
            others = (*proposal.apps[:at], *proposal.apps[at + 1 :])
            yield proposal._replace(apps=others), f"the applications {proposal.apps[at]} are left out"


def _alternatives(instance: Instance) -> str:
    """Return two layers in one folder whose names differ in one part; empty without such."""
    seen: dict[tuple[str, str], str] = {}
    places = tuple(text for name, text in instance.placeholders.items() if name not in ("app", "release", "namespace"))
    for layer in instance.layers:
        folder, _, file = layer.path.rpartition("/")
        stem, dot, suffix = file.rpartition(".")
        name = values.read_name(stem, Spot(layer.path, instance.app, places))
        if name is not None and name.part:
            other = seen.setdefault((folder, name.text + dot + suffix), layer.path)
            if other != layer.path:
                return f"{other} and {layer.path}"
    return ""


def _unsettled(outcome: Outcome) -> Iterator[str]:
    """Yield a sentence on each error that is left, with the pairs that have it."""
    by_error: dict[str, list[str]] = {}
    for pair, error in outcome.failures:
        where = f"{error.file}: " if error.file else ""
        by_error.setdefault(f"{where}{error.what}", []).append(pair)
    for message, pairs in [*by_error.items()][:MAX_LISTED]:
        yield f"{and_more(list(dict.fromkeys(pairs)), MAX_LISTED)} cannot be rendered: {message}"
    if len(by_error) > MAX_LISTED:
        yield f"{len(by_error) - MAX_LISTED} more errors: `cmp apps` lists them"
