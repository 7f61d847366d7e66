"""The parts of an ApplicationSet that count here, and the mistakes that the API server would refuse.

A template stays JSON until it is evaluated, and so does a generator in a matrix or merge.
Source: argoproj/argo-cd 3.6, pkg/apis/application/v1alpha1/applicationset_types.go.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cmp.argocd.application import SPEC
from cmp.argocd.shapes import JSON_MAP, PATCH, TEXT, TEXT_MAP, TEXTS
from cmp.errors import ConfigError
from cmp.schema.json_node import Json, JsonNode
from cmp.schema.spec import Converted, Items, Keys, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.schema.spec import Spec

    Values = dict[str, object]

COMBINING = ("matrix", "merge")
OUTSIDE = ("scmProvider", "clusterDecisionResource", "pullRequest", "plugin", "oci")
WITH_VALUES = ("clusters", "git")
DEPTH = 3  # generators in a matrix in a matrix

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Expression(NamedTuple):
    """One of the `matchExpressions` of a label selector."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()


class LabelSelector(NamedTuple):
    """A label selector as it is written; empty: it selects everything."""

    match_labels: Mapping[str, str] = NOTHING
    match_expressions: tuple[Expression, ...] = ()


class ListGenerator(NamedTuple):
    """The generator `list`: elements as JSON, and more of them as a text in YAML."""

    elements: tuple[Values, ...] = ()
    elements_yaml: str = ""
    template: Mapping[str, object] = NOTHING


class ClusterGenerator(NamedTuple):
    """The generator `clusters`; `flat_list` gives all clusters as the list in one set of parameters."""

    selector: LabelSelector = LabelSelector()
    values: Mapping[str, str] = NOTHING
    flat_list: bool = False
    template: Mapping[str, object] = NOTHING


class PathItem(NamedTuple):
    """A pattern of folders or files that the generator `git` takes, or excludes."""

    path: str = ""
    exclude: bool = False


class GitGenerator(NamedTuple):
    """The generator `git`: folders or files of a repository."""

    repo_url: str = ""
    revision: str = ""
    path_param_prefix: str = ""
    directories: tuple[PathItem, ...] = ()
    files: tuple[PathItem, ...] = ()
    values: Mapping[str, str] = NOTHING
    template: Mapping[str, object] = NOTHING


class CombiningGenerator(NamedTuple):
    """The generators `matrix` and `merge`, of others that are JSON; `merge_keys` are a merge's."""

    generators: tuple[Values, ...] = ()
    merge_keys: tuple[str, ...] = ()
    template: Mapping[str, object] = NOTHING


class SyncPolicy(NamedTuple):
    """The policy of a set: whether its Applications get no finalizer, so that their resources outlive them."""

    preserve_resources_on_deletion: bool = False


class SetSpec(NamedTuple):
    """The spec of an ApplicationSet; generators, template and patch are not evaluated."""

    generators: tuple[Values, ...] = ()
    go_template: bool = False
    go_template_options: tuple[str, ...] = ()
    sync_policy: SyncPolicy = SyncPolicy()
    template: Mapping[str, object] = NOTHING
    template_patch: str | None = None


_TRUTH = Converted(Json(), lambda value, _: bool(value))  # the API server checks its type, and cmp does not
APPLICATION = Keys(
    {
        "metadata": Keys(
            {"name": TEXT, "labels": TEXT_MAP, "annotations": TEXT_MAP, "finalizers": TEXTS},
            dict[str, object],
            is_open=True,
        ),
        "spec": Keys(SPEC, dict[str, object], is_open=True),
    },
    dict[str, object],
    is_open=True,
)
_TEMPLATE = Json(APPLICATION)
_EXPRESSION = Keys({"key": TEXT, "operator": TEXT, "values": TEXTS}, Expression, is_open=True)
SELECTOR = Keys(
    {"matchLabels": TEXT_MAP, "matchExpressions": Items("a list", _EXPRESSION)}, LabelSelector, is_open=True
)
_PATHS = Items("a list", Keys({"path": TEXT, "exclude": _TRUTH}, PathItem, is_open=True))


LIST = Keys(
    {"elements": Items("a list", JSON_MAP), "elementsYaml": TEXT, "template": _TEMPLATE}, ListGenerator, is_open=True
)
CLUSTERS = Keys(
    {"selector": SELECTOR, "values": TEXT_MAP, "flatList": _TRUTH, "template": _TEMPLATE},
    ClusterGenerator,
    is_open=True,
)
GIT = Keys(
    {
        **dict.fromkeys(("repoURL", "revision", "pathParamPrefix"), TEXT),
        **dict.fromkeys(("directories", "files"), _PATHS),
        "values": TEXT_MAP,
        "template": _TEMPLATE,
    },
    GitGenerator,
    is_open=True,
)


def _entry(depth: int) -> Json:
    """Return the shape of an entry of `generators`; one that combines, too deep in others, is an error of its own."""
    known: dict[str, Spec[Any]] = {"list": LIST, "clusters": CLUSTERS, "git": GIT, "selector": SELECTOR}
    known |= dict.fromkeys(OUTSIDE, JSON_MAP)
    if depth > 1:
        known |= dict.fromkeys(COMBINING, _combining(depth - 1))
    return Json(Keys(known, dict[str, object], is_open=True))


def _combining(depth: int) -> Keys[CombiningGenerator]:
    known = {"generators": Items("a list", _entry(depth)), "mergeKeys": TEXTS, "template": _TEMPLATE}
    return Keys(known, CombiningGenerator, is_open=True)


MATRIX_OR_MERGE = _combining(DEPTH - 1)
SPEC_OF_SET = Keys(
    {
        "generators": Items("a list", _entry(DEPTH)),
        "goTemplate": _TRUTH,
        "goTemplateOptions": TEXTS,
        "syncPolicy": Keys({"preserveResourcesOnDeletion": _TRUTH}, SyncPolicy, is_open=True),
        "template": _TEMPLATE,
        "templatePatch": TEXT,
    },
    SetSpec,
    is_open=True,
)


def require(spec: Spec[Any], node: JsonNode, whose: str) -> None:
    """ConfigError for values of other types; any key may be missing or null.  `whose` ends the hint."""
    if problems := check(spec, node, PATCH):
        raise ConfigError.of(problems, hint=f"the API server would refuse this {whose}")
