"""The ways in which the controller merges maps: parameters, templates, and the patch of a template.

Source: dario.cat/mergo 1.0.2 as argoproj/argo-cd 3.2 calls it, and k8s.io/apimachinery's strategic merge patch for an
Application, whose only list that is not replaced is that of the finalizers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.argocd.sets.values import Parameters, Texts, as_text
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.schema.values import SourceLocation

    Values = dict[str, object]

_RAW = "valuesObject"  # the one field of an Application that holds anything
_FINALIZERS = ("metadata", "finalizers")


def overlaid(under: Parameters, over: Mapping[str, object], location: SourceLocation) -> Parameters:
    """Merge maps with the stronger one's values winning, empty ones too; ConfigError where the controller panics."""
    merged = type(under)(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            if isinstance(below, Texts) and not isinstance(value, Texts) and value:
                raise ConfigError(
                    f"both generators have `{key}`, and only one of them as texts: Argo CD cannot merge these",
                    file=location.place,
                )
            merged[key] = overlaid(below, value, location)
        else:
            merged[key] = value
    return merged


def combined(first: Parameters, second: Parameters, location: SourceLocation) -> Parameters:
    """Unite flat parameters; ConfigError for a key that has two values."""
    found: Parameters = {key: as_text(value) for key, value in first.items()}
    for key, value in second.items():
        text = as_text(value)
        if found.setdefault(key, text) != text:
            raise ConfigError(f"both generators have `{key}`, with different values", file=location.place)
    return found


def filled(template: Mapping[str, object], base: Mapping[str, object]) -> Values:
    """Return a generator's template with what it leaves empty taken from the set's template."""
    found = dict(template)
    for key, value in base.items():
        own = found.get(key)
        if isinstance(own, dict) and isinstance(value, dict) and key != _RAW:
            found[key] = filled(own, value)
        elif not own:
            found[key] = value
    return found


def patched(value: Values, patch: Mapping[str, object], location: SourceLocation, path: tuple[str, ...] = ()) -> Values:
    """Apply a strategic merge patch to an Application; ConfigError for directives (`$patch`)."""
    found = dict(value)
    for key, item in patch.items():
        if key.startswith("$"):
            raise ConfigError(f"the directive {key} of a templatePatch is not read", file=location.place)
        own = found.get(key)
        if item is None:
            found.pop(key, None)
        elif isinstance(own, dict) and isinstance(item, dict):
            _refuse_raw(key, path, location)
            found[key] = patched(own, item, location, (*path, key))
        elif isinstance(own, list) and isinstance(item, list):
            _refuse_raw(key, path, location)
            found[key] = _united(own, item) if (*path, key) == _FINALIZERS else item
        else:
            found[key] = _without_nulls(item, location)
    return found


def _refuse_raw(key: str, path: tuple[str, ...], location: SourceLocation) -> None:
    if _RAW in path:
        raise ConfigError(
            f"Argo CD cannot merge `{key}` of a templatePatch into that of the template",
            file=location.place,
            hint=f"inside {_RAW} a patch can add keys, and replace scalars",
        )


def _united(own: list[object], patch: list[object]) -> list[object]:
    """Put what only the template has into the patch's list: each before the first that it precedes in its own list."""
    found = list(dict.fromkeys(patch))
    at = 0
    for item in own:
        if item in found:
            continue
        later = own[own.index(item) + 1 :]
        at = next((index for index in range(at, len(found)) if found[index] in later), len(found))
        found.insert(at, item)
        at += 1
    return found


def _without_nulls(value: object, location: SourceLocation) -> object:
    """Return what a patch adds."""
    return patched({}, value, location) if isinstance(value, dict) else value


def merge_key(parameters: Parameters, keys: Sequence[str]) -> str:
    """Return what decides which sets of parameters belong together: JSON of the values under these keys."""
    return yamldoc.to_json({key: parameters.get(key) for key in keys})
