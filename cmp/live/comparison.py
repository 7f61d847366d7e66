"""The pairs that are compared with what is live for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, UsageError, suggestion
from cmp.live.releases import UNINSTALLED
from cmp.live.sides import Access, LiveSide, reader_of
from cmp.preview.affected import Impact, TouchedPair
from cmp.preview.comparison import Comparison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.context import Context
    from cmp.preview.sides import RenderRequest, ResolvedPair, Side


class Chosen(NamedTuple):
    """The pairs that are asked for: an application (empty: all) on a cluster.

    `kube_context` is a context of the user's kubeconfig.  `release` is the namespace and the name of the release of
    the one pair that is asked for, where it has another one than in Git.  With `shows_live` values that only a release
    has are shown.
    """

    app: str
    cluster: str
    kube_context: str
    release: tuple[str, str] | None = None
    shows_live: bool = False


def against_releases(found: Comparison, chosen: Chosen) -> Comparison:
    """Return the newer side of a comparison against the releases in a cluster; ConfigError where no pair is meant."""
    pairs = _chosen(found.head, chosen)
    if chosen.release and len(pairs) != 1:
        raise UsageError(
            f"--release names one release, and {len(pairs)} applications are compared",
            hint="name the application: cmp diff APP --cluster CLUSTER --live --release NAMESPACE/RELEASE",
        )
    requests = [pair.request for pair in pairs]
    names = {request.id: chosen.release for request in requests} if chosen.release else {}
    base = LiveSide(found.head, requests, Access(chosen.kube_context, names, chosen.shows_live))
    return _comparison(found, base, requests)


def _comparison(found: Comparison, base: LiveSide, requests: Sequence[RenderRequest]) -> Comparison:
    touched = tuple(
        TouchedPair(request.id, request.subject, what="both", inputs=(), is_affected=True) for request in requests
    )
    return Comparison(
        base=base,
        head=found.head.with_requests(requests),
        impact=Impact(len(touched), touched, unowned=()),
        notes=found.notes,
        assumptions=found.assumptions,
        checks=found.checks,
    )


def against_all(found: Comparison, chosen: Chosen, context: Context) -> Comparison:
    """Return the pairs of a cluster that have a release there, and on the older side what has no counterpart."""
    pairs = _chosen(found.head, chosen)
    instance = next((pair.instances[0] for pair in pairs if pair.instances), None)
    if instance is None:
        return against_releases(found, chosen)
    listed = reader_of(instance, chosen.kube_context, context).list()
    there = {(one.namespace, one.name) for one in listed if one.status != UNINSTALLED}
    whole = LiveSide(found.head, [pair.request for pair in pairs], Access(chosen.kube_context, {}))
    absent = [pair for pair in pairs if (key := whole.release_of(pair)) and key not in there]
    requests = [pair.request for pair in pairs if pair not in absent]
    base = LiveSide(found.head, requests, Access(chosen.kube_context, {}, chosen.shows_live))
    base.listed, base.absent = listed, tuple(absent)
    return _comparison(found, base, requests)


def cluster_of(head: Side, asked: str) -> str:
    """Return the cluster that is asked for, or the only one; UsageError where none is named of several."""
    clusters = {pair.request.subject.cluster for pair in head.pairs.values()}
    if not asked and len(clusters) > 1:
        raise UsageError(
            "--live compares with one cluster, and applications here run on several",
            hint=f"--cluster names it; {suggestion('', clusters - {''})}",
        )
    cluster = asked or next(iter(clusters), "")
    if cluster not in clusters:
        raise ConfigError(f"nothing runs on a cluster {cluster} here", hint=suggestion(cluster, clusters - {""}))
    return cluster


def _chosen(head: Side, chosen: Chosen) -> list[ResolvedPair]:
    cluster = chosen.cluster
    there = [pair for pair in head.pairs.values() if pair.request.subject.cluster == cluster]
    own = [pair for pair in there if not chosen.app or chosen.app in _names(pair)]
    if not own:
        names = {name for pair in there for name in _names(pair)}
        raise ConfigError(
            f"application {chosen.app} does not run on cluster {cluster}", hint=suggestion(chosen.app, names)
        )
    return own


def _names(pair: ResolvedPair) -> set[str]:
    """Return the names by which a person asks for a pair: that of the application, and that of the Application."""
    request = pair.request
    return {request.subject.app, request.id.app, request.id.text} - {""}
