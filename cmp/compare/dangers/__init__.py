"""What to look at twice, in the terms of Argo CD and Kubernetes.

Each rule looks at both sides of one object: what both have is nobody's news, whatever one thinks of it.  Differences
that a reader does not want to see count as well: the cluster sees them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.compare.dangers import deletion, permissions, syncing, traffic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Danger, Field
    from cmp.compare.pairing import Matched

# The most severe first: reports follow this order.
RULES = (
    "data-removed",
    "namespace-changed",
    "sync-force",
    "immutable-field",
    "volume-shrink",
    "crd-version",
    "removed-api",
    "replicas-zero",
    "privileged",
    "host-namespace",
    "host-path",
    "capability",
    "cluster-admin",
    "cluster-binding",
    "wildcard-verbs",
    "service-type",
    "service-selector",
    "host-removed",
    "disruption-blocked",
    "sync-replace",
    "hook-policy",
    "orphaned",
)
_FINDERS = (
    deletion.data_removed,
    deletion.namespace_changed,
    deletion.volume_shrink,
    deletion.replicas_zero,
    deletion.crd_version,
    deletion.immutable_field,
    permissions.pod_rights,
    permissions.account_rights,
    traffic.service_changed,
    traffic.hosts_removed,
    traffic.disruption_blocked,
    syncing.sync_replace,
    syncing.sync_force,
    syncing.hook_policy,
    syncing.removed_api,
)


def find(matched: Matched, fields: Sequence[Field]) -> tuple[Danger, ...]:
    """Return what is dangerous about a change, the most severe first; nothing where both sides are equal."""
    if not fields and matched.before and matched.after:
        return ()
    found = [danger for finder in _FINDERS for danger in finder(matched)]
    return tuple(sorted(found, key=lambda danger: RULES.index(danger.rule)))
