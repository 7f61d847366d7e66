"""A layout that says what Argo CD's Applications say today: from wanted pairs to a proposal.

places.py    the cluster of each pair, and its facts        spelling.py  texts with placeholders
owners.py    the application of each pair, and its folder   runs.py      where applications run
layered.py   values files of all pairs, and of some         entries.py   what the layout cannot say of all alike
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.repository import layout
from cmp.repository.scaffold.applications import layered, owners, places
from cmp.repository.scaffold.applications.entries import Entries
from cmp.repository.scaffold.applications.runs import runs
from cmp.repository.scaffold.applications.spelling import Spellings
from cmp.repository.scaffold.proposal import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.repository.scaffold.applications.owners import OwnedPair
    from cmp.repository.scaffold.applications.places import Places
    from cmp.repository.scaffold.wanted import Wanted, WantedPair
    from cmp.system.tree import Tree

    Keys = Mapping[str, Mapping[str, object]]

ENGINES = {"helm": "helm", "kustomize": "kustomize", "directory": "plain"}
IN_PREVIEW = ("enableHelm", "buildOptions")  # options that come from the settings of Argo CD, for all alike
PRINTS = "prints Applications: it stays as it is, rendered by Argo CD itself"
FEW = 3  # applications whose release or namespace is an exception


class Proposed(NamedTuple):
    """A proposal, the pairs that it means to express, and the other ones, each with the reason."""

    proposal: Proposal
    pairs: tuple[OwnedPair, ...]
    left: tuple[tuple[WantedPair, str], ...]


def propose(tree: Tree, wanted: Wanted) -> Proposed | None:
    """Return the layout that expresses most of the pairs; None where none has a folder of its own in the tree."""
    parents = {one.parent for one in wanted.pairs if one.parent}
    children = [one for one in wanted.pairs if one.application not in parents]
    placed = places.place(children, wanted.clusters)
    owned = owners.own(placed.pairs)
    if not owned.pairs:
        return None
    pairs, entries = owned.pairs, Entries(owned.pairs)
    with_layers = layered.spelled(pairs)
    where = runs(tree, with_layers, placed)
    values = layered.of_layout(tree, with_layers, entries)
    if where.by_entries:
        entries.add_clusters(placed.facts)
    for pair in pairs:
        options = {name: value for name, value in pair.wanted.options.items() if name not in IN_PREVIEW}
        if options and pair.wanted.kind in ENGINES:
            entries.add(pair, ENGINES[pair.wanted.kind], options)
    apps, overlays = owners.with_bases(tree, owned.patterns)
    proposal = Proposal(
        apps=apps,
        instances=(*overlays, *where.instances),
        values=values,
        chart=_chart(pairs, entries),
        release=_release(pairs, entries),
        namespace=_namespace(pairs, entries),
        defaults=_defaults(pairs),
        preview={**_preview(wanted.pairs, placed), **wanted.preview},
    )
    found = {match.captures["app"] for text in apps for match in layout.expand(tree, layout.parse(text), {})}
    is_every = found == {pair.app for pair in pairs}
    proposal = proposal._replace(applications=entries.written(is_every=is_every))
    prints = ((one, PRINTS) for one in wanted.pairs if one.application in parents)
    clusters = _clusters(placed, proposal, wanted.clusters)
    return Proposed(proposal._replace(clusters=clusters), pairs, (*owned.left, *prints))


def _chart(pairs: Sequence[OwnedPair], entries: Entries) -> str | Mapping[str, str]:
    """Return the chart of all applications without an engine's file; several become entries."""
    charts = [(pair, chart) for pair in pairs if (chart := _chart_of(pair))]
    if len({str(chart) for _, chart in charts}) == 1:
        return charts[0][1]
    for pair, chart in charts:
        entries.add(pair, "chart", chart)
    return ""


def _chart_of(pair: OwnedPair) -> str | dict[str, str]:
    chart, path = pair.wanted.chart, pair.wanted.path
    if chart:
        return {"repository": chart.repository, "name": chart.name, "version": chart.version}
    return path if path != pair.folder else ""


def _release(pairs: Sequence[OwnedPair], entries: Entries) -> str:
    """Return the pattern of release names; where they have none, Argo CD gives each its Application's name."""
    helm = [pair for pair in pairs if pair.wanted.kind == "helm"]
    return _common(helm, "release", [pair.wanted.release for pair in helm], entries) or _exceptions(helm, entries)


