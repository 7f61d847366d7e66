"""A proposal tried on its tree before it is written: what fails is narrowed or left out, with a note."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import CmpError, ConfigError, and_more
from cmp.repository import instances, layout
from cmp.repository.config import FILE
from cmp.repository.instances import Repository, Request
from cmp.repository.scaffold.folders.shapes import APP, Spot
from cmp.repository.scaffold.folders.values import read_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.model import EngineTraits, Instance
    from cmp.repository.instances import Pair
    from cmp.repository.scaffold.proposal import Proposal
    from cmp.system.tree import Entry, Kind, Tree

MAX_CACHED = 64 * 1024  # bytes of a file that is kept: configuration and kustomizations are read again and again
MAX_TRIALS = 40  # narrower proposals
MAX_FAILED = 20  # failures after which a proposal is not tried on: these take longest
MAX_SAMPLE = 40  # pairs of a narrower proposal that are tried
UNREADABLE = 1_000_000  # no layout has so many pairs
MAX_WORDS = 200  # letters of an error that a note quotes
MAX_USUAL = 300  # pairs that are alike, and resolved all the same
MAX_LISTED = 3
NOWHERE = (
    "nothing says where applications run: by the entry of `applications` each runs on every cluster; narrow it, or "
    "write `clusters` into each cmp-app.yaml"
)
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


class Failure(NamedTuple):
    """The error of a pair, and the folders that make it one."""

    pair: str
    error: ConfigError
    folders: tuple[str, ...] = ()
    app: str = ""


class Outcome(NamedTuple):
    """The pairs of a proposal, the number of those that run somewhere without an error, and of those with one."""

    pairs: tuple[Pair, ...]
    right: int
    failed: int
    failures: tuple[Failure, ...]

    @property
    def score(self) -> int:
        """Return the number that a better proposal has more of."""
        return self.right - self.failed


class Settled(NamedTuple):
    """A proposal that was tried, its pairs, and about how many of them have an error all the same."""

    proposal: Proposal
    pairs: tuple[Pair, ...]
    failed: int = 0


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
            proposal = proposal._replace(instances=())
            outcome = self._outcome(proposal)
        if proposal.clusters and not outcome.pairs and not outcome.failures and not proposal.applications:
            everywhere = {"apps": "*", "clusters": "all"}
            proposal = _noted(proposal._replace(applications=(everywhere,)), NOWHERE)
            outcome = self._outcome(proposal)
        trials = 0
        while outcome.failures and trials < MAX_TRIALS:
            blamed = outcome.failures[0]
            for other, note in _narrower(proposal, blamed.folders):
                trials += 1
                narrower = self._outcome(other, MAX_SAMPLE)
                if narrower.score > outcome.score and narrower.right * 2 >= outcome.right:
                    proposal = _noted(other, f"{note}: {_short(blamed.error.what)}" if note else "")
                    break
            else:
                break
            outcome = self._outcome(proposal)
        if outcome.failures and (settled := self._without_failing(proposal)):
            return settled
        noted = proposal._replace(notes=(*proposal.notes, *_unsettled(outcome)))
        return Settled(noted, outcome.pairs, outcome.failed)

    def _without_failing(self, proposal: Proposal) -> Settled | None:
        """Keep the applications with an error from running, by an entry; None where that leaves an error."""
        outcome = self._outcome(proposal, most=UNREADABLE)
        apps = sorted({failure.app for failure in outcome.failures if failure.app})
        if not apps:
            return None
        names = apps[0] if len(apps) == 1 else apps
        without = proposal._replace(applications=(*proposal.applications, {"apps": names, "clusters": []}))
        rest = self._outcome(without, most=UNREADABLE)
        if rest.failures or not rest.right:
            return None
        verb = "run" if len(apps) > 1 else "runs"
        note = f"{verb} nowhere here, by the entry of `applications`: {_short(outcome.failures[0].error.what)}"
        return Settled(_noted(without, f"{and_more(apps, MAX_LISTED)} {note}"), rest.pairs)

    def _repository(self, proposal: Proposal) -> Repository:
        return Repository(self._tree.planned(self._write(proposal).encode()), self._engines)

    def _outcome(self, proposal: Proposal, at_most: int = 0, *, most: int = MAX_FAILED) -> Outcome:
        """Try a proposal; of many pairs some stand for the others, and after `most` failures no more are tried."""
        try:
            repository = self._repository(proposal)
            pairs = repository.pairs()
        except ConfigError as unreadable:
            return Outcome((), -len(proposal.apps) * UNREADABLE, 1, (Failure(FILE, unreadable),))
        failures: list[Failure] = []
        doubtful = [*self._doubtful(pairs)]
        chosen = doubtful[:: len(doubtful) // at_most + 1] if at_most else doubtful
        tried = 0
        for pair in chosen:
            tried += 1
            is_other = bool(
                self._is_guess and not proposal.chart and pair.app_folder and self._usual.get(pair.app_folder) == 0
            )
            error = _no_application(pair) if is_other else self._failure(repository, pair)
            if error is not None:
                name = f"{pair.app} on {pair.cluster}" if pair.cluster else pair.app
                failures.append(Failure(name, error, (pair.instance_folder, pair.app_folder), pair.app))
            if len(failures) == most:  # enough to know
                break
        failed = len(failures) * len(doubtful) // max(tried, 1)
        idle = sum(not pair.cluster for pair in pairs) if repository.config.clusters else 0
        return Outcome(tuple(pairs), len(pairs) - idle - failed, failed, tuple(failures))

    def _doubtful(self, pairs: list[Pair]) -> Iterator[Pair]:
        """Yield the pairs that are resolved: of many usual ones some, among them one of each cluster."""
        every = len(pairs) // MAX_USUAL + 1
        clusters: set[str] = set()
        for at, pair in enumerate(pairs):
            is_usual = self._usual.get(pair.app_folder) == 1 and self._usual.get(pair.instance_folder, 0) <= 1
            if (
                not (pair.app_folder and is_usual and _NAME.fullmatch(pair.app))
                or at % every == 0
                or pair.cluster not in clusters
            ):
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


def _no_application(pair: Pair) -> ConfigError:
    return ConfigError(f"{pair.app_folder} has no file of an engine and no Kubernetes object")


def _noted(proposal: Proposal, note: str) -> Proposal:
    return proposal._replace(notes=(*proposal.notes, note)) if note else proposal


def _narrower(proposal: Proposal, folders: Sequence[str]) -> list[tuple[Proposal, str]]:
    """Return proposals that say less, each with a note on it; first those without a pattern that fits the folders."""
    fitting: list[tuple[Proposal, str]] = []
    others: list[tuple[Proposal, str]] = []
    for other, note, pattern in _every_narrower(proposal):
        parsed = layout.parse(pattern)
        fits = any(folder and layout.match(parsed, folder) is not None for folder in folders)
        (fitting if fits else others).append((other, note))
    return [*fitting, *others]


def _every_narrower(proposal: Proposal) -> Iterator[tuple[Proposal, str, str]]:
    """Yield proposals that say less, each with a note and the pattern that it does without."""
    for at, pattern in enumerate(proposal.apps):
        if "*" not in pattern:
            wide = pattern.replace(APP, f"{APP}*")
            yield proposal._replace(apps=(*proposal.apps[:at], wide, *proposal.apps[at + 1 :])), "", pattern
    for at in reversed(range(len(proposal.values))):
        rest = (*proposal.values[:at], *proposal.values[at + 1 :])
        pattern = proposal.values[at].pattern
        yield proposal._replace(values=rest), f"the values files {pattern} are left out", pattern
    for at in reversed(range(len(proposal.instances))):
        pattern = proposal.instances[at]
        narrower = proposal._replace(instances=(*proposal.instances[:at], *proposal.instances[at + 1 :]))
        yield _without_clusters(narrower), f"the instances {pattern} are left out", pattern
    if len(proposal.apps) > 1:
        for at in reversed(range(len(proposal.apps))):
            others = (*proposal.apps[:at], *proposal.apps[at + 1 :])
            pattern = proposal.apps[at]
            yield proposal._replace(apps=others), f"the applications {pattern} are left out", pattern


def _without_clusters(proposal: Proposal) -> Proposal:
    """Leave the clusters out where nothing says any more what runs there."""
    texts = (*proposal.apps, *(values.pattern for values in proposal.values), proposal.release, proposal.namespace)
    is_needed = proposal.instances or proposal.applications or any("{" in text.replace(APP, "") for text in texts)
    return proposal if is_needed else proposal._replace(clusters={})


def _short(text: str) -> str:
    return text if len(text) <= MAX_WORDS else f"{text[:MAX_WORDS]}…"


def _alternatives(instance: Instance) -> str:
    """Return two layers in one folder whose names differ in one part; empty without such."""
    seen: dict[tuple[str, str], str] = {}
    places = tuple(text for name, text in instance.placeholders.items() if name not in ("app", "release", "namespace"))
    for layer in instance.layers:
        folder, _, file = layer.path.rpartition("/")
        stem, dot, suffix = file.rpartition(".")
        name = read_name(stem, Spot(layer.path, instance.app, places))
        if name is not None and name.part:
            other = seen.setdefault((folder, name.text + dot + suffix), layer.path)
            if other != layer.path:
                return f"{other} and {layer.path}"
    return ""


def _unsettled(outcome: Outcome) -> Iterator[str]:
    """Yield a sentence on each error that is left, with the pairs that have it."""
    by_error: dict[str, list[str]] = {}
    for pair, error, *_ in outcome.failures:
        where = f"{error.file}: " if error.file else ""
        by_error.setdefault(_short(f"{where}{error.what}"), []).append(pair)
    for message, pairs in [*by_error.items()][:MAX_LISTED]:
        yield f"{and_more(list(dict.fromkeys(pairs)), MAX_LISTED)} cannot be rendered: {message}"
    if len(by_error) > MAX_LISTED:
        yield f"{len(by_error) - MAX_LISTED} more errors: `cmp apps` lists them"
