"""A change as a list of paths with values, for readers who want it short."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.changes import Field

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": "~"}


def path_line(field: Field) -> str:
    """Return `~ spec.replicas  3 → 5`."""
    return f"{_SIGNS[field.kind]} {path_text(field.path)}  {_values(field)}"


def path_text(path: Iterable[str]) -> str:
    """Return `spec.containers[web].image`; a key with a dot or a bracket stands in brackets and quotes."""
    parts = [_part(part) for part in path]
    return "".join(parts).removeprefix(".") or "(all)"


def _part(part: str) -> str:
    if part.startswith("[") and part.endswith("]"):
        return part
    return f"[{json.dumps(part, ensure_ascii=False)}]" if not part or set(part) & set(".[] ") else f".{part}"


def _values(field: Field) -> str:
    if field.kind == "moved":
        return "order only"
    if field.kind == "changed":
        return f"{scalar(field.before)} → {scalar(field.after)}"
    return scalar(field.after if field.kind == "added" else field.before)


def scalar(value: object) -> str:
    """Return a value on one line: texts as they are where nobody could take them for something else."""
    if isinstance(value, str) and value.isprintable() and value.strip() == value and not _is_ambiguous(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_ambiguous(text: str) -> bool:
    return text in {"", "true", "false", "null"} or text[0] in '"[{' or text.replace(".", "").lstrip("+-").isdigit()
