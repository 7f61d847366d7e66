"""Rules for changes that deserve a second look, in the terms of Argo CD and Kubernetes.

    deletion.py      objects, data and pods that go away; fields that Kubernetes does not let anybody change
    permissions.py   new rights of pods and accounts
    traffic.py       addresses and hosts of services, and nodes that cannot be drained
    syncing.py       sync options, hooks, and removed versions of the API

Each rule looks at both sides of one object: a state that both have is no news, dangerous or not.  Folded differences
count as well: the cluster sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.compare.dangers import deletion, permissions, syncing, traffic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Danger, Field
    from cmp.compare.pairing import MatchedObject

# The most severe first: reports follow this order.
RULES = (
    "data-removed",
    "namespace-changed",
    "sync-force",
    "immutable-field",
    "volume-shrink",
    "crd-version",
    "removed-api",
    "workload-removed",
    "replicas-zero",
    "network-policy-removed",
    "privileged",
    "host-namespace",
    "host-path",
    "capability",
    "cluster-admin",
    "cluster-binding",
    "wildcard-verbs",
    "admission-removed",
    "permissions-removed",
    "service-removed",
    "service-type",
    "service-selector",
    "host-removed",
    "disruption-blocked",
    "budget-removed",
    "sync-replace",
    "hook-policy",
    "orphaned",
)
_FINDERS = (
    deletion.data_removed,
    deletion.function_removed,
    deletion.namespace_changed,
    deletion.volume_shrink,
    deletion.replicas_zero,
    deletion.crd_version,
    deletion.immutable_field,
    permissions.pod_permissions,
    permissions.account_permissions,
    traffic.service_changed,
    traffic.hosts_removed,
    traffic.disruption_blocked,
    syncing.sync_replace,
    syncing.sync_force,
    syncing.hook_policy,
    syncing.removed_api,
)


def find(matched: MatchedObject, fields: Sequence[Field]) -> tuple[Danger, ...]:
    """Return the dangers of a change, the most severe first; none where both sides are equal."""
    if not fields and matched.before and matched.after:
        return ()
    found = [danger for finder in _FINDERS for danger in finder(matched)]
    return tuple(sorted(found, key=lambda danger: RULES.index(danger.rule)))
