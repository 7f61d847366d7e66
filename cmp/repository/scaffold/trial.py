"""A proposal tried on its tree before it is written: what fails is narrowed or left out, with a note."""

from __future__ import annotations

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
MAX_RETRIED = 300  # pairs on which a narrower proposal is tried
MAX_LISTED = 3


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
    """The number of pairs of a proposal that are right, and those with an error."""

    right: int
    failures: tuple[tuple[str, ConfigError], ...]


class Trial:
    """A tree on which proposals are tried; `write` returns the text of one.

    With `is_guess` files that look like alternatives must not be layers of one pair: nobody has said that they are.
    """

    def __init__(
        self, tree: Seen, engines: Mapping[str, EngineTraits], write: Callable[[Proposal], str], *, is_guess: bool
    ) -> None:
        self._tree, self._engines, self._write, self._is_guess = tree, engines, write, is_guess

    def settled(self, proposal: Proposal) -> Proposal:
        """Return the proposal without what fails, with a note on each thing that it then does not say."""
        proposal = self._with_pairs(proposal)
        outcome = self._outcome(proposal)
        while outcome.failures:
            first = self._outcome(proposal, MAX_RETRIED) if outcome.right > MAX_RETRIED else outcome
            tried = [(self._outcome(other, MAX_RETRIED), note, other) for other, note in _narrower(proposal)]
            better = [
                one for one in tried if len(one[0].failures) < len(first.failures) and one[0].right >= first.right
            ]
            if not better:
                break
            _, note, proposal = min(better, key=lambda one: (len(one[0].failures), -one[0].right))
            if note:
                proposal = proposal._replace(notes=(*proposal.notes, f"{note}: {outcome.failures[0][1].what}"))
            outcome = self._outcome(proposal)
        return proposal._replace(notes=(*proposal.notes, *_unsettled(outcome)))

    def _with_pairs(self, proposal: Proposal) -> Proposal:
        """Leave out the instances where they say that nothing runs anywhere."""
        if not proposal.instances:
            return proposal
        try:
            has_pairs = bool(self._repository(proposal).pairs())
        except ConfigError:
            return proposal
        if has_pairs:
            return proposal
        note = "no folder says where an application runs: write `clusters: all`, or names, into its cmp-app.yaml"
        return proposal._replace(instances=(), notes=(*proposal.notes, note))

    def _repository(self, proposal: Proposal) -> Repository:
        return Repository(self._tree.planned(self._write(proposal).encode()), self._engines)

    def _outcome(self, proposal: Proposal, at_most: int = 0) -> Outcome:
        try:
            repository = self._repository(proposal)
            pairs = repository.pairs()
        except ConfigError as error:
            return Outcome(0, ((FILE, error),) * MAX_RETRIED)
        right, failures = 0, []
        for pair in pairs[:at_most] if at_most else pairs:
            failure = self._failure(repository, pair)
            if failure is None:
                right += bool(pair.cluster) or not repository.config.clusters
            else:
                failures.append((f"{pair.app} on {pair.cluster}" if pair.cluster else pair.app, failure))
        return Outcome(right, tuple(failures))

    def _failure(self, repository: Repository, pair: Pair) -> ConfigError | None:
        try:
            instance = instances.resolve_in(repository, Request(pair.app, pair.cluster))
        except ConfigError as error:
            return error
        except CmpError:  # such as a tool that is not there: no fault of the layout
            return None
        stacked = _alternatives(instance) if self._is_guess else ""
        return ConfigError(f"{stacked} would be layers of one render") if stacked else None


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
