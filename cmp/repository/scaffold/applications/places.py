"""The clusters of wanted pairs by the names that a tree knows them by, and the facts that tell them apart.

A destination may be a name, an address, or Argo CD's own cluster, which one Argo CD in each cluster calls so.  What
stands for the cluster in paths is then found by what goes together with it: a generator's parameter, the folder of the
Application, or a word of its name.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.model import NOTHING
from cmp.repository.config.model import EMPTY
from cmp.repository.config.rules import CLUSTER, FACT
from cmp.repository.scaffold.applications.spelling import words
from cmp.repository.scaffold.folders.words import is_cluster_like

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.repository.scaffold.wanted import WantedPair

    Known = Mapping[str, Mapping[str, object]]

IN_CLUSTER = "in-cluster"
NAMES = ("cluster", "clusterName", "cluster_name", "name")  # of parameters that say which cluster it is
STAGES = ("env", "environment", "stage", "tier", "region", "zone", "target")
MOST = 1.5  # times the pairs of which the cluster is told must be all of them
RARE = 10  # of so many pairs one may be a double
_NUMBER = re.compile(r"\d*|true|false")


class Placed(NamedTuple):
    """A wanted pair on a cluster of the inventory to be; no cluster is the empty name."""

    wanted: WantedPair
    cluster: str
    facts: Mapping[str, str] = NOTHING


class Places(NamedTuple):
    """The pairs with their clusters, and for each cluster the server and the facts that are known of it.

    `argocds` maps a cluster to the folder with the Applications of its own Argo CD.
    """

    pairs: tuple[Placed, ...]
    servers: Mapping[str, str] = NOTHING
    facts: Mapping[str, Mapping[str, str]] = EMPTY
    argocds: Mapping[str, str] = NOTHING


def place(wanted: Sequence[WantedPair], known: Known) -> Places:
    """Return the pairs with clusters and facts; `known` are the clusters that Secrets declare."""
    clusters = _named([one.cluster for one in wanted], wanted)
    argocds: dict[str, str] = {}
    if (own := _dimension(wanted, clusters)) is not None:
        clusters = [name if _is_cluster(name := own.value(one)) else IN_CLUSTER for one in wanted]
        argocds = _argocds(wanted, clusters) if own.is_of_file else {}
    elif len({*clusters}) == 1 and not _is_named(clusters[0], wanted):  # the tree need not know its only cluster
        return Places(tuple(Placed(one, "") for one in wanted))
    facts = _facts(wanted, clusters, known)
    servers = {
        cluster: one.server
        for one, cluster in zip(wanted, clusters, strict=True)
        if one.server and cluster not in argocds
    }
    servers = {**servers, **{name: str(keys["server"]) for name, keys in known.items() if keys.get("server")}}
    counts = Counter(servers.values())
    servers = {name: server for name, server in servers.items() if counts[server] == 1}  # of stages in one cluster
    pairs = (Placed(one, cluster, facts.get(cluster, NOTHING)) for one, cluster in zip(wanted, clusters, strict=True))
    return Places(tuple(pairs), {name: servers[name] for name in sorted({*clusters} & {*servers})}, facts, argocds)


def _is_named(cluster: str, wanted: Sequence[WantedPair]) -> bool:
    """Tell whether some path has the name of a cluster as a whole word."""
    word = re.compile(rf"(?<![^-_./]){re.escape(cluster)}(?![^-_./])")
    return any(word.search(path) for one in wanted for path in (one.path, *(file.path for file in one.values)))


def _named(clusters: list[str], wanted: Sequence[WantedPair]) -> list[str]:
    """Return the clusters, those known by an address with the name that a parameter or a word gives each of them."""
    by_address = {
        cluster for cluster, one in zip(clusters, wanted, strict=True) if one.server and cluster in one.server
    }
    if not by_address:
        return clusters
    group = [one for one, cluster in zip(wanted, clusters, strict=True) if cluster in by_address]
    names = next((found for key in _keys(group) if (found := _names_of(group, key))), {})
    return [names.get(cluster, _as_name(cluster) if cluster in by_address else cluster) for cluster in clusters]


def _names_of(group: Sequence[WantedPair], key: _Key) -> dict[str, str]:
    """Return the name that a key gives each cluster, where it gives each one name of its own; empty otherwise."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in group:
        found[one.cluster].add(key.value(one))
    names = {cluster: next(iter(values)) for cluster, values in found.items() if len(values) == 1}
    is_one_to_one = len(names) == len(found) == len({*names.values()})
    is_meant = len(names) > 1 or key.is_name
    return names if is_one_to_one and is_meant and all(map(_is_cluster, names.values())) else {}


