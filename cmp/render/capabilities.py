"""The API versions that charts ask for: in a checkout nobody knows those of a cluster that its inventory does not have.

Helm then knows its own list alone, and what a chart prints for an API of an operator is missing, without a word.  Argo
CD passes the cluster's to the sidecar, which so prints more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.artifacts.charts.file_access import ACTION
from cmp.errors import and_more
from cmp.render import chart_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.engines.protocol import Needs
    from cmp.model import Instance
    from cmp.system.tree import Tree

ASKING = b"APIVersions"
MADE_UP = "others whose names are made up"
MAX_LISTED = 5

_TESTED = re.compile(
    rb"""APIVersions\.Has\s+\(?\s*["`]([^"`]+)["`]"""
    rb"""|["`]([^"`]+)["`]\s*\|\s*[$\w.]*APIVersions\.Has"""
    rb"""|\bhas\s+["`]([^"`]+)["`]\s+\(?[$\w.]*APIVersions"""
)
_COMMENT = re.compile(rb"\{\{-?\s*/\*.*?\*/\s*-?\}\}", re.DOTALL)
# Group/versions that the tested helms know without a cluster: `.Capabilities.APIVersions` of `helm template`.
_BUILT_IN = {
    "admissionregistration.k8s.io": ("v1", "v1alpha1", "v1beta1"),
    "apiextensions.k8s.io": ("v1", "v1beta1"),
    "apps": ("v1", "v1beta1", "v1beta2"),
    "authentication.k8s.io": ("v1", "v1alpha1", "v1beta1"),
    "authorization.k8s.io": ("v1", "v1beta1"),
    "autoscaling": ("v1", "v2"),
    "batch": ("v1", "v1beta1"),
    "certificates.k8s.io": ("v1", "v1alpha1", "v1beta1"),
    "coordination.k8s.io": ("v1", "v1beta1"),
    "discovery.k8s.io": ("v1", "v1beta1"),
    "events.k8s.io": ("v1", "v1beta1"),
    "extensions": ("v1beta1",),
    "flowcontrol.apiserver.k8s.io": ("v1", "v1beta1", "v1beta2", "v1beta3"),
    "networking.k8s.io": ("v1", "v1beta1"),
    "node.k8s.io": ("v1", "v1alpha1", "v1beta1"),
    "policy": ("v1", "v1beta1"),
    "rbac.authorization.k8s.io": ("v1", "v1alpha1", "v1beta1"),
    "scheduling.k8s.io": ("v1", "v1beta1"),
    "storage.k8s.io": ("v1", "v1alpha1", "v1beta1"),
}
KNOWN = frozenset({"v1", *(f"{group}/{version}" for group, versions in _BUILT_IN.items() for version in versions)})


def unknown_apis(tree: Tree, needs: Needs, archives: Iterable[bytes]) -> tuple[str, ...]:
    """Return the API versions that the charts of a render ask for and that nothing tells it; `MADE_UP` stands for more.

    `archives` are the charts that were obtained.
    """
    found: set[str] = set()
    for text in chart_texts.texts(tree, needs, archives, word=ASKING):
        found.update(_asked(text))
    return (*sorted(found - KNOWN - {MADE_UP}), *({MADE_UP} & found))


def warning(instance: Instance, names: tuple[str, ...]) -> str:
    """Return the sentence for a person who renders the instance in a checkout."""
    cluster = f"the inventory has none of cluster {instance.cluster}" if instance.cluster else "none are given"
    knowing = "Argo CD, which knows" if instance.is_builtin else "the sidecar, to which Argo CD passes"
    return (
        f"charts ask for the API versions {and_more(names, MAX_LISTED)}, and {cluster}: {knowing} those of the "
        "cluster, may print more (`cmp inventory export` writes them into the inventory)"
    )


def _asked(template: bytes) -> Iterator[str]:
    for action in ACTION.findall(_COMMENT.sub(b"", template)):
        if ASKING in action:
            names = [name.decode(errors="replace") for groups in _TESTED.findall(action) for name in groups if name]
            yield from names
            if action.count(ASKING) > len(names):
                yield MADE_UP
