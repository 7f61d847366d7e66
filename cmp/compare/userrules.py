"""Which differences a rule of the user means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmp.changes import Field, Object, Rule
    from cmp.compare.matched import Matched

    Path = tuple[str, ...]


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
