"""Whether a change replaces the pods of a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.compare.pods import TEMPLATES, dig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Field
    from cmp.compare.matched import Matched

# A ReplicaSet only uses the new template for pods that it has to make anyway; a job's pods end by themselves.
_REPLACING = frozenset(("Deployment", "StatefulSet", "DaemonSet", "Rollout"))


def is_restart(matched: Matched, fields: Sequence[Field]) -> bool:
    """Say whether running pods are replaced: by another template, or as the workload is made anew under another name.

    Not where the workload waits for somebody to delete the pods (`OnDelete`), is paused, or is to have no pods.
    `fields` are all differences, those that are folded included: Kubernetes does not know what a reader cares for.
    """
    before, after = matched
    if before is None or after is None or after.identity.kind not in _REPLACING:
        return False
    if dig(after.value, "spec", "replicas") == 0:
        return False
    if (before.identity.namespace, before.identity.name) != (after.identity.namespace, after.identity.name):
        return True
    waits = (
        dig(after.value, "spec", "updateStrategy", "type") == "OnDelete" or dig(after.value, "spec", "paused") is True
    )
    return not waits and any(_is_in_template(field.path, TEMPLATES[after.identity.kind]) for field in fields)


def _is_in_template(path: tuple[str, ...], template: tuple[str, ...]) -> bool:
    length = min(len(path), len(template))
    return path[:length] == template[:length]
