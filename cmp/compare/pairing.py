"""The objects of two sides -> each object before and after, also where its name or its namespace changed."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from cmp.changes import Object
    from cmp.model import Identity

    Positions = list[tuple[int, int]]  # of one object, on both sides
    Choose = Callable[[Sequence[Object], Sequence[Object]], Positions]
    Features = frozenset[object]
    Path = tuple[str | int, ...]

# The share of common content above which a removed and an added object of one kind are one renamed object.
# Source: argocd-diff-preview.
THRESHOLD = 0.5
MAX_CANDIDATES = 10_000  # combinations of one kind whose content may be compared; beyond, only equal content counts

# kustomize writes ten digits of a hash in an alphabet of its own: no vowels, and nothing that reads like one.
# A suffix that a template makes up (randAlphaNum, a cut checksum, a date) has a digit that is not merely the number at
# the end of a word: `node1` and `node2` are two.
KUSTOMIZE_HASH = r"[24-9bcdfghkmt]{10}"
_RANDOM = r"(?![a-z]+[0-9]+\Z)(?=[a-z]*[0-9])[0-9a-z]{5,10}"
_SUFFIX = re.compile(rf"-(?:{KUSTOMIZE_HASH}|{_RANDOM})\Z")

_MIN_NAME = 3  # characters; a shorter name is part of too many words
_OWN = frozenset((("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")))


class MatchedObject(NamedTuple):
    """An object before and after; None on the side that lacks it, never on both."""

    before: Object | None
    after: Object | None

    @property
    def is_renamed(self) -> bool:
        """True for an object on both sides, under another name or in another namespace."""
        before, after = self
        if before is None or after is None:
            return False
        return (before.identity.namespace, before.identity.name) != (after.identity.namespace, after.identity.name)

    @property
    def newest(self) -> Object:
        """The object as it will be or, where removed, as it was."""
        newest = self.after or self.before
        if newest is None:
            raise ValueError("a pair has at least one side")
        return newest


def match_objects(base: Sequence[Object], head: Sequence[Object]) -> tuple[MatchedObject, ...]:
    """Match the objects of both sides, ordered by identity (the newer one); none is lost, none stands twice.

    First by identity, several of the same in their order; then by the name without a generated suffix; then, by
    content, objects of the same name in another namespace, and at last objects of another name in the same namespace.
    """
    matching = _Matching(base, head)
    matching.add(lambda identity: identity, _in_order)
    matching.add(lambda identity: identity._replace(name=_SUFFIX.sub("", identity.name)), _by_similarity(-1))
    matching.add(lambda identity: identity._replace(namespace=""), _by_similarity(THRESHOLD))
    matching.add(lambda identity: identity._replace(name=""), _by_similarity(THRESHOLD))
    return matching.result()


class _Matching:
    """The objects that are matched so far, and the objects of both sides that are left."""

    def __init__(self, base: Sequence[Object], head: Sequence[Object]) -> None:
        self._matched: list[MatchedObject] = []
        self._before, self._after = list(base), list(head)

    def add(self, key: Callable[[Identity], Hashable], choose: Choose) -> None:
        """Match objects that are left and have the same key; `choose` returns the positions that belong together."""
        buckets: dict[Hashable, tuple[list[Object], list[Object]]] = defaultdict(lambda: ([], []))
        for side, objects in enumerate((self._before, self._after)):
            for subject in objects:
                buckets[key(subject.identity)][side].append(subject)
        self._before, self._after = [], []
        for before, after in buckets.values():
            chosen = choose(before, after) if before and after else []
            self._matched += [MatchedObject(before[low], after[high]) for low, high in chosen]
            self._before += _without(before, {low for low, _ in chosen})
            self._after += _without(after, {high for _, high in chosen})

    def result(self) -> tuple[MatchedObject, ...]:
        removed = [MatchedObject(subject, None) for subject in self._before]
        added = [MatchedObject(None, subject) for subject in self._after]
        return tuple(sorted([*self._matched, *removed, *added], key=lambda matched: matched.newest.identity))


def _without(objects: Sequence[Object], taken: AbstractSet[int]) -> list[Object]:
    return [subject for at, subject in enumerate(objects) if at not in taken]


def _in_order(before: Sequence[Object], after: Sequence[Object]) -> Positions:
    return [(at, at) for at in range(min(len(before), len(after)))]


def _by_similarity(threshold: float) -> Choose:
    """Match the most similar objects first, but only above the threshold; ties go by identity."""

    def choose(before: Sequence[Object], after: Sequence[Object]) -> Positions:
        old, new = [_features(subject) for subject in before], [_features(subject) for subject in after]
        if len(old) * len(new) > MAX_CANDIDATES:
            return _equal(old, new)
        scored = [
            (-similarity, before[low].identity, after[high].identity, low, high)
            for low, of_old in enumerate(old)
            for high, of_new in enumerate(new)
            if (similarity := _jaccard(of_old, of_new)) > threshold
        ]
        return _greedy((low, high) for *_, low, high in sorted(scored))

    return choose


def _greedy(candidates: Iterable[tuple[int, int]]) -> Positions:
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for low, high in candidates:
        if low not in chosen and high not in taken:
            chosen[low] = high
            taken.add(high)
    return list(chosen.items())


def _equal(old: Sequence[Features], new: Sequence[Features]) -> Positions:
    positions: dict[Features, list[int]] = defaultdict(list)
    for low in reversed(range(len(old))):
        positions[old[low]].append(low)
    return [(positions[content].pop(), high) for high, content in enumerate(new) if positions.get(content)]


def _features(subject: Object) -> Features:
    """Return the object's values with their paths, a text line by line; nothing of its identity.

    Where a text contains the object's own name, as labels and references to itself do, the name does not count.
    """
    return frozenset(_walk(subject.value, (), subject.identity.name))


def _jaccard(old: Features, new: Features) -> float:
    """Return the Jaccard index, the shared features by all features: 1 for equal sets, 0 for two empty ones."""
    return len(old & new) / (len(old | new) or 1)


def _walk(value: object, path: Path, name: str) -> Iterator[object]:
    if path in _OWN:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*path, key), name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index), name)
    elif isinstance(value, str):
        for line in value.split("\n"):
            yield path, line.replace(name, "\0") if len(name) >= _MIN_NAME else line
    else:
        yield path, repr(value)
