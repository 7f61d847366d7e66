"""The pairs that Argo CD has today, for `cmp init`: Applications of files, of sets, and those that pairs print.

The tree needs no cmp.yaml: for the time of reading it gets one that says which clusters there are, or the draft of one,
whose pairs may print Applications too.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.argocd.cluster_secrets import WORD as SECRET_TYPE
from cmp.argocd.cluster_secrets import clusters_in
from cmp.argocd.document import GROUP
from cmp.engines.registry import HELM, PLAIN
from cmp.errors import ConfigError, and_more
from cmp.preview.comparison import Comparer
from cmp.preview.declarations import EVERY_FILE, MAX_LISTED
from cmp.preview.printers import KIND
from cmp.preview.sides import BuiltinSource
from cmp.repository.builtin.settings import BUILD_OPTIONS
from cmp.repository.config import FILE
from cmp.repository.config.model import EMPTY
from cmp.repository.config.rules import CLUSTER
from cmp.repository.inventory import as_values
from cmp.repository.scaffold.wanted import WantedChart, WantedPair, WantedValues
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.context import Context
    from cmp.model import Instance
    from cmp.preview.comparison import Comparison
    from cmp.preview.sides import ResolvedPair, ResolvedSource
    from cmp.repository.git import GitTree

YAML = (".yaml", ".yml")
NO_APPLICATIONS = ".none/{app}"  # a pattern of folders that no tree has
_KINDS = {HELM: "helm", PLAIN: "directory"}
# Values in the Application itself, which no key of cmp.yaml holds.
_IN_APPLICATION = ("helm.values", "helm.valuesObject")


class Wanted(NamedTuple):
    """The pairs, and sentences about Applications that are not among them.

    `clusters` are those that Secrets of the tree declare, `preview` the settings of Argo CD that it has, as the block
    of that name has them.
    """

    pairs: tuple[WantedPair, ...] = ()
    notes: tuple[str, ...] = ()
    clusters: Mapping[str, Mapping[str, object]] = EMPTY
    preview: Mapping[str, object] = EMPTY


def of_tree(tree: GitTree, urls: Sequence[str], context: Context) -> Wanted:
    """Return the pairs of all Applications of a tree without a cmp.yaml, as far as they can be known here.

    `urls` are those under which the clone knows its repository.  A tree in which no file speaks of an Application costs
    a search for these words alone.
    """
    if not tree.holding(GROUP, KIND):
        return Wanted()
    secrets = clusters_in(tree, tree.holding(SECRET_TYPE))
    clusters = {
        name: mapping(keys)
        for name, keys in as_values({one.name: one for one in secrets}).items()
        if CLUSTER.accepts(name)
    }
    options, notes = _build_options(tree)
    content = {
        "version": 1,
        "layout": {"apps": NO_APPLICATIONS, "instances": "", "values": []},
        **({"clusters": clusters} if clusters else {}),
        "preview": {"applications": list(EVERY_FILE), **options},
    }
    found = with_config(tree, json.dumps(content).encode(), urls, context)
    return found._replace(notes=(*found.notes, *notes), clusters=clusters, preview=options)


def with_config(tree: GitTree, content: bytes, urls: Sequence[str], context: Context) -> Wanted:
    """Return the pairs of all Applications of a tree that has this cmp.yaml, whose pairs may print some, too."""
    comparer = Comparer(lists=(), urls=tuple(urls), trunk="", is_untrusted=False, context=context)
    planned = tree.with_file(FILE, content)
    found = comparer.compare(planned, planned, ())
    pairs: list[WantedPair] = []
    failed: Counter[str] = Counter()
    for pair in found.base.pairs.values():
        if not pair.request.id.is_application:
            continue
        if pair.error:
            failed[pair.error.what] += 1
        pairs += (_pair(pair, *one) for one in zip(pair.sources, pair.request.sources, strict=False))
    return Wanted(tuple(pairs), (*_notes(found), *_failures(failed)))


def _build_options(tree: GitTree) -> tuple[dict[str, object], list[str]]:
    """Return `preview.argocd` with the build options of the tree's Argo CD, or a sentence where there are several."""
    found: dict[str, str] = {}
    for path in tree.holding(BUILD_OPTIONS):
        if path.endswith(YAML):
            try:
                documents = yamldoc.parse_file(tree.read(path), path)
            except ConfigError:  # a template
                continue
            found.update((text, path) for one in documents for text in _values_of(one.value, BUILD_OPTIONS))
    if len(found) > 1:
        return {}, [
            (
                f"{len(found)} files give {BUILD_OPTIONS} other values ({and_more(sorted(found.values()), MAX_LISTED)}): "
                "`preview: {argocd: {buildOptions: …}}` says which holds"
            )
        ]
    return ({"argocd": {"buildOptions": next(iter(found))}} if found else {}), []


