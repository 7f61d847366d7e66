"""Applications that nobody declares any more, or otherwise, and that stay on the cluster as they are.

A set deletes or changes none where its policy says so; an Application of an app of apps stays where it has the sync
option `Prune=false`, or where its parent ends without its objects.  So they are part of the newer side, as they were.
Source: argoproj/argo-cd 3.6, `ApplicationsSyncPolicy`, and gitops-engine, which prunes nothing with `Prune=false`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.argocd.sets.build import FINALIZER
from cmp.compare.dangers.syncing import PRUNE_FALSE, sync_options
from cmp.preview.children import name_of
from cmp.preview.declarations import identity_of
from cmp.preview.identity import of_application
from cmp.yamldoc.access import dig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.argocd.document import Manifest
    from cmp.preview.declarations import ApplicationSources, Declaration, Declared
    from cmp.preview.identity import PairId

    Generated = dict[str, tuple[Manifest, Mapping[str, str]]]

_NEVER_DELETING = ("create-only", "create-update")
_NEVER_CHANGING = ("create-only", "create-delete")


def of_sets(side: Declared, own: Mapping[PairId, Declaration], older: Mapping[PairId, Declaration]) -> Declared:
    """Return the newer side with the Applications that its sets leave as they are.

    `own` and `older` are the sets of both sides, which can be evaluated or have an error.
    """
    twins = {id(one.manifest): older[key] for key, one in own.items() if key in older and not older[key].error}
    declarations: list[Declaration] = []
    for declaration in side.declarations:
        twin = twins.get(id(declaration.manifest))
        declarations += [declaration] if twin is None or declaration.error else _by_policy(declaration, twin)
    return side._replace(declarations=tuple(declarations))


def _by_policy(declaration: Declaration, older: Declaration) -> list[Declaration]:
    policy = str(dig(declaration.manifest.value, "spec", "syncPolicy", "applicationsSync") or "")
    made, had = _generated(declaration), _generated(older)
    undeleted = {name: one for name, one in had.items() if name not in made and policy in _NEVER_DELETING}
    unchanged = {
        name: one
        for name, one in had.items()
        if name in made and policy in _NEVER_CHANGING and one[0].value != made[name][0].value
    }
    changed = {name: one for name, one in made.items() if name not in unchanged}
    way = f"will stay as it is: its ApplicationSet {{}} none (`applicationsSync: {policy}`)"
    kept = [(changed, ""), (undeleted, way.format("deletes")), (unchanged, way.format("changes"))]
    return [
        declaration.with_generated(applications.values())._replace(stays=stays or declaration.stays)
        for applications, stays in kept
        if applications or not stays
    ]


def _generated(declaration: Declaration) -> Generated:
    return {manifest.names[0]: (manifest, parameters) for manifest, parameters in declaration.generated}


def of_parents(base: Declared, head: Declared, sources: ApplicationSources) -> Declared:
    """Return the newer side with what pairs printed on the older one and prune no more."""
    known = {(one.key[0], identity_of(one, sources)) for one in head.declarations}
    before, after = (_applications(side, sources) for side in (base, head))
    staying = [
        declaration._replace(stays=reason)
        for declaration in base.declarations
        if (declaration.key[0], identity_of(declaration, sources)) not in known
        if (reason := _reason(declaration, before, after))
    ]
    return head._replace(declarations=(*head.declarations, *staying))


def _applications(side: Declared, sources: ApplicationSources) -> dict[PairId, Manifest]:
    """Return the Applications of a side by their identities."""
    found: dict[PairId, Manifest] = {}
    for declaration in side.declarations:
        whole = identity_of(declaration, sources)
        for manifest in declaration.applications:
            found[of_application(whole.argocd, whole.namespace, manifest.names[0])] = manifest
    return found


def _reason(declaration: Declaration, before: Mapping[PairId, Manifest], after: Mapping[PairId, Manifest]) -> str:
    """Return why what a pair printed stays on the cluster, as the end of a sentence; empty where it does not."""
    parent = declaration.parent.id if declaration.parent else None
    if parent is None or parent not in before:
        return ""
    if PRUNE_FALSE in sync_options(declaration.manifest.value):
        return f"will stay until somebody deletes it, as `{PRUNE_FALSE}` says"
    if parent in after or is_cascading(before[parent]):
        return ""
    return f"will stay until somebody deletes it: `{name_of(parent)}`, which printed it, ends without its objects"


def is_cascading(application: Manifest) -> bool:
    """Tell whether an Application's objects are deleted with it: by its finalizer, perhaps with `/background`."""
    finalizers = application.metadata.get("finalizers")
    return any(str(name).startswith(FINALIZER) for name in (finalizers if isinstance(finalizers, list) else ()))