def _exceptions(helm: Sequence[OwnedPair], entries: Entries) -> str:
    for pair in helm:
        if pair.wanted.release != pair.wanted.application:
            entries.add(pair, "release", pair.wanted.release)
    return ""


def _namespace(pairs: Sequence[OwnedPair], entries: Entries) -> str:
    """Return the pattern of namespaces; where they have none, Argo CD tells each its destination."""
    with_any = [pair for pair in pairs if pair.wanted.namespace]
    if len(with_any) < len(pairs):
        return ""
    return _common(pairs, "namespace", [pair.wanted.namespace for pair in pairs], entries)


def _common(pairs: Sequence[OwnedPair], key: str, texts: Sequence[str], entries: Entries) -> str:
    """Return the spelling of all texts; of all but few, which become entries; empty where they have none in common."""
    votes = Spellings()
    for number, (pair, text) in enumerate(zip(pairs, texts, strict=True)):
        votes.add(number, text, pair.known)
    spelled = [votes.best(text, pair.known) for pair, text in zip(pairs, texts, strict=True)]
    if not spelled:
        return ""
    chosen = max(Counter(spelled).items(), key=lambda item: (item[1], item[0].count("{")))[0]
    others = [(pair, text) for pair, text in zip(pairs, spelled, strict=True) if text != chosen]
    if len({pair.app for pair, _ in others}) > max(FEW, len({pair.app for pair in pairs}) // 5):
        return ""
    for pair, text in others:
        entries.add(pair, key, text)
    return chosen


def _defaults(pairs: Sequence[OwnedPair]) -> dict[str, object]:
    """Return the options that Argo CD's own settings give every kustomization."""
    built = [pair.wanted.options for pair in pairs if pair.wanted.kind == "kustomize"]
    options = {name: built[0][name] for name in IN_PREVIEW if built and built[0].get(name)}
    return {"kustomize": options} if options else {}


def _clusters(placed: Places, proposal: Proposal, known: Keys) -> dict[str, dict[str, object]]:
    """Return the inventory: servers, labels of Secrets, and the facts that the proposal uses."""
    text = repr(proposal)
    used = {name for facts in placed.facts.values() for name in facts if f"{{{name}}}" in text or f"'{name}':" in text}
    found: dict[str, dict[str, object]] = {}
    for cluster in sorted({one.cluster for one in placed.pairs} - {""} | {*known}):
        keys = dict(known.get(cluster, {}))
        if cluster in placed.servers:
            keys["server"] = placed.servers[cluster]
        found[cluster] = keys | {name: text for name, text in placed.facts.get(cluster, {}).items() if name in used}
    return found


def preview(wanted: Wanted) -> dict[str, object]:
    """Return the block `preview` for a layout that is found otherwise: which files have Applications."""
    found = _preview(wanted.pairs, places.place(wanted.pairs, wanted.clusters)) if wanted.pairs else {}
    return {**found, **wanted.preview}


def _preview(wanted: Sequence[WantedPair], placed: Places) -> dict[str, object]:
    """Return which files have Applications, and which Argo CD reads them where there are several."""
    files = sorted({file for one in wanted if (file := one.file or one.origin)})
    of_argocds = tuple(f"{folder}/" for folder in placed.argocds.values())
    others = [*_patterns([file for file in files if not file.startswith(of_argocds)])]
    argocds = [
        {
            "name": cluster,
            "applications": [*_patterns([file for file in files if file.startswith(f"{folder}/")])],
            "inCluster": cluster,
        }
        for cluster, folder in sorted(placed.argocds.items())
    ]
    return {**({"applications": others} if others else {}), **({"argocds": argocds} if argocds else {})}


def _patterns(files: Sequence[str]) -> Iterator[str]:
    """Yield patterns of files: one for each folder at the top, as narrow as the files in it allow."""
    tops: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        top = file.partition("/")[0] if "/" in file else file
        tops[top, posixpath.splitext(file)[1]].append(file)
    for (_, extension), group in sorted(tops.items()):
        folders = [file.rpartition("/")[0] for file in group]
        common = posixpath.commonpath(folders)
        if len(group) == 1:
            yield group[0]
        elif {*folders} == {common}:
            yield f"{common}/*{extension}"
        else:
            yield f"{common}/**/*{extension}"
