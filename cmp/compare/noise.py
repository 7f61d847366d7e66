"""Differences that say nothing new, told apart from the others: each is folded by a rule with a name, never lost.

    chart-labels   a label that repeats the version of the chart or the application; the list of bumps has it once
    checksum       the checksum of a ConfigMap or Secret in a pod template, where that object's change is in the diff
    hash-name      kustomize named a ConfigMap or Secret by its content: its own name, and the references to it

The last two still replace pods, which `restarts` counts.  A checksum that nothing in the diff explains is kept: either
a template is not deterministic, or something changed that nobody sees.  Another order of a list is kept too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Folded
from cmp.compare.pods import TEMPLATES, configuration, pod_spec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Field, Object, Rule
    from cmp.compare.pairing import Matched

    Path = tuple[str, ...]

CHART_LABELS, CHECKSUM, HASH_NAME = "chart-labels", "checksum", "hash-name"

_LABELS = frozenset(("helm.sh/chart", "app.kubernetes.io/version"))
_OLD_LABEL = re.compile(r".+-v?\d+\.\d+\.\d+\S*")  # `chart: redis-4.9.1`, but not `chart: bar`
# The alphabet of kustomize's hasher: no vowels, and nothing that reads like one.
_HASHED = re.compile(r"(.+)-[2456789bcdfghkmt]{10}")
_CONFIGURATION = ("ConfigMap", "Secret")


def fold(
    matched: Matched, fields: Sequence[Field], all_matched: Sequence[Matched], rules: Sequence[Rule]
) -> tuple[tuple[Field, ...], tuple[Folded, ...]]:
    """Return what a reader should see, and what is folded with the rule that says so; both in the given order.

    `all_matched` are all objects of the pair, `rules` those of the user, which come after the built-in ones.
    """
    judge = _Judge(matched, all_matched)
    named = [(judge.rule(field) or _users(matched, field, rules), field) for field in fields]
    kept = tuple(field for rule, field in named if not rule)
    return kept, tuple(Folded(rule, field) for rule, field in named if rule)


def stem(name: str) -> str:
    """Return a name without the hash that kustomize appends."""
    match = _HASHED.fullmatch(name)
    return match[1] if match else name


def _users(matched: Matched, field: Field, rules: Sequence[Rule]) -> str:
    return next((rule.name for rule in rules if is_meant(rule, matched, field)), "")


class _Judge(NamedTuple):
    matched: Matched
    all_matched: Sequence[Matched]

    def rule(self, field: Field) -> str:
        """Return the name of the built-in rule that folds the field, empty where none does."""
        if self._is_chart_label(field):
            return CHART_LABELS
        if self._is_checksum(field) and self._reads_a_change():
            return CHECKSUM
        if self._is_hash_name(field):
            return HASH_NAME
        return ""

    def _metadata(self, field: Field) -> tuple[str, ...]:
        """Return the rest of a path below `metadata` of the object or its pod template."""
        template = TEMPLATES.get(self.matched.newest.identity.kind, ())
        for start in ((*template, "metadata"), ("metadata",)):
            if field.path[: len(start)] == start:
                return field.path[len(start) :]
        return ()

    def _is_chart_label(self, field: Field) -> bool:
        rest = self._metadata(field)
        if field.kind != "changed" or len(rest) != 2 or rest[0] != "labels":  # noqa: PLR2004  # `labels`, and its name
            return False
        both = (str(field.before), str(field.after))
        return rest[1] in _LABELS or (rest[1] == "chart" and all(_OLD_LABEL.fullmatch(text) for text in both))

    def _is_checksum(self, field: Field) -> bool:
        rest = self._metadata(field)
        is_annotation = len(rest) == 2 and rest[0] == "annotations" and rest[1].startswith("checksum/")  # noqa: PLR2004
        return field.kind == "changed" and is_annotation and field.path[0] != "metadata"

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
        """Whether kustomize made the newer name because the content of what is named changed."""
        old, new = field.before, field.after
        if field.kind != "changed" or not (isinstance(old, str) and isinstance(new, str)):
            return False
        return old != stem(old) == stem(new) != new and any(
            before
            and after
            and after.identity.kind in _CONFIGURATION
            and (before.identity.name, after.identity.name) == (old, new)
            for before, after in self.all_matched
        )


def is_meant(rule: Rule, matched: Matched, field: Field) -> bool:
    """Say whether the rule names this object (on either side, should its name have changed) and this difference."""
    return (
        any(_is_named(rule, side) for side in matched if side)
        and is_below(rule.path, field.path)
        and (not rule.pattern or _fits(rule.pattern, field))
    )


def is_below(pattern: Path, path: Path) -> bool:
    """Say whether the pattern means the path: `*` any one part, `[*]` any item, a last `**` all that begins so."""
    if pattern[-1:] == ("**",):
        pattern, path = pattern[:-1], path[: len(pattern) - 1]
    return len(pattern) == len(path) and all(map(_is_part, pattern, path))


def _is_part(pattern: str, part: str) -> bool:
    return pattern in ("*", part) or (pattern == "[*]" and part.startswith("[") and part.endswith("]"))


def _is_named(rule: Rule, side: Object) -> bool:
    identity = side.identity
    wanted = (rule.group, rule.kind, rule.namespace, rule.object)
    found = (identity.group, identity.kind, identity.namespace, identity.name)
    return all(not want or want == have for want, have in zip(wanted, found, strict=True))


def _fits(pattern: str, field: Field) -> bool:
    both = (field.before, field.after)
    return field.kind == "changed" and all(isinstance(text, str) and re.fullmatch(pattern, text) for text in both)
