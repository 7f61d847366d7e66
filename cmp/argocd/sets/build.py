"""A set's template and parameters -> the Applications that the controller would create.

Source: argoproj/argo-cd 3.2, applicationset/controllers/template, and NormalizeApplicationSpec of util/argo/argo.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cmp import yamldoc
from cmp.argocd.sets.merging import patched
from cmp.argocd.sets.replace import printed, replaced
from cmp.argocd.sets.shapes import APPLICATION, check
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from cmp.argocd.sets.replace import Mode
    from cmp.argocd.sets.values import Parameters
    from cmp.argocd.sets.work import Work
    from cmp.argocd.shape import Spot

    Values = dict[str, object]

FINALIZER = "resources-finalizer.argocd.argoproj.io"

_METADATA = ("name", "labels", "annotations", "finalizers")


def application(spec: Values, template: Values, parameters: Parameters, mode: Mode, spot: Spot) -> Work[Values]:
    """Return the Application of one set of parameters, without its namespace."""
    at = spot.inner("spec", "template")
    built = cast("Values", (yield from replaced(mode, _template(template), parameters, at)))
    metadata = cast("Values", built["metadata"])
    if parameters and not _preserves(spec) and not metadata.get("finalizers"):
        metadata["finalizers"] = [FINALIZER]
    patch = spec.get("templatePatch")
    if isinstance(patch, str):
        built = yield from _patch(built, patch, parameters, mode, spot.inner("spec", "templatePatch"))
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": _metadata(cast("Values", built.get("metadata") or {})),
        "spec": _normal(cast("Values", built.get("spec") or {})),
    }


def _template(template: Values) -> Values:
    metadata = cast("Values", template.get("metadata") or {})
    return {
        "metadata": {key: metadata[key] for key in _METADATA if metadata.get(key)},
        "spec": template.get("spec") or {},
    }


def _preserves(spec: Values) -> bool:
    return bool(cast("Values", spec.get("syncPolicy") or {}).get("preserveResourcesOnDeletion"))


def _patch(built: Values, patch: str, parameters: Parameters, mode: Mode, spot: Spot) -> Work[Values]:
    """Apply the template's patch: anything but the project."""
    (text,) = yield from printed(mode, [(patch, spot)], parameters)
    try:
        documents = yamldoc.load_all(text.encode())
    except yamldoc.YamlError as error:
        raise ConfigError(f"templatePatch is not YAML: line {error.line}: {error.problem}", file=spot.place) from None
    value = documents[0] if documents else {}
    check(value, APPLICATION, spot, "patch of an Application")
    found = patched(built, cast("Values", value), spot)
    spec = cast("Values", found.get("spec") or {})
    return {**found, "spec": {**spec, "project": cast("Values", built["spec"]).get("project", "")}}


def _metadata(metadata: Values) -> Values:
    return {key: metadata[key] for key in _METADATA if metadata.get(key)}


def _normal(spec: Values) -> Values:
    """Leave out what says nothing, as the controller does before it creates an Application."""
    normal = dict(spec)
    if not any(item is not None and item != [] for item in cast("Values", spec.get("syncPolicy") or {}).values()):
        normal.pop("syncPolicy", None)
    source = spec.get("source")
    if isinstance(source, dict) and not spec.get("sources"):
        empty = [kind for kind in ("helm", "kustomize", "directory") if kind in source and _says_nothing(source[kind])]
        normal["source"] = {key: item for key, item in source.items() if key not in empty}
    return normal


def _says_nothing(value: object) -> bool:
    return not value or (isinstance(value, dict) and all(map(_says_nothing, value.values())))
