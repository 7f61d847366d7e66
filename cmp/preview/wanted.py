"""The pairs that Argo CD has today, for `cmp init`: Applications of files, of sets, and those that pairs print.

The tree needs no cmp.yaml: for the time of reading it gets one that says which clusters there are, or the draft of one,
whose pairs may print Applications too.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.argocd.cluster_secrets import WORD as SECRET_TYPE
from cmp.argocd.cluster_secrets import clusters_in
from cmp.argocd.document import GROUP
from cmp.argocd.source import located
from cmp.engines.registry import HELM, KUSTOMIZE, PLAIN
from cmp.errors import CmpError, ConfigError, and_more
from cmp.preview.applications import SEVERAL
from cmp.preview.comparison import Comparer
from cmp.preview.declarations import EVERY_FILE, MAX_LISTED
from cmp.preview.guessed_parents import unread_charts, with_charts
from cmp.preview.printers import KIND
from cmp.preview.sides import BuiltinSource
from cmp.repository.builtin.settings import BUILD_OPTIONS
from cmp.repository.config import FILE
from cmp.repository.config.rules import CLUSTER
from cmp.repository.inventory import as_values
from cmp.repository.scaffold.wanted import PRINTED, Wanted, WantedChart, WantedPair, WantedValues
from cmp.system.urls import repository_name
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.context import Context
    from cmp.model import Instance
    from cmp.preview.comparison import Comparison
    from cmp.preview.sides import ResolvedPair, ResolvedSource, Side
    from cmp.repository.git import GitTree

_REPO_URL = re.compile(rb"(?i:repoURL):[ \t]*[\"']?([^\s\"'{}#,]+)")
_VALUES = re.compile(r"(?:^|/)values[^/]*\.ya?ml$")  # of a chart that prints Applications, for one
YAML = (".yaml", ".yml")
NO_APPLICATIONS = ".none/{app}"  # a pattern of folders that no tree has
BUNDLED = (HELM, KUSTOMIZE)  # the tools of Argo CD
SECRETS = "secrets://"  # helm-secrets: to cmp a file that sops encrypted is a layer like any other
_KINDS = {HELM: "helm", PLAIN: "directory"}
# Values in the Application itself, which no key of cmp.yaml holds.
_IN_APPLICATION = ("helm.values", "helm.valuesObject")


def of_tree(tree: GitTree, urls: Sequence[str], tools: Mapping[str, str], context: Context) -> Wanted:
    """Return the pairs of all Applications of a tree without a cmp.yaml, as far as they can be known here.

    `urls` are those under which the clone knows its repository, `tools` the versions that render what prints
    Applications.  A tree in which no file speaks of an Application costs a search for these words alone.
    """
    holding = tree.holding(GROUP, KIND)
    if not holding:
        return Wanted()
    values = [path for path in tree.holding("repo") if _VALUES.search(path)]
    own, notes = _own_urls(tree, (*holding, *values), urls)
    secrets = clusters_in(tree, tree.holding(SECRET_TYPE))
    clusters = {
        name: mapping(keys)
        for name, keys in as_values({one.name: one for one in secrets}).items()
        if CLUSTER.accepts(name)
    }
    options, of_options = _build_options(tree)
    preview = {**({"urls": own} if own else {}), **options}
    content = {
        "version": 1,
        "layout": {"apps": NO_APPLICATIONS, "instances": "", "values": []},
        **({"clusters": clusters} if clusters else {}),
        "tools": dict(tools),
        "preview": {
            "applications": list(EVERY_FILE),
            **preview,
            "argocd": {**mapping(preview.get("argocd")), **{name: tools[name] for name in BUNDLED if name in tools}},
        },
    }
    try:
        found = with_config(tree, json.dumps(content).encode(), urls, context)
        if charts := unread_charts(tree, [pair.path for pair in found.pairs]):
            guessed = with_charts(content, tree, charts)
            found = with_config(tree, json.dumps(guessed).encode(), urls, context)
            notes.append(
                f"no Application renders {and_more(charts, MAX_LISTED)}, whose templates have some: tried with the "
                "values files beside it; `preview: {applications: [{app, cluster}]}` names the pair that prints them"
            )
    except CmpError as error:  # a tool is missing, for one: the folders alone then say what there is
        hint = f" ({error.hint})" if error.hint else ""
        return Wanted(notes=(*notes, f"the Applications of this tree are not read: {error.what}{hint}"))
    return found._replace(notes=(*notes, *found.notes, *of_options), clusters=clusters, preview=preview)


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
        opened = _with_opened(pair, found.base)
        if opened.error:
            failed[opened.error.what] += 1
        origin = _origin(pair, found.base)
        pairs += (_pair(opened, *one, origin) for one in zip(opened.sources, opened.request.sources, strict=False))
    return Wanted(tuple(_each_once(pairs)), (*_notes(found), *_failures(failed)))


def _own_urls(tree: GitTree, paths: Sequence[str], remotes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the URL by which Applications name this repository, and a sentence, where they know none of the remotes.

    A clone of a fork or of a mirror has another URL.  The one with the name of the remote counts, else the most
    frequent one.
    """
    counts: Counter[str] = Counter()
    spelled: dict[str, str] = {}
    for path in paths:
        for match in _REPO_URL.finditer(tree.read(path)):
            url = match[1].decode(errors="replace")
            if ("://" in url or "@" in url) and (name := repository_name(url)):
                counts[name] += 1
                spelled.setdefault(name, url)
    names = [*map(repository_name, remotes)]
    if not counts or not names or not counts.keys().isdisjoint(names):
        return [], []
    ends = {url.rstrip("/").rpartition("/")[2].removesuffix(".git").lower() for url in remotes}
    alike = [name for name in counts if name.rpartition("/")[2] in ends]
    chosen = max(alike or counts, key=lambda name: (counts[name], name))
    url = spelled[chosen]
    return [url], [f"{url} is taken for this repository, as no Application names a remote of the clone (preview.urls)"]


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
        files = and_more(sorted(found.values()), MAX_LISTED)
        several = f"{len(found)} values of {BUILD_OPTIONS} are in {files}"
        return {}, [f"{several}: `preview: {{argocd: {{buildOptions: …}}}}` says which holds"]
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


