"""The move of Applications to the plugin: what Argo CD renders for each today, beside what the plugin would print.

Both sides are one revision.  The pair of the layout in the folder of an Application's source takes its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import LeftOut
from cmp.errors import ConfigError, and_more
from cmp.model import NEUTRAL_REVISION, BuildEnv
from cmp.preview.affected import Impact, TouchedPair
from cmp.preview.comparison import Comparison
from cmp.preview.declarations import MAX_LISTED
from cmp.preview.sides import BuiltinSource, RenderRequest, Side
from cmp.repository.builtin.sources import in_tree
from cmp.repository.instances import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.model import Instance
    from cmp.preview.comparison import Comparer
    from cmp.preview.declarations import ApplicationSources
    from cmp.preview.sides import ResolvedPair
    from cmp.repository.git import GitTree


def against_applications(tree: GitTree, comparer: Comparer) -> Comparison:
    """Return each Application without a plugin, and its pair of the layout as the newer side.

    ConfigError without any.  Applications that no pair of the layout can replace are counted and named.
    """
    side = Side(tree)
    found = comparer.compare(tree, tree, ())
    layout = _Layout(side)
    pairs = [
        (pair.request, _by_plugin(pair.request, layout.replacement(pair)))
        for pair in found.base.pairs.values()
        if pair.request.id.is_application and _is_builtin(pair.request)
    ]
    moved = [(request, by_plugin) for request, by_plugin in pairs if by_plugin]
    if not moved:
        raise _nothing(comparer.sources(side, side))
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
        notes=found.notes,
        left_out=(*_left(left), *found.left_out),
        unknown=found.unknown,
        assumptions=(side.argocd.assumed,),
        printed=found.printed,
        checks=found.checks,
    )


class _Layout:
    """The pairs of a layout, looked up by what an Application renders."""

    def __init__(self, side: Side) -> None:
        self._repository = side.repository
        self._pairs: dict[tuple[str, str], Instance | None] = {
            (pair.request.id.app, pair.request.id.cluster): next(iter(pair.instances), None)
            for pair in side.pairs.values()
        }

    def replacement(self, pair: ResolvedPair) -> tuple[str, str] | None:
        """Return application and cluster of the pair that may take the place of an Application.

        It is the one in the folder of the source, on its cluster; or the only one that renders the same folder or chart
        there, or from the same values files: many may have one chart, and a cluster of the tree may be a stage of one.
        """
        source = pair.request.sources[0]
        if not isinstance(source, BuiltinSource):
            return None
        cluster = source.cluster.name
        folder = in_tree(self._repository.tree, source.source.source.path)
        owner = self._repository.owner(folder, is_exact=True) if folder and not source.home else None
        if owner and owner.app:
            named = ((owner.app, name) for name in (owner.cluster or cluster, ""))
            if found := next((key for key in named if key in self._pairs), None):
                return found
        rendered = next(iter(pair.instances), None)
        alike = [key for key, own in self._pairs.items() if own and rendered and _is_same_source(own, rendered)]
        for some in (
            [key for key in alike if key[1] == cluster and len(alike) == 1],
            [key for key in alike if key[1] in (cluster, "") and _has_same_files(self._pairs[key], rendered)],
            [key for key in alike if _has_same_files(self._pairs[key], rendered)],
        ):
            if len(some) == 1:
                return some[0]
        return None


def _is_same_source(own: Instance, other: Instance) -> bool:
    if own.chart or other.chart:
        return own.chart is not None and other.chart is not None and own.chart[:3] == other.chart[:3]
    return own.folder == other.folder


def _has_same_files(own: Instance | None, other: Instance | None) -> bool:
    if own is None or other is None:
        return False
    layers = ([layer.path for layer in one.layers if layer.is_in_tree] for one in (own, other))
    return len({*map(tuple, layers)}) == 1


def _is_builtin(request: RenderRequest) -> bool:
    return bool(request.sources) and all(isinstance(source, BuiltinSource) for source in request.sources)


def _by_plugin(request: RenderRequest, place: tuple[str, str] | None) -> RenderRequest | None:
    """Return the request for the pair of the layout in place of an Application; None where the layout has none."""
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


def _left(names: Sequence[str]) -> Iterator[LeftOut]:
    if names:
        several = "1 Application is" if len(names) == 1 else f"{len(names)} Applications are"
        text = (
            f"{several} not compared, as the layout has nothing for the folder of the source on the cluster: "
            f"{and_more(sorted(names), MAX_LISTED)}"
        )
        yield LeftOut("Application", tuple(sorted(names)), tuple(sorted(names)), text)


def _nothing(sources: ApplicationSources) -> ConfigError:
    return ConfigError(
        "no Application without a plugin has its source in the folder of an application of the layout",
        hint=f"Applications are searched in {and_more(sources.patterns, MAX_LISTED) or 'no file'} "
        "(`preview: {applications: […]}`); `cmp apps` lists the applications of the layout",
    )
