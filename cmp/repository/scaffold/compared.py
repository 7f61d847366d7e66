"""A layout beside what Argo CD's Applications say: the pairs that it expresses exactly, and why others are not.

A pair is expressed where the layout's own render has the same folder or chart, the same values files in the same order,
the same manifests, options, release and namespace.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, and_more
from cmp.model import NEUTRAL_REVISION, BuildEnv
from cmp.repository import instances
from cmp.repository.instances import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.model import Instance
    from cmp.repository.instances import Repository
    from cmp.repository.scaffold.applications import Proposed
    from cmp.repository.scaffold.applications.owners import OwnedPair
    from cmp.repository.scaffold.wanted import Wanted, WantedPair

LISTED = 3  # names of Applications in a line
WAYS = {
    "helm.values": "its values stand in the Application: the plugin takes them as its parameter values-yaml",
    "helm.valuesObject": "its values stand in the Application: the plugin takes them as its parameter values-yaml",
    "helm.parameters": "it has helm.parameters: the plugin takes them as its parameters set and set-string",
    "helm.fileParameters": "it has helm.fileParameters: no key of cmp.yaml and no parameter takes the text of a file",
}
PROOF = "`cmp diff --against applications` proves it: it renders both, and shows what differs"


class Compared(NamedTuple):
    """The number of Applications, of those that are expressed exactly, and the others by the reason.

    `alone` are the pairs of the layout that no Application has.
    """

    total: int
    exact: int
    reasons: tuple[tuple[str, tuple[str, ...]], ...]
    alone: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the summary, a line for each reason, and where the proof is."""
        yield f"{self.exact} of {self.total} Applications are expressed exactly by this layout"
        for reason, names in self.reasons:
            yield f"  {len(names):>4}  {reason} ({and_more([*dict.fromkeys(names)], LISTED)})"
        if self.alone:
            yield f"  {len(self.alone):>4}  pairs of the layout have no Application ({and_more(self.alone, LISTED)})"
        yield PROOF


def compare(repository: Repository, proposed: Proposed, wanted: Wanted) -> Compared:
    """Compare the pairs of a layout with the Applications that it is made from."""
    reasons: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for pair in proposed.pairs:
        for reason in _differences(repository, pair):
            reasons[reason][_key(pair.wanted)] = None
    for one, reason in proposed.left:
        reasons[_way(one, reason)][_key(one)] = None
    keys = {_key(one) for one in wanted.pairs}
    expressed = {(pair.app, pair.cluster) for pair in proposed.pairs}
    alone = [
        " on ".join(filter(None, (pair.app, pair.cluster)))
        for pair in repository.pairs()
        if (pair.app, pair.cluster) not in expressed
    ]
    return Compared(
        total=len(keys),
        exact=len(keys - set[tuple[str, str]]().union(*reasons.values())),
        reasons=tuple(
            (text, tuple(name for name, _ in several))
            for text, several in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
        ),
        alone=tuple(alone),
    )


def _key(one: WantedPair) -> tuple[str, str]:
    return one.application, one.place


def _way(one: WantedPair, reason: str) -> str:
    """Return the reason why a pair has no place, and the lines that would give it one."""
    if one.chart and one.application:
        return f"{reason}: one with a cmp-app.yaml that says `chart: {{repository: …, name: …, version: …}}` is a place"
    return reason


def _differences(repository: Repository, pair: OwnedPair) -> Iterator[str]:
    """Yield what the layout renders otherwise than Argo CD."""
    wanted = pair.wanted
    try:
        instance = instances.resolve_in(repository, _request(pair))
    except ConfigError as error:
        yield error.what if pair.app not in error.what else error.what.replace(pair.app, "APP")
        return
    if not _is_same_source(instance, wanted):
        yield f"the layout renders {instance.folder}, Argo CD {wanted.path or 'a chart'}"
    if wanted.kind == "helm":
        yield from _of_values([layer.path for layer in instance.layers], [file.path for file in wanted.values])
        if instance.release != wanted.release:
            yield f"its release is {wanted.release}, and {instance.release} in this layout"
    if wanted.kind == "directory" and {*instance.manifest_files} != {*wanted.files}:
        yield "other manifests of the folder: `plain: {recurse, include, exclude}` of its cmp-app.yaml say which"
    if wanted.namespace and instance.namespace != wanted.namespace:
        yield f"its namespace is {wanted.namespace}, and {instance.namespace} in this layout"
    options = instance.options.get(instance.engines[0], {})
    for name, value in wanted.options.items() if wanted.kind != "directory" else ():
        if _plain(options.get(name)) != _plain(value):
            yield f"the option {name} of {instance.engines[0]}, which its cmp-app.yaml may say"
    yield from (WAYS.get(name, name) for name in wanted.beyond)


def _request(pair: OwnedPair) -> Request:
    wanted = pair.wanted
    build_env = BuildEnv(
        app_name=wanted.application,
        app_namespace=wanted.namespace,
        project=wanted.project,
        revision=NEUTRAL_REVISION,
        source_path=wanted.path,
    )
    return Request(pair.app, pair.cluster, build_env=build_env)


def _is_same_source(instance: Instance, wanted: WantedPair) -> bool:
    if wanted.chart:
        chart = instance.chart
        return chart is not None and (chart.repository, chart.name, chart.version) == wanted.chart
    return (instance.folder or ".") == wanted.path


def _of_values(found: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    if found == wanted:
        return
    if Counter(found) == Counter(wanted):
        yield f"values files in another order: Argo CD has {', '.join(wanted)}, the layout {', '.join(found)}"
        return
    if missing := [path for path in wanted if path not in found]:
        yield f"the layout lacks the values file {missing[0].rpartition('/')[2]}"
    if added := [path for path in found if path not in wanted]:
        yield f"the layout adds the values file {added[0].rpartition('/')[2]}"


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
