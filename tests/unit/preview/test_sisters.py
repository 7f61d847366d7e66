"""A new cluster has the sister that shares most applications with it, and a bounded number of pairs to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import Likeness, Subject
from cmp.preview import sisters
from cmp.preview.grouping import groups
from cmp.preview.lots import Population
from cmp.preview.sisters import Comparisons
from tests.support.outcomes import config, deployment, outcome_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.changes import Group
    from cmp.preview.sisters import Sisters

NAMES = {name: {name: "‹cluster›"} for name in ("dev-1", "dev-2", "new-1")}


def _population(before: Iterable[Subject], added: Iterable[Subject], removed: Iterable[Subject] = ()) -> Population:
    old, new, gone = frozenset(before), frozenset(added), frozenset(removed)
    return Population(before=old | gone, after=old | new, added=new, removed=gone)


def _on(cluster: str, *apps: str) -> list[Subject]:
    return [subject_of(cluster, app) for app in apps]


def _found(before: Iterable[Subject], added: Iterable[Subject], removed: Iterable[Subject] = ()) -> Sisters:
    return sisters.sisters(_population(before, added, removed), NAMES)


def test_the_sister_shares_most_applications() -> None:
    before = [*_on("dev-1", "api"), *_on("stg-1", "api", "dns", "web"), *_on("dev-2", "dns", "mail", "smtp")]
    found = _found(before, _on("dev-3", "api", "web", "dns"))
    assert found.clusters == {"dev-3": "stg-1"}
    assert found.counterparts == {subject_of("dev-3", app): subject_of("stg-1", app) for app in ("api", "dns", "web")}


@pytest.mark.parametrize(
    ("known", "sister"),
    [
        ({"prod-1": "api web", "stg-1": "api web"}, "stg-1"),  # of the same environment as stg-9
        ({"prod-2": "api web dns", "prod-3": "api web"}, "prod-3"),  # fewer others
        ({"prod-10": "api web", "prod-2": "api web"}, "prod-2"),  # natural order
        ({"stg-1": "api", "prod-1": "api web"}, "prod-1"),  # more in common, whatever the environment
    ],
)
def test_ties_go_by_environment_then_size_then_name(known: dict[str, str], sister: str) -> None:
    before = [subject for cluster, apps in known.items() for subject in _on(cluster, *apps.split())]
    assert _found(before, _on("stg-9", "api", "web")).clusters == {"stg-9": sister}
    assert _found(reversed(before), _on("stg-9", "web", "api")).clusters == {"stg-9": sister}


def test_a_cluster_that_shares_nothing_or_goes_is_no_sister() -> None:
    nothing = _found(_on("dev-1", "dns", "mail"), _on("dev-2", "api", "web"))
    gone = _found([], _on("dev-2", "api", "web"), _on("dev-1", "api", "web"))
    without_cluster = _found(_on("", "api", "web"), _on("dev-2", "api", "web"))
    for found in (nothing, gone, without_cluster):
        assert (found.clusters, found.counterparts, found.compared) == ({}, {}, frozenset())


@pytest.mark.parametrize("added", [(), _on("dev-2", "api"), _on("dev-1", "new", "newer")])
def test_where_no_cluster_comes_with_several_applications_there_is_no_sister(added: list[Subject]) -> None:
    assert not _found(_on("dev-1", "api", "web"), added).clusters


def test_two_new_clusters_are_not_each_others_sister() -> None:
    found = _found(_on("dev-1", "api"), [*_on("dev-2", "api", "web"), *_on("dev-3", "api", "web")])
    assert found.clusters == {"dev-2": "dev-1", "dev-3": "dev-1"}
    assert {subject.app for subject in found.counterparts} == {"api"}


def test_applications_whose_names_hold_their_clusters_are_counterparts() -> None:
    before = [Subject("web (web-dev-1)", "dev-1"), Subject("web (canary-dev-1)", "dev-1")]
    added = [Subject("web (web-dev-2)", "dev-2"), Subject("web (canary-dev-2)", "dev-2")]
    assert _found(before, added).counterparts == dict(zip(added, before, strict=True))


def test_pairs_beyond_the_limit_are_not_compared_whatever_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sisters, "MOST_PAIRS", 3)
    apps = [f"app-{number}" for number in range(12)]
    before, added = _on("dev-1", *apps), _on("dev-2", *apps)
    wanted = {subject_of("dev-2", app) for app in ("app-0", "app-1", "app-2")}
    assert _found(before, added).compared == _found(reversed(before), reversed(added)).compared == wanted
    assert len(_found(before, added).counterparts) == len(apps)


def test_a_lot_tells_what_is_known_of_each_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sisters, "MOST_PAIRS", 2)
    added = _on("dev-2", "api", "broken", "cron", "own")
    found = _found(_on("dev-1", "api", "broken", "cron", "legacy"), added)
    group = _group(added)
    lot = Comparisons(found, {added[0]: Likeness(added[0], "equal")}).told(group).lot
    assert lot
    (sister,) = lot.sisters
    assert (sister.name, sister.clusters, sister.others) == ("dev-1", ("dev-2",), ("legacy",))
    assert [one.status for one in sister.pairs] == ["equal", "not-rendered", "not-compared", "missing"]


def test_other_groups_stay_as_they_are() -> None:
    found = _found(_on("dev-1", "api", "web"), _on("dev-2", "api", "web"))
    goes = _group(_on("dev-2", "api", "web"), "removed")
    assert Comparisons(found, {}).told(goes) is goes


def _group(subjects: Iterable[Subject], what: str = "added") -> Group:
    sides = ("", deployment() + config("a: b"))
    outcomes = [outcome_of(one.cluster, *(sides if what == "added" else sides[::-1]), app=one.app) for one in subjects]
    outcomes = [outcome._replace(status="added" if what == "added" else "removed") for outcome in outcomes]
    (group,) = groups(outcomes, {}, Population.of(outcomes))
    return group
