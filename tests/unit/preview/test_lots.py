"""Pairs that come or go together are one group, in which nothing of what is otherwise, dangerous or failed is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Subject
from cmp.preview.grouping import groups
from cmp.preview.lots import Population, units
from tests.support.outcomes import config, deployment, outcome_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.changes import Group, Outcome
    from cmp.preview.lots import Unit

APPS = ("billing", "search", "web")


def _come(cluster: str, app: str, after: str = "") -> Outcome:
    text = after or deployment(name=app) + config("a: b")
    return outcome_of(cluster, "", text, app=app)._replace(status="added")


def _goes(cluster: str, app: str) -> Outcome:
    return outcome_of(cluster, deployment(name=app) + config("a: b"), "", app=app)._replace(status="removed")


def _groups(outcomes: Iterable[Outcome], *others: Subject) -> tuple[Group, ...]:
    """Return the groups where the other pairs do not change."""
    listed = [*outcomes]
    found = Population.of(listed)
    names = {outcome.subject.cluster for outcome in listed}
    whole = found._replace(before=found.before | {*others}, after=found.after | {*others})
    return groups(listed, {name: {name: "‹cluster›"} for name in names}, whole)


def _unit(added: Iterable[Subject], before: Iterable[Subject]) -> set[Unit]:
    new, old = frozenset(added), frozenset(before)
    population = Population(before=old, after=new | old, added=new, removed=frozenset())
    return set(units(population, {}).values())


def test_a_new_cluster_is_one_group_of_all_its_objects() -> None:
    (group,) = _groups((_come("new", app) for app in APPS), *(subject_of("old", app) for app in APPS))
    assert group.lot is not None
    assert group.lot[:3] == ("comes", "cluster", ("new",))
    assert [(part.change.subject.app, part.change.identity.kind) for part in group.lot.parts] == [
        (app, kind) for app in APPS for kind in ("ConfigMap", "Deployment")
    ]
    assert (group.app, len(group.members), group.change) == ("‹app›", 3, group.lot.parts[0].change)


def test_a_cluster_that_is_there_already_does_not_come() -> None:
    found = _unit([subject_of("here", "web"), subject_of("here", "api")], [subject_of("here", "dns")])
    assert [unit[:3] for unit in found] == [("comes", "application", ("api", "web"))]


def test_clusters_with_the_same_applications_come_together_and_others_apart() -> None:
    added = [subject_of(cluster, app) for cluster in ("c-1", "c-2") for app in ("api", "web")]
    added += [subject_of("edge", app) for app in ("dns", "web")]
    found = _unit(added, [subject_of("here", app) for app in ("api", "dns", "web")])
    assert {unit[:3] for unit in found} == {
        ("comes", "cluster", ("c-1", "c-2")),
        ("comes", "cluster", ("edge",)),
    }


def test_an_application_on_many_clusters_is_one_group() -> None:
    outcomes = [_come(f"c-{number}", "web") for number in range(12)]
    (group,) = _groups(outcomes, *(subject_of(f"c-{number}", "dns") for number in range(12)))
    assert group.lot is not None
    assert (*group.lot[:3], len(group.lot.parts)) == ("comes", "application", ("web",), 2)
    assert (group.app, len(group.members)) == ("web", 12)


def test_what_is_otherwise_on_one_cluster_is_a_part_of_its_own_and_told() -> None:
    outcomes = [_come(f"c-{number}", "web") for number in range(5)]
    outcomes.append(_come("odd", "web", deployment(9, name="web") + config("a: b")))
    (group,) = _groups(outcomes, subject_of("c-0", "dns"))
    assert group.lot is not None
    (odd,) = [part for part in group.lot.parts if [member.subject.cluster for member in part.members] == ["odd"]]
    assert odd.why == ("As on most clusters, but with another value of `spec.replicas`.",)


def test_a_change_of_other_clusters_is_no_part_of_the_lot() -> None:
    changed = [outcome_of(f"c-{n}", "", config("a: b")) for n in range(3)]
    lot, other = _groups(
        [*(_come("new", app, config("a: b") + deployment()) for app in ("storefront", "a", "b", "c")), *changed],
        *(subject_of("c-0", app) for app in ("a", "b", "c")),
    )
    assert lot.lot is not None
    assert (other.lot, len(other.members)) == (None, 3)


def test_a_pair_that_cannot_be_rendered_is_told_with_its_lot() -> None:
    outcomes = [_come("new", app) for app in APPS]
    failed = outcome_of("new", "", "", app="queue")._replace(status="failed")
    known = Population.of(outcomes)
    whole = known._replace(added=known.added | {failed.subject}, after=known.after | {failed.subject})
    (group,) = groups([*outcomes, failed], {}, whole)
    assert group.lot is not None
    assert failed.subject in group.lot.pairs
    assert failed.subject not in {member.subject for member in group.members}


def test_what_goes_keeps_its_dangers() -> None:
    (group,) = _groups(_goes("old", app) for app in APPS)
    assert group.lot is not None
    assert group.lot[:3] == ("goes", "cluster", ("old",))
    assert [danger.rule for part in group.lot.parts for danger in part.change.dangers] == ["workload-removed"] * 3


def test_one_object_is_told_as_a_change() -> None:
    (group,) = _groups([_come("new", "web", config("a: b"))], subject_of("old", "web"))
    assert (group.lot, group.change.what) == (None, "added")


def test_applications_whose_names_hold_their_clusters_are_one() -> None:
    pairs = [Subject(f"web (web-{cluster})", cluster) for cluster in ("c-1", "c-2")]
    population = Population(before=frozenset(), after=frozenset(pairs), added=frozenset(pairs), removed=frozenset())
    (unit,) = set(units(population, {name: {name: "‹cluster›"} for name in ("c-1", "c-2")}).values())
    assert unit[1:3] == ("application", ("web (web-‹cluster›)",))
