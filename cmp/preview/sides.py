"""One side of a comparison: a tree, and every application on every cluster that it holds, resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import instances
from cmp.changes import Subject
from cmp.engines import FACTS, engine_of
from cmp.errors import CmpError
from cmp.fingerprint import CONFIGURATION, SOPS, Inputs, Prints
from cmp.instances import Repository, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.changes import Delivery, Rule
    from cmp.instances import Pair
    from cmp.model import Instance, ToolPin
    from cmp.revision import GitTree

Key = tuple[str, str, str]  # application, cluster, and the name of Argo CD's Application where there is one
NOTHING = Inputs((), (), ())


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
    """What one side has for a key: the instance with all that its render reads, or the error that keeps it from one."""

    asked: Asked
    instance: Instance | None
    error: CmpError | None
    inputs: Inputs
    tools: tuple[ToolPin, ...] = ()
    sees_tree: bool = False


class Side:
    """The cases of a tree by their keys; ConfigError when its configuration as a whole cannot be read."""

    def __init__(self, tree: GitTree, asked: Iterable[Asked] | None = None, *, like: Known | None = None) -> None:
        """Resolve what is asked for; without it, all pairs of the layout.  `like` is what is known already."""
        self.tree = tree
        self.repository = Repository(tree, FACTS)
        self.prints = Prints(self.repository.tree)
        if like:
            self.cases = {key: case if like.holds(case) else self._case(case.asked) for key, case in like.cases.items()}
            return
        wanted = [_of_pair(self.repository, pair) for pair in self.repository.pairs()] if asked is None else asked
        self.cases = {one.key: self._case(one) for one in wanted}

    def successor(self, tree: GitTree, changed: Sequence[str]) -> Side:
        """Return the side of a tree that differs from this one in the paths `changed`, with the pairs of its layout.

        An instance follows from the names of files and from the configuration: where neither changed, it is the same,
        and only what reads a changed file is looked at again.
        """
        decides = any(self._decides(path, tree) for path in changed)
        return Side(tree, like=None if decides else Known(self.cases, tuple(changed)))

    def _decides(self, path: str, tree: GitTree) -> bool:
        """Whether a change of this path may change which instances there are, or what they are."""
        before, after = self.tree.blobs.get(path), tree.blobs.get(path)
        is_named = path.rpartition("/")[2] in CONFIGURATION or path == self.repository.config.inventory
        return is_named or before is None or after is None or before.mode != after.mode

    def fingerprint(self, key: Key) -> str:
        """Return the fingerprint of a case; of one that cannot be rendered, what it says."""
        case = self.cases[key]
        if case.instance is None:
            return f"error: {case.error}"
        try:
            return self.prints.of(case.instance)
        except CmpError as error:
            return f"error: {error}"

    def _case(self, asked: Asked) -> Case:
        try:
            instance = instances.resolve_in(self.repository, asked.request)
            needs = engine_of(instance.engines).needs(self.repository.tree, instance)
            has_secrets = bool(instance.secret_files) or any(layer.secret for layer in instance.layers)
            tools = (*needs.tools.values(), *([instance.pins[SOPS]] if has_secrets else []))
            return Case(asked, instance, None, self.prints.inputs(instance, needs), tools, needs.sees_tree)
        except CmpError as error:
            return Case(asked, None, error, NOTHING)


class Known(NamedTuple):
    """The cases of a tree from which another one differs in some files' content alone."""

    cases: Mapping[Key, Case]
    changed: tuple[str, ...]

    def holds(self, case: Case) -> bool:
        """Whether the case is the same in the other tree: no changed file decides what its engine needs."""
        return case.error is None and not any(case.inputs.has(path) for path in self.changed)


def _of_pair(repository: Repository, pair: Pair) -> Asked:
    subject = Subject(pair.app, pair.cluster, environment(repository, pair.cluster))
    return Asked(subject, Request(pair.app, pair.cluster))


def environment(repository: Repository, cluster: str) -> str:
    """Return the fact `env` of a cluster; empty where nobody says it."""
    found = repository.config.clusters.get(cluster)
    return found.facts.get("env", "") if found else ""
