"""Access to the parts of a value from YAML or JSON whose shape has not been checked."""

from __future__ import annotations

Map = dict[str, object]


def dig(value: object, *keys: str) -> object:
    """Return the value under a path of keys; None where a key is missing, or something on the way is not a map."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def mapping(value: object) -> Map:
    """Return a map as it is, and an empty one in place of anything else."""
    return value if isinstance(value, dict) else {}


def maps(value: object) -> list[Map]:
    """Return the maps among the items of a list; none of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
