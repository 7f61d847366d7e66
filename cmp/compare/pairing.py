"""Which object is which on the other side, also where its name or its namespace changed."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from cmp.changes import Object
    from cmp.model import Identity

    Pairs = list[tuple[int, int]]
    Choice = Callable[[Sequence[Object], Sequence[Object]], Pairs]
    Path = tuple[str | int, ...]

# The share of common content above which a removed and an added object of one kind are one that was renamed: that of
# argocd-diff-preview.
THRESHOLD = 0.5
MAX_CANDIDATES = 10_000  # pairs of one kind whose content may be compared; beyond, only equal content counts

# kustomize writes ten digits of a hash in an alphabet of its own.  What templates make up (randAlphaNum, a cut
# checksum, a date) has a digit that is not merely the number at the end of a word: `node1` and `node2` are two.
_KUSTOMIZE = r"[24-9bcdfghkmt]{10}"
_RANDOM = r"(?![a-z]+[0-9]+\Z)(?=[a-z]*[0-9])[0-9a-z]{5,10}"
_SUFFIX = re.compile(rf"-(?:{_KUSTOMIZE}|{_RANDOM})\Z")

_MIN_NAME = 3  # characters; a shorter name is part of too many words
_OWN = frozenset((("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")))


class Matched(NamedTuple):
    """An object before and after; None on the side where there is none, never on both."""

    before: Object | None
    after: Object | None

    @property
    def newest(self) -> Object:
        """The object as it will be or, where removed, as it was."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a pair has at least one side")
        return found


def pair(base: Sequence[Object], head: Sequence[Object]) -> tuple[Matched, ...]:
    """Match the objects of both sides, ordered by identity (the newer one); none is lost, none stands twice.

    First by identity, several of the same in their order; then by the name without a generated suffix; then, by
    content, objects of the same name in another namespace, and at last those of another name in the same namespace.
    """
    search = _Search(base, head)
    search.take(lambda identity: identity, _in_order)
    search.take(lambda identity: identity._replace(name=_SUFFIX.sub("", identity.name)), _by_likeness(-1))
    search.take(lambda identity: identity._replace(namespace=""), _by_likeness(THRESHOLD))
    search.take(lambda identity: identity._replace(name=""), _by_likeness(THRESHOLD))
    return search.result()


class _Search:
    """What is found so far, and what is left of both sides."""

    def __init__(self, base: Sequence[Object], head: Sequence[Object]) -> None:
        self._found: list[Matched] = []
        self._before, self._after = list(base), list(head)

    def take(self, key: Callable[[Identity], Hashable], choose: Choice) -> None:
        """Pair what is left, but only objects with the same key; `choose` says by position which belong together."""
        buckets: dict[Hashable, tuple[list[Object], list[Object]]] = defaultdict(lambda: ([], []))
        for side, objects in enumerate((self._before, self._after)):
            for one in objects:
                buckets[key(one.identity)][side].append(one)
        self._before, self._after = [], []
        for before, after in buckets.values():
            chosen = choose(before, after) if before and after else []
            self._found += [Matched(before[low], after[high]) for low, high in chosen]
            self._before += _without(before, {low for low, _ in chosen})
            self._after += _without(after, {high for _, high in chosen})

    def result(self) -> tuple[Matched, ...]:
        alone = [*(Matched(one, None) for one in self._before), *(Matched(None, one) for one in self._after)]
        return tuple(sorted([*self._found, *alone], key=lambda matched: matched.newest.identity))


def _without(objects: Sequence[Object], taken: AbstractSet[int]) -> list[Object]:
    return [one for at, one in enumerate(objects) if at not in taken]


def _in_order(before: Sequence[Object], after: Sequence[Object]) -> Pairs:
    return [(at, at) for at in range(min(len(before), len(after)))]


def _by_likeness(threshold: float) -> Choice:
    """Pair the most alike first, but only where more than `threshold` is common; ties go by identity."""

    def choose(before: Sequence[Object], after: Sequence[Object]) -> Pairs:
        old, new = [features(one) for one in before], [features(one) for one in after]
        if len(old) * len(new) > MAX_CANDIDATES:
            return _equal(old, new)
        scored = [
            (-likeness, before[low].identity, after[high].identity, low, high)
            for low, one in enumerate(old)
            for high, other in enumerate(new)
            if (likeness := jaccard(one, other)) > threshold
        ]
        return _greedy((low, high) for *_, low, high in sorted(scored))

    return choose


def _greedy(candidates: Iterable[tuple[int, int]]) -> Pairs:
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for low, high in candidates:
        if low not in pairs and high not in taken:
            pairs[low] = high
            taken.add(high)
    return list(pairs.items())


def _equal(old: Sequence[frozenset[object]], new: Sequence[frozenset[object]]) -> Pairs:
    places: dict[frozenset[object], list[int]] = defaultdict(list)
    for low in reversed(range(len(old))):
        places[old[low]].append(low)
    return [(places[content].pop(), high) for high, content in enumerate(new) if places.get(content)]


def features(subject: Object) -> frozenset[object]:
    """Return what the object says: its values with their paths, a text line by line; nothing of its identity.

    Where a text contains the object's own name, as labels and references to itself do, the name does not count.
    """
    return frozenset(_features(subject.value, (), subject.identity.name))


def jaccard(one: frozenset[object], other: frozenset[object]) -> float:
    """Return the share of what both have in what any of them has: 1 for equal ones, 0 where there is nothing at all."""
    return len(one & other) / (len(one | other) or 1)


def _features(value: object, path: Path, name: str) -> Iterator[object]:
    if path in _OWN:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _features(item, (*path, key), name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _features(item, (*path, index), name)
    elif isinstance(value, str):
        for line in value.split("\n"):
            yield path, line.replace(name, "\0") if len(name) >= _MIN_NAME else line
    else:
        yield path, repr(value)