def _values_of(value: object, key: str) -> Iterator[str]:
    """Yield the texts of a key at any depth: in a ConfigMap, or in the values of a chart that makes it."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == key and isinstance(item, str):
                yield item
            yield from _values_of(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _values_of(item, key)


def _notes(found: Comparison) -> Iterator[str]:
    """Yield the sentences about Applications once: both sides are one tree."""
    both = " before and after the change"
    yield from dict.fromkeys(note.replace(both, "") for note in found.notes)


def _failures(failed: Mapping[str, int]) -> Iterator[str]:
    """Yield a sentence for each reason why Applications cannot be read here, the most frequent first."""
    for what, count in sorted(failed.items(), key=lambda item: (-item[1], item[0])):
        several = "one Application is" if count == 1 else f"{count} Applications are"
        yield f"{several} left out: {what}"


def _pair(pair: ResolvedPair, source: ResolvedSource, asked: object) -> WantedPair:
    request, instance = pair.request, source.instance
    builtin = asked if isinstance(asked, BuiltinSource) else None
    chart = instance.chart
    return WantedPair(
        application=request.id.name,
        place=request.place,
        app=request.subject.app,
        cluster=instance.cluster if builtin is None else builtin.cluster.name,
        server=builtin.application.destination.server if builtin else "",
        path="" if chart or source.home else instance.folder or ".",
        chart=WantedChart(chart.repository, chart.name, chart.version) if chart else None,
        values=tuple(WantedValues(layer.path, layer.is_optional) for layer in instance.layers if layer.is_in_tree),
        release=instance.release,
        namespace=instance.namespace,
        project=instance.requester.project,
        kind=_KINDS.get(instance.engines[0], instance.engines[0]) if builtin else "plugin",
        facts=request.generated,
        options=dict(_options(instance, builtin)),
        files=instance.manifest_files,
        beyond=tuple(_beyond(instance, source)) if builtin else (),
        parent=request.parent.text if request.parent and request.parent.is_application else "",
    )


def _options(instance: Instance, source: BuiltinSource | None) -> Iterator[tuple[str, object]]:
    """Yield the options of the engine, as cmp-app.yaml has them, but those that say nothing."""
    engine = instance.engines[0]
    options = dict(instance.options.get(engine, {}))
    block = source.source.source.directory if source and engine == PLAIN else None
    if block:
        options = {"recurse": block.recurse, "include": _patterns(block.include), "exclude": _patterns(block.exclude)}
    yield from ((name, list(value) if isinstance(value, tuple) else value) for name, value in options.items() if value)


def _patterns(text: str) -> list[str]:
    """Return a pattern of Argo CD as those of the engine: `{a,b}` are two."""
    if text.startswith("{") and text.endswith("}"):
        return [part.strip() for part in text[1:-1].split(",")]
    return [text] if text else []


def _beyond(instance: Instance, source: ResolvedSource) -> Iterator[str]:
    """Yield what a source says and no key of cmp.yaml can."""
    if source.home:
        yield "a source in another repository"
    for layer in instance.layers:
        if layer.remote:
            yield "values files of a web server"
        elif layer.in_chart:
            yield "values files inside the chart"
        elif layer.data is not None:
            yield layer.path if layer.path in _IN_APPLICATION else "values files of another repository"
    if instance.parameters.set_pairs:
        yield "helm.parameters"
    if instance.value_texts:
        yield "helm.fileParameters"
