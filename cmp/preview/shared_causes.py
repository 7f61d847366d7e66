"""The causes of a group: those that are established for all its members, and those that are for some of them alone.

A cause of one member is no cause of another one that has other changed files.  Files of a cluster's own, such as
`clusters/prod-1/web.yaml` for `prod-1`, are one cause for all where they say the same; where only their values differ,
the line alone is told.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Cause, PartialCauses
from cmp.preview.labels import common_texts, generalized, generalized_json, pair_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from cmp.changes import Change, Subject
    from cmp.preview.labels import OwnTexts

    Members = frozenset[int]


class SharedCauses(NamedTuple):
    """The causes, or else the touched files, of all members; and what holds for some of them."""

    causes: tuple[Cause, ...]
    touched: tuple[str, ...]
    partial: tuple[PartialCauses, ...]


def shared_causes(changes: Sequence[Change], own_texts: OwnTexts) -> SharedCauses:
    """Return the causes of a group, whose members' changes are given in their order."""
    if not any(change.causes or change.touched for change in changes):
        return SharedCauses((), (), ())
    exact = _members([[[*cause] for cause in change.causes] for change in changes], changes, own_texts)
    whole = frozenset(range(len(changes)))
    common = [Cause(place, tuple(path), *rest) for (place, path, *rest), having in exact if having == whole]
    # The same line with another value for each: what it is stands in the table of the group.
    places = _members(
        [[[place] for place in {cause.place: 0 for cause in one.causes}] for one in changes], changes, own_texts
    )
    known = {cause.place for cause in common}
    everywhere = [place for (place,), having in places if having == whole and place not in known]
    common += [Cause(place, (), before=None, after=None) for place in everywhere]

    def is_told(place: str, having: Members) -> bool:
        owns = (own_texts.get(changes[index].subject.cluster, {}) for index in having)
        return place in everywhere or any(generalized(place, own) in everywhere for own in owns)

    some = [
        (Cause(place, tuple(path), *rest), having)
        for (place, path, *rest), having in exact
        if having != whole and not is_told(place, having)
    ]
    touched = _members([[[*change.touched]] if change.touched else [] for change in changes], changes, own_texts)
    of_all = next((tuple(files) for files, having in touched if having == whole), ())
    rest_of_touched = [(tuple(files), having) for files, having in touched if having != whole]
    return SharedCauses(tuple(common), of_all, tuple(_partial(some, rest_of_touched, changes)))


def _members(
    values: Sequence[Iterable[list[object]]], changes: Sequence[Change], own_texts: OwnTexts
) -> list[tuple[Any, Members]]:
    """Return each value of members once, with general terms where it is a cluster's own, and those who have it."""
    texts = [
        (index, json.dumps(value, ensure_ascii=False, sort_keys=True))
        for index, of_member in enumerate(values)
        for value in of_member
    ]
    common = common_texts(
        [(changes[index].subject.cluster, text) for index, text in texts], own_texts, generalized_json
    )
    having: dict[str, dict[int, str]] = defaultdict(dict)
    for shown, (index, text) in zip(common, texts, strict=True):
        having[shown][index] = text
    return [
        (json.loads(shown if len({*of_text.values()}) > 1 else next(iter(of_text.values()))), frozenset(of_text))
        for shown, of_text in having.items()
    ]


def _partial(
    causes: Iterable[tuple[Cause, Members]],
    touched: Iterable[tuple[tuple[str, ...], Members]],
    changes: Sequence[Change],
) -> Iterator[PartialCauses]:
    """Yield what holds for some members, for the most of them first."""
    of_some: dict[Members, list[Cause]] = defaultdict(list)
    for cause, having in causes:
        of_some[having].append(cause)
    files = {having: paths for paths, having in touched}
    found = [
        PartialCauses(_subjects(having, changes), tuple(of_some.get(having, ())), files.get(having, ()))
        for having in dict.fromkeys((*of_some, *files))
    ]
    yield from sorted(found, key=lambda one: (-len(one.subjects), [pair_order(subject) for subject in one.subjects]))


def _subjects(having: Members, changes: Sequence[Change]) -> tuple[Subject, ...]:
    return tuple(sorted((changes[index].subject for index in having), key=pair_order))
