r"""What sets single state values, as a values file: helmfile's flag `--state-values-set` cuts a value at its commas.

Keys and types are those of helmfile 1.1.7 (pkg/maputil): `a.b[0]` is an element of a list, `a\.b` one key.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    Map = dict[str, object]

MAX_INDEX = 1000

_SEGMENT = re.compile(r"((?:\\.|[^.\\])+)(?:\.|$)")
_INDEXED = re.compile(r"([^\[\]]+)\[(\d+)\]")
_KNOWN = {"true": True, "false": False, "null": None}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})")


def tree(typed: Iterable[tuple[str, str]], texts: Iterable[tuple[str, str]]) -> Map:
    """Return the values as a tree; ConfigError for a key that no tree can have beside the others."""
    values: Map = {}
    for key, text in typed:
        _set(values, key, _typed(text))
    for key, text in texts:
        _set(values, key, text)
    return values


def _typed(text: str) -> object:
    if text.lower() in _KNOWN:
        return _KNOWN[text.lower()]
    return int(text) if _NUMBER.fullmatch(text) else text


def _set(values: Map, key: str, value: object) -> None:
    *parents, last = [re.sub(r"\\(.)", r"\1", found[1]) for found in _SEGMENT.finditer(key)] or [key]
    for parent in parents:
        holder, place = _place(values, parent, key)
        if holder[place] is None:
            holder[place] = {}
        values = holder[place]
        if not isinstance(values, dict):
            raise _misfit(key)
    holder, place = _place(values, last, key)
    holder[place] = value


def _place(values: Map, name: str, key: str) -> tuple[Any, str | int]:
    """Return the map or list in which a part of a key has its value, and the place there, which exists."""
    found = _INDEXED.fullmatch(name)
    if not found:
        values.setdefault(name, None)
        return values, name
    items, index = values.setdefault(found[1], []), int(found[2])
    if not isinstance(items, list) or index > MAX_INDEX:
        raise _misfit(key)
    items.extend([None] * (index + 1 - len(items)))
    return items, index


def _misfit(key: str) -> ConfigError:
    return ConfigError(f"the key {key} of a state value does not fit the values that other keys set")
