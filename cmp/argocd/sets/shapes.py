"""The parts of an ApplicationSet that count here, and their types, which the API server would insist on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.argocd.shape import SPEC, TEXT, List, Map, problems
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from cmp.argocd.shape import Shape, Spot

COMBINING = ("matrix", "merge")
OUTSIDE = ("scmProvider", "clusterDecisionResource", "pullRequest", "plugin")
DEPTH = 3  # generators in a matrix in a matrix

TEXTS = Map({"*": TEXT})
APPLICATION = Map(
    {
        "metadata": Map({"name": TEXT, "labels": TEXTS, "annotations": TEXTS, "finalizers": List(TEXT)}),
        "spec": Map(SPEC.keys),
    }
)
_EXPRESSION = Map({"key": TEXT, "operator": TEXT, "values": List(TEXT)})
_SELECTOR = Map({"matchLabels": TEXTS, "matchExpressions": List(_EXPRESSION)})
_PATHS = List(Map({"path": TEXT}))
_LIST = Map({"elements": List(Map({})), "elementsYaml": TEXT, "template": APPLICATION})
_CLUSTERS = Map({"selector": _SELECTOR, "values": TEXTS, "template": APPLICATION})
_GIT = Map(
    {
        **dict.fromkeys(("repoURL", "revision", "pathParamPrefix"), TEXT),
        **dict.fromkeys(("directories", "files"), _PATHS),
        "values": TEXTS,
        "template": APPLICATION,
    }
)


def _generator(depth: int) -> Map:
    keys: dict[str, Shape] = {"list": _LIST, "clusters": _CLUSTERS, "git": _GIT, "selector": _SELECTOR}
    keys |= dict.fromkeys(OUTSIDE, Map({}))
    if depth > 1:
        combined = Map({"generators": List(_generator(depth - 1)), "mergeKeys": List(TEXT), "template": APPLICATION})
        keys |= dict.fromkeys(COMBINING, combined)
    return Map(keys)


SPEC_OF_SET = Map(
    {
        "generators": List(_generator(DEPTH)),
        "goTemplateOptions": List(TEXT),
        "syncPolicy": Map({}),
        "template": APPLICATION,
        "templatePatch": TEXT,
    },
)


def check(value: object, shape: Map, spot: Spot, whose: str) -> None:
    """ConfigError for what has another type; any key may be missing or null.  `whose` ends the hint."""
    if wrong := list(problems(value, shape, spot, is_patch=True)):
        raise ConfigError.of(wrong, hint=f"the API server would refuse this {whose}")
