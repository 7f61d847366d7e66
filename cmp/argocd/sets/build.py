"""A set's template and parameters -> the Applications that the controller would create.

Source: argoproj/argo-cd 3.6, applicationset/controllers/template, and NormalizeApplicationSpec of util/argo/argo.go.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.argocd.sets.merging import patched
from cmp.argocd.sets.selector import is_label
from cmp.argocd.sets.specification import APPLICATION, require
from cmp.argocd.sets.templates import evaluate_map, evaluate_texts
from cmp.errors import ConfigError
from cmp.schema.json_node import JsonNode
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.argocd.sets.batching import Batched
    from cmp.argocd.sets.gotypes import Parameters
    from cmp.argocd.sets.specification import SetSpec
    from cmp.argocd.sets.templates import Mode
    from cmp.schema.json_node import SourceLocation

    Values = dict[str, object]

FINALIZER = "resources-finalizer.argocd.argoproj.io"

_METADATA = ("name", "labels", "annotations", "finalizers")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


def application(
    spec: SetSpec, template: Mapping[str, object], parameters: Parameters, mode: Mode, location: SourceLocation
) -> Batched[Values]:
    """Return the Application of one set of parameters, without its namespace; `location` is the set's."""
    given = {"metadata": _metadata(template.get("metadata")), "spec": template.get("spec") or {}}
    built = yield from evaluate_map(mode, given, parameters, location.inner("spec", "template"))
    metadata = mapping(built["metadata"])
    is_preserved = spec.sync_policy.preserve_resources_on_deletion
    if parameters and not is_preserved and not metadata.get("finalizers"):
        metadata["finalizers"] = [FINALIZER]
    if spec.template_patch is not None:
        at = location.inner("spec", "templatePatch")
        built = yield from _patch(built, spec.template_patch, parameters, mode, at)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": _metadata(built.get("metadata")),
        "spec": _normal(mapping(built.get("spec"))),
    }


def _metadata(value: object) -> Values:
    """Return those of an Application's metadata that a set gives it."""
    metadata = mapping(value)
    return {key: metadata[key] for key in _METADATA if metadata.get(key)}


def _patch(built: Values, patch: str, parameters: Parameters, mode: Mode, location: SourceLocation) -> Batched[Values]:
    """Apply the template's patch: anything but the project."""
    (text,) = yield from evaluate_texts(mode, [(patch, location)], parameters)
    try:
        documents = yamldoc.load_all(text.encode())
    except yamldoc.YamlError as error:
        what = f"templatePatch is not YAML: line {error.line}: {error.problem}"
        raise ConfigError(what, file=location.place) from None
    value = documents[0] if documents else {}
    require(APPLICATION, JsonNode(value, location), "patch of an Application")
    with_patch = patched(built, mapping(value), location)
    project = mapping(built["spec"]).get("project", "")
    return {**with_patch, "spec": {**mapping(with_patch.get("spec")), "project": project}}


def _normal(spec: Values) -> Values:
    """Leave out blocks that say nothing, as the controller does before it creates an Application."""
    normal = dict(spec)
    if not any(item is not None and item != [] for item in mapping(spec.get("syncPolicy")).values()):
        normal.pop("syncPolicy", None)
    sources, source = spec.get("sources"), spec.get("source")
    if isinstance(sources, list) and sources:
        normal["sources"] = [_without_empty(mapping(each)) for each in sources]
    elif isinstance(source, dict):
        normal["source"] = _without_empty(source)
    return normal


def _without_empty(source: Mapping[str, object]) -> Values:
    blocks = ("helm", "kustomize", "directory")
    return {key: item for key, item in source.items() if key not in blocks or not _says_nothing(item)}


def _says_nothing(value: object) -> bool:
    return not value or (isinstance(value, dict) and all(map(_says_nothing, value.values())))


def admitted(applications: Iterable[Values]) -> tuple[list[Values], dict[str, str]]:
    """Return the Applications that the controller creates, by name, and why it refuses others alone, by their names."""
    by_name = sorted(applications, key=name_of)
    times = Counter(map(name_of, by_name))
    refused = {name_of(value): problem for value in by_name if (problem := _problem(value, times[name_of(value)]))}
    return [value for value in by_name if name_of(value) not in refused], refused


def name_of(application: Values) -> str:
    """Return an Application's name."""
    return str(mapping(application["metadata"]).get("name", ""))


def _problem(application: Values, times: int) -> str:
    if not _NAME.fullmatch(name_of(application)):
        return "this is no name"
    if times > 1:
        return f"{times} of this set have the name"
    for key, value in mapping(mapping(application["metadata"]).get("labels")).items():
        if not isinstance(value, str) or not is_label(key, value):
            return f"its label {key}: {value} is none"
    return "" if mapping(application["spec"]).get("project") else "it has no project"
