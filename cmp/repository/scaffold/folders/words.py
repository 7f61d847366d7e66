"""The words by which people name folders and files: of clusters, of bases, of values, and of what nobody deploys."""

from __future__ import annotations

import re

FOREIGN = frozenset({
    *("docs", "doc", "documentation", "test", "tests", "testdata", "testing", "fixtures", "ci", "templates"),
    *("examples", "example", "samples", "sample", "starters", "vendor", "node_modules", "hack", "scripts", "script"),
})  # fmt: skip
BASES = ("base", "bases", "_base", "chart")  # the part of an application's folder that all its clusters share
OVERLAYS = frozenset({
    *("overlays", "overlay", "clusters", "cluster", "environments", "environment", "envs", "env", "instances"),
    *("variants", "stages", "regions"),
})  # fmt: skip
TEAMS = frozenset({"teams", "tenants", "squads", "groups", "projects", "domains"})
GENERIC = frozenset({
    *("app", "apps", "application", "applications", "addons", "chart", "charts", "config", "configs", "controllers"),
    *("core", "crds", "dashboards", "deploy", "deployment", "deployments", "gitops", "helm", "helm-chart", "infra"),
    *("infrastructure", "k8s", "kubernetes", "kustomize", "manifest", "manifests", "namespaces", "operators"),
    *("operator", "platform", "resources", "secrets", "services", "system", "values", "argocd", "components"),
})  # fmt: skip
INNER = frozenset({  # folders of one application, not an application
    *("app", "chart", "charts", "deploy", "deployment", "deployments", "gitops", "helm", "helm-chart", "k8s"),
    *("kubernetes", "kustomize", "manifest", "manifests", "resources"),
})  # fmt: skip
HEADS = frozenset({
    *("values", "value", "vals", "config", "configuration", "settings", "params", "parameters", "secrets", "secret"),
    *("overrides", "override", "vars", "variables", "helm", "env", "environment", "enc", "sops"),
})  # fmt: skip
NEUTRAL = frozenset({"common", "base", "bases", "default", "defaults", "global", "shared", "all", "main"})
VALUES_FOLDERS = frozenset({"values", "config", "configs", "secrets", "helm-values", "vars"})
_STAGES = (
    "(?:local|lab|sandbox|dev|develop|development|test|tst|testing|int|integration|qa|uat|stg|stage|staging|preview|"
    "preprod|prd|prod|production|canary|dr|live)"
)
_CLUSTER_LIKE = re.compile(rf"(?:.*[-_.])?(?:{_STAGES}\d*|cluster)(?:[-_.].*)?")


_STAGE = re.compile(rf"{_STAGES}\d*|(?:.*-)?cluster(?:-.*)?|{_STAGES}-\w+")


def is_stage(name: str) -> bool:
    """Say whether the name is that of a stage, and more than one with such a word in it: dev, prod-eu, dev-cluster."""
    return _STAGE.fullmatch(name) is not None


def is_cluster_like(name: str) -> bool:
    """Say whether the name may be a cluster's: dev, prod-2, tokyo-cluster."""
    return _CLUSTER_LIKE.fullmatch(name) is not None


def pieces(stem: str) -> list[str]:
    """Split a name into words and the borders between them: the words have even places."""
    return re.split(r"([-_.]+)", stem)


def has_word(stem: str, word: str) -> bool:
    """Say whether a word stands in a name, with a border on either side."""
    return re.search(rf"(?<![^-_.]){re.escape(word)}(?![^-_.])", stem) is not None


def replaced(stem: str, word: str, by: str) -> str:
    """Put a placeholder for a word of a name, wherever it stands with a border on either side."""
    return re.sub(rf"(?<![^-_.]){re.escape(word)}(?![^-_.])", lambda _: by, stem)