def _as_name(host: str) -> str:
    """Return a cluster's name for the host of its server."""
    name = host.partition(":")[0]
    first = name.partition(".")[0]
    return name if first.isdigit() or not first else first


def _is_cluster(name: str) -> bool:
    return bool(name) and CLUSTER.accepts(name) and not name.startswith("http")


class _Key(NamedTuple):
    """A way to read a text from a pair, which may name its cluster.

    `is_of_file` says that it is a folder of the Application's file, `is_stage` that a parameter has such a name.
    """

    value: Callable[[WantedPair], str]
    is_name: bool = False
    is_of_file: bool = False
    is_stage: bool = False


def _keys(group: Sequence[WantedPair]) -> Iterator[_Key]:
    """Yield the ways to read a text from pairs, the surest first."""
    parameters = {name for one in group for name in one.facts}
    for name in (*NAMES, *STAGES):
        if name in parameters:
            yield _Key(partial(_parameter, name), is_name=name in NAMES, is_stage=True)
    for index in range(max(((one.origin or one.place).count("/") for one in group), default=0)):
        yield _Key(partial(_folder_of_file, index), is_of_file=True)
        yield _Key(partial(_folder_of_file, -index - 1), is_of_file=True)
    for index in range(max(((one.origin or one.place).count("/") - 1 for one in group), default=0)):
        yield _Key(partial(_two_folders_of_file, index), is_of_file=True)
    for index in range(max((one.path.count("/") + 1 for one in group), default=0)):
        yield _Key(partial(_folder_of_path, -index - 1))
    yield _Key(_stage)
    yield _Key(partial(_word, -1))
    yield _Key(partial(_word, 0))
    yield _Key(lambda one: one.namespace)


def _parameter(name: str, one: WantedPair) -> str:
    return one.facts.get(name, "")


def _folder_of_file(index: int, one: WantedPair) -> str:
    return _part((one.origin or one.file).split("/")[:-1], index)


def _two_folders_of_file(index: int, one: WantedPair) -> str:
    """Return two folders one in another as one name: `prod/blue` is the cluster prod-blue."""
    folders = (one.origin or one.file).split("/")[:-1]
    return "-".join(folders[index : index + 2]) if len(folders) > index + 1 else ""


def _folder_of_path(index: int, one: WantedPair) -> str:
    return _part(one.path.split("/"), index)


def _word(index: int, one: WantedPair) -> str:
    return _part([*words(one.application)], index)


def _stage(one: WantedPair) -> str:
    """Return the word of an Application's name that is that of a stage; empty where none, or several are."""
    found = {word for word in words(one.application) if is_cluster_like(word)}
    return next(iter(found)) if len(found) == 1 else ""


def _part(parts: list[str], index: int) -> str:
    return parts[index] if -len(parts) <= index < len(parts) else ""


def _dimension(wanted: Sequence[WantedPair], clusters: list[str]) -> _Key | None:
    """Return the key that tells pairs apart which Argo CD's own cluster has several times; None where none does.

    Such a key has the value `prod` for one and `test` for another of two Applications that differ in this alone.
    """
    if {*clusters} != {IN_CLUSTER} or not _may_repeat(wanted):
        return None
    best: tuple[tuple[bool, bool, int], _Key] | None = None
    for key in _keys(wanted):
        values = [key.value(one) for one in wanted]
        named = [value for value in values if _is_cluster(value)]
        is_like = all(map(is_cluster_like, named))
        is_sure = is_like or key.is_stage or (key.is_of_file and len(named) == len(values))
        if not is_sure or len({*named}) < 2 or len(named) * MOST < len(values):  # noqa: PLR2004  # one tells nothing
            continue
        score = _told_apart(wanted, values)
        if not is_like and score * 2 < len(values):
            continue
        rank = key.is_stage or is_like, key.is_of_file, score
        if score and _is_unique(wanted, values) and (best is None or rank > best[0]):
            best = rank, key
    return best[1] if best else None


