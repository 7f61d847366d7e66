"""The objects of both sides of a pair, judged: each side by what its own tree says of its cluster.

Only what can be new is judged: where both sides have the same version of the cluster and the same definitions, an
object that does not change has no new finding.  A kind of which no definition is at hand is counted as not judged: the
definitions are those in the folders of `checks.schemas`, and those that the pair itself renders.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cmp.changes import Object  # noqa: TC001  # records.py reads the types of fields
from cmp.checks import outputs, skips
from cmp.checks.definitions import Definitions
from cmp.checks.judge import Judge
from cmp.errors import ConfigError
from cmp.findings import Unjudged
from cmp.model import Cluster, Identity
from cmp.preview import new_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from cmp.changes import Change
    from cmp.findings import Finding
    from cmp.preview.sides import Side
    from cmp.repository.config.model import Checks, SkippedFinding

NO_DEFINITION = "a kind of which no CRD is known"
NAMESPACE = "Namespace"
_NO_CLUSTER = Cluster("")


class Forms(NamedTuple):
    """The objects of a side of a pair, as they are and masked, in the same order."""

    plain: tuple[Object, ...] = ()
    masked: tuple[Object, ...] = ()


class PolicyObjects(NamedTuple):
    """The masked objects of both sides of a pair that policies may judge otherwise than before."""

    before: tuple[Object, ...] = ()
    after: tuple[Object, ...] = ()


class JudgedPair(NamedTuple):
    """The findings that only one side of a pair has, masked, and what nothing judges of the newer one.

    `for_policies` are left to them.
    """

    new: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    for_policies: PolicyObjects = PolicyObjects()


class _Standards(NamedTuple):
    """All but policies that decides about the findings on an object; `definitions` are compared by identity."""

    kube_version: str
    api_versions: tuple[str, ...]
    definitions: Definitions
    own_definitions: tuple[Object, ...]

    def judge(self) -> Judge:
        own = Definitions.of(self.own_definitions)
        definitions = cast("Any", own.over(self.definitions))  # its schemas judge as those of the judge do
        return Judge(self.kube_version, self.api_versions, definitions)


def checks_of(base: Side, head: Side, *, is_asked: bool, is_untrusted: bool) -> Checks | None:
    """Return the settings by which a comparison judges, None where neither cmp.yaml nor the command line asks for it.

    They are those of the newer side; of an untrusted change they are those of the base.
    """
    checks = (base if is_untrusted else head).repository.config.checks
    return checks if checks.is_given or is_asked else None


def changed_folders(base: Side, head: Side, checks: Checks) -> tuple[str, ...]:
    """Return the folders of what objects are judged by that differ between both sides."""
    folders = dict.fromkeys((*checks.schemas, *checks.policies))
    return tuple(folder for folder in folders if _files(base, folder) != _files(head, folder))


def _files(side: Side, folder: str) -> dict[str, str]:
    return {path: blob.id for path, blob in side.tree.blobs.items() if path.startswith(f"{folder}/")}


class Judging:
    """The judges of a comparison.

    UsageError without the extra that they need, ConfigError for folders of the newer side that hold no definitions.
    """

    def __init__(self, base: Side, head: Side, checks: Checks) -> None:
        self._clusters = tuple(side.repository.config.clusters for side in (base, head))
        after = Definitions.read(head.tree, checks.schemas)
        self._definitions = (_older_definitions(base, head, checks, after), after)
        self._skipped: Sequence[SkippedFinding] = checks.skip
        self._has_policies = bool(checks.policies)
        self._has_same_policies = not set(changed_folders(base, head, checks)) & {*checks.policies}
        Judge("", ())  # the extra is missing for all pairs, or for none

    def judged(
        self, cluster: str, before: Forms, after: Forms, changes: Iterable[Change], mask: Callable[[str], str]
    ) -> JudgedPair:
        """Judge the objects of both sides of a pair, whose changes are known; `mask` hides all secrets of a text."""
        for_policies = self._for_policies(before, after)
        old, new = (self._standards(at, cluster, forms) for at, forms in enumerate((before, after)))
        if old == new:
            before, after = _without_equal(before, after)
        was, now = (
            outputs.judged(forms.plain, forms.masked, standards.judge(), mask)
            for standards, forms in ((old, before), (new, after))
        )
        versions = tuple(dict.fromkeys((old.kube_version, new.kube_version)))
        found = new_findings.compared(self.counted(was.findings), self.counted(now.findings), changes, versions)
        kinds = Counter((item.identity.group, item.identity.kind) for item in now.custom)
        unknown = (Unjudged(f"{kind}.{group}: {NO_DEFINITION}", times) for (group, kind), times in kinds.items())
        return JudgedPair(found.new, found.fixed, outputs.counted((*now.unjudged, *unknown)), for_policies)

    def _for_policies(self, before: Forms, after: Forms) -> PolicyObjects:
        if not self._has_policies:
            return PolicyObjects()
        if not self._has_same_policies:
            return PolicyObjects(before.masked, after.masked)
        before, after = _without_equal(before, after, but=NAMESPACE)
        return PolicyObjects(before.masked, after.masked)

    def counted(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings that `checks.skip` does not pass over."""
        return [one for one in findings if not any(skips.fits(entry, one) for entry in self._skipped)]

    def _standards(self, side: int, cluster: str, forms: Forms) -> _Standards:
        known = self._clusters[side].get(cluster, _NO_CLUSTER)
        own = tuple(item for item in forms.plain if outputs.is_definition(item))
        return _Standards(known.kube_version, known.api_versions, self._definitions[side], own)


def _older_definitions(base: Side, head: Side, checks: Checks, newer: Definitions) -> Definitions:
    """Return the definitions in the folders as the older side has them: the same object where they are the same."""
    if all(_files(base, folder) == _files(head, folder) for folder in checks.schemas):
        return newer
    try:
        return Definitions.read(base.tree, checks.schemas)
    except ConfigError:  # a folder that comes with the change, or one that it mends
        return Definitions()


def _without_equal(before: Forms, after: Forms, but: str = "") -> tuple[Forms, Forms]:
    """Return both sides without the objects that are equal on both, but those of a kind (`v1`)."""
    values, others = (_by_key(forms.plain) for forms in (before, after))
    equal = {key for key, value in values.items() if key in others and value == others[key]}
    equal = {key for key in equal if (key[0], key[1].kind) != ("v1", but)}
    return _without(before, equal), _without(after, equal)


_Key = tuple[str, Identity]


def _by_key(objects: Sequence[Object]) -> dict[_Key, dict[str, object]]:
    """Return the objects by version and identity, those alone that share it with no other (`generateName`)."""
    times = Counter((item.api_version, item.identity) for item in objects)
    return {key: item.value for item in objects if times[key := (item.api_version, item.identity)] == 1}


def _without(forms: Forms, keys: Collection[_Key]) -> Forms:
    kept = [at for at, item in enumerate(forms.plain) if (item.api_version, item.identity) not in keys]
    return Forms(tuple(forms.plain[at] for at in kept), tuple(forms.masked[at] for at in kept))
