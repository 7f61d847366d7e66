"""The judgement of policies on all objects of a cluster."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from cmp.checks.policies import gator, limits, objects
from cmp.checks.policies.documents import rule
from cmp.compare import pods
from cmp.errors import ConfigError
from cmp.findings import Finding, Unjudged
from cmp.yamldoc.access import dig, mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.changes import Object
    from cmp.checks.policies.documents import Constraint, Policies
    from cmp.context import Context
    from cmp.findings import Level
    from cmp.model import Tool
    from cmp.yamldoc.access import Map

LEVELS: dict[str, Level] = {"deny": "error", "warn": "warning", "dryrun": "note"}
VERBS = {"deny": "is denied", "warn": "is taken with a warning", "dryrun": "violates a policy that only counts"}
NOT_COMPILED = "compilation error: "  # begins the message of a violation whose CEL is none
# What gator compares with an empty Namespace, where the webhook takes no notice of it for objects of the cluster.
OF_NAMESPACES = ("namespaces", "excludedNamespaces", "namespaceSelector", "scope")


class Judgement(NamedTuple):
    """The findings on each pair, in the order of the pairs and their objects; what nothing judged; sentences on it."""

    findings: tuple[tuple[Finding, ...], ...]
    unjudged: tuple[Unjudged, ...] = ()
    notes: tuple[str, ...] = ()


class _Form(NamedTuple):
    """A constraint as gator gets it; a second form, under another name, is for objects of the cluster alone."""

    constraint: Constraint
    manifest: Map
    is_for_cluster: bool = False

    def judges(self, one: Object) -> bool:
        """Tell whether gator judges an object by this form as the webhook does by the constraint."""
        return not _has_two_forms(self.constraint) or self.is_for_cluster == objects.is_of_cluster(one)


class _Judged(NamedTuple):
    """An object that gator gets, as it gets it, and where it comes from."""

    pair: int
    position: int
    object: Object
    manifest: Map


def judge(policies: Policies, pairs: Sequence[Sequence[Object]], tool: Tool, context: Context) -> Judgement:
    """Judge the objects of all pairs of one cluster, which are masked and have their namespaces.

    Without a policy gator is not started.  ConfigError where it refuses a policy, ToolError where it fails otherwise.
    """
    if not policies.templates:
        return Judgement(tuple(() for _ in pairs))
    return _Cluster(policies, pairs).judgement(tool, context)


class _Cluster:
    def __init__(self, policies: Policies, pairs: Sequence[Sequence[Object]]) -> None:
        self._policies = policies
        self._pairs = pairs
        self._namespaces = objects.rendered_namespaces(one for pair in pairs for one in pair)
        self._passed: Counter[str] = Counter()
        self._judged = [*self._judged_objects()]
        used = {one.object.identity.namespace for one in self._judged} - {""}
        self._unknown = used - self._namespaces.keys()
        self._templates = {one.kind: one for one in policies.templates}
        self._reasons = [(one, limits.reason(self._templates[one.kind], one)) for one in policies.constraints]
        self._constraints = [constraint for constraint, reason in self._reasons if not reason]
        self._forms = {_rule(form.manifest): form for form in _forms(self._constraints)}
        readers = {kind for kind, template in self._templates.items() if limits.is_referential(template)}
        self._readers = {one.rule for one in self._constraints if one.kind in readers}
        self._matched: dict[tuple[str, str], bool] = {}  # by group and kind
        self._selectors = {one.rule for one in self._constraints if limits.selects_by_labels(one)}

    def _judged_objects(self) -> Iterator[_Judged]:
        ignored = objects.ignored(self._namespaces)
        for number, pair in enumerate(self._pairs):
            for position, one in enumerate(pair):
                name = objects.namespace_of(one)
                if objects.is_own(one):
                    self._passed["objects that configure Gatekeeper itself"] += 1
                elif name in ignored or objects.is_excluded(name, self._policies.excluded):
                    self._passed["objects in namespaces that Gatekeeper leaves out"] += 1
                else:
                    yield _Judged(number, position, one, objects.manifest(one))

    def judgement(self, tool: Tool, context: Context) -> Judgement:
        """Return the judgement of one run of gator."""
        places: dict[tuple[str, ...], list[_Judged]] = {}
        for one in self._judged:
            places.setdefault(_key(one.manifest), []).append(one)
        found: dict[tuple[int, int, Finding], None] = {}
        for violation in gator.violations(tool, self._stream(), self._policies, context):
            form = self._forms[violation.rule]
            message = context.redactor.mask(" ".join(violation.message.split()))
            self._require_compiled(form.constraint, message, tool)
            for one in _alike(places.get(_key(violation.manifest), []), violation.manifest):
                if form.judges(one.object):
                    found[one.pair, one.position, self._finding(form.constraint, one.object, message)] = None
        findings: list[list[Finding]] = [[] for _ in self._pairs]
        for pair, _, finding in sorted(found, key=lambda entry: (*entry[:2], entry[2].rule, entry[2].message)):
            findings[pair].append(finding)
        return Judgement(
            findings=tuple(map(tuple, findings)),
            unjudged=tuple(self._unjudged()),
            notes=tuple(self._notes()),
        )

    def _stream(self) -> Iterator[Map]:
        """Yield policies and objects as gator gets them, equal objects of several pairs once.

        Each takes gator half a millisecond at least: those that change nothing are left out.
        """
        for template in self._policies.templates:
            if limits.is_compilable(template):
                yield template.manifest
        yield from (form.manifest for form in self._forms.values())
        yield from map(objects.namespace, sorted(self._unknown))
        given: dict[tuple[str, ...], list[Map]] = {}
        for one in self._judged:
            if not self._is_needed(one.object):
                continue
            equals = given.setdefault(_key(one.manifest), [])
            if one.manifest not in equals:
                equals.append(one.manifest)
                yield one.manifest

    def _is_needed(self, one: Object) -> bool:
        """Tell whether a constraint may match an object, or look at it as the namespace of another, or as another."""
        if self._readers or objects.is_namespace(one):
            return True
        kind = one.identity.group, one.identity.kind
        if kind not in self._matched:
            self._matched[kind] = any(_covers(constraint, *kind) for constraint in self._constraints)
        return self._matched[kind]

    def _require_compiled(self, constraint: Constraint, message: str, tool: Tool) -> None:
        """ConfigError for CEL that does not compile: gator says so of each object that it would judge."""
        template = self._templates[constraint.kind]
        if message.startswith(NOT_COMPILED) and limits.is_cel(template):
            raise ConfigError(f"{gator.NAME} {tool.version} refuses this policy: {message}", file=template.place)

    def _finding(self, constraint: Constraint, one: Object, message: str) -> Finding:
        doubts = [*self._doubts(constraint, one)]
        is_denial = constraint.action == "deny"
        verb = "may be denied" if doubts and is_denial else VERBS[constraint.action]
        return Finding(
            rule=constraint.rule,
            level="warning" if doubts and is_denial else LEVELS[constraint.action],
            api_version=one.api_version,
            identity=one.identity,
            path=(),
            message=f"{verb}: {message} ({'; '.join([constraint.place, *doubts])})",
            source=one.source,
        )

    def _doubts(self, constraint: Constraint, one: Object) -> Iterator[str]:
        """Yield reasons for which the webhook of the cluster may see it otherwise."""
        if constraint.rule in self._readers:
            yield "judged by the rendered objects alone"
        if constraint.rule in self._selectors and one.identity.namespace in self._unknown:
            yield f"the labels of namespace {one.identity.namespace} are not known"
        if _has_two_forms(constraint) and objects.lacks_namespace(one):
            yield "its namespace is not known"

    def _unjudged(self) -> Iterator[Unjudged]:
        by_reason: dict[str, list[str]] = {}
        for constraint, reason in self._reasons:
            if reason:
                by_reason.setdefault(reason, []).append(f"{constraint.kind}/{constraint.name}")
        for reason, names in sorted(by_reason.items()):
            yield Unjudged(f"policies that {reason}: {', '.join(sorted(names))}", len(names))
        yield from (Unjudged(*passed) for passed in sorted(self._passed.items()))
        of_pods = [one for one in self._constraints if _covers(one, "", "Pod")]
        if waiting := sum(any(_waits_for_pods(one, judged.object) for one in of_pods) for judged in self._judged):
            yield Unjudged("workloads whose pods some policies match only once they are made", waiting)

    def _notes(self) -> Iterator[str]:
        if self._selectors and self._unknown:
            yield (
                f"no application here renders the namespaces {', '.join(sorted(self._unknown))}: policies that select "
                f"namespaces by labels know nothing but their name ({_names(self._selectors)})"
            )
        if self._readers:
            yield (
                "of other objects of the cluster, the policies that read them know the rendered ones alone "
                f"({_names(self._readers)})"
            )


def _names(rules: Iterable[str]) -> str:
    return ", ".join(sorted(rule.partition("/")[2] for rule in rules))


def _key(manifest: Map) -> tuple[str, ...]:
    metadata = mapping(manifest.get("metadata"))
    parts = (manifest.get("apiVersion"), manifest.get("kind"), metadata.get("namespace"), metadata.get("name"))
    return tuple(str(part or "") for part in parts)


def _alike(candidates: list[_Judged], manifest: Map) -> list[_Judged]:
    """Return the objects that gator means; of several with one name those that are equal to what it shows."""
    equal = [one for one in candidates if one.manifest == manifest]
    return equal or candidates


def _has_two_forms(constraint: Constraint) -> bool:
    return any(key in mapping(dig(constraint.manifest, "spec", "match")) for key in OF_NAMESPACES)


def _forms(constraints: Sequence[Constraint]) -> Iterator[_Form]:
    """Yield each constraint with its action at the webhook, and again for objects of the cluster where that differs.

    gator takes these for objects of a namespace without name and labels.
    """
    names = {one.name for one in constraints}
    free = (name for number in count() if (name := f"of-cluster-{number}") not in names)
    for constraint in constraints:
        spec = mapping(constraint.manifest.get("spec"))
        spec = {key: value for key, value in spec.items() if key != "scopedEnforcementActions"}
        spec["enforcementAction"] = constraint.action
        yield _Form(constraint, {**constraint.manifest, "spec": spec})
        match = mapping(spec.get("match"))
        if _has_two_forms(constraint) and match.get("scope") != "Namespaced":
            metadata = {**mapping(constraint.manifest.get("metadata")), "name": next(free)}
            spec = {**spec, "match": {key: value for key, value in match.items() if key not in OF_NAMESPACES}}
            yield _Form(constraint, {**constraint.manifest, "metadata": metadata, "spec": spec}, is_for_cluster=True)


def _rule(manifest: Map) -> str:
    return rule(str(manifest["kind"]), str(dig(manifest, "metadata", "name")))


def _waits_for_pods(constraint: Constraint, one: Object) -> bool:
    """Tell whether a constraint that matches pods matches those of a workload, and not the workload."""
    is_workload = one.identity.kind != "Pod" and pods.pod_spec(one)
    return bool(is_workload) and not _covers(constraint, one.identity.group, one.identity.kind)


def _covers(constraint: Constraint, group: str, kind: str) -> bool:
    """Tell whether a constraint matches a kind of objects."""
    kinds = maps(dig(constraint.manifest, "spec", "match", "kinds"))
    return not kinds or any(
        {kind, "*"} & {*_listed(entry, "kinds")} and {group, "*"} & {*_listed(entry, "apiGroups")} for entry in kinds
    )


def _listed(entry: Map, key: str) -> list[str]:
    value = entry.get(key)
    return [*map(str, value)] if isinstance(value, list) and value else ["*"]
