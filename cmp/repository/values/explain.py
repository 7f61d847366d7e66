"""Helm's own merged values, each leaf with its origin: as lines for a person and records for a program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.repository.values.provenance import Origin, Place, provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.repository.values.chart import Defaults
    from cmp.repository.values.provenance import Path

MAX_SHOWN = 100  # characters of a value on its line
NOBODY = "made by Helm"

_NOTHING = object()
_SPECIAL = re.compile(r"([.,=\[\\])")
_KEY_PART = re.compile(r"(?:\\.|[^.\[\\])+|\[\d+\]")


class Leaf(NamedTuple):
    """A value without parts (an empty map is one), and its origin; None when Helm made it, such as a `global`."""

    path: Path
    value: object
    origin: Origin | None


class Origins:
    """The origins of the leaves of Helm's merged values."""

    def __init__(
        self,
        merged: object,
        layers: Sequence[tuple[str, bytes]],
        settings: Sequence[tuple[str, str]],
        chart_defaults: Sequence[Defaults],
    ) -> None:
        """Take Helm's values, the layers (weakest first), `--set`s as (flag, key) in order, and charts' defaults."""
        self._merged = merged
        self._settings = [(Place(f"{flag} {key}", 0), key_path(key)) for flag, key in reversed(settings)]
        of_layers: tuple[tuple[str, ...], Mapping[Path, Origin]] = ((), provenance(layers))
        of_charts = ((chart.prefix, provenance([(chart.label, chart.data)])) for chart in chart_defaults)
        self._ranks = [of_layers, *of_charts]
        self._prefixes = [chart.prefix for chart in chart_defaults]
        self._imports = [keys for chart in chart_defaults for keys in chart.imports]

    def of(self, path: Path) -> Origin | None:
        """Return the origin of a leaf, with all weaker places that set the same key; None when Helm made the value."""
        value = _at(self._merged, path)
        origins = self._in_order(self._sources(path), value) or self._in_order(self._leaks(path), value)
        # Where a null deleted a default, Helm's versions differ in what it uncovers: the value itself tells.
        first = next((rank for rank, origin in enumerate(origins) if _fits(origin, value)), 0)
        if not origins:
            return None
        places = [place for origin in origins[first + 1 :] for place in (origin.place, *origin.overridden)]
        return origins[first]._replace(overridden=(*origins[first].overridden, *dict.fromkeys(places)))

    def _in_order(self, paths: Iterable[Path], value: object) -> list[Origin]:
        """Return the origins of those keys that hold the value: a key with another value is not its source."""
        return [origin for path in paths if _at(self._merged, path) == value for origin in self._of_key(path, value)]

    def _of_key(self, path: Path, value: object) -> Iterator[Origin]:
        for place, key in self._settings:
            if path[: len(key)] == key:
                yield Origin(place, (), value)
        for prefix, origins in self._ranks:
            inside = path[len(prefix) :]
            if path[: len(prefix)] == prefix and inside in origins:
                yield origins[inside]

    def _sources(self, path: Path) -> Iterator[Path]:
        """Yield the keys that a leaf may come from, strongest first: a parent's `global`, itself, `import-values`."""
        at = path.index("global") if "global" in path else 0
        for length in range(at) if path[:at] in self._prefixes else ():
            yield path[:length] + path[at:]
        yield path
        for target, source in self._imports:
            if path[: len(target)] == target:
                yield source + path[len(target) :]

    def _leaks(self, path: Path) -> Iterator[Path]:
        """Yield the key in every chart: a subchart's `global` gets into its parent's where both hold a map."""
        if "global" in path:
            for prefix in self._prefixes:
                yield prefix + path[path.index("global") :]


def leaves(value: object, origins: Origins, path: Path = ()) -> Iterator[Leaf]:
    """Yield the leaves of merged values, keys sorted."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from leaves(value[key], origins, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, origins, (*path, index))
    else:
        yield Leaf(path, value, origins.of(path))


def flat(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield the leaves of any values, in their order; an empty map or list is one."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flat(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from flat(item, (*path, index))
    else:
        yield path, value


def _at(value: object, path: Path) -> object:
    """Return the part of the values at a path; `_NOTHING` for a missing part."""
    for key in path:
        if isinstance(value, dict):
            value = value.get(key, _NOTHING)
        elif isinstance(value, list) and isinstance(key, int):
            value = value[key] if key < len(value) else _NOTHING
        else:
            return _NOTHING
    return value


def _fits(origin: Origin, value: object) -> bool:
    """Say whether Helm's value can be the one at the origin; ciphertext can be any, and Helm's numbers are floats."""
    if origin.is_encrypted or (isinstance(value, dict) and isinstance(origin.value, dict)):
        return True
    if isinstance(value, int | float) and isinstance(origin.value, int | float):
        return float(value) == float(origin.value)
    return origin.value == value


def line_of(leaf: Leaf) -> str:
    """Return `path: value  # file:line (overrides file:line, ...)`, with a long value shortened."""
    value = yamldoc.to_json(leaf.value)
    shown = value if len(value) <= MAX_SHOWN else f"{value[: MAX_SHOWN - 1]}…"
    if leaf.origin is None:
        return f"{path_text(leaf.path)}: {shown}  # {NOBODY}"
    overridden = ", ".join(place.text for place in leaf.origin.overridden)
    tail = f" (overrides {overridden})" if overridden else ""
    return f"{path_text(leaf.path)}: {shown}  # {leaf.origin.place.text}{tail}"


def record_of(leaf: Leaf) -> dict[str, object]:
    """Return the leaf for a machine; `origin` is null when Helm made it."""
    origin = leaf.origin
    return {
        "path": list(leaf.path),
        "value": leaf.value,
        "origin": _place_record(origin.place) if origin else None,
        "overridden": [_place_record(place) for place in (origin.overridden if origin else ())],
    }


def _place_record(place: Place) -> dict[str, object]:
    return {"file": place.file, "line": place.line or None}


def path_text(path: Path) -> str:
    """Write a path as `helm --set` takes it."""
    parts = (f"[{part}]" if isinstance(part, int) else "." + _SPECIAL.sub(r"\\\1", part) for part in path)
    return "".join(parts).removeprefix(".")


def key_path(key: str) -> Path:
    parts = (match[0] for match in _KEY_PART.finditer(key))
    return tuple(int(part[1:-1]) if part[0] == "[" else re.sub(r"\\(.)", r"\1", part) for part in parts)
