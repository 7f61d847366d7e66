"""CustomResourceDefinitions: one line in place of the hunks of a schema, too long to be read line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.compare.printing import document_lines, entry_lines, item_lines
from cmp.compare.sequences import blocks
from cmp.yamldoc.access import dig, maps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Field, Object
    from cmp.compare.pairing import MatchedObject

_GROUP, _KIND = "apiextensions.k8s.io", "CustomResourceDefinition"


def summary(matched: MatchedObject, fields: Sequence[Field]) -> str:
    """Return the line in place of hunks: the definition, the number of lines, its versions; else an empty text.

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
    """Return the printed lines of the old and the new value, without the lines of their parents."""
    if field.kind == "moved":
        return [], []
    before = [] if field.kind == "added" else _printed(field.path, field.before)
    return before, [] if field.kind == "removed" else _printed(field.path, field.after)


def _printed(path: tuple[str, ...], value: object) -> list[str]:
    if not path:
        return document_lines(value)
    return item_lines(value) if path[-1].startswith("[") else entry_lines(path[-1], value)


def _versions(matched: MatchedObject) -> str:
    old, new = _version_names(matched.before), _version_names(matched.after)
    if matched.before is None or matched.after is None:
        return f"versions {new or old or 'none'}"
    return "versions unchanged" if old == new else f"versions {old or 'none'} → {new or 'none'}"


def _version_names(side: Object | None) -> str:
    versions = maps(dig(side.value, "spec", "versions")) if side else []
    return ", ".join(str(version.get("name", "")) for version in versions)
