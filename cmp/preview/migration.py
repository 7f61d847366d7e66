"""The move of Applications to the plugin: what Argo CD renders for each today, beside what the plugin would print.

Both sides are one revision.  The pair of the layout in the folder of an Application's source takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.errors import ConfigError, and_more
from cmp.model import NEUTRAL_REVISION, BuildEnv
from cmp.preview import applications
from cmp.preview.affected import Impact, TouchedPair
from cmp.preview.comparison import Comparison
from cmp.preview.declarations import MAX_LISTED
from cmp.preview.sides import BuiltinSource, RenderRequest, Side
from cmp.repository.instances import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.preview.comparison import Comparer
    from cmp.preview.declarations import ApplicationSources
    from cmp.preview.identity import PairId
    from cmp.repository.git import GitTree


def against_applications(tree: GitTree, comparer: Comparer) -> Comparison:
    """Return each Application without a plugin, and its pair of the layout as the newer side.

    ConfigError without any.  Applications that no pair of the layout can replace are counted and named.
    """
    side = Side(tree)
    sources = comparer.sources(side, side)
    found = applications.of_sources(tree, side.repository, sources, comparer.context)
    known = {(pair.app, pair.cluster) for pair in side.repository.pairs()}
    places = {identity: place for identity, place in found.covered.items() if place in known}
    pairs = [(request, _by_plugin(request, places)) for request in found.requests if _is_builtin(request)]
    moved = [(request, by_plugin) for request, by_plugin in pairs if by_plugin]
    if not moved:
        raise _nothing(sources)
    base = side.with_requests([request for request, _ in moved])
    head = side.with_requests([by_plugin for _, by_plugin in moved])
    touched = tuple(
        TouchedPair(request.id, request.subject, what="both", inputs=(), is_affected=True) for request, _ in moved
    )
    left = [request.id.text for request, by_plugin in pairs if not by_plugin]
    return Comparison(
        base,
        head,
        impact=Impact(len(touched), touched, unowned=()),
        notes=(*found.notes, *_left(left)),
        left_out=len(left) + len(found.elsewhere),
        assumptions=(side.argocd.assumed,),
    )


def _is_builtin(request: RenderRequest) -> bool:
    return bool(request.sources) and all(isinstance(source, BuiltinSource) for source in request.sources)


def _by_plugin(request: RenderRequest, places: Mapping[PairId, tuple[str, str]]) -> RenderRequest | None:
    """Return the request for the pair of the layout in place of an Application; None where the layout has none."""
    place = places.get(request.id)
    source = request.sources[0]
    if place is None or not isinstance(source, BuiltinSource):
        return None
    app = source.application
    build_env = BuildEnv(
        app_name=app.instance_name,
        app_namespace=app.destination.namespace,
        project=app.project,
        revision=NEUTRAL_REVISION,
        repo_url=app.source.repo_url,
        source_path=app.source.path,
        target_revision=app.source.target_revision,
    )
    return request._replace(sources=(Request(*place, build_env=build_env),))


def _left(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield (
            f"{len(names)} Applications are not compared, as the layout has nothing for the folder of their source on "
            f"their cluster: {and_more(sorted(names), MAX_LISTED)}"
        )


def _nothing(sources: ApplicationSources) -> ConfigError:
    return ConfigError(
        "no Application without a plugin has its source in the folder of an application of the layout",
        hint=f"Applications are searched in {and_more(sources.patterns, MAX_LISTED) or 'no file'} "
        "(`preview: {applications: […]}`); `cmp apps` lists the applications of the layout",
    )
