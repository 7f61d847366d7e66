"""Lots: the objects of pairs that come or go together, as one group.

    a new cluster          with several applications is one lot, and so are several clusters with the same ones
    other new pairs        an application that is new on some clusters is one lot, and so are several on the same ones

The same for what goes.  Objects that move between two applications and stay as they are make a lot, too.  Which pairs
belong together follows from the pairs of both sides alone, so that one that cannot be rendered is told with its lot.
One object alone makes no lot: its group says all.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Group, Lot, Member, Part
from cmp.preview.labels import GENERAL_APP, generalized, pair_order
from cmp.preview.outliers import unlike_most
from cmp.report.names import natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Literal

    from cmp.changes import Change, Outcome, Subject
    from cmp.preview.comparison import Comparison
    from cmp.preview.labels import OwnTexts
    from cmp.preview.outliers import GroupDraft


class Population(NamedTuple):
    """All pairs of both sides, also those that are not rendered; `added` and `removed` are those of one side alone."""

    before: frozenset[Subject]
    after: frozenset[Subject]
    added: frozenset[Subject]
    removed: frozenset[Subject]

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Population:
        """Return the pairs of outcomes, as far as these tell."""
        listed = [*outcomes]
        whole = frozenset(outcome.subject for outcome in listed)
        added, removed = (
            frozenset(outcome.subject for outcome in listed if outcome.status == status)
            for status in ("added", "removed")
        )
        return cls(before=whole - added, after=whole - removed, added=added, removed=removed)

    @classmethod
    def of_sides(cls, comparison: Comparison) -> Population:
        """Return the pairs of both sides; an Application with a new name neither comes nor goes."""
        base, head = comparison.base.pairs.requests, comparison.head.pairs.requests
        renamed = comparison.applications.renamed
        return cls(
            before=frozenset(request.subject for request in base.values()),
            after=frozenset(request.subject for request in head.values()),
            added=frozenset(head[key].subject for key in head.keys() - base.keys() - renamed.keys()),
            removed=frozenset(base[key].subject for key in base.keys() - head.keys() - {*renamed.values()}),
        )


class Unit(NamedTuple):
    """Pairs that come or go together, and the names of the clusters or applications by which they do.

    For objects that move these are the two applications; their pairs follow from the objects.
    """

    what: Literal["comes", "goes", "moves"]
    by: Literal["cluster", "application"]
    names: tuple[str, ...]
    pairs: tuple[Subject, ...]


def units(population: Population, own_texts: OwnTexts) -> dict[Subject, Unit]:
    """Return the unit of each pair that only one side has."""
    before, after, added, removed = population
    found = [*_units("comes", added, before, own_texts), *_units("goes", removed, after, own_texts)]
    return {subject: unit for unit in found for subject in unit.pairs}


def _units(
    what: Literal["comes", "goes"], pairs: frozenset[Subject], others: frozenset[Subject], own_texts: OwnTexts
) -> Iterator[Unit]:
    """Yield the units of pairs of one side alone; `others` are those of the other side.

    The name of an Application may hold that of its cluster, and is one with those of other clusters all the same.
    """
    app = {one: common_name(one, own_texts) for one in pairs}
    known = {subject.cluster for subject in others} | {""}
    on_new: dict[str, set[str]] = defaultdict(set)
    for subject in pairs:
        if subject.cluster not in known:
            on_new[subject.cluster].add(app[subject])
    of_clusters = {cluster: apps for cluster, apps in on_new.items() if len(apps) > 1}
    of_apps: dict[str, set[str]] = defaultdict(set)
    for subject in pairs:
        if subject.cluster not in of_clusters:
            of_apps[app[subject]].add(subject.cluster)
    for names in _alike(of_clusters):
        members = (subject for subject in pairs if subject.cluster in names)
        yield Unit(what, "cluster", names, tuple(sorted(members, key=pair_order)))
    for names in _alike(of_apps):
        members = (subject for subject in pairs if subject.cluster not in of_clusters and app[subject] in names)
        yield Unit(what, "application", names, tuple(sorted(members, key=pair_order)))


def common_name(subject: Subject, own_texts: OwnTexts) -> str:
    """Return the name of an application, without what is its cluster's in the name of an Application behind it."""
    return generalized(subject.app, own_texts.get(subject.cluster, {})) if "(" in subject.app else subject.app


def _alike(sets: dict[str, set[str]]) -> Iterator[tuple[str, ...]]:
    """Yield the names that have the same set, sorted."""
    names: dict[frozenset[str], list[str]] = defaultdict(list)
    for name, found in sets.items():
        names[frozenset(found)].append(name)
    yield from (tuple(sorted(alike, key=natural)) for alike in names.values())


def unit_of(change: Change, of_pairs: Mapping[Subject, Unit], own_texts: OwnTexts) -> Unit | None:
    """Return the unit of a change: that of its pair, or that of all objects which move so and stay as they are."""
    if change.move is None:
        return of_pairs.get(change.subject)
    if change.fields or change.summary:
        return None
    names = (common_name(subject, own_texts) for subject in (change.move.source, change.move.target))
    return Unit("moves", "application", tuple(names), ())


def lot_of(unit: Unit, drafts: Sequence[GroupDraft]) -> GroupDraft:
    """Return the group of a unit, whose parts are the groups of all its objects."""
    ordered = sorted(drafts, key=lambda draft: (natural(draft.group.app), draft.position, draft.key.object_text))
    parts = tuple(Part(*_part(draft, why)) for draft, why in zip(ordered, unlike_most(ordered), strict=True))
    pairs = tuple(sorted({member.subject for part in parts for member in part.members}, key=pair_order))
    apps = {draft.group.app for draft in ordered}
    first = ordered[0]
    group = Group(
        letter="",
        app=first.group.app if len(apps) == 1 else GENERAL_APP,
        change=parts[0].change,
        members=tuple(Member(subject) for subject in pairs),
        lot=Lot(unit.what, unit.by, unit.names, unit.pairs or pairs, parts),
    )
    return first._replace(group=group)


def _part(draft: GroupDraft, why: Sequence[str]) -> tuple[Change, tuple[Member, ...], tuple[str, ...], tuple[str, ...]]:
    group = draft.group
    return group.change, group.members, group.columns, (*why, *group.why)
