"""Properties of every report, for any change."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from cmp.changes import Cause, Counts, Outcome, Revision
from cmp.preview.diff import Frame, report
from cmp.preview.grouping import groups
from cmp.preview.labels import GENERAL_APP, map_texts, number_secrets
from cmp.preview.lots import Population
from cmp.preview.moves import Home, Homes, linked
from tests.support.outcomes import config, deployment, outcome_of, subject_of

if TYPE_CHECKING:
    from cmp.changes import Change, Group, Member

FRAME = Frame(Revision("a", "1"), Revision("b", "2"), Counts(1, 1, 1, 1))
NAMES = ("prod-1", "prod-2", "prod-10", "dev", "")
TOKENS = {name: {name: "‹cluster›", f"{name}.test": "‹domain›"} for name in NAMES}

HOMES = {
    subject_of(cluster, app): Home("", cluster, is_known=True, prunes=app == "web", at_merge=True)
    for cluster in NAMES
    for app in ("web", "api")
}

WORDS = [
    "a",
    "b",
    "{}",
    "db.{}.test",
    "dev",
    "‹secret 0a1b2c3d›",
    "‹secret 1f2e3d4c›",
    "x‹secret 99999999›y" * 3,
    "p" * 50,
]
CAUSES = [Cause("common.yaml:1", ("replicas",), 1, 2), Cause("common.yaml:1", ("replicas",), 1, 2, "{}.yaml:1")]
TEXTS = st.sampled_from(WORDS)
SIDES = st.one_of(
    st.just(""),
    st.builds(deployment, st.integers(0, 2), TEXTS),
    st.builds(lambda one, other: config(f'k: "{one}", l: "{other}"') + deployment(), TEXTS, TEXTS),
)


@st.composite
def worlds(draw: st.DrawFn) -> list[Outcome]:
    """Return outcomes of different pairs."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["web", "api"])), unique=True, max_size=8))
    found = []
    for cluster, app in pairs:
        before, after = (draw(SIDES).replace("{}", cluster) for _ in range(2))
        causes = sorted(draw(st.sets(st.sampled_from(CAUSES))))
        own = [cause._replace(overridden_by=cause.overridden_by.replace("{}", cluster)) for cause in causes]
        outcome = outcome_of(cluster, before, after, *own, app=app)
        if draw(st.booleans()) and bool(before) != bool(after):
            outcome = outcome._replace(status="removed" if before else "added")
        elif draw(st.integers(0, 9)) == 0:
            outcome = outcome._replace(status="failed")
        found.append(outcome)
    return found


def linked_worlds() -> st.SearchStrategy[list[Outcome]]:
    """Return worlds in which objects move between the two applications of a cluster."""
    return worlds().map(lambda outcomes: linked(outcomes, Homes({one.subject: HOMES[one.subject] for one in outcomes})))


def _shown(found: tuple[Group, ...]) -> list[tuple[Member, Change]]:
    """Return each member with the change that its group shows for it."""
    parts = [part for group in found for part in (group.lot.parts if group.lot else (group,))]
    return [(member, part.change) for part in parts for member in part.members]


@given(linked_worlds(), st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter(outcomes: list[Outcome], order: object) -> None:
    shuffled = list(outcomes)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert report(FRAME, shuffled, TOKENS) == report(FRAME, outcomes, TOKENS)


@given(linked_worlds(), st.booleans())
def test_every_change_with_something_to_show_is_in_exactly_one_group(outcomes: list[Outcome], has_lots: object) -> None:
    found = groups(outcomes, TOKENS, Population.of(outcomes) if has_lots else None)
    shown = Counter(
        (change.subject, change.identity.kind)
        for outcome in outcomes
        for change in outcome.changes
        if change.fields or change.what == "moved"
    )
    assert Counter((member.subject, change.identity.kind) for member, change in _shown(found)) == shown
    several = [group for group in found if len({member.subject.app for member in group.members}) > 1]
    assert all(group.app == GENERAL_APP or group.change.move for group in several)
    assert all(len(member.values) == len(group.columns) for group in found for member in group.members)


@given(linked_worlds())
def test_no_danger_and_no_failure_is_hidden(outcomes: list[Outcome]) -> None:
    made = report(FRAME, outcomes, TOKENS)
    of_changes = Counter(
        (change.subject, danger.rule) for outcome in outcomes for change in outcome.changes for danger in change.dangers
    )
    of_groups = Counter(
        (member.subject, danger.rule) for member, change in _shown(made.groups) for danger in change.dangers
    )
    assert of_groups == of_changes
    told = {(danger.danger.rule, subject.cluster) for danger in made.dangers for subject in danger.subjects}
    assert told == {(rule, subject.cluster) for subject, rule in of_changes}
    failed = {outcome.subject for outcome in outcomes if outcome.status == "failed"}
    assert failed <= {outcome.subject for outcome in made.outcomes if outcome.status == "failed"}


@given(worlds())
def test_letters_are_in_order_and_outliers_name_a_larger_group(outcomes: list[Outcome]) -> None:
    found = {group.letter: group for group in groups(outcomes, TOKENS)}
    assert list(found) == sorted(found, key=lambda name: (len(name), name))
    sizes = [len(group.members) for group in found.values()]
    assert sizes == sorted(sizes, reverse=True)
    for group in found.values():
        assert not group.differs_from or len(found[group.differs_from].members) > len(group.members)


@given(worlds())
def test_no_label_of_this_run_survives(outcomes: list[Outcome]) -> None:
    found = report(FRAME, outcomes, TOKENS)
    numbers = [int(label) for label in re.findall(r"‹secret ([^›]*)›", repr(found))]
    assert set(numbers) == set(range(1, len(set(numbers)) + 1))
    assert not re.search("0a1b2c|1f2e3d|999999", repr(found))
    assert number_secrets(found) == found


@given(worlds())
def test_another_run_with_other_labels_gives_the_same_report(outcomes: list[Outcome]) -> None:
    other = [map_texts(outcome, _relabelled) for outcome in outcomes]
    assert report(FRAME, other, TOKENS) == report(FRAME, outcomes, TOKENS)


def _relabelled(text: str) -> str:
    labels = {"0a1b2c3d": "ffffffff", "1f2e3d4c": "0a1b2c3d", "99999999": "abcdef01"}
    return re.sub(r"‹secret ([0-9a-f]{8})›", lambda match: f"‹secret {labels[match[1]]}›", text)
