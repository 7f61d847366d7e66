"""Rules that fold differences without news: each folded difference has the name of its rule, and none is lost.

    chart-labels   a label that repeats the version of the chart or the application; the list of bumps has it once
    checksum       the checksum of a ConfigMap or Secret in a pod template, where that object's change is in the diff
    hash-name      kustomize named a ConfigMap or Secret by its content: its own name, and the references to it

The last two still replace pods, which `pods.is_restart` counts.  A checksum that nothing in the diff explains is kept:
either a template is not deterministic, or its cause is not in the diff.  Another order of a list is kept too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Folded
from cmp.compare.pairing import KUSTOMIZE_HASH
from cmp.compare.pods import TEMPLATES, configuration, pod_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Field, Object, Rule
    from cmp.compare.pairing import MatchedObject

    Path = tuple[str, ...]

CHART_LABELS, CHECKSUM, HASH_NAME = "chart-labels", "checksum", "hash-name"

_LABELS = frozenset(("helm.sh/chart", "app.kubernetes.io/version"))
_OLD_LABEL = re.compile(r".+-v?\d+\.\d+\.\d+\S*")  # `chart: redis-4.9.1`, but not `chart: bar`
_HASHED = re.compile(rf"(.+)-{KUSTOMIZE_HASH}")
_CONFIGURATION = ("ConfigMap", "Secret")


def fold(
    matched: MatchedObject, fields: Sequence[Field], all_matched: Sequence[MatchedObject], rules: Sequence[Rule]
) -> tuple[tuple[Field, ...], tuple[Folded, ...]]:
    """Return the fields that a reader should see, and the folded ones with their rules; both in the given order.

    `all_matched` are all objects of the pair, `rules` those of the user, which come after the built-in ones.
    """
    built_in = _BuiltInRules(matched, all_matched)
    named = [(built_in.name(field) or _user_rule(matched, field, rules), field) for field in fields]
    kept = tuple(field for rule, field in named if not rule)
    return kept, tuple(Folded(rule, field) for rule, field in named if rule)


def without_hash(name: str) -> str:
    """Return a name without the hash that kustomize appends."""
    match = _HASHED.fullmatch(name)
    return match[1] if match else name


def path_matches(pattern: Path, path: Path) -> bool:
    """Match a path against a rule's: `*` is any one part, `[*]` any item, a last `**` everything below."""
    if pattern[-1:] == ("**",):
        pattern, path = pattern[:-1], path[: len(pattern) - 1]
    return len(pattern) == len(path) and all(map(_part_matches, pattern, path))


class _BuiltInRules(NamedTuple):
    """The rules that need no configuration, for one object; some of them look at the other objects of the pair."""

    matched: MatchedObject
    all_matched: Sequence[MatchedObject]

    def name(self, field: Field) -> str:
        """Return the name of the built-in rule that folds the field, empty where none does."""
        if field.kind != "changed":
            return ""
        if self._is_chart_label(field):
            return CHART_LABELS
        if self._is_checksum(field) and self._reads_a_change():
            return CHECKSUM
        return HASH_NAME if self._is_hash_name(field) else ""

    def _metadata(self, field: Field) -> tuple[str, ...]:
        """Return the rest of a path below `metadata` of the object or its pod template."""
        template = TEMPLATES.get(self.matched.newest.identity.kind, ())
        for start in ((*template, "metadata"), ("metadata",)):
            if field.path[: len(start)] == start:
                return field.path[len(start) :]
        return ()

    def _is_chart_label(self, field: Field) -> bool:
        match self._metadata(field):
            case ("labels", "chart"):
                return all(_OLD_LABEL.fullmatch(str(text)) for text in (field.before, field.after))
            case ("labels", label):
                return label in _LABELS
        return False

    def _is_checksum(self, field: Field) -> bool:
        match self._metadata(field):
            case ("annotations", annotation):
                return annotation.startswith("checksum/") and field.path[0] != "metadata"
        return False

    def _reads_a_change(self) -> bool:
        sides = [side for side in self.matched if side]
        read = {(*reference, side.identity.namespace) for side in sides for reference in configuration(pod_spec(side))}
        return any(
            (side.identity.kind, side.identity.name, side.identity.namespace) in read and before != after
            for before, after in self.all_matched
            for side in (before, after)
            if side and side.identity.kind in _CONFIGURATION
        )

    def _is_hash_name(self, field: Field) -> bool:
        """Say whether kustomize made the newer name because the content of the named object changed."""
        old, new = field.before, field.after
        if not (isinstance(old, str) and isinstance(new, str)):
            return False
        return old != without_hash(old) == without_hash(new) != new and any(
            before
            and after
            and after.identity.kind in _CONFIGURATION
            and (before.identity.name, after.identity.name) == (old, new)
            for before, after in self.all_matched
        )


def _user_rule(matched: MatchedObject, field: Field, rules: Sequence[Rule]) -> str:
    """Return the name of the first rule of the user that folds the field, empty where none does.

    A rule names the object on either side, should its name have changed.
    """
    for rule in rules:
        is_named = any(_is_named(rule, side) for side in matched if side)
        if is_named and path_matches(rule.path, field.path) and (not rule.pattern or _fits(rule.pattern, field)):
            return rule.name
    return ""


def _part_matches(pattern: str, part: str) -> bool:
    return pattern in ("*", part) or (pattern == "[*]" and part.startswith("[") and part.endswith("]"))


def _is_named(rule: Rule, side: Object) -> bool:
    identity = side.identity
    wanted = (rule.group, rule.kind, rule.namespace, rule.object)
    actual = (identity.group, identity.kind, identity.namespace, identity.name)
    return all(not want or want == have for want, have in zip(wanted, actual, strict=True))


def _fits(pattern: str, field: Field) -> bool:
    both = (field.before, field.after)
    return field.kind == "changed" and all(isinstance(text, str) and re.fullmatch(pattern, text) for text in both)
