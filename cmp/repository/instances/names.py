"""Release, namespace and Kubernetes version of one application on one cluster, each from its strongest source."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository import layout

if TYPE_CHECKING:
    from cmp.model import BuildEnv, Cluster
    from cmp.repository.layout import Captures

ARGOCD_NAME = "ARGOCD_APP_NAME"
ARGOCD_NAMESPACE = "ARGOCD_APP_NAMESPACE"
MAX_RELEASE = 53  # Helm's own limit: room for what charts append within the 63 characters of a label
MAX_LABEL = 63  # RFC 1123
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Named(NamedTuple):
    """A name, and what gave it, for messages."""

    name: str
    source: str


def first(candidates: tuple[Named, ...], known: Captures, whose: str) -> Named:
    """Return the first candidate that is not empty, its `{name}`s filled; the last one never is empty."""
    text, source = next((candidate for candidate in candidates if candidate.name), candidates[-1])
    pattern = layout.parse_text(text, source)
    layout.require(pattern, known, whose)
    return Named(layout.fill(pattern, known), source)


def release(candidates: tuple[Named, ...], known: Captures, whose: str) -> Named:
    """Choose a release name; ConfigError for one that Helm refuses."""
    found = first(candidates, known, whose)
    if len(found.name) > MAX_RELEASE or not all(_is_label(part) for part in found.name.split(".")):
        raise ConfigError(
            f"`{layout.shown(found.name)}` is no release name: Helm takes up to {MAX_RELEASE} lower-case letters, "
            "digits, `-` and `.`, with a letter or digit at both ends",
            hint=f"it comes from {found.source}; set layout.release in cmp.yaml or release in cmp-app.yaml",
        )
    return found


def namespace(candidates: tuple[Named, ...], known: Captures, whose: str) -> Named:
    """Choose a namespace; ConfigError for one that Kubernetes refuses."""
    found = first(candidates, known, whose)
    if len(found.name) > MAX_LABEL or not _is_label(found.name):
        raise ConfigError(
            f"`{layout.shown(found.name)}` is no namespace: Kubernetes takes up to {MAX_LABEL} lower-case letters, "
            "digits and `-`, with a letter or digit at both ends",
            hint=f"it comes from {found.source}; set layout.namespace in cmp.yaml or namespace in cmp-app.yaml",
        )
    return found


def _is_label(text: str) -> bool:
    return bool(text) and LETTERS.issuperset(text) and text[0] != "-" and text[-1] != "-"


def argocd_name(build_env: BuildEnv) -> str:
    """Return the part after `_` of `<namespace>_<name>`, as Argo CD's built-in Helm does."""
    return build_env.app_name.rpartition("_")[2]


def parity_notes(app: str, found_release: Named, found_namespace: Named) -> list[str]:
    """Say where a render outside Argo CD would differ, and how to fix that."""
    return [
        f"the {kind} `{found.name}` is {found.source}, which a checkout does not know: `cmp render` without "
        f"--application uses `{app}`; fix it by layout.{kind} in cmp.yaml or by the {way}"
        for kind, found, way in (
            ("release", found_release, "parameter release"),
            ("namespace", found_namespace, "key namespace of cmp-app.yaml"),
        )
        if found.source in (ARGOCD_NAME, ARGOCD_NAMESPACE) and found.name != app
    ]


def version_notes(cluster: Cluster, build_env: BuildEnv) -> list[str]:
    """Say where the inventory and Argo CD disagree about a cluster."""
    notes = []
    said, real = cluster.kube_version, build_env.kube_version
    if said and real and not _is_same(said, real):
        notes.append(f"the inventory says Kubernetes {said} for cluster {cluster.name}, Argo CD says {real}")
    gone = [version for version in cluster.api_versions if version not in build_env.api_versions]
    if gone and build_env.api_versions:
        notes.append(
            f"the inventory lists API versions for cluster {cluster.name} that Argo CD does not see: {', '.join(gone)}"
        )
    return notes


def _is_same(said: str, real: str) -> bool:
    """Compare as far as both are written: 1.33 and v1.33.4 agree."""
    pairs = zip(said.removeprefix("v").split("."), real.removeprefix("v").split("."), strict=False)
    return all(left == right for left, right in pairs)
