"""The rules of the API server that the OpenAPI documents of Kubernetes do not have, as JSON Schemas.

Sources: k8s.io/apimachinery (resource.ParseQuantity, util/validation), k8s.io/kubernetes (pkg/apis/*/validation).  A
rule stands here only where it is sound: what a server takes is never refused.  So an empty text is taken wherever the
server puts a default in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.checks.wording import EXPECTED, READING, Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Schema = dict[str, object]

_CORE = "io.k8s.api.core.v1."
_APPS = "io.k8s.api.apps.v1."
_WEBHOOKS = "io.k8s.api.admissionregistration.v1."
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_BREAKS = r"[\r\n]*"
_BASE64 = rf"(?:[A-Za-z0-9+/]{_BREAKS})"

INT32: Schema = {"minimum": -(2**31), "maximum": 2**31 - 1, READING: True}
FORMATS: Mapping[str, Schema] = {
    "int32": INT32,
    "int64": {"minimum": -(2**63), "maximum": 2**63 - 1, READING: True},
    # encoding/base64 skips line breaks.
    "byte": {
        "pattern": f"^{_BREAKS}({_BASE64}{{4}})*({_BASE64}{{2}}={_BREAKS}=|{_BASE64}{{3}}=)?{_BREAKS}$",
        EXPECTED: "base64",
        READING: True,
    },
}
QUANTITY: Schema = {
    "type": ["number", "string", "null"],
    "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
    EXPECTED: "a quantity, such as `500m` or `2Gi`",
    READING: True,
}
# The definitions that are one value.
TEXTS: Mapping[str, Schema] = {"io.k8s.apimachinery.pkg.api.resource.Quantity": QUANTITY}


def _one_of(*options: str) -> Schema:
    return {"enum": [*options, "", None]}


def _each(rule: Schema) -> Schema:
    return {"items": rule}


def _text(pattern: str, expected: str, longest: int) -> Schema:
    return {"pattern": f"^(?:{pattern})$", "maxLength": longest, EXPECTED: expected}


_PORT: Schema = {"minimum": 1, "maximum": 65535, EXPECTED: "a port, from 1 to 65535"}
_PORT_OR_NONE: Schema = {"minimum": 0, "maximum": 65535, EXPECTED: "a port, from 1 to 65535"}
_PROTOCOL = _one_of("TCP", "UDP", "SCTP")
_AT_LEAST_0: Schema = {"minimum": 0}
_NAME = _text(_LABEL, "a name of lower-case letters, digits and `-`, of at most 63 characters", 63)
_SUBDOMAIN_NAME = _text(_SUBDOMAIN, "a name of lower-case letters, digits, `-` and `.`, of at most 253 characters", 253)
_SEGMENT_NAME = _text(r"[^/%]+", "a name without `/` and `%`", 253)
_LABEL_VALUE = _text(
    r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?",
    "a label: letters, digits, `-`, `_` and `.`, a letter or digit at both ends, of at most 63 characters",
    63,
)
_WORD = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = "a name such as `team` or `example.com/team`"
_LABELS: Schema = {
    "propertyNames": {"pattern": rf"^({_SUBDOMAIN}/)?{_WORD}$", EXPECTED: _KEY},
    "additionalProperties": _LABEL_VALUE,
}
_ANNOTATIONS: Schema = {"propertyNames": {"pattern": rf"^(?i:{_SUBDOMAIN}/)?{_WORD}$", EXPECTED: _KEY}}
_METADATA: Schema = {"properties": {"labels": _LABELS, "annotations": _ANNOTATIONS}}
_KEYS: Schema = {
    "propertyNames": _text(r"[-._a-zA-Z0-9]+", "a key of letters, digits, `-`, `_` and `.`", 253),
}
_WEBHOOK = {"failurePolicy": _one_of("Fail", "Ignore"), "sideEffects": _one_of("None", "NoneOnDryRun")}

# Rules for fields, by the definition that has them.
FIELDS: Mapping[str, Mapping[str, Schema]] = {
    f"{_CORE}ConfigMap": {"data": _KEYS, "binaryData": _KEYS},
    f"{_CORE}Container": {
        "image": {"minLength": 1, EXPECTED: "the name of an image"},
        "imagePullPolicy": _one_of("Always", "IfNotPresent", "Never"),
        "name": _NAME,
        "terminationMessagePolicy": _one_of("FallbackToLogsOnError", "File"),
    },
    f"{_CORE}ContainerPort": {"containerPort": _PORT, "hostPort": _PORT_OR_NONE, "protocol": _PROTOCOL},
    f"{_CORE}HTTPGetAction": {"scheme": _one_of("HTTP", "HTTPS")},
    f"{_CORE}PodSpec": {
        "containers": {"minItems": 1},
        "dnsPolicy": _one_of("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
        "restartPolicy": _one_of("Always", "OnFailure", "Never"),
    },
    f"{_CORE}PodTemplateSpec": {"metadata": _METADATA},
    f"{_CORE}Probe": dict.fromkeys(
        ("failureThreshold", "initialDelaySeconds", "periodSeconds", "successThreshold", "timeoutSeconds"), _AT_LEAST_0
    ),
    f"{_CORE}PersistentVolumeSpec": {
        "accessModes": _each(_one_of("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")),
        "persistentVolumeReclaimPolicy": _one_of("Delete", "Recycle", "Retain"),
    },
    f"{_CORE}PersistentVolumeClaimSpec": {
        "accessModes": _each(_one_of("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")),
        "volumeMode": _one_of("Block", "Filesystem"),
    },
    f"{_CORE}Secret": {"data": _KEYS},
    f"{_CORE}ServicePort": {"port": _PORT, "nodePort": _PORT_OR_NONE, "protocol": _PROTOCOL},
    f"{_CORE}ServiceSpec": {
        "externalTrafficPolicy": _one_of("Cluster", "Local"),
        "sessionAffinity": _one_of("ClientIP", "None"),
        "type": _one_of("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
    },
    f"{_CORE}Toleration": {"effect": _one_of("NoExecute", "NoSchedule", "PreferNoSchedule")},
    f"{_CORE}TopologySpreadConstraint": {"whenUnsatisfiable": _one_of("DoNotSchedule", "ScheduleAnyway")},
    f"{_CORE}Volume": {"name": _NAME},
    f"{_APPS}DaemonSetUpdateStrategy": {"type": _one_of("OnDelete", "RollingUpdate")},
    f"{_APPS}DeploymentSpec": {"replicas": _AT_LEAST_0},
    f"{_APPS}DeploymentStrategy": {"type": _one_of("Recreate", "RollingUpdate")},
    f"{_APPS}StatefulSetSpec": {
        "podManagementPolicy": _one_of("OrderedReady", "Parallel"),
        "replicas": _AT_LEAST_0,
    },
    f"{_APPS}StatefulSetUpdateStrategy": {"type": _one_of("OnDelete", "RollingUpdate")},
    "io.k8s.api.batch.v1.CronJobSpec": {"concurrencyPolicy": _one_of("Allow", "Forbid", "Replace")},
    "io.k8s.api.batch.v1.JobSpec": {
        "backoffLimit": _AT_LEAST_0,
        "completionMode": _one_of("Indexed", "NonIndexed"),
    },
    "io.k8s.api.networking.v1.HTTPIngressPath": {
        "path": {"pattern": "^(/.*)?$", EXPECTED: "a path that begins with `/`"},
        "pathType": _one_of("Exact", "ImplementationSpecific", "Prefix"),
    },
    "io.k8s.api.networking.v1.NetworkPolicySpec": {"policyTypes": _each(_one_of("Egress", "Ingress"))},
    "io.k8s.api.rbac.v1.Subject": {"kind": _one_of("Group", "ServiceAccount", "User")},
    "io.k8s.api.scheduling.v1.PriorityClass": {
        "preemptionPolicy": _one_of("Never", "PreemptLowerPriority"),
    },
    "io.k8s.api.storage.v1.StorageClass": {
        "reclaimPolicy": _one_of("Delete", "Retain"),
        "volumeBindingMode": _one_of("Immediate", "WaitForFirstConsumer"),
    },
    f"{_WEBHOOKS}MutatingWebhook": _WEBHOOK,
    f"{_WEBHOOKS}ValidatingWebhook": _WEBHOOK,
}
# Fields that a schema requires, and for which the server takes the empty value of their type.
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    f"{_APPS}ControllerRevision": ("revision",),
    f"{_APPS}StatefulSetSpec": ("serviceName",),
    f"{_CORE}HTTPHeader": ("value",),
    f"{_CORE}ISCSIPersistentVolumeSource": ("lun",),
    f"{_CORE}ISCSIVolumeSource": ("lun",),
    f"{_CORE}LimitRangeSpec": ("limits",),
    f"{_CORE}SleepAction": ("seconds",),
    f"{_CORE}Sysctl": ("value",),
    "io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern": ("status",),
    "io.k8s.api.discovery.v1.EndpointSlice": ("endpoints",),
    "io.k8s.api.networking.v1.NetworkPolicySpec": ("podSelector",),
    "io.k8s.api.rbac.v1.ClusterRole": ("rules",),
    "io.k8s.api.rbac.v1.Role": ("rules",),
    "io.k8s.api.scheduling.v1.PriorityClass": ("value",),
    "io.k8s.api.storage.v1.CSINodeSpec": ("drivers",),
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion": ("served", "storage"),
}
# Fields that no schema requires, and the server does.
REQUIRED: Mapping[str, tuple[str, ...]] = {f"{_CORE}Container": ("image",), f"{_CORE}Pod": ("spec",)}

_RBAC = "rbac.authorization.k8s.io"
_WORKLOADS = tuple(("apps", kind) for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"))
_NAMES: Mapping[tuple[str, str], Schema] = {
    ("", "ConfigMap"): _SUBDOMAIN_NAME,
    ("", "Namespace"): _NAME,
    ("", "PersistentVolumeClaim"): _SUBDOMAIN_NAME,
    ("", "Secret"): _SUBDOMAIN_NAME,
    ("", "Service"): _NAME,
    ("", "ServiceAccount"): _SUBDOMAIN_NAME,
    ("batch", "CronJob"): {**_SUBDOMAIN_NAME, "maxLength": 52},
    ("batch", "Job"): _SUBDOMAIN_NAME,
    ("networking.k8s.io", "Ingress"): _SUBDOMAIN_NAME,
    **dict.fromkeys(_WORKLOADS, _SUBDOMAIN_NAME),
    **{(_RBAC, kind): _SEGMENT_NAME for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")},
}
_RESTARTS: Mapping[tuple[str, str], Schema] = {
    **{workload: _one_of("Always") for workload in _WORKLOADS},
    ("batch", "Job"): {"enum": ["OnFailure", "Never"]},
}
# The parts of an object that older servers store unread: what is wrong there is told only when pods are to come.
_UNREAD: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("apps", "StatefulSet"): (("spec", "template", "spec"), ("spec", "volumeClaimTemplates")),
}
_READ = (("spec", "template", "spec", "restartPolicy"),)
TAKEN = "; some servers take it, and no pod comes of it"


def of_object(group: str, kind: str) -> Iterator[Schema]:
    """Yield the rules for a whole object of a kind: its metadata, and the restart policy of its pods."""
    name = _NAMES.get((group, kind), {})
    yield {"properties": {"metadata": {"properties": {"labels": _LABELS, "annotations": _ANNOTATIONS, "name": name}}}}
    if rule := _RESTARTS.get((group, kind)):
        spec: Schema = {"properties": {"restartPolicy": rule}}
        if kind == "Job":
            spec["required"] = ["restartPolicy"]  # its default is what a Job must not have
        yield {"properties": {"spec": {"properties": {"template": {"properties": {"spec": spec}}}}}}


def is_taken(group: str, kind: str, mistake: Mistake) -> bool:
    """Tell whether the server stores a mistake of an object, because it looks at the types of that part alone."""
    if mistake.keyword in ("additionalProperties", "type", READING) or mistake.path in _READ:
        return False
    return any(mistake.path[: len(part)] == part for part in _UNREAD.get((group, kind), ()))


_PODS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): ("spec",),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
}


def relations(value: Mapping[str, object], group: str, kind: str) -> Iterator[Mistake]:
    """Yield the mistakes that only several fields of an object together show."""
    if (group, kind) in _WORKLOADS and "template" in _map(value, "spec"):
        selected = _map(value, "spec", "selector", "matchLabels")
        labels = _map(value, "spec", "template", "metadata", "labels")
        for name, label in selected.items():
            if labels.get(name) != label:
                path = ("spec", "selector", "matchLabels", name)
                yield Mistake("relation", path, "is not among the labels of the pods: spec.template.metadata.labels")
    if place := _PODS.get((group, kind)):
        yield from _pod_relations(_map(value, *place), place)
    if (group, kind) == ("", "Service"):
        ports = _list(_map(value, "spec"), "ports")
        if len(ports) > 1:
            for index, port in enumerate(ports):
                if not port.get("name"):
                    yield Mistake(
                        "relation", ("spec", "ports", f"[{index}]", "name"), "is missing: one port of several"
                    )


def _pod_relations(spec: Mapping[str, object], path: tuple[str, ...]) -> Iterator[Mistake]:
    yield from _repeated(_list(spec, "volumes"), (*path, "volumes"))
    known = {volume.get("name") for volume in _list(spec, "volumes")}
    containers = [
        (field, index, container)
        for field in ("initContainers", "containers")
        for index, container in enumerate(_list(spec, field))
    ]
    yield from _repeated(_list(spec, "containers"), (*path, "containers"))
    for field, index, container in containers:
        for number, mount in enumerate(_list(container, "volumeMounts")):
            if "name" in mount and mount["name"] not in known:
                where = (*path, field, f"[{index}]", "volumeMounts", f"[{number}]", "name")
                yield Mistake("relation", where, "is the name of no volume of the pod")


def _repeated(items: Sequence[Mapping[str, object]], path: tuple[str, ...]) -> Iterator[Mistake]:
    seen: list[object] = []
    for index, item in enumerate(items):
        if (name := item.get("name")) and name in seen:
            yield Mistake("relation", (*path, f"[{index}]", "name"), "is the name of another one, too")
        seen.append(name)


def _list(value: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """Return the maps in a list; none where the list is wrong, for then its schema says so."""
    items = value.get(key)
    return items if isinstance(items, list) and all(isinstance(item, dict) for item in items) else []


def _map(value: object, *path: str) -> Mapping[str, object]:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
