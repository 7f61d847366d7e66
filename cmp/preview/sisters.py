"""The sister of a new cluster: the one that was there before and shares most applications with it.

A reviewer wants to know of thirty new applications which of them are not as on a cluster that runs already.  So each
pair of a new cluster is rendered beside the pair of the same application on the sister, both on the newer side
(likeness.py compares them).  Which pairs these are follows from the pairs of both sides alone, so that all runs of a
comparison in shares choose the same.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Likeness, SisterCluster
from cmp.preview import lots
from cmp.preview.labels import own_texts, pair_order
from cmp.report.names import natural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.changes import Group, Lot, Subject
    from cmp.preview.comparison import Comparison
    from cmp.preview.identity import PairId
    from cmp.preview.labels import OwnTexts

MOST_PAIRS = 100  # of sisters that are rendered for one comparison


class Sisters(NamedTuple):
    """The sisters of new clusters, by these, and the pair of the sister for each new one that it has.

    `apps` are the applications of all clusters of the newer side, by the names that they have in common.  Of the
    `counterparts` those that are not `compared` are beyond the limit.
    """

    clusters: Mapping[str, str]
    apps: Mapping[str, Mapping[str, Subject]]
    counterparts: Mapping[Subject, Subject]
    compared: frozenset[Subject]


class Counterpart(NamedTuple):
    """The pair of a sister that a new one is compared with, and the texts that are each cluster's own (`own_texts`)."""

    pair: PairId
    texts_there: Mapping[str, str]
    texts_here: Mapping[str, str]


def sisters(population: lots.Population, texts: OwnTexts) -> Sisters:
    """Return the sisters of the clusters that come with several applications.

    Of clusters that share as many applications the sister has the same `env`, then the fewest others.  A cluster that
    shares none is no sister.
    """
    new = {
        subject.cluster
        for subject, unit in lots.units(population, texts).items()
        if (unit.what, unit.by) == ("comes", "cluster")
    }
    apps: dict[str, dict[str, Subject]] = defaultdict(dict)
    environments: dict[str, str] = {}
    for subject in sorted(population.after, key=pair_order) if new else ():
        apps[subject.cluster].setdefault(lots.common_name(subject, texts), subject)
        environments[subject.cluster] = subject.environment
    known = ({subject.cluster for subject in population.before} & apps.keys()) - {""}

    def rank(one: str, other: str) -> tuple[object, ...]:
        shared = len(apps[one].keys() & apps[other].keys())
        return (-shared, environments[one] != environments[other], len(apps[other]), natural(other))

    best = {one: min(known, key=partial(rank, one)) for one in sorted(new, key=natural) if known}
    clusters = {one: other for one, other in best.items() if apps[one].keys() & apps[other].keys()}
    counterparts = {
        subject: apps[other][name]
        for one, other in clusters.items()
        for name, subject in apps[one].items()
        if name in apps[other] and subject in population.added
    }
    return Sisters(clusters, apps, counterparts, frozenset([*counterparts][:MOST_PAIRS]))


def of(comparison: Comparison, texts: OwnTexts) -> Sisters:
    """Return the sisters of the new clusters of a comparison; none where its older side is what runs in a cluster."""
    if comparison.base.is_revision:
        return sisters(lots.Population.of_sides(comparison), texts)
    return Sisters({}, {}, {}, frozenset())


def counterparts(comparison: Comparison) -> dict[PairId, Counterpart]:
    """Return the pairs of sisters that are rendered, by the new pairs that are compared with them."""
    texts = own_texts((comparison.base, comparison.head))
    found = of(comparison, texts)
    ids = {request.subject: key for key, request in comparison.head.pairs.requests.items()} if found.compared else {}
    return {
        ids[subject]: Counterpart(ids[other], texts.get(other.cluster, {}), texts.get(subject.cluster, {}))
        for subject, other in found.counterparts.items()
        if subject in found.compared
    }


class Comparisons(NamedTuple):
    """The comparisons of new pairs with those of their clusters' sisters, as far as both could be rendered."""

    sisters: Sisters
    likenesses: Mapping[Subject, Likeness]

    def told(self, group: Group) -> Group:
        """Return a group; the lot of new clusters with their sisters."""
        lot = group.lot
        if lot is None or (lot.what, lot.by) != ("comes", "cluster"):
            return group
        return group._replace(lot=lot._replace(sisters=tuple(self._of(lot))))

    def _of(self, lot: Lot) -> Iterator[SisterCluster]:
        names: dict[str, list[str]] = defaultdict(list)
        for name in lot.names:
            if name in self.sisters.clusters:
                names[self.sisters.clusters[name]].append(name)
        for sister, clusters in names.items():
            pairs = [subject for subject in lot.pairs if subject.cluster in clusters]
            here, there = self.sisters.apps[clusters[0]], self.sisters.apps[sister]
            yield SisterCluster(
                name=sister,
                clusters=tuple(clusters),
                pairs=tuple(self._likeness(subject) for subject in pairs),
                others=tuple(subject.app for name, subject in there.items() if name not in here),
            )

    def _likeness(self, subject: Subject) -> Likeness:
        """Return what is known of a pair; one that could not be rendered itself has no result."""
        if subject not in self.sisters.counterparts:
            return Likeness(subject, "missing")
        if subject not in self.sisters.compared:
            return Likeness(subject, "not-compared")
        return self.likenesses.get(subject) or Likeness(subject, "not-rendered")
