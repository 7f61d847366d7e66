"""The objects of a cluster as the webhook of Gatekeeper sees them: in which namespace, and whether it is asked at all.

The webhook is not asked about namespaces with the label `admission.gatekeeper.sh/ignore`, nor about Gatekeeper's own
(deploy/gatekeeper.yaml of open-policy-agent/gatekeeper), and passes what the Config excludes (pkg/webhook/common.go and
pkg/controller/config/process).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.checks.policies.documents import CONFIGS, CONSTRAINTS, TEMPLATES
from cmp.checks.policies.limits import NAME_LABEL
from cmp.compare.namespaces import CLUSTER_KINDS, NAMESPACED_GROUPS
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.changes import Object
    from cmp.yamldoc.access import Map

IGNORE_LABEL = "admission.gatekeeper.sh/ignore"
OWN_NAMESPACE = "gatekeeper-system"
# gator takes objects of these groups for policies, and changes others by them.
OWN_GROUPS = (TEMPLATES, CONSTRAINTS, CONFIGS, "expansion.gatekeeper.sh", "mutations.gatekeeper.sh")


def is_namespace(one: Object) -> bool:
    """Tell whether an object is a Namespace."""
    return (one.identity.group, one.identity.kind) == ("", "Namespace")


def namespace_of(one: Object) -> str:
    """Return the namespace whose rules hold for an object; a Namespace is in itself, others may have none."""
    return one.identity.name if is_namespace(one) else one.identity.namespace


def is_of_cluster(one: Object) -> bool:
    """Tell whether an object belongs to the cluster as a whole: to no namespace, nor is it a Namespace."""
    return not namespace_of(one)


def lacks_namespace(one: Object) -> bool:
    """Tell whether an object is in no namespace though all of its kind are in one."""
    group, kind = one.identity.group, one.identity.kind
    is_namespaced = group in NAMESPACED_GROUPS and kind not in CLUSTER_KINDS.get(group, ())
    return is_namespaced and not one.identity.namespace


def is_own(one: Object) -> bool:
    """Tell whether an object is a policy, or else a part of Gatekeeper's configuration."""
    return one.identity.group in OWN_GROUPS


def manifest(one: Object) -> Map:
    """Return an object as the API server has it by the time it asks.

    A Namespace has its name as a label, and a Secret all of its content in `data`.
    """
    if is_namespace(one):
        return namespace(one.identity.name, one.value)
    if (one.api_version, one.identity.kind) == ("v1", "Secret") and "stringData" in one.value:
        value = {key: content for key, content in one.value.items() if key != "stringData"}
        return {**value, "data": {**mapping(value.get("data")), **mapping(one.value["stringData"])}}
    return one.value


def namespace(name: str, value: Map | None = None) -> Map:
    """Return the manifest of a Namespace with the label of its name, and with nothing else where there is no other."""
    base = {"apiVersion": "v1", "kind": "Namespace"} if value is None else value
    metadata = mapping(base.get("metadata"))
    labels = {**mapping(metadata.get("labels")), NAME_LABEL: name}
    return {**base, "metadata": {**metadata, "name": name, "labels": labels}}


def ignored(namespaces: Mapping[str, Map]) -> set[str]:
    """Return the namespaces that the webhook is not asked about."""
    labelled = {name for name, value in namespaces.items() if IGNORE_LABEL in mapping(dig(value, "metadata", "labels"))}
    return {OWN_NAMESPACE, *labelled}


def is_excluded(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a Config excludes a namespace; the name of none is empty, as the webhook compares it."""
    return any(_matches(pattern, name) for pattern in patterns)


def rendered_namespaces(objects: Iterable[Object]) -> dict[str, Map]:
    """Return the Namespaces among some objects by name; of several with one name the last."""
    return {one.identity.name: manifest(one) for one in objects if is_namespace(one)}


def _matches(pattern: str, name: str) -> bool:
    """Compare as pkg/wildcard does: a star counts at the front and at the end, and nowhere else."""
    text = pattern.removeprefix("*").removesuffix("*")
    if pattern.startswith("*") and pattern.endswith("*"):
        return text in name
    if pattern.startswith("*"):
        return name.endswith(text)
    return name.startswith(text) if pattern.endswith("*") else name == pattern
