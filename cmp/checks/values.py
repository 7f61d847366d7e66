"""The rules of the API server that the OpenAPI documents of Kubernetes do not have, as JSON Schemas.

Sources: k8s.io/apimachinery (resource.ParseQuantity, util/validation), k8s.io/kubernetes (pkg/apis/*/validation).  A
rule stands here only where it is sound: what a server takes is never refused.  So an empty text is taken wherever the
server puts a default in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.checks.wording import EXPECTED, Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = dict[str, object]

_CORE = "io.k8s.api.core.v1."
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_BREAKS = r"[\r\n]*"
_BASE64 = rf"(?:[A-Za-z0-9+/]{_BREAKS})"

INT32: Schema = {"minimum": -(2**31), "maximum": 2**31 - 1}
FORMATS: Mapping[str, Schema] = {
    "int32": INT32,
    "int64": {"minimum": -(2**63), "maximum": 2**63 - 1},
    # encoding/base64 skips line breaks.
    "byte": {
        "pattern": f"^{_BREAKS}({_BASE64}{{4}})*({_BASE64}{{2}}={_BREAKS}=|{_BASE64}{{3}}=)?{_BREAKS}$",
        EXPECTED: "base64",
    },
}
QUANTITY: Schema = {
    "type": ["number", "string", "null"],
    "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
    EXPECTED: "a quantity, such as `500m` or `2Gi`",
}
# The definitions that are one value.
TEXTS: Mapping[str, Schema] = {"io.k8s.apimachinery.pkg.api.resource.Quantity": QUANTITY}


def _one_of(*options: str) -> Schema:
    return {"enum": [*options, "", None]}


def _text(pattern: str, expected: str, longest: int) -> Schema:
    return {"pattern": f"^(?:{pattern})$", "maxLength": longest, EXPECTED: expected}


_PORT: Schema = {"minimum": 1, "maximum": 65535, EXPECTED: "a port, from 1 to 65535"}
_PORT_OR_NONE: Schema = {"minimum": 0, "maximum": 65535, EXPECTED: "a port, from 1 to 65535"}
_PROTOCOL = _one_of("TCP", "UDP", "SCTP")
_NAME_OF_LABEL: Schema = _text(_LABEL, "a name of lower-case letters, digits and `-`, of at most 63", 63)

# Rules for fields, by the definition that has them.
FIELDS: Mapping[str, Mapping[str, Schema]] = {
    f"{_CORE}Container": {"imagePullPolicy": _one_of("Always", "IfNotPresent", "Never"), "name": _NAME_OF_LABEL},
    f"{_CORE}ContainerPort": {"containerPort": _PORT, "hostPort": _PORT_OR_NONE, "protocol": _PROTOCOL},
    f"{_CORE}PodSpec": {
        "dnsPolicy": _one_of("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
        "restartPolicy": _one_of("Always", "OnFailure", "Never"),
    },
    f"{_CORE}ServicePort": {"port": _PORT, "nodePort": _PORT_OR_NONE, "protocol": _PROTOCOL},
    f"{_CORE}ServiceSpec": {
        "sessionAffinity": _one_of("ClientIP", "None"),
        "type": _one_of("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
    },
}
# Fields that a schema requires, and for which the server takes the empty value of their type.
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "io.k8s.api.apps.v1.StatefulSetSpec": ("serviceName",),
    "io.k8s.api.networking.v1.NetworkPolicySpec": ("podSelector",),
}


def of_object(group: str, kind: str) -> Iterator[Schema]:
    """Yield the rules for the metadata of an object of a kind."""
    name: Schema = {}
    if (group, kind) == ("", "Namespace"):
        name = _NAME_OF_LABEL
    yield {"properties": {"metadata": {"properties": {"name": name}}}}


_SELECTING = (("apps", "DaemonSet"), ("apps", "Deployment"), ("apps", "ReplicaSet"), ("apps", "StatefulSet"))


def relations(value: Mapping[str, object], group: str, kind: str) -> Iterator[Mistake]:
    """Yield the mistakes that only several fields of an object together show."""
    if (group, kind) in _SELECTING:
        selected = _map(value, "spec", "selector", "matchLabels")
        labels = _map(value, "spec", "template", "metadata", "labels")
        for name, label in selected.items():
            if labels.get(name) != label:
                path = ("spec", "selector", "matchLabels", name)
                yield Mistake("relation", path, "is not among the labels of the pods: spec.template.metadata.labels")


def _map(value: object, *path: str) -> Mapping[str, object]:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
