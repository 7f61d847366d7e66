"""The way in which a layout can say where applications run: by their folders, by instances, or by entries."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from cmp.repository import layout
from cmp.repository.scaffold.applications.owners import APP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.repository.scaffold.applications.layered import LayeredPair
    from cmp.repository.scaffold.applications.places import Places
    from cmp.system.tree import Tree

    Pairs = frozenset[tuple[str, str]]


class Runs(NamedTuple):
    """The patterns of instances, or `by_entries` where only `clusters:` of entries can say it."""

    instances: tuple[str, ...] = ()
    by_entries: bool = False


def runs(tree: Tree, pairs: Sequence[LayeredPair], placed: Places) -> Runs:
    """Return what says that exactly these pairs run."""
    wanted = frozenset((one.pair.app, one.pair.cluster) for one in pairs)
    if not any(cluster for _, cluster in wanted):
        return Runs()
    if _by_folder(pairs, placed) == wanted:
        return Runs()
    found = {
        pattern: there
        for pattern in _candidates(pairs)
        if (there := _there(tree, pattern, wanted, placed.facts)) and there <= wanted
    }
    ranked = sorted(found, key=lambda pattern: (-len(found[pattern]), pattern.endswith((".yaml", ".yml"))))
    for chosen in (*((one,) for one in ranked), *combinations(ranked[:4], 2)):
        if frozenset().union(*(found[pattern] for pattern in chosen)) == wanted:
            return Runs(tuple(sorted(chosen, key=lambda pattern: "{cluster}" not in pattern)))
    return Runs(by_entries=True)


def _by_folder(pairs: Sequence[LayeredPair], placed: Places) -> Pairs:
    """Return the pairs that the folders of applications say by themselves: of a cluster, or of a fact."""
    found = set()
    for one in pairs:
        names = layout.parse(one.pair.pattern).names - {"app"}
        if not names:
            return frozenset()
        own = one.pair.known
        for cluster in {other.cluster for other in placed.pairs}:
            known = {**placed.facts.get(cluster, {}), "cluster": cluster}
            if all(known.get(name) == own[name] for name in names):
                found.add((one.pair.app, cluster))
    return frozenset(found)


def _candidates(pairs: Sequence[LayeredPair]) -> Iterable[str]:
    """Return the folders of values files of one application on one cluster, then such files themselves."""
    patterns = dict.fromkeys(pattern for one in pairs for pattern in one.patterns if _tells(pattern))
    folders = (pattern.rpartition("/")[0] for pattern in patterns)
    return dict.fromkeys((*filter(_tells, folders), *patterns))


def _tells(pattern: str) -> bool:
    return APP in pattern and pattern.count("{") > pattern.count(APP)


def _there(tree: Tree, pattern: str, wanted: Pairs, facts: Mapping[str, Mapping[str, str]]) -> Pairs:
    """Return the pairs that have such a folder or file; something else than pairs where others than these have one."""
    parsed = layout.parse(pattern)
    apps, clusters = {app for app, _ in wanted}, {cluster for _, cluster in wanted}
    found = {(match.captures["app"], "") for match in layout.expand(tree, parsed, {})}
    if not {app for app, _ in found} <= apps:
        return frozenset(found)  # an instance of no application is an error
    found = set()
    for cluster in clusters:
        known = {**facts.get(cluster, {}), "cluster": cluster}
        if parsed.names - {"app"} <= known.keys():
            paths = ((app, layout.fill(parsed, {**known, "app": app})) for app in apps)
            found |= {(app, cluster) for app, path in paths if tree.kind(path) != "missing"}
    return frozenset(found)
