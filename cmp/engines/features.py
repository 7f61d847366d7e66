"""Features that only some versions of a tool have: required before it runs, so that the error names the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ToolError
from cmp.versions import numbers

if TYPE_CHECKING:
    from cmp.model import Tool, ToolPin


class Feature(NamedTuple):
    """A feature of a tool and the first version that has it; with `is_optional` a render can do without."""

    tool: str
    name: str
    since: tuple[int, ...]
    is_optional: bool = True


SKIP_SCHEMA_VALIDATION = Feature("helm", "--skip-schema-validation", (3, 16, 0))
DECRYPT = Feature("sops", "subcommand `decrypt`", (3, 9, 0), is_optional=False)  # it was an option
LABEL_WITHOUT_SELECTOR = Feature("kustomize", "--without-selector", (5, 2, 0))
LABEL_INCLUDE_TEMPLATES = Feature("kustomize", "--include-templates", (5, 4, 3))
NAMES_WITH_HASH = Feature("kustomize", "needs-hash for a resource", (4, 5, 0))
HELM_CHARTS = Feature("kustomize", "helmCharts", (4, 1, 3))
HELM_KUBE_VERSION = Feature("kustomize", "--helm-kube-version", (5, 3, 0))
# Before 1.2 helmfile knows no other way (helmfile/helmfile#2349).
SEQUENTIAL_HELMFILES = Feature("helmfile", "--sequential-helmfiles", (1, 3, 0))
# Where kustomize looks for a chart: from the first version on in a folder of the chart's version, from the second one
# on only if the chart also has a repository (kubernetes-sigs/kustomize#4999 and #5293).
CHARTS_BY_VERSION = ((5, 1, 0), (5, 2, 0))

# The first version of a tool that can run Helm 4.
RUNS_HELM_4 = {"kustomize": (5, 8, 1), "helmfile": (1, 2, 0)}

# Keys of a kustomization that not every version knows, and versions that do.
FIELDS_OF_KUSTOMIZE = {
    "openapi": (3, 9, 4),
    "labels": (4, 1, 3),
    "helmCharts": (4, 1, 3),
    "helmGlobals": (4, 1, 3),
    "replacements": (4, 2, 0),
    "buildMetadata": (4, 3, 0),
    "sortOptions": (5, 0, 0),
    "includeVolumeClaimTemplates": (5, 8, 2),  # of `labels`
}


def dotted(version: tuple[int, ...]) -> str:
    """Return a version as it is written: `3.16.0`."""
    return ".".join(map(str, version))


def require(tool: Tool | ToolPin, feature: Feature) -> None:
    """Raise ToolError when the tool's version lacks the feature."""
    if numbers(tool.version) < feature.since:
        without = f", or do without {feature.name}" if feature.is_optional else ""
        raise ToolError(
            f"{tool.name} {tool.version} has no {feature.name}",
            hint=f"pin {tool.name} {dotted(feature.since)} or newer for this application{without}",
        )


def require_helm(tool: Tool | ToolPin, helm: Tool | ToolPin, option: str) -> None:
    """Raise ToolError when a tool cannot run this helm; `option` is where another one can be pinned for it."""
    since = RUNS_HELM_4[tool.name]
    if numbers(helm.version) >= (4,) and numbers(tool.version) < since:
        raise ToolError(
            f"{tool.name} {tool.version} cannot run helm {helm.version}",
            hint=f"pin a helm 3 for it with {option}, or {tool.name} {dotted(since)} or newer",
        )


def without_schemas(helm: Tool | ToolPin, option: str) -> str:
    """Return a hint how to render without the check of values against schemas; `option` switches it off."""
    since = SKIP_SCHEMA_VALIDATION.since
    needs = f", with helm {dotted(since)} or newer" if numbers(helm.version) < since else ""
    return f"{option} renders without the check of values{needs}"
