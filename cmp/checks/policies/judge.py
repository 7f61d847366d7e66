"""The judgement of policies on all objects of a cluster."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from cmp.checks.policies import gator, limits, objects
from cmp.compare import pods
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
# What gator compares with an empty Namespace, where the webhook takes no notice of it for objects of the cluster.
OF_NAMESPACES = ("namespaces", "excludedNamespaces", "namespaceSelector", "scope")
OF_CLUSTER = " of the cluster"  # ends the name of the form of a constraint for these: no real name has a blank


class Judgement(NamedTuple):
    """The findings on each pair, in the order of the pairs and their objects; what nothing judged; sentences on it."""

    findings: tuple[tuple[Finding, ...], ...]
    unjudged: tuple[Unjudged, ...] = ()
    notes: tuple[str, ...] = ()


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
        templates = {one.kind: one for one in policies.templates}
        self._reasons = [(one, limits.reason(templates[one.kind], one)) for one in policies.constraints]
        self._constraints = [constraint for constraint, reason in self._reasons if not reason]
        readers = {kind for kind, template in templates.items() if limits.is_referential(template)}
        self._readers = {one.rule for one in self._constraints if one.kind in readers}
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
        by_rule = {one.rule: one for one in self._constraints}
        found: dict[tuple[int, int, Finding], None] = {}
        for violation in gator.violations(tool, self._stream(), self._policies, context):
            constraint = by_rule[violation.rule.removesuffix(OF_CLUSTER)]
            message = context.redactor.mask(" ".join(violation.message.split()))
            for one in _alike(places.get(_key(violation.manifest), []), violation.manifest):
                if _form(constraint, one.object) == violation.rule:
                    found[one.pair, one.position, self._finding(constraint, one.object, message)] = None
        findings: list[list[Finding]] = [[] for _ in self._pairs]
        for pair, _, finding in sorted(found, key=lambda entry: (*entry[:2], entry[2].rule, entry[2].message)):
            findings[pair].append(finding)
        return Judgement(
            findings=tuple(map(tuple, findings)),
            unjudged=tuple(self._unjudged()),
            notes=tuple(self._notes()),
        )

    def _stream(self) -> Iterator[Map]:
        """Yield policies and objects as gator gets them, equal objects of several pairs once."""
        for template in self._policies.templates:
            if limits.is_compilable(template):
                yield template.manifest
        for constraint in self._constraints:
            yield from _forms(constraint)
        yield from map(objects.namespace, sorted(self._unknown))
        given: dict[tuple[str, ...], list[Map]] = {}
        for one in self._judged:
            equals = given.setdefault(_key(one.manifest), [])
            if one.manifest not in equals:
                equals.append(one.manifest)
                yield one.manifest

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
        for what, count in sorted(self._passed.items()):
            yield Unjudged(what, count)
        of_pods = [one for one in self._constraints if _covers(one, "", "Pod")]
        if count := sum(any(_waits_for_pods(one, judged.object) for one in of_pods) for judged in self._judged):
            yield Unjudged("workloads whose pods some policies match only once they are made", count)

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


def _form(constraint: Constraint, one: Object) -> str:
    """Return the rule under which gator judges an object by a constraint as the webhook does."""
    is_other = _has_two_forms(constraint) and objects.is_of_cluster(one)
    return constraint.rule + OF_CLUSTER if is_other else constraint.rule


def _forms(constraint: Constraint) -> Iterator[Map]:
    """Yield a constraint with its action at the webhook, and again for objects of the cluster where that differs.

    gator takes these for objects of a namespace without name and labels.
    """
    spec = mapping(constraint.manifest.get("spec"))
    spec = {key: value for key, value in spec.items() if key != "scopedEnforcementActions"}
    spec["enforcementAction"] = constraint.action
    yield {**constraint.manifest, "spec": spec}
    match = mapping(spec.get("match"))
    if _has_two_forms(constraint) and match.get("scope") != "Namespaced":
        metadata = {**mapping(constraint.manifest.get("metadata")), "name": constraint.name + OF_CLUSTER}
        rest = {key: value for key, value in match.items() if key not in OF_NAMESPACES}
        yield {**constraint.manifest, "metadata": metadata, "spec": {**spec, "match": rest}}


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
