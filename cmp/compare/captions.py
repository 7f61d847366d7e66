"""The one line by which a reader knows an item of a list again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.compare.align import KEYS
from cmp.compare.equality import same
from cmp.compare.printing import MAX_LENGTH, item
from cmp.system.visible import visible_line

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEYS = (*dict.fromkeys(key for keys in KEYS for key in keys), "id", "kind", "type")


def caption(before: object, after: object, label: str) -> str:
    """Return `- name: web`, or the item if it is short; `- # [0]` where no such line is the same on both sides."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = next((key for key in (*_KEYS, *sorted(before)) if _is_telling(before, after, key)), None)
        return item({found: after[found]})[0] if found is not None else _numbered(label)
    return item(after)[0] if _is_short(after) and same(before, after) else _numbered(label)


def _numbered(label: str) -> str:
    return f"- # {visible_line(label)}"


def _is_telling(before: Mapping[str, object], after: Mapping[str, object], key: str) -> bool:
    return key in before and key in after and _is_short(after[key]) and same(before[key], after[key])


def _is_short(value: object) -> bool:
    is_line = not isinstance(value, str) or ("\n" not in value and len(value) <= MAX_LENGTH)
    return is_line and not isinstance(value, dict | list)
