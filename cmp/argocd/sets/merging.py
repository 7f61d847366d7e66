"""The ways in which the controller merges maps: parameters, templates, and the patch of a template.

Source: dario.cat/mergo 1.0.2 as argoproj/argo-cd 3.2 calls it, and k8s.io/apimachinery's strategic merge patch for an
Application, whose only list that is not replaced is that of the finalizers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.argocd.sets.gotypes import Parameters, Texts, as_text
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.schema.json_node import SourceLocation

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
    united: Parameters = {key: as_text(value) for key, value in first.items()}
    for key, value in second.items():
        text = as_text(value)
        if united.setdefault(key, text) != text:
            raise ConfigError(f"both generators have `{key}`, with different values", file=location.place)
    return united


def filled(template: Mapping[str, object], base: Mapping[str, object]) -> Values:
    """Return a generator's template, its empty fields filled from the set's template."""
    merged = dict(template)
    for key, value in base.items():
        own = merged.get(key)
        if isinstance(own, dict) and isinstance(value, dict) and key != _RAW:
            merged[key] = filled(own, value)
        elif not own:
            merged[key] = value
    return merged


def patched(value: Values, patch: Mapping[str, object], location: SourceLocation, path: tuple[str, ...] = ()) -> Values:
    """Apply a strategic merge patch to an Application; ConfigError for directives (`$patch`)."""
    merged = dict(value)
    for key, item in patch.items():
        if key.startswith("$"):
            raise ConfigError(f"the directive {key} of a templatePatch is not read", file=location.place)
        own = merged.get(key)
        if item is None:
            merged.pop(key, None)
        elif isinstance(own, dict) and isinstance(item, dict):
            _refuse_raw(key, path, location)
            merged[key] = patched(own, item, location, (*path, key))
        elif isinstance(own, list) and isinstance(item, list):
            _refuse_raw(key, path, location)
            merged[key] = _united(own, item) if (*path, key) == _FINALIZERS else item
        else:
            # Directives and nulls in a map that the patch adds count, too.
            merged[key] = patched({}, item, location) if isinstance(item, dict) else item
    return merged


def _refuse_raw(key: str, path: tuple[str, ...], location: SourceLocation) -> None:
    if _RAW in path:
        raise ConfigError(
            f"Argo CD cannot merge `{key}` of a templatePatch into that of the template",
            file=location.place,
            hint=f"inside {_RAW} a patch can add keys, and replace scalars",
        )


def _united(own: list[object], patch: list[object]) -> list[object]:
    """Put the items that only the template has into the patch's list: before the first that they precede in their own.

    An item that precedes none comes last.
    """
    united = list(dict.fromkeys(patch))
    at = 0
    for item in own:
        if item in united:
            continue
        later = own[own.index(item) + 1 :]
        at = next((index for index in range(at, len(united)) if united[index] in later), len(united))
        united.insert(at, item)
        at += 1
    return united


def merge_key(parameters: Parameters, keys: Sequence[str]) -> str:
    """Return the key by which sets of parameters belong together: JSON of their values under these keys."""
    return yamldoc.to_json({key: parameters.get(key) for key in keys})
