"""CustomResourceDefinitions: their schemas are long, and nobody reads them line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.compare.printing import document, entry, item
from cmp.compare.sequences import blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Field, Object
    from cmp.compare.pairing import Matched

_GROUP, _KIND = "apiextensions.k8s.io", "CustomResourceDefinition"


def summary(matched: Matched, fields: Sequence[Field]) -> str:
    """Return what stands instead of hunks: which definition, how many lines, which versions; else an empty text.

    Only where fields of `spec` (or the whole) changed: a label of a definition is shown as any other.
    """
    newest = matched.newest.identity
    if (newest.group, newest.kind) != (_GROUP, _KIND) or all(field.path[:1] not in ((), ("spec",)) for field in fields):
        return ""
    changed = [block for field in fields for block in blocks(*_lines(field)) if not block.is_equal]
    plus = sum(block.stop - block.start for block in changed)
    minus = sum(block.high - block.low for block in changed)
    return f"schema of {newest.name}, +{plus} \N{MINUS SIGN}{minus} lines, {_versions(matched)}"


def _lines(field: Field) -> tuple[list[str], list[str]]:
    """Return the printed lines of what was and of what is, without those that lead there."""
    if field.kind == "moved":
        return [], []
    before = [] if field.kind == "added" else _printed(field.path, field.before)
    return before, [] if field.kind == "removed" else _printed(field.path, field.after)


def _printed(path: tuple[str, ...], value: object) -> list[str]:
    if not path:
        return document(value)
    return item(value) if path[-1].startswith("[") else entry(path[-1], value)


def _versions(matched: Matched) -> str:
    old, new = _names(matched.before), _names(matched.after)
    if matched.before is None or matched.after is None:
        return f"versions {new or old or 'none'}"
    return "versions unchanged" if old == new else f"versions {old or 'none'} → {new or 'none'}"


def _names(side: Object | None) -> str:
    spec = side.value.get("spec") if side else None
    versions = spec.get("versions") if isinstance(spec, dict) else None
    named = [version for version in versions if isinstance(version, dict)] if isinstance(versions, list) else []
    return ", ".join(str(version.get("name", "")) for version in named)
