"""Versions of Kubernetes in the inventory, and pins of tools: the edits of cmp.yaml and of cmp-app.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Supposition
from cmp.errors import ConfigError, UsageError, and_more, suggestion
from cmp.preview.supposed import locks
from cmp.repository.config import FILE
from cmp.repository.pins import declared_in, file_for, with_pin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.context import Context
    from cmp.model import Cluster
    from cmp.preview.supposed.asked import KubeVersion, Pin
    from cmp.preview.supposed.edits import Edits
    from cmp.repository.config import Config

KEY = "kubeVersion"
MAX_NAMED = 5  # clusters
OLD_APIS = (
    "the inventory lists the API versions of {clusters}, which are still those of the present Kubernetes: "
    "`cmp inventory export` writes the new ones after the upgrade"
)
OF_ARGOCD = ("helm", "kustomize")
OTHERS = (
    "a pin is for applications that the plugin renders: Applications without it run the tools of Argo CD, of which "
    "`preview: {argocd: {…}}` in cmp.yaml tells the versions"
)


def kubernetes(edits: Edits, asked: Sequence[KubeVersion]) -> Iterator[Supposition]:
    """Set the versions of clusters in the inventory; a version for one cluster is stronger than that for all.

    Clusters that are like another one get its version, unless they say their own.  ConfigError for a cluster that is
    not in the inventory, UsageError where a cluster has the version already.
    """
    for one in sorted(asked, key=lambda one: bool(one.cluster)):
        yield _kubernetes(edits, one)


def _kubernetes(edits: Edits, asked: KubeVersion) -> Supposition:
    config = edits.repository.config
    _require_cluster(config, asked)
    file, above = (config.inventory, ()) if config.inventory else (FILE, ("clusters",))
    names = [asked.cluster] if asked.cluster else [*_saying(config)]
    places = [
        edits.set_text(file, (*above, name, KEY), asked.version)
        for name in names
        if not _is_same(config.clusters[name], asked)
    ]
    after = edits.repository.config.clusters
    changed = [name for name, cluster in after.items() if cluster.kube_version != config.clusters[name].kube_version]
    if not changed:
        has = asked.cluster or "every cluster of the inventory"
        raise UsageError(f"--kube-version {asked.text}: {has} has this version already", file=file)
    heirs = [name for name in changed if asked.cluster and name != asked.cluster]
    where = asked.cluster or (
        and_more(changed, MAX_NAMED) if len(changed) < len(after) else f"all {len(after)} clusters of the inventory"
    )
    like = f", and {and_more(heirs, MAX_NAMED)}, which inherits it" if heirs else ""
    listing = [name for name in changed if after[name].api_versions]
    remark = OLD_APIS.format(clusters=and_more(listing, MAX_NAMED)) if listing else ""
    return Supposition(f"Kubernetes {asked.version} on {where}{like}", tuple(places), remark)


def _require_cluster(config: Config, asked: KubeVersion) -> None:
    if not config.clusters:
        raise ConfigError(
            f"--kube-version {asked.text}: there is no inventory that says which version a cluster has",
            file=config.source,
            hint=f'`clusters: {{{asked.cluster or "prod"}: {{kubeVersion: "1.37"}}}}` in {FILE} begins one',
        )
    if asked.cluster and asked.cluster not in config.clusters:
        raise ConfigError(
            f"--kube-version {asked.text}: the inventory has no cluster {asked.cluster}",
            file=config.inventory or FILE,
            hint=suggestion(asked.cluster, config.clusters),
        )


def _saying(config: Config) -> Iterator[str]:
    """Yield the clusters that say a version themselves, or have it from nobody."""
    for name, own in config.entries.items():
        if own.kube_version or not own.origin:
            yield name


def _is_same(cluster: Cluster, asked: KubeVersion) -> bool:
    return cluster.kube_version.removeprefix("v") == asked.version


def tool(edits: Edits, asked: Pin, context: Context) -> Supposition:
    """Pin a tool as `cmp pin` does, in cmp.lock too; UsageError where it is pinned so already."""
    repository = edits.repository
    file = file_for(repository, asked.app, asked.cluster)
    pinned = declared_in(repository, file).get(asked.tool)
    if pinned and pinned.version == asked.version:
        raise UsageError(
            f"--pin {asked.text}: {asked.tool} is {asked.version} already",
            file=pinned.source,
            hint="an application that pins its own version keeps it: --pin APP:TOOL=VERSION is for one",
        )
    place = edits.write(file, with_pin(edits.edited, file, asked.tool, asked.version))
    locks.lock_tool(edits, asked.tool, asked.version, context.settings)
    where = f" for {asked.app}" if asked.app else ""
    where += f" on {asked.cluster}" if asked.cluster else ""
    is_of_argocd = asked.tool in OF_ARGOCD and bool(repository.config.preview.argocd or not repository.config.source)
    return Supposition(f"{asked.tool} {asked.version}{where}", (place,), OTHERS if is_of_argocd else "")
