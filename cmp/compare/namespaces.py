"""Objects without a namespace get that of their Application's destination, as Argo CD does it before it compares.

Whether an object has a namespace at all depends on its kind: those of Kubernetes are known, others by their CRDs, and
one that neither tells is taken for namespaced, as most are.  Source: argoproj/argo-cd, util/kube and gitops-engine
(`IsNamespaced`), which ask the API server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp.changes import Object

Kind = tuple[str, str]  # group and kind
CRD = ("apiextensions.k8s.io", "CustomResourceDefinition")
# The kinds of Kubernetes 1.22 to 1.35 that have no namespace, by their groups (kubectl api-resources).
CLUSTER_KINDS: Mapping[str, frozenset[str]] = {
    "": frozenset({"ComponentStatus", "Namespace", "Node", "PersistentVolume"}),
    "admissionregistration.k8s.io": frozenset(
        {
            *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
            *("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"),
            *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        }
    ),
    "apiextensions.k8s.io": frozenset({"CustomResourceDefinition"}),
    "apiregistration.k8s.io": frozenset({"APIService"}),
    "authentication.k8s.io": frozenset({"SelfSubjectReview", "TokenReview"}),
    "authorization.k8s.io": frozenset({"SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"}),
    "certificates.k8s.io": frozenset({"CertificateSigningRequest", "ClusterTrustBundle"}),
    "flowcontrol.apiserver.k8s.io": frozenset({"FlowSchema", "PriorityLevelConfiguration"}),
    "internal.apiserver.k8s.io": frozenset({"StorageVersion"}),
    "networking.k8s.io": frozenset({"IngressClass", "IPAddress", "ServiceCIDR"}),
    "node.k8s.io": frozenset({"RuntimeClass"}),
    "policy": frozenset({"PodSecurityPolicy"}),
    "rbac.authorization.k8s.io": frozenset({"ClusterRole", "ClusterRoleBinding"}),
    "resource.k8s.io": frozenset({"DeviceClass", "DeviceTaintRule", "ResourceSlice"}),
    "scheduling.k8s.io": frozenset({"PriorityClass"}),
    "storage.k8s.io": frozenset({"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"}),
    "storagemigration.k8s.io": frozenset({"StorageVersionMigration"}),
}
# Groups of Kubernetes without a dot, or with one, all of whose other kinds have a namespace.
NAMESPACED_GROUPS = frozenset(
    {
        *("apps", "autoscaling", "batch", "extensions", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io"),
        *CLUSTER_KINDS,
    }
)


class Placed(NamedTuple):
    """Objects with their namespaces, and the kinds of which only the usual case was assumed."""

    objects: tuple[Object, ...]
    assumed: tuple[Kind, ...]


def placed(objects: Iterable[Object], namespace: str, scopes: Mapping[Kind, bool]) -> Placed:
    """Give every namespaced object without a namespace the one of the destination; without that all stay.

    `scopes` says of the kinds of CRDs whether they have a namespace; CRDs among the objects count as well.
    """
    listed = tuple(objects)
    if not namespace:
        return Placed(listed, ())
    known = {**scopes, **{kind: scope for one in listed for kind, scope in scopes_of(one.value).items()}}
    assumed: dict[Kind, None] = {}
    made: list[Object] = []
    for one in listed:
        identity = one.identity
        if not identity.namespace and not _is_cluster_wide((identity.group, identity.kind), known, assumed):
            metadata = {**mapping(one.value.get("metadata")), "namespace": namespace}
            one = one._replace(  # noqa: PLW2901  # the same object, in its place
                identity=identity._replace(namespace=namespace), value={**one.value, "metadata": metadata}
            )
        made.append(one)
    return Placed(tuple(made), tuple(assumed))


def _is_cluster_wide(kind: Kind, known: Mapping[Kind, bool], assumed: dict[Kind, None]) -> bool:
    group, name = kind
    if group in NAMESPACED_GROUPS:
        return name in CLUSTER_KINDS.get(group, ())
    if kind not in known:
        assumed[kind] = None
    return not known.get(kind, True)


def scopes_of(value: object) -> dict[Kind, bool]:
    """Return the kind that an object defines, if it is a CRD, and whether its objects have a namespace."""
    if not (isinstance(value, dict) and value.get("kind") == CRD[1] and CRD[0] in str(value.get("apiVersion"))):
        return {}
    group, kind = dig(value, "spec", "group"), dig(value, "spec", "names", "kind")
    return {(str(group), str(kind)): dig(value, "spec", "scope") != "Cluster"} if group and kind else {}
