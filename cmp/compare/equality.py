"""When two values of YAML are the same: in Python `1 == 1.0 == True`, for the reader of a manifest they differ."""

from __future__ import annotations

from json import dumps


def same(before: object, after: object) -> bool:
    """Say whether two values print alike, whatever the order of their keys."""
    return repr(before) == repr(after) or (before == after and token(before) == token(after))


def token(value: object) -> str:
    """Return a text that is equal for equal values only."""
    return dumps(value, ensure_ascii=False, sort_keys=True)
