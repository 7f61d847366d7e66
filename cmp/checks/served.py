"""The kinds that a version of Kubernetes serves: those in its schemas, but for the ones that it has switched off.

An API server starts without the alpha versions of its APIs, and without the beta versions that came after 1.24
(k8s.io/kubernetes, pkg/controlplane/instance.go).  Its OpenAPI document has them all.  Only who runs a cluster can say
what it has switched on: in `apiVersions` of the inventory.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.checks.schemas import MAJOR
from cmp.errors import suggestion
from cmp.lifecycle import lifecycle

if TYPE_CHECKING:
    from collections.abc import Collection

    from cmp.checks.schemas import ObjectKind, Schemas

OFF = "is `{0}`, which a server serves only where it is switched on: if it is, list it in apiVersions of the cluster"

_ALPHA, _BETA = re.compile(r"v\d+alpha\d+"), re.compile(r"v\d+beta\d+")
# The beta versions that are older than the rule, and the kinds of each where the rule is newer than some of them.
_ON: dict[str, frozenset[str] | None] = {
    "autoscaling/v2beta1": None,
    "autoscaling/v2beta2": None,
    "batch/v1beta1": None,
    "discovery.k8s.io/v1beta1": None,
    "events.k8s.io/v1beta1": None,
    "flowcontrol.apiserver.k8s.io/v1beta1": None,
    "flowcontrol.apiserver.k8s.io/v1beta2": None,
    "flowcontrol.apiserver.k8s.io/v1beta3": None,
    "node.k8s.io/v1beta1": None,
    "policy/v1beta1": None,
    "storage.k8s.io/v1beta1": frozenset(("CSIStorageCapacity",)),
}


def is_listed(kind: ObjectKind, api_versions: Collection[str]) -> bool:
    """Tell whether a cluster says that it serves a kind, as helm writes it: `group/version`, or with `/Kind`."""
    return kind.api_version in api_versions or f"{kind.api_version}/{kind.kind}" in api_versions


def is_switched_off(kind: ObjectKind) -> bool:
    """Tell whether an API server needs a flag to serve a kind that is in its schemas."""
    if _ALPHA.fullmatch(kind.version):
        return True
    if not _BETA.fullmatch(kind.version):
        return False
    kinds = _ON.get(kind.api_version, frozenset())
    return kinds is not None and kind.kind not in kinds


def refusal(kind: ObjectKind, schemas: Schemas, release: int) -> tuple[str, str]:
    """Return why a release of Kubernetes has no such kind: the field that is to blame, and the end of a sentence."""
    where = f"Kubernetes {MAJOR}.{release}"
    if versions := schemas.versions(kind.group, kind.kind):
        others = " or ".join(f"`{version}`" for version in versions)
        return "apiVersion", f"is `{kind.api_version}`, which {where} does not serve: write {others}"
    found = lifecycle(kind.api_version, kind.kind)
    if found and found.introduced > release:
        return (
            "kind",
            f"is `{kind.kind}`, which Kubernetes serves in {kind.api_version} since {MAJOR}.{found.introduced}",
        )
    kinds = schemas.kinds(kind.api_version)
    hint = f": {suggestion(kind.kind, kinds)}" if kinds else ""
    return "kind", f"is `{kind.kind}`, and {where} serves no such kind in {kind.api_version}{hint}"
