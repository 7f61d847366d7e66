"""The fields of an Application beside its sources: where its objects go, how they are synced, how it ends.

Source: argoproj/argo-cd 3.6, pkg/apis/application/v1alpha1/types.go, applicationset/controllers (the policies of sets).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.application import DEFAULT_PROJECT, Destination, sources_of
from cmp.argocd.sets.build import FINALIZER
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from cmp.argocd.document import Manifest
    from cmp.preview.declarations import Declaration
    from cmp.preview.identity import PairId

_NEVER_DELETING = ("create-only", "create-update")


class ApplicationState(NamedTuple):
    """An Application as its file, its set or the pair that prints it has it.

    `revisions` are those that its sources in Git follow.  `cascades` tells whether its objects are deleted with it: it
    has the finalizer, perhaps with `/background` behind it.  `set_name` is the ApplicationSet that makes it, `policy`
    that set's policy where it deletes no Application; `rolls` tells whether the set rolls changes out in steps.
    `parent` is the pair that prints the Application, or its set.
    """

    name: str
    place: str
    destination: Destination
    cluster: str
    project: str
    revisions: tuple[str, ...]
    automated: bool
    prune: bool
    self_heal: bool
    sync_options: tuple[str, ...]
    ignored: str
    cascades: bool
    set_name: str = ""
    policy: str = ""
    rolls: bool = False
    parent: PairId | None = None


def state(manifest: Manifest, declaration: Declaration, cluster: str) -> ApplicationState:
    """Return the state of an Application on a cluster, whose name is that of the inventory where it is known there."""
    spec, of_set = mapping(manifest.value.get("spec")), mapping(declaration.manifest.value.get("spec"))
    is_made = declaration.manifest is not manifest
    destination = mapping(spec.get("destination"))
    finalizers, options = manifest.metadata.get("finalizers"), dig(spec, "syncPolicy", "syncOptions")
    automated = dig(spec, "syncPolicy", "automated")
    is_automated = isinstance(automated, dict) and automated.get("enabled") is not False
    sources = [source for source, _ in sources_of(spec) if "chart" not in source]
    policy = str(dig(of_set, "syncPolicy", "applicationsSync") or "") if is_made else ""
    return ApplicationState(
        name=manifest.names[0],
        place=manifest.location.place,
        destination=Destination(*(str(destination.get(key) or "") for key in Destination._fields)),
        cluster=cluster,
        project=str(spec.get("project") or DEFAULT_PROJECT),
        revisions=tuple(str(source.get("targetRevision") or "HEAD") for source in sources),
        automated=is_automated,
        prune=is_automated and mapping(automated).get("prune") is True,
        self_heal=is_automated and mapping(automated).get("selfHeal") is True,
        sync_options=tuple(sorted({str(option) for option in options})) if isinstance(options, list) else (),
        ignored=json.dumps(spec.get("ignoreDifferences") or [], sort_keys=True),
        cascades=any(str(name).startswith(FINALIZER) for name in (finalizers if isinstance(finalizers, list) else ())),
        set_name=declaration.manifest.names[0] if is_made else "",
        policy=policy if policy in _NEVER_DELETING else "",
        rolls=is_made and dig(of_set, "strategy", "type") == "RollingSync",
        parent=declaration.parent.id if declaration.parent else None,
    )
