"""The fields of an Application beside its sources: where its objects go, how they are synced, how it ends.

Source: argoproj/argo-cd 3.6, pkg/apis/application/v1alpha1/types.go, applicationset/controllers (the policies of sets).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.application import DEFAULT_PROJECT, Destination, sources_of
from cmp.preview.staying import is_cascading
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.argocd.document import Manifest
    from cmp.preview.declarations import Declaration
    from cmp.preview.identity import PairId


class ApplicationState(NamedTuple):
    """An Application as its file, its set or the pair that prints it has it.

    `revisions` are those that its sources in Git follow.  `cascades` tells whether its objects are deleted with it: it
    has the finalizer.  `set_name` is the ApplicationSet that makes it; `rolls` tells whether the set rolls changes out
    in steps.  `parent` is the pair that prints the Application, or its set.  `stays` is that of its declaration.
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
    rolls: bool = False
    parent: PairId | None = None
    stays: str = ""


class SyncPolicy(NamedTuple):
    """The automatic sync of an Application, if it has one; the other fields are as written, also where it has none."""

    automated: bool
    prune: bool
    self_heal: bool


def sync_policy(spec: Mapping[str, object]) -> SyncPolicy:
    """Return the sync policy of the spec of an Application."""
    written = dig(spec, "syncPolicy", "automated")
    options = mapping(written)
    automated = isinstance(written, dict) and options.get("enabled") is not False
    return SyncPolicy(automated, options.get("prune") is True, options.get("selfHeal") is True)


def destination_of(spec: Mapping[str, object]) -> Destination:
    """Return the destination in the spec of an Application, which may have any mistake."""
    written = mapping(spec.get("destination"))
    return Destination(*(str(written.get(key) or "") for key in Destination._fields))


def state(manifest: Manifest, declaration: Declaration, cluster: str) -> ApplicationState:
    """Return the state of an Application on a cluster, whose name is that of the inventory where it is known there."""
    spec, of_set = mapping(manifest.value.get("spec")), mapping(declaration.manifest.value.get("spec"))
    is_made = declaration.manifest is not manifest
    options = dig(spec, "syncPolicy", "syncOptions")
    sync = sync_policy(spec)
    sources = [source for source, _ in sources_of(spec) if "chart" not in source]
    return ApplicationState(
        name=manifest.names[0],
        place=manifest.location.place,
        destination=destination_of(spec),
        cluster=cluster,
        project=str(spec.get("project") or DEFAULT_PROJECT),
        revisions=tuple(str(source.get("targetRevision") or "HEAD") for source in sources),
        automated=sync.automated,
        prune=sync.automated and sync.prune,
        self_heal=sync.automated and sync.self_heal,
        sync_options=tuple(sorted({str(option) for option in options})) if isinstance(options, list) else (),
        ignored=json.dumps(spec.get("ignoreDifferences") or [], sort_keys=True),
        cascades=is_cascading(manifest),
        set_name=declaration.manifest.names[0] if is_made else "",
        rolls=is_made and dig(of_set, "strategy", "type") == "RollingSync",
        parent=declaration.parent.id if declaration.parent else None,
        stays=declaration.stays,
    )
