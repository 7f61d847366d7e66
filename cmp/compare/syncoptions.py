"""What annotations tell Argo CD to do with an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.compare.pods import dig

if TYPE_CHECKING:
    from cmp.changes import Object

PRUNE_FALSE, PRUNE_CONFIRM, REPLACE, FORCE = "Prune=false", "Prune=confirm", "Replace=true", "Force=true"
DELETE_POLICIES = ("argocd.argoproj.io/hook-delete-policy", "helm.sh/hook-delete-policy")
HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")

_SYNC_OPTIONS = "argocd.argoproj.io/sync-options"


def annotation(subject: Object, *names: str) -> tuple[str, ...]:
    """Return the items of the first of these annotations that the object has: texts between commas, without blanks."""
    for name in names:
        text = dig(subject.value, "metadata", "annotations", name)
        if isinstance(text, str):
            return tuple(item.strip() for item in text.split(",") if item.strip())
    return ()


def has_option(subject: Object, option: str) -> bool:
    """Say whether the object has a sync option, as Argo CD spells it: `Prune=false`."""
    return option in annotation(subject, _SYNC_OPTIONS)


def is_hook(subject: Object) -> bool:
    """Say whether Argo CD runs the object at each sync instead of keeping it."""
    return bool(annotation(subject, *HOOKS))


def is_made_anew(subject: Object) -> bool:
    """Say whether each change deletes the object and creates it again; Argo CD spares CRDs and namespaces."""
    spared = subject.identity.kind in ("CustomResourceDefinition", "Namespace")
    return not spared and has_option(subject, FORCE) and has_option(subject, REPLACE)
