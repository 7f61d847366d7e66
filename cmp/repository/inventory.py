"""The inventory of clusters, from Argo CD's cluster API and the facts that a repository adds.

The API is `GET /api/v1/clusters`; `argocd cluster list -o json` prints its items.  Only the keys named here are read:
`config`, with the credentials of the clusters, is not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import UsageError
from cmp.model import Cluster
from cmp.repository.config.inheritance import KEY, inherited
from cmp.repository.config.rules import CLUSTER
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# The annotation holds the whole object as kubectl applied it, with all that is secret in it.
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
PROJECT = "project"  # the fact that holds the AppProject of a cluster


class Merged(NamedTuple):
    """The inventory by the names of clusters, sorted, and warnings about it."""

    clusters: dict[str, Cluster]
    warnings: tuple[str, ...]


def read(data: bytes, file: str) -> list[Cluster]:
    """Read the answer of the API, or the list of its items; UsageError for anything else."""
    try:
        value = json.loads(data)
    except ValueError as error:
        place = f"{file}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else file
        raise UsageError("this is not JSON", file=place, hint="pipe `argocd cluster list -o json` into it") from None
    items = value.get("items") if isinstance(value, dict) else value
    if not isinstance(items, list) or not all(isinstance(item, dict) and item.get("server") for item in items):
        raise UsageError(
            "this is no list of clusters",
            file=file,
            hint="expected is what `argocd cluster list -o json` prints, or the answer of GET /api/v1/clusters",
        )
    return [_cluster(item) for item in items]


def _cluster(item: Mapping[str, object]) -> Cluster:
    info = mapping(item.get("info"))
    versions = info.get("apiVersions")
    project = _text(item.get("project"))
    return Cluster(
        name=_text(item.get("name")),
        kube_version=_text(info.get("serverVersion") or item.get("serverVersion")),
        api_versions=tuple(sorted(map(_text, versions))) if isinstance(versions, list) else (),
        server=_text(item["server"]),
        labels=_texts(item.get("labels")),
        annotations={name: text for name, text in _texts(item.get("annotations")).items() if name != LAST_APPLIED},
        facts={PROJECT: project} if project else {},
    )


def _texts(value: object) -> dict[str, str]:
    return {name: _text(item) for name, item in mapping(value).items()}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def merge(present: Mapping[str, Cluster], live: Iterable[Cluster]) -> Merged:
    """Lay Argo CD's clusters over the entries of the present inventory.

    Its facts stay, and clusters that Argo CD does not know; what a cluster inherits stays inherited.  A cluster is
    known by its name, or else by its server: then it keeps the name that the repository has for it.
    """
    by_server = {cluster.server: name for name, cluster in present.items() if cluster.server}
    clusters = dict(present)
    warnings: list[str] = []
    seen: dict[str, Cluster] = {}
    for cluster in live:
        name = cluster.name if cluster.name in present else by_server.get(cluster.server, cluster.name)
        if not CLUSTER.accepts(name):
            warnings.append(
                f"{cluster.server} is left out: its name in Argo CD cannot be that of a folder; "
                "give its `server` to a cluster of the inventory, and that name is taken"
            )
            continue
        seen[name] = cluster
        clusters[name] = _over(present.get(name, Cluster(name)), cluster)
    whole = inherited(clusters)
    for name, cluster in seen.items():
        warnings += _warnings(cluster, whole[name])
        if origin := clusters[name].origin:
            clusters[name] = _without_inherited(clusters[name], present[name], whole[origin])
    warnings += [f"{name} is not in Argo CD: it stays as it is" for name in present if name not in seen]
    return Merged(dict(sorted(clusters.items())), tuple(warnings))


def _over(present: Cluster, live: Cluster) -> Cluster:
    return live._replace(
        name=present.name,
        kube_version=live.kube_version or present.kube_version,
        api_versions=live.api_versions or present.api_versions,
        facts={**present.facts, **live.facts},
        origin=present.origin,
        context=present.context,
    )


def _without_inherited(cluster: Cluster, present: Cluster, origin: Cluster) -> Cluster:
    """Return an entry without what it would inherit anyway; what it says today it goes on saying."""

    def own(texts: Mapping[str, str], said: Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
        return {name: text for name, text in texts.items() if name in said or others.get(name) != text}

    has_same_version = not present.kube_version and cluster.kube_version == origin.kube_version
    has_same_apis = not present.api_versions and cluster.api_versions == origin.api_versions
    return cluster._replace(
        kube_version="" if has_same_version else cluster.kube_version,
        api_versions=() if has_same_apis else cluster.api_versions,
        labels=own(cluster.labels, present.labels, origin.labels),
        annotations=own(cluster.annotations, present.annotations, origin.annotations),
        facts=own(cluster.facts, present.facts, origin.facts),
    )


def _warnings(live: Cluster, merged: Cluster) -> Iterator[str]:
    """Yield what Argo CD does not tell of a cluster, and what the cluster inherits though Argo CD has it not."""
    name = merged.name
    kept = " (the present ones are kept)" if merged.api_versions else ""
    if not live.api_versions:
        yield (
            f"Argo CD tells no API versions of {name}{kept}: it does so only for clusters that it has connected to for "
            "an application; charts that ask for capabilities may render otherwise than in Argo CD"
        )
    if not live.kube_version:
        yield f"Argo CD tells no Kubernetes version of {name}"
    for what, has, inherits in (
        ("labels", live.labels, merged.labels),
        ("annotations", live.annotations, merged.annotations),
    ):
        if more := sorted(inherits.keys() - has.keys()):
            yield f"Argo CD has no {what} {', '.join(more)} on {name}, which inherits them from {merged.origin}"


def as_values(clusters: Mapping[str, Cluster]) -> dict[str, object]:
    """Return the inventory as the map that cmp.yaml, or the file of the inventory, holds."""
    return {name: dict(_entry(cluster)) for name, cluster in clusters.items()}


def _entry(cluster: Cluster) -> Iterator[tuple[str, object]]:
    fields = {
        KEY: cluster.origin,
        "kubeVersion": cluster.kube_version,
        "apiVersions": list(cluster.api_versions),
        "server": cluster.server,
        "context": cluster.context,
        "labels": dict(cluster.labels),
        "annotations": dict(cluster.annotations),
        **cluster.facts,
    }
    yield from ((key, value) for key, value in fields.items() if value)
