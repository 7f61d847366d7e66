"""Pairs that change differently from the majority, and the values line that explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Cause, Group, Member
from cmp.preview.keys import key_text, read_key
from cmp.preview.outliers import GroupDraft, explain
from tests.support.outcomes import config, deployment, outcome_of

if TYPE_CHECKING:
    from cmp.changes import Outcome

COMMON = Cause("common/web.yaml:18", ("replicas",), 3, 5)
OWN = COMMON._replace(overridden_by="clusters/dev-1/web.yaml:4")


def draft(letter: str, *outcomes: Outcome, position: int = 0) -> GroupDraft:
    """Return the group of the changes at one position of some outcomes."""
    change = outcomes[0].changes[position]
    members = tuple(Member(outcome.subject) for outcome in outcomes)
    group = Group(letter, change.subject.app, change, members)
    return GroupDraft(group=group, change=change, key=read_key(key_text(change)), position=position)


def usual(after: str = deployment(5)) -> list[Outcome]:
    """Return three pairs with the common change."""
    return [outcome_of(f"prod-{number}", deployment(3), after, COMMON) for number in (1, 2, 3)]


def test_without_a_majority_nobody_is_an_outlier() -> None:
    first, second = outcome_of("a", deployment(3), deployment(5)), outcome_of("b", deployment(3), deployment(6))
    groups = explain([draft("A", first), draft("B", second)], [first, second], {})
    assert [(group.differs_from, group.why) for group in groups] == [("", ()), ("", ())]


def test_an_outlier_is_told_by_its_difference_from_the_majority() -> None:
    other = outcome_of("dev-1", deployment(3), deployment(12, image="shop/web:9"))
    _, group = explain([draft("A", *usual()), draft("B", other)], [*usual(), other], {})
    assert group.differs_from == "A"
    assert group.why == (
        "As A, but with `spec.template.spec.containers[web].image` as well, with another value of `spec.replicas`.",
    )


def test_the_line_that_overrides_the_common_change_explains_an_outlier() -> None:
    pattern = usual(deployment(5, "b"))
    other = outcome_of("dev-1", deployment(1), deployment(1, "b"), OWN)
    _, group = explain([draft("A", *pattern), draft("B", other)], [*pattern, other], {})
    assert group.why == (
        "As A, but without `spec.replicas`.",
        "`clusters/dev-1/web.yaml:4` sets `replicas`, so the common change does not take effect here.",
    )


def test_an_unchanged_pair_is_told_with_the_majority() -> None:
    unchanged = outcome_of("dev-1", deployment(1), deployment(1), OWN)
    (group,) = explain([draft("A", *usual())], [*usual(), unchanged], {})
    assert group.why == ("No change on `dev-1`: `clusters/dev-1/web.yaml:4` sets `replicas` itself.",)


def test_a_pair_that_another_line_leaves_unchanged_is_not_told() -> None:
    unchanged = outcome_of("dev-1", deployment(1), deployment(1), OWN._replace(place="common/web.yaml:9"))
    (group,) = explain([draft("A", *usual())], [*usual(), unchanged], {})
    assert group.why == ()


def test_an_unchanged_pair_is_told_with_one_object_only() -> None:
    two = deployment(3) + config("a: '3'"), deployment(5) + config("a: '5'")
    pattern = [outcome_of(f"prod-{number}", *two, COMMON) for number in (1, 2)]
    unchanged = outcome_of("dev-1", "", "", COMMON)
    groups = explain([draft("A", *pattern), draft("B", *pattern, position=1)], [*pattern, unchanged], {})
    assert [group.why for group in groups] == [
        ("No change on `dev-1`, which `common/web.yaml:18` reaches as well.",),
        (),
    ]


def test_pairs_with_the_same_reason_but_for_their_own_names_are_one_sentence() -> None:
    causes = {name: COMMON._replace(overridden_by=f"clusters/{name}/web.yaml:4") for name in ("dev-1", "dev-2")}
    unchanged = [outcome_of(name, "", "", cause) for name, cause in causes.items()]
    own_texts = {name: {name: "‹cluster›"} for name in causes}
    (group,) = explain([draft("A", *usual())], [*usual(), *unchanged], own_texts)
    assert group.why == ("No change on `dev-1` and `dev-2`: `clusters/‹cluster›/web.yaml:4` sets `replicas` itself.",)
