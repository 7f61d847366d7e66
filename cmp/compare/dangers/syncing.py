"""Dangers: Argo CD syncs an object differently, or the cluster no longer knows its version of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Danger
from cmp.lifecycle import lifecycle
from cmp.yamldoc.access import dig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.changes import Object
    from cmp.compare.pairing import MatchedObject

PRUNE_FALSE, PRUNE_CONFIRM, REPLACE, FORCE = "Prune=false", "Prune=confirm", "Replace=true", "Force=true"
DELETE_POLICIES = ("argocd.argoproj.io/hook-delete-policy", "helm.sh/hook-delete-policy")
HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")

_SYNC_OPTIONS = "argocd.argoproj.io/sync-options"


def sync_replace(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that Argo CD newly replaces an object instead of patching it."""
    before, after = matched
    if before and after and has_option(after, REPLACE) and not has_option(before, REPLACE):
        text = "is replaced as a whole from now on (`Replace=true`): what others set in it on the cluster is lost"
        yield Danger("sync-replace", text)


def sync_force(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that this change deletes the object first; with `Force=true` alone only where it cannot be patched."""
    before, after = matched
    if before and after and is_always_recreated(after):
        yield Danger("sync-force", "is deleted and created again, as `Force=true` and `Replace=true` say")
    elif before and after and has_option(after, FORCE) and not has_option(before, FORCE):
        yield Danger("sync-force", "is from now on deleted and created again where it cannot be patched (`Force=true`)")


def hook_policy(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that Argo CD deletes a hook's objects at another time than before."""
    before, after = matched
    if before is None or after is None or not annotation_items(after.value, *HOOKS):
        return
    old, new = _policies(before), _policies(after)
    if old != new:
        phases = ", ".join(annotation_items(after.value, *HOOKS))
        yield Danger("hook-policy", f"is a {phases} hook whose delete policy changes from {old} to {new}")


def _policies(hook: Object) -> str:
    return ", ".join(sorted(annotation_items(hook.value, *DELETE_POLICIES))) or "BeforeHookCreation"


def removed_api(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that an object newly uses a version of the API that Kubernetes has removed."""
    before, after = matched
    found = lifecycle(after.api_version, after.identity.kind) if after else None
    if after and found and found.is_removed() and (before is None or before.api_version != after.api_version):
        text = f"is written as `{after.api_version}`, which Kubernetes 1.{found.removed} no longer has"
        yield Danger("removed-api", text)


def annotation_items(value: Mapping[str, object], *names: str) -> tuple[str, ...]:
    """Return the items of the first of these annotations that an object has, split at commas, without blanks."""
    for name in names:
        text = dig(value, "metadata", "annotations", name)
        if isinstance(text, str):
            return tuple(item.strip() for item in text.split(",") if item.strip())
    return ()


def sync_options(value: Mapping[str, object]) -> tuple[str, ...]:
    """Return the sync options of an object, as Argo CD spells them: `Prune=false`."""
    return annotation_items(value, _SYNC_OPTIONS)


def has_option(subject: Object, option: str) -> bool:
    """Say whether the object has a sync option, as Argo CD spells it: `Prune=false`."""
    return option in sync_options(subject.value)


def is_hook(subject: Object) -> bool:
    """Say whether Argo CD runs the object at each sync instead of keeping it."""
    return bool(annotation_items(subject.value, *HOOKS))


def is_always_recreated(subject: Object) -> bool:
    """Say whether each change deletes the object and creates it again; never a CRD or a namespace, as in Argo CD."""
    is_exempt = subject.identity.kind in ("CustomResourceDefinition", "Namespace")
    return not is_exempt and has_option(subject, FORCE) and has_option(subject, REPLACE)
