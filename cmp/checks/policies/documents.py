"""The folders of `checks.policies`: ConstraintTemplates, their constraints, and the Config of Gatekeeper.

Anything else there is a mistake: what is taken for a policy and judges nothing would be a wrong success.  Source of the
formats: open-policy-agent/gatekeeper, apis/ and pkg/util/enforcement_action.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import ConfigError
from cmp.model import Problem
from cmp.system.tree import walk
from cmp.yamldoc.access import dig, mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.system.tree import Tree
    from cmp.yamldoc import Document
    from cmp.yamldoc.access import Map

TEMPLATES, CONSTRAINTS = "templates.gatekeeper.sh", "constraints.gatekeeper.sh"
CONFIGS = "config.gatekeeper.sh"
CONFIG_NAME = "config"  # Gatekeeper reads the Config of this name, and no other
WEBHOOK = "validation.gatekeeper.sh"
ENFORCING = ("*", "webhook")  # processes of a Config by which the webhook leaves a namespace out
ACTIONS = ("deny", "warn", "dryrun")  # the strongest first
SCOPED = "scoped"
_SUFFIXES = (".yaml", ".yml", ".json")  # those that gator reads
_HINT = f"these folders hold ConstraintTemplates, constraints ({CONSTRAINTS}) and the Config of Gatekeeper alone"


class Template(NamedTuple):
    """A ConstraintTemplate: the kind of its constraints, its manifest, and where that stands (`file:line`)."""

    kind: str
    name: str
    manifest: Map
    place: str


class Constraint(NamedTuple):
    """A constraint: its manifest, where that stands (`file:line`), and the strongest action that the webhook takes.

    The action is `deny`, `warn` or `dryrun`; empty where the webhook takes none.
    """

    kind: str
    name: str
    manifest: Map
    place: str
    action: str

    @property
    def rule(self) -> str:
        """The rule of its findings."""
        return rule(self.kind, self.name)


class Policies(NamedTuple):
    """All policies of a repository, each constraint with its template.

    `excluded` are patterns of the namespaces that the webhook leaves out.
    """

    templates: tuple[Template, ...]
    constraints: tuple[Constraint, ...]
    excluded: tuple[str, ...] = ()


def rule(kind: str, name: str) -> str:
    """Return the rule of findings by the constraint of this kind and name."""
    return f"policy/{kind}/{name}"


def read(tree: Tree, folders: Sequence[str]) -> Policies:
    """Read the policies in some folders of a tree; ConfigError names all mistakes at once."""
    reader = _Reader()
    for path in dict.fromkeys(path for folder in folders for path in _files(tree, folder)):
        for document in yamldoc.parse_file(tree.read(path), path):
            reader.take(path, document)
    return reader.policies()


def _files(tree: Tree, folder: str) -> Iterator[str]:
    if tree.kind(folder) != "folder":
        raise ConfigError("there is no such folder", file=folder, hint="`checks.policies` of cmp.yaml names it")
    for path in walk(tree, folder):
        if path.endswith(_SUFFIXES):
            yield path


class _Reader:
    def __init__(self) -> None:
        self._templates: dict[str, Template] = {}
        self._constraints: dict[tuple[str, str], Constraint] = {}
        self._excluded: tuple[str, ...] = ()
        self._config = ""  # where it stands
        self._problems: list[Problem] = []

    def take(self, file: str, document: Document) -> None:
        """Take one document in."""
        manifest = mapping(document.value)
        line = yamldoc.lines(document).get(("kind",), document.line)
        group = str(manifest.get("apiVersion", "")).rpartition("/")[0]
        kind, name = (str(part or "") for part in (manifest.get("kind"), dig(manifest, "metadata", "name")))
        known = {TEMPLATES: ("ConstraintTemplate", self._template), CONFIGS: ("Config", self._take_config)}
        meant, take = known.get(group, (kind if group == CONSTRAINTS else "", self._constraint))
        if not kind or kind != meant:
            self._mistake(file, line, f"{kind or 'a document without a kind'} is no policy; {_HINT}")
        elif not name:
            self._mistake(file, line, f"this {kind} has no name")
        else:
            take(manifest, kind, name, Problem(file, line, 0, ""))

    def _template(self, manifest: Map, _: str, name: str, place: Problem) -> None:
        kind = dig(manifest, "spec", "crd", "spec", "names", "kind")
        if not (kind and isinstance(kind, str)):
            self._mistake(place.file, place.line, "this ConstraintTemplate has no spec.crd.spec.names.kind")
        elif kind in self._templates:
            self._again(place, f"the ConstraintTemplate of {kind}", self._templates[kind].place)
        else:
            self._templates[kind] = Template(kind, name, manifest, place.place)

    def _constraint(self, manifest: Map, kind: str, name: str, place: Problem) -> None:
        if (kind, name) in self._constraints:
            self._again(place, f"{kind} {name}", self._constraints[kind, name].place)
            return
        try:
            action = _action(manifest)
        except ValueError as error:
            self._mistake(place.file, place.line, str(error))
            action = ""
        self._constraints[kind, name] = Constraint(kind, name, manifest, place.place, action)

    def _take_config(self, manifest: Map, _: str, name: str, place: Problem) -> None:
        if name != CONFIG_NAME:
            self._mistake(
                place.file, place.line, f"Gatekeeper reads the Config with the name {CONFIG_NAME}, not {name}"
            )
        elif self._config:
            self._again(place, "the Config", self._config)
        else:
            self._config = place.place
            self._excluded = tuple(
                pattern
                for match in maps(dig(manifest, "spec", "match"))
                if {*ENFORCING} & {*_texts(match.get("processes"))}
                for pattern in _texts(match.get("excludedNamespaces"))
            )

    def _again(self, place: Problem, what: str, other: str) -> None:
        self._mistake(place.file, place.line, f"{what} is already in {other}")

    def _mistake(self, file: str, line: int, message: str) -> None:
        self._problems.append(Problem(file, line, 0, message))

    def policies(self) -> Policies:
        """Return what was taken; ConfigError where something is wrong with it."""
        for constraint in self._constraints.values():
            if constraint.kind not in self._templates:
                file, _, line = constraint.place.rpartition(":")
                self._mistake(file, int(line), f"there is no ConstraintTemplate of the kind {constraint.kind}")
        if self._problems:
            raise ConfigError.of(self._problems)
        return Policies(tuple(self._templates.values()), tuple(self._constraints.values()), self._excluded)


def _action(manifest: Map) -> str:
    """Return the strongest action of a constraint at the webhook; ValueError for one that Gatekeeper does not know."""
    action = dig(manifest, "spec", "enforcementAction") or ACTIONS[0]
    if action != SCOPED:
        if action not in ACTIONS:
            raise ValueError(f"enforcementAction is {action}, not {', '.join(ACTIONS)} or {SCOPED}")
        return action
    scoped = maps(dig(manifest, "spec", "scopedEnforcementActions"))
    actions = {str(one.get("action")): {str(point.get("name")) for point in _points(one)} for one in scoped}
    if not actions or not actions.keys() <= {*ACTIONS}:
        raise ValueError(
            f"enforcementAction is {SCOPED}, and spec.scopedEnforcementActions has no list of actions "
            f"({', '.join(ACTIONS)}) with their enforcementPoints"
        )
    return next((one for one in ACTIONS if actions.get(one, set()) & {WEBHOOK, "*"}), "")


def _points(scoped: Map) -> list[Map]:
    return maps(scoped.get("enforcementPoints"))


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
