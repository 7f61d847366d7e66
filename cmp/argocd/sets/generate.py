"""Generators -> sets of parameters: the dispatch, matrix and merge, and the selector that stands beside any generator.

Source: argoproj/argo-cd 3.2, applicationset/generators/{generator_spec_processor,matrix,merge}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cmp.argocd.sets import terminal
from cmp.argocd.sets.merging import combined, filled, merge_key, overlaid
from cmp.argocd.sets.replace import replaced
from cmp.argocd.sets.selector import Selector
from cmp.argocd.sets.shapes import COMBINING, DEPTH, OUTSIDE
from cmp.argocd.sets.values import as_text, flattened
from cmp.argocd.sets.work import together
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from cmp.argocd.sets.terminal import Sources
    from cmp.argocd.sets.values import Parameters
    from cmp.argocd.sets.work import Work
    from cmp.argocd.shape import Spot

    Values = dict[str, object]

_NAMES = ("list", "clusters", "git", *OUTSIDE, *COMBINING)
_BOTH = 2


def generate(
    entry: Values, template: Values, spot: Spot, sources: Sources
) -> Work[list[tuple[Values, list[Parameters]]]]:
    """Return, for each generator of an entry of the set, its template and its sets of parameters."""
    names = _named(entry, spot)
    found = yield from together(_selected(entry, name, spot, sources, 0) for name in names)
    templates = [cast("Values", cast("Values", entry[name]).get("template") or {}) for name in names]
    return [(filled(own, template), parameters) for own, parameters in zip(templates, found, strict=True)]


def _named(entry: Values, spot: Spot) -> list[str]:
    """Return the names of an entry's generators, in the controller's order."""
    for key in entry:
        if key not in (*_NAMES, "selector"):
            raise ConfigError(f"there is no generator {key}", file=spot.inner(key).place)
    return [name for name in _NAMES if entry.get(name) is not None]


def _selected(entry: Values, name: str, spot: Spot, sources: Sources, depth: int) -> Work[list[Parameters]]:
    """Return the parameters of one generator that the entry's selector matches."""
    value, at = cast("Values", entry[name]), spot.inner(name)
    if name in OUTSIDE:
        raise ConfigError(
            f"the generator {name} cannot be expanded statically",
            file=at.place,
            hint="it asks something outside of the repository; give a snapshot of its Applications",
        )
    if name == "list":
        found = terminal.elements(value, at, sources)
    elif name in COMBINING:
        if depth >= DEPTH - 1:
            raise ConfigError(f"a {name} generator cannot be that deep in others", file=at.place)
        combine = _matrix if name == "matrix" else _merge
        found = yield from combine(value, at, sources, depth + 1)
    else:
        found = yield from (terminal.clusters if name == "clusters" else terminal.git)(value, at, sources)
    if entry.get("selector") is None:
        return found
    selector = Selector(entry["selector"], spot.inner("selector"))
    return [each for each in found if selector.matches({key: as_text(leaf) for key, leaf in flattened(each).items()})]


def _child(entry: Values, given: Parameters, spot: Spot, sources: Sources, depth: int) -> Work[list[Parameters]]:
    """Return the parameters of a generator in a matrix or merge, with those that are `given` put into it first."""
    names = _named(entry, spot)
    if len(names) != 1:
        raise ConfigError("a matrix or merge has exactly one generator in each entry", file=spot.place)
    evaluated = cast("Values", (yield from replaced(sources.mode, entry, given, spot)))
    # The selector is not evaluated.
    own = {**evaluated, **{key: item for key, item in entry.items() if key == "selector"}}
    return (yield from _selected(own, names[0], spot, sources, depth))


def _matrix(value: Values, spot: Spot, sources: Sources, depth: int) -> Work[list[Parameters]]:
    children = cast("list[Values]", value.get("generators") or [])
    if len(children) != _BOTH:
        raise ConfigError("a matrix has exactly two generators", file=spot.place)
    spots = [spot.inner("generators", index) for index in range(_BOTH)]
    first = yield from _child(children[0], {}, spots[0], sources, depth)
    seconds = yield from together(_child(children[1], each, spots[1], sources, depth) for each in first)
    pairs = [(one, other) for one, others in zip(first, seconds, strict=True) for other in others]
    if sources.mode.is_go:
        return [overlaid(other, one, spot) for one, other in pairs]
    return [combined(one, other, spot) for one, other in pairs]


def _merge(value: Values, spot: Spot, sources: Sources, depth: int) -> Work[list[Parameters]]:
    children = cast("list[Values]", value.get("generators") or [])
    keys = cast("list[str]", value.get("mergeKeys") or [])
    if len(children) < _BOTH:
        raise ConfigError("a merge has at least two generators", file=spot.place)
    if not keys:
        raise ConfigError("a merge needs mergeKeys", file=spot.place)
    spots = [spot.inner("generators", index) for index in range(len(children))]
    found = yield from together(
        _child(child, {}, at, sources, depth) for child, at in zip(children, spots, strict=True)
    )
    base, *overrides = [_by_key(each, keys, at) for each, at in zip(found, spots, strict=True)]
    for override in overrides:
        for key in base.keys() & override.keys():
            under, over = base[key], override[key]
            base[key] = overlaid(under, over, spot) if sources.mode.is_go else {**under, **over}
    return list(base.values())


def _by_key(found: list[Parameters], keys: list[str], spot: Spot) -> dict[str, Parameters]:
    by_key: dict[str, Parameters] = {}
    for parameters in found:
        key = merge_key(parameters, keys)
        if key in by_key:
            raise ConfigError(f"two sets of parameters have the same {', '.join(keys)}: {key}", file=spot.place)
        by_key[key] = parameters
    return by_key