def _may_repeat(wanted: Sequence[WantedPair]) -> bool:
    """Tell whether two pairs render one folder, are named alike, or by a stage of the same."""
    paths = Counter(one.path for one in wanted if one.path)
    names = Counter(name for name, _ in {(one.application, one.place) for one in wanted})
    bases = Counter(
        base
        for one in wanted
        for base in {_base(one, word) for word in words(one.application) if is_cluster_like(word)}
    )
    return any(count > 1 for counts in (paths, names, bases) for count in counts.values())


def _is_unique(wanted: Sequence[WantedPair], values: Sequence[str]) -> bool:
    """Tell whether almost no cluster has two Applications of one name, or of one folder and base."""
    pairs = [*zip(wanted, values, strict=True)]
    names = {(value, one.application, one.place) for one, value in pairs}
    bases = {(value, one.place, _base(one, value)) for one, value in pairs if one.path}
    doubles = len(names) - len({name[:2] for name in names}), len(bases) - len({(base[0], base[2]) for base in bases})
    return max(doubles) * RARE <= len(pairs)


def _told_apart(wanted: Sequence[WantedPair], values: Sequence[str]) -> int:
    """Return how many pairs have a twin with another value that differs from them in this value alone."""
    twins: dict[tuple[str, str], set[str]] = defaultdict(set)
    bases = [_base(one, value) for one, value in zip(wanted, values, strict=True)]
    for base, value in zip(bases, values, strict=True):
        twins[base].add(value)
    return sum(bool(base[0]) and len(twins[base]) > 1 for base in bases)  # a whole name is that of an application


def _base(one: WantedPair, value: str) -> tuple[str, str]:
    """Return the name and the path of a pair without the value."""
    name = "-".join(part for part in one.application.split("-") if part != value) if value else one.application
    path = "/".join("" if part == value else part for part in one.path.split("/"))
    return name, path


def _argocds(wanted: Sequence[WantedPair], clusters: Sequence[str]) -> dict[str, str]:
    """Return the folder with all Applications of each cluster; empty where they share one."""
    files: dict[str, set[str]] = defaultdict(set)
    for one, cluster in zip(wanted, clusters, strict=True):
        if file := one.origin or one.file:
            files[cluster].add(file)
    found = {cluster: posixpath.commonpath([*map(posixpath.dirname, paths)]) for cluster, paths in files.items()}
    starts = [f"{folder}/" for folder in found.values()]
    is_apart = all(folder and sum(f"{folder}/".startswith(start) for start in starts) == 1 for folder in found.values())
    return found if is_apart else {}


def _facts(wanted: Sequence[WantedPair], clusters: Sequence[str], known: Known) -> dict[str, dict[str, str]]:
    """Return the facts of each cluster: parameters and labels with one value on each that differ between some."""
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one, cluster in zip(wanted, clusters, strict=True):
        for name, text in one.facts.items():
            values[name][cluster].add(text)
    for cluster in {*clusters} & {*known}:
        labels = known[cluster].get("labels")
        for label, text in labels.items() if isinstance(labels, dict) else ():
            values[label.rpartition("/")[2].replace("-", "_")][cluster] = {str(text)}
    for at in (0, -1):
        if name := _name_of_word(at, wanted, clusters):
            for cluster in clusters:
                values[name].setdefault(cluster, {[*words(cluster)][at]})
    facts: dict[str, dict[str, str]] = {cluster: {} for cluster in sorted({*clusters})}
    for name, of_clusters in sorted(values.items()):
        texts = {cluster: next(iter(found)) for cluster, found in of_clusters.items() if len(found) == 1}
        is_whole = len(texts) == len(facts)
        is_useful = len({*texts.values()}) > 1 and not any(map(_NUMBER.fullmatch, texts.values()))
        if name in NAMES or not FACT.accepts(name) or not (is_whole and is_useful):
            continue
        if all(cluster == text for cluster, text in texts.items()):
            continue
        for cluster, text in texts.items():
            facts[cluster][name] = text
    return facts


def _name_of_word(at: int, wanted: Sequence[WantedPair], clusters: Sequence[str]) -> str:
    """Return the name of the fact that the first or last word of each cluster's name is; empty where no path has it."""
    found = {cluster: [*words(cluster)] for cluster in {*clusters}}
    if not all(parts[1:] for parts in found.values()):
        return ""
    used = {
        cluster
        for one, cluster in zip(wanted, clusters, strict=True)
        if found[cluster][at] in "/".join((one.path, *(file.path for file in one.values))).split("/")
    }
    if len(used) < len(found):
        return ""
    return "env" if all(is_cluster_like(parts[at]) for parts in found.values()) else ("group", "site")[at]
