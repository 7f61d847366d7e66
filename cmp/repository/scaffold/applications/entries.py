"""Entries of `applications:`, which say of some applications what the layout cannot say of all."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.repository.scaffold.applications.owners import OwnedPair

ALL, EVERY = "all", "*"


class Entries:
    """Collects the keys of pairs, and writes each once for all applications and clusters that have it."""

    def __init__(self, pairs: Sequence[OwnedPair]) -> None:
        self._clusters: dict[str, set[str]] = defaultdict(set)
        for pair in pairs:
            self._clusters[pair.app].add(pair.cluster)
        self._keys: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def add(self, pair: OwnedPair, key: str, value: object) -> None:
        """Note a key of one pair."""
        self._keys[key, json.dumps(value, ensure_ascii=False)][pair.app].add(pair.cluster)

    def add_clusters(self, facts: Mapping[str, Mapping[str, str]]) -> None:
        """Note for every application on which clusters it runs."""
        every = {cluster for of_app in self._clusters.values() for cluster in of_app}
        for app, clusters in self._clusters.items():
            choice = json.dumps(_choice(clusters, every, facts))
            self._keys["clusters", choice][app] |= clusters

    def written(self, *, is_every: bool) -> tuple[Mapping[str, object], ...]:
        """Return the entries: one for all keys that the same applications have on the same clusters.

        `is_every` says that the tree has no other applications: then `*` stands for all of them.
        """
        together: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[str, object]] = defaultdict(dict)
        for (key, text), apps in self._keys.items():
            for clusters, names in self._where(apps):
                together[names, clusters][key] = json.loads(text)
        return tuple(
            {
                "apps": EVERY if is_every and len(names) == len(self._clusters) else _one_or_many(names),
                **({"where": [*clusters]} if clusters else {}),
                **keys,
            }
            for (names, clusters), keys in sorted(together.items(), key=lambda item: (len(item[0][1]), item[0]))
        )

    def _where(self, apps: Mapping[str, set[str]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Yield clusters (none: all of theirs) and the applications that have a key on these."""
        groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for app, clusters in apps.items():
            groups[() if clusters == self._clusters[app] else tuple(sorted(clusters))].append(app)
        yield from ((clusters, tuple(sorted(names))) for clusters, names in groups.items())


def _one_or_many(names: Sequence[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else [*names]


def _choice(clusters: set[str], every: set[str], facts: Mapping[str, Mapping[str, str]]) -> object:
    """Return a choice of clusters as cmp-app.yaml has it: all, a fact that these alone have, or their names."""
    if clusters == every:
        return ALL
    for name, text in sorted({pair for cluster in clusters for pair in facts.get(cluster, {}).items()}):
        if {cluster for cluster in every if facts.get(cluster, {}).get(name) == text} == clusters:
            return {name: text}
    return sorted(clusters)
