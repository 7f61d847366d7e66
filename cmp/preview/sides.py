"""One side of a comparison: a tree, and every application on every cluster that it holds, resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Subject
from cmp.engines import ENGINES, engine_of
from cmp.errors import CmpError
from cmp.render.decrypt import SOPS
from cmp.render.fingerprint import CONFIGURATION, FingerprintIndex, InputPaths
from cmp.repository import instances
from cmp.repository.git import LINK
from cmp.repository.instances import Repository, Request
from cmp.system.workspace import files_of_copy, require_room

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.changes import Delivery, Rule
    from cmp.model import Instance, ToolPin
    from cmp.repository.git import GitTree
    from cmp.repository.instances import Pair

Key = tuple[str, str, str]  # application, cluster, and the name of Argo CD's Application where there is one
NOTHING = InputPaths((), (), ())


class Asked(NamedTuple):
    """What is rendered: a request, and what the Application of Argo CD that asks for it adds for the report."""

    subject: Subject
    request: Request
    application: str = ""
    delivery: Delivery | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def key(self) -> Key:
        """What makes two sides speak of the same thing."""
        return self.subject.app, self.subject.cluster, self.application


class Case(NamedTuple):
    """What one side has for a key: the instance with all that its render reads, or the error that keeps it from one.

    `copies` are the folders of which a render makes private copies.
    """

    asked: Asked
    instance: Instance | None
    error: CmpError | None
    inputs: InputPaths
    copies: tuple[str, ...] = ()
    tools: tuple[ToolPin, ...] = ()
    repositories: tuple[str, ...] = ()
    sees_tree: bool = False


class Side:
    """The cases of a tree by their keys; ConfigError when its configuration as a whole cannot be read."""

    def __init__(self, tree: GitTree, cases: Known | None = None) -> None:
        """Resolve all pairs of the layout, but for what is known of them already."""
        self.tree = tree
        self.repository = Repository(tree, ENGINES)
        self.fingerprints = FingerprintIndex(self.repository.tree)
        if cases is None:
            pairs = (of_pair(self.repository, pair) for pair in self.repository.pairs())
            self.cases = {one.key: self.case(one) for one in pairs}
        else:
            found = cases.cases
            self.cases = {key: one if cases.holds(one) else self.case(one.asked) for key, one in found.items()}

    def successor(self, tree: GitTree, changed: Sequence[str]) -> Side:
        """Return the side of a tree that differs from this one in the paths `changed`.

        An instance follows from the names of files and from the configuration: where neither changed, it is the same,
        and only what reads a changed file is looked at again.
        """
        decides = any(self._decides(path, tree) for path in changed)
        return Side(tree, None if decides else Known(self.cases, tuple(changed)))

    def asking(self, asked: Sequence[Asked]) -> Side:
        """Return the side with these cases in place of the layout's; what is asked for alike is not resolved again."""
        other = Side(self.tree, Known({}, ()))
        for one in asked:
            known = self.cases.get(one.key)
            other.cases[one.key] = known if known and known.asked == one else other.case(one)
        return other

    def _decides(self, path: str, tree: GitTree) -> bool:
        """Whether a change of this path may change which instances there are, or what they are."""
        before, after = self.tree.blobs.get(path), tree.blobs.get(path)
        is_named = path.rpartition("/")[2] in CONFIGURATION or path == self.repository.config.inventory
        return is_named or before is None or after is None or before.mode != after.mode or before.mode == LINK

    def fingerprint(self, key: Key) -> str:
        """Return the fingerprint of a case; of one that cannot be rendered, what it says."""
        case = self.cases[key]
        if case.instance is None:
            return f"error: {case.error}"
        try:
            return self.fingerprints.of(case.instance)
        except CmpError as error:
            return f"error: {error}"

    def refused_copies(self, folders: Iterable[str]) -> dict[str, CmpError]:
        """Return which folders no private copy is made of, and why: a render with one of them ends so."""
        refused: dict[str, CmpError] = {}
        files: dict[str, list[str]] = {}
        for folder in folders:
            try:
                files[folder] = files_of_copy(self.tree, folder)
            except CmpError as error:
                refused[folder] = error
        paths = sorted({path for found in files.values() for path in found})
        sizes = dict(zip(paths, self.tree.sizes(paths), strict=True))
        for folder, found in files.items():
            try:
                require_room((path, sizes[path]) for path in found)
            except CmpError as error:
                refused[folder] = error
        return refused

    def case(self, asked: Asked) -> Case:
        """Resolve what is asked for; an error is a case, too."""
        try:
            instance = instances.resolve_in(self.repository, asked.request)
            needs = engine_of(instance.engines).needs(self.repository.tree, instance)
            has_secrets = bool(instance.secret_files) or any(layer.is_secret for layer in instance.layers)
            return Case(
                *(
                    asked,
                    instance,
                    None,
                    self.fingerprints.inputs(instance, needs),
                    self.fingerprints.copied_folders(instance, needs),
                ),
                tools=(*needs.tools.values(), *([instance.pins[SOPS]] if has_secrets else [])),
                repositories=tuple(self.fingerprints.chart_repositories(needs)),
                sees_tree=needs.needs_whole_tree,
            )
        except CmpError as error:
            return Case(asked, None, error, NOTHING)


class Known(NamedTuple):
    """The cases of a tree from which another one differs in some files' content alone."""

    cases: Mapping[Key, Case]
    changed: tuple[str, ...]

    def holds(self, case: Case) -> bool:
        """Whether the case is the same in the other tree: no changed file decides what its engine needs."""
        return case.error is None and not any(map(case.inputs.covers, case.inputs.select(self.changed)))


def of_pair(repository: Repository, pair: Pair) -> Asked:
    """Ask for a pair of the layout, as a person would."""
    subject = Subject(pair.app, pair.cluster, environment(repository, pair.cluster))
    return Asked(subject, Request(pair.app, pair.cluster))


def environment(repository: Repository, cluster: str) -> str:
    """Return the fact `env` of a cluster; empty where nobody says it."""
    found = repository.config.clusters.get(cluster)
    return found.facts.get("env", "") if found else ""
