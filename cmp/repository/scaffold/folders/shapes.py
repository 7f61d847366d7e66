"""Paths of many applications as one shape, before its placeholders have names; and the names that they get."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.repository.scaffold.folders.words import has_word, is_cluster_like

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

APP, PLACE, GROUP = "{app}", "{}", "{group}"
ANY = "*"
ENV, ROLE, CLUSTER = "env", "role", "cluster"

Shape = tuple[str, ...]  # segments; PLACE stands for the name of a cluster, or of a group of clusters


class Spot(NamedTuple):
    """A path of one application; `places` are the names that PLACE stands for, from the left."""

    path: str
    app: str
    places: tuple[str, ...] = ()


Spots = dict[Shape, list[Spot]]


class Clusters(NamedTuple):
    """The clusters with their facts, and the names of a shape's placeholders by the names that stand there."""

    facts: Mapping[str, dict[str, str]]
    levels: tuple[str, ...]  # the placeholders of the shapes with most of them

    def spell(self, shape: Shape, spots: Iterable[Spot]) -> str:
        """Write a shape as a pattern."""
        text = "/".join(shape)
        for name in self.levels_of(shape, spots):
            text = text.replace(PLACE, f"{{{name}}}", 1)
        return text

    def levels_of(self, shape: Shape, spots: Iterable[Spot]) -> tuple[str, ...]:
        """Return the names of the placeholders of a shape, from the left."""
        return self._names("/".join(shape).count(PLACE), {spot.places for spot in spots})

    def serving(self, shape: Shape, spots: Sequence[Spot]) -> dict[Spot, frozenset[str]]:
        """Return the clusters that each path is for: all of a group where it is named after one."""
        levels = self.levels_of(shape, spots)
        served: dict[tuple[str, ...], frozenset[str]] = {}
        for spot in spots:
            if spot.places not in served:
                wanted = dict(zip(levels, spot.places, strict=False))
                served[spot.places] = frozenset(
                    name
                    for name, facts in self.facts.items()
                    if all((facts | {CLUSTER: name}).get(level) == one for level, one in wanted.items())
                )
        return {spot: served[spot.places] for spot in spots}

    def _names(self, count: int, places: set[tuple[str, ...]]) -> tuple[str, ...]:
        if count != 1:
            return self.levels[:count]
        names = {one for (one,) in places}
        if names <= self.facts.keys():
            return (CLUSTER,)
        keys = dict.fromkeys(key for facts in self.facts.values() for key in facts)
        return (next((key for key in keys if names & {facts.get(key) for facts in self.facts.values()}), CLUSTER),)


def clusters(groups: Iterable[Iterable[Spot]]) -> Clusters:
    """Return the clusters of all places; a place with one name beside places with two is a cluster or a group of them.

    A name that stands in several groups (blue in dev and in prod) is no cluster's: dev-blue is.
    """
    by_shape = [{spot.places for spot in spots} for spots in groups]
    every = {names for places in by_shape for names in places if names}
    deepest = max(map(len, every), default=0)
    return (
        _nested(every, deepest) if deepest > 1 else _flat([{name for (name,) in one} for one in by_shape if any(one)])
    )


def _flat(vocabularies: list[set[str]]) -> Clusters:
    """Return clusters without groups, but for names that are a word in those of the clusters: dev in dev-cluster."""
    names: set[str] = set()
    for one in sorted(vocabularies, key=lambda one: (-len(one), -sum(map(len, one)), sorted(one))):
        if not names or one & names:
            names |= one
    facts: dict[str, dict[str, str]] = {name: {} for name in sorted(names)}
    for one in vocabularies:
        if not one & names:
            if all(any(has_word(name, word) for name in names) for word in one):
                for name, keys in facts.items():
                    keys.setdefault(ENV, _word_of(name, names, one))
            else:
                facts |= {name: {} for name in sorted(one - facts.keys())}
    return Clusters(dict(sorted(facts.items())), (CLUSTER,))


def _word_of(name: str, names: set[str], words: set[str]) -> str:
    """Return the word of these that a cluster's name has; for one without, the word where others have theirs."""
    own = max((word for word in words if has_word(name, word)), key=len, default="")
    if own:
        return own
    for other in sorted(names):
        for word in sorted(words):
            before, found, behind = other.partition(word)
            rest = name.removeprefix(before).removesuffix(behind)
            if found and rest and name == f"{before}{rest}{behind}":
                return rest
    return name


def _nested(every: set[tuple[str, ...]], deepest: int) -> Clusters:
    full = sorted(names for names in every if len(names) == deepest)
    first = ENV if any(is_cluster_like(names[0]) for names in full) else "group"
    above = (first, "region", "zone")[: deepest - 1]
    is_unique = len({names[-1] for names in full}) == len(full)
    levels = (*above, CLUSTER if is_unique else ROLE)
    found: dict[str, dict[str, str]] = {}
    for names in full:
        facts = dict(zip(above, names, strict=False))
        if is_unique:
            found[names[-1]] = facts
        else:
            found["-".join(names)] = facts | {ROLE: names[-1]}
    groups = {names[0] for names in full}
    for names in sorted(every - {*full}):
        if names[0] not in groups and names[-1] not in found:
            found[names[-1]] = dict.fromkeys(above, names[0]) | ({} if is_unique else {ROLE: names[-1]})
    return Clusters(dict(sorted(found.items())), levels)
