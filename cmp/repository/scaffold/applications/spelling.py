"""A text that stands in many pairs, spelled with placeholders: `apps/web/values-blue.yaml` in `apps/{app}/…`.

Each pair alone has several spellings: the text as it is, and with any of the names that it knows put as placeholders.
The one that most pairs share is meant: `common/values.yaml` stays in a tree that has an application `common`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping

    from cmp.repository.layout import Captures

MAX_NAMES = 6  # in one text: each doubles the number of spellings


class _Found(NamedTuple):
    start: int
    end: int
    name: str


def spellings(text: str, known: Captures) -> list[str]:
    """Return all ways to write a text with placeholders for whole words that have the value of a known name."""
    found = [
        _Found(match.start(), match.end(), name)
        for name, value in known.items()
        if value
        for match in re.finditer(rf"(?<![^-_./]){re.escape(value)}(?![^-_./])", text)
    ]
    by_place: dict[tuple[int, int], list[_Found]] = defaultdict(list)
    for one in found:
        by_place[one.start, one.end].append(one)
    places = sorted(by_place, key=lambda place: (place[0] - place[1], place))[:MAX_NAMES]
    choices = product(*([None, *by_place[place]] for place in places))
    return list(dict.fromkeys(spelled for chosen in choices if (spelled := _spelled(text, chosen)) is not None))


def _spelled(text: str, chosen: Iterable[_Found | None]) -> str | None:
    """Return the text with placeholders in these places; None where two of them overlap."""
    parts: list[str] = []
    at = 0
    for one in sorted(found for found in chosen if found):
        if one.start < at:
            return None
        parts += (text[at : one.start], f"{{{one.name}}}")
        at = one.end
    return "".join((*parts, text[at:]))


class Spellings:
    """The spellings of texts that pairs have, and how many pairs share each."""

    def __init__(self) -> None:
        self._pairs: dict[str, set[Hashable]] = defaultdict(set)

    def add(self, pair: Hashable, text: str, known: Captures) -> None:
        """Count all spellings of a text of a pair."""
        for spelled in spellings(text, known):
            self._pairs[spelled].add(pair)

    def count(self, spelled: str) -> int:
        """Return the number of pairs that share a spelling."""
        return len(self._pairs.get(spelled, ()))

    def best(self, text: str, known: Captures, required: str = "") -> str:
        """Return the spelling that most pairs share, of several the one with the most placeholders.

        With `required` it must hold that text; empty where none does.
        """
        allowed = [one for one in spellings(text, known) if required in one]
        return max(allowed, key=lambda one: (self.count(one), one.count("{"), _whole(one)), default="")


def _whole(spelled: str) -> int:
    """Return the number of placeholders that are a whole name of a folder or file."""
    return sum(part.startswith("{") and part.endswith("}") for part in spelled.split("/"))


def merged(orders: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return one order of all texts in which each of the given orders is kept, as far as they agree.

    Where they do not, the texts are in the order in which they come first.
    """
    followers: dict[str, set[str]] = {}
    for order in orders:
        for index, text in enumerate(order):
            followers.setdefault(text, set()).update(order[index + 1 :])
    done: list[str] = []
    waiting = dict.fromkeys(followers)
    while waiting:
        free = next((text for text in waiting if not _is_behind(text, waiting, followers)), next(iter(waiting)))
        done.append(free)
        del waiting[free]
    return tuple(done)


def _is_behind(text: str, others: Iterable[str], followers: Mapping[str, set[str]]) -> bool:
    return any(text in followers[other] and other not in followers[text] for other in others if other != text)


def words(text: str) -> Iterator[str]:
    """Yield the parts of a name between `-`, `_` and `.`."""
    yield from (part for part in re.split(r"[-_.]", text) if part)