def _each_once(pairs: Sequence[WantedPair]) -> Iterator[WantedPair]:
    """Yield the pairs without those that a second parent prints in the same way."""
    seen: set[str] = set()
    for pair in pairs:
        key = repr(pair._replace(place="", parent=""))
        if pair.file or key not in seen:
            yield pair
        seen.add(key)


def _with_opened(pair: ResolvedPair, side: Side) -> ResolvedPair:
    """Return a pair with the values files that helm-secrets would decrypt as files of the tree."""
    sources = pair.request.sources
    if not pair.error or not any(
        isinstance(one, BuiltinSource) and SECRETS in str(one.source.values) for one in sources
    ):
        return pair
    opened = (_opened(one) if isinstance(one, BuiltinSource) else one for one in sources)
    return side.resolve(pair.request._replace(sources=tuple(opened)))


def _opened(one: BuiltinSource) -> BuiltinSource:
    values = dict(one.source.values)
    helm = mapping(values.get("helm"))
    files = helm.get("valueFiles")
    if not isinstance(files, list):
        return one
    values["helm"] = {**helm, "valueFiles": [str(file).removeprefix(SECRETS) for file in files]}
    opened = located(values, one.source.location)
    sources = tuple(opened if other is one.source else other for other in one.application.sources)
    return one._replace(source=opened, application=one.application._replace(sources=sources))


def _notes(found: Comparison) -> Iterator[str]:
    """Yield the sentences about Applications once: both sides are one tree."""
    both = " before and after the change"
    yield from dict.fromkeys(note.replace(both, "") for note in found.sentences if not note.startswith(SEVERAL))


def _failures(failed: Mapping[str, int]) -> Iterator[str]:
    """Yield a sentence for each reason why Applications cannot be read here, the most frequent first."""
    ordered = sorted(failed.items(), key=lambda item: (-item[1], item[0]))
    for what, count in ordered[:MAX_LISTED]:
        several = "one Application is" if count == 1 else f"{count} Applications are"
        yield f"{several} left out: {what}"
    if rest := sum(count for _, count in ordered[MAX_LISTED:]):
        yield f"{rest} more are left out for other reasons: `cmp apps` says them"


def _origin(pair: ResolvedPair, side: Side) -> str:
    """Return the file of an Application, or of the one that prints it, or prints that."""
    seen = {pair.request.id}
    while (parent := pair.request.parent) and parent in side.pairs and parent not in seen:
        pair = side.pairs[parent]
        seen.add(parent)
    file = pair.request.place.partition(":")[0]
    return "" if file.startswith(PRINTED) else file


def _pair(pair: ResolvedPair, source: ResolvedSource, asked: object, origin: str) -> WantedPair:
    request, instance = pair.request, source.instance
    builtin = asked if isinstance(asked, BuiltinSource) else None
    chart = instance.chart
    cluster = builtin.cluster.name if builtin else instance.cluster
    return WantedPair(
        application=request.id.name,
        place=request.place,
        cluster=cluster,
        server=builtin.application.destination.server if builtin else "",
        path="" if chart or source.home else instance.folder or ".",
        chart=WantedChart(chart.repository, chart.name, chart.version) if chart else None,
        values=tuple(WantedValues(layer.path, layer.is_optional) for layer in instance.layers if layer.is_in_tree),
        release=instance.release,
        namespace=instance.namespace,
        project=instance.requester.project,
        kind=_KINDS.get(instance.engines[0], instance.engines[0]) if builtin else "plugin",
        facts=dict(_facts(request.generated)),
        options=dict(_options(instance, builtin)),
        files=instance.manifest_files,
        beyond=tuple(_beyond(instance, source)) if builtin else (),
        parent=request.parent.name if request.parent else "",
        origin=origin,
    )


def _facts(parameters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the parameters with names of their own: elements of lists, values, and labels of clusters."""
    for path, text in parameters.items():
        name = path.removeprefix("values.").removeprefix("metadata.labels.")
        if name.isidentifier() and text and "/" not in text:
            yield name, text


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
