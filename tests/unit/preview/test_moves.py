"""An object that leaves one application and comes in another one on the same cluster is told as one that moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.preview.diff import LEFT_BEHIND
from cmp.preview.grouping import groups
from cmp.preview.moves import Home, Homes, is_told, linked
from tests.support.outcomes import config, deployment, outcome_of, subject_of

if TYPE_CHECKING:
    from cmp.changes import Outcome

HOME = Home("", "c", is_known=True, prunes=True, at_merge=True)
KEEPING = deployment().replace(
    "namespace: shop", "namespace: shop, annotations: {argocd.argoproj.io/sync-options: OPTION}"
)


def _linked(
    *outcomes: Outcome, source: Home = HOME, target: Home = HOME, renamed: bool = False, cluster: str = "c"
) -> list[Outcome]:
    old, new = subject_of(cluster, "shop"), subject_of(cluster, "web")
    homes = {old: source, new: target, subject_of(cluster, "other"): HOME}
    return linked(outcomes, Homes(homes, frozenset({(old, new)} if renamed else ())))


def _moving(before: str = "", after: str = "") -> tuple[Outcome, Outcome]:
    return (
        outcome_of("c", before or deployment(), "", app="shop"),
        outcome_of("c", "", after or before or deployment(), app="web"),
    )


def test_both_applications_have_the_difference_of_the_object() -> None:
    old, new = _linked(*_moving(deployment(3), deployment(5)))
    (lost,), (got,) = old.changes, new.changes
    assert (lost.what, got.what) == ("moved", "moved")
    assert [field[:4] for field in got.fields] == [(("spec", "replicas"), "changed", 3, 5)]
    assert (lost.fields, lost.move, lost.move and lost.move.source) == (got.fields, got.move, old.subject)
    (group,) = groups([old, new], {})
    assert group.app == "shop → web"
    assert {member.subject for member in group.members} == {old.subject, new.subject}


def test_the_danger_of_the_removal_stays_and_is_that_of_the_application_which_loses_it() -> None:
    old, new = _linked(*_moving())
    assert [danger.rule for danger in old.changes[0].dangers] == ["object-moved", "workload-removed"]
    told = [[danger.rule for danger in one.changes[0].dangers if is_told(one.changes[0], danger)] for one in (old, new)]
    assert told == [["object-moved", "workload-removed"], ["object-moved"]]


def test_an_object_on_another_cluster_does_not_move() -> None:
    old, new = _linked(*_moving(), target=HOME._replace(cluster="d"))
    assert (old.changes[0].what, new.changes[0].what) == ("removed", "added")


def test_an_object_of_another_argo_cd_does_not_move() -> None:
    old, _ = _linked(*_moving(), target=HOME._replace(argocd="blue"))
    assert old.changes[0].what == "removed"


def test_where_nobody_knows_the_cluster_nothing_moves() -> None:
    nowhere = HOME._replace(cluster="")
    old, _ = _linked(*_moving(), source=nowhere, target=nowhere)
    assert old.changes[0].what == "removed"


def test_an_object_in_another_namespace_is_another_object() -> None:
    old, _ = _linked(*_moving(deployment(), deployment().replace("namespace: shop", "namespace: web")))
    assert old.changes[0].what == "removed"


def test_where_two_applications_get_the_object_nobody_can_tell_which_it_is() -> None:
    old, _, _ = _linked(*_moving(), outcome_of("c", "", deployment(), app="other"))
    assert old.changes[0].what == "removed"


def test_a_hook_does_not_move() -> None:
    hook = deployment().replace("namespace: shop", "namespace: shop, annotations: {argocd.argoproj.io/hook: Sync}")
    old, _ = _linked(*_moving(hook))
    assert old.changes[0].what == "removed"


def test_an_application_that_cannot_be_rendered_gets_nothing() -> None:
    old, new = _moving()
    lost, _ = _linked(old, new._replace(status="failed"))
    assert lost.changes[0].what == "removed"


def test_an_object_of_the_whole_cluster_moves() -> None:
    role = "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: reader}\nrules: []\n"
    old, _ = _linked(*_moving(role))
    assert [danger.rule for danger in old.changes[0].dangers] == ["object-moved", "permissions-removed"]


def test_a_renamed_application_shows_the_difference_and_keeps_the_danger_of_the_deletion() -> None:
    old, new = _linked(*_moving(deployment(3), deployment(5)), renamed=True)
    assert [danger.rule for danger in old.changes[0].dangers] == ["workload-removed"]
    assert new.changes[0].move is not None
    assert new.changes[0].move.is_renaming


def test_what_a_renamed_application_leaves_behind_is_taken_over() -> None:
    old, new = _moving()
    left = old._replace(changes=(old.changes[0]._replace(dangers=(LEFT_BEHIND,)),), status="removed")
    gone, _ = _linked(left, new, source=HOME._replace(ends=True, keeps=True), renamed=True)
    assert gone.changes[0].dangers == ()


def test_objects_that_stay_as_they_are_move_as_a_lot() -> None:
    text = deployment() + config("a: b")
    (group,) = groups(_linked(*_moving(text)), {})
    assert group.lot is not None
    assert (*group.lot[:3], len(group.lot.parts)) == ("moves", "application", ("shop", "web"), 2)
    assert group.lot.pairs == (subject_of("c", "shop"), subject_of("c", "web"))


_LAST = "`shop` prunes it by itself, after its other objects (`PruneLast=true`), which waits for nobody else"
_FIRST = ": where that comes before the sync of `web`, it is deleted and made anew, else `web` takes it over"
_SHARED = "(`FailOnSharedResource=true`)"
_MISSING = ", and `web` does not sync at the merge: until it does, the object is missing"
_UNKNOWN = "where `shop` prunes it before `web` syncs, it is deleted and made anew, else `web` takes it over"
_REFUSED = f", and the sync of `web` fails until then {_SHARED}: it is deleted and made anew"
_NEVER = "`shop` does not prune it (`Prune=false`), and "
_BY_ITSELF, _BY_HAND = "`shop` prunes it by itself", "`shop` prunes it where somebody syncs it so"
_LASTLY, _STRICT = HOME._replace(options=("PruneLast=true",)), HOME._replace(options=("FailOnSharedResource=true",))


@pytest.mark.parametrize(
    ("option", "source", "target", "effect"),
    [
        ("", HOME, HOME, _BY_ITSELF + _FIRST),
        ("", HOME._replace(prunes=False), HOME, _BY_HAND + _FIRST),
        ("", HOME, HOME._replace(at_merge=False), _BY_ITSELF + _MISSING),
        ("", _LASTLY, HOME, _LAST + _FIRST),
        ("", HOME, _STRICT, _BY_ITSELF + _REFUSED),
        ("Prune=false", HOME, HOME, f"{_NEVER}`web` takes it over"),
        ("Prune=false", HOME, _STRICT, f"{_NEVER}the sync of `web` fails for that {_SHARED}"),
        ("Prune=confirm", HOME, HOME, f"`shop` prunes it once somebody confirms{_FIRST}"),
        ("", HOME._replace(ends=True), HOME, f"`shop` is deleted with its objects{_FIRST}"),
        ("", HOME._replace(ends=True, keeps=True), HOME, "`shop` ends without it, and `web` takes it over"),
        ("", HOME._replace(is_known=False), HOME, _UNKNOWN),
    ],
)
def test_what_argo_cd_does_follows_from_the_sync_policies(option: str, source: Home, target: Home, effect: str) -> None:
    text = KEEPING.replace("OPTION", option) if option else deployment()
    old, _ = _linked(*_moving(text), source=source, target=target)
    moved = [danger.text for danger in old.changes[0].dangers if danger.rule == "object-moved"]
    assert moved == [f"moves from `shop` to `web`: {effect}"]
    is_safe = option == "Prune=false" or source.keeps
    assert any(danger.rule == "workload-removed" for danger in old.changes[0].dangers) is not is_safe
    assert all(danger.rule != "orphaned" for danger in old.changes[0].dangers)
