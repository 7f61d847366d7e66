"""Properties of every report, for any change."""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cmp.changes import Cause, Counts, Outcome, Revision
from cmp.preview.diff import Frame, report
from cmp.preview.grouping import groups
from cmp.preview.labels import map_texts, number_secrets
from tests.support.outcomes import config, deployment, outcome_of

FRAME = Frame(Revision("a", "1"), Revision("b", "2"), Counts(1, 1, 1, 1))
NAMES = ("prod-1", "prod-2", "prod-10", "dev", "")
TOKENS = {name: {name: "‹cluster›", f"{name}.test": "‹domain›"} for name in NAMES}

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
        found.append(outcome_of(cluster, before, after, *own, app=app))
    return found


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_outcomes_does_not_matter(outcomes: list[Outcome], order: object) -> None:
    shuffled = list(outcomes)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert report(FRAME, shuffled, TOKENS) == report(FRAME, outcomes, TOKENS)


@given(worlds())
def test_every_change_with_something_to_show_is_in_exactly_one_group(outcomes: list[Outcome]) -> None:
    found = groups(outcomes, TOKENS)
    shown = Counter(
        (change.subject, change.identity.kind) for outcome in outcomes for change in outcome.changes if change.fields
    )
    assert Counter((member.subject, group.change.identity.kind) for group in found for member in group.members) == shown
    assert all(member.subject.app == group.app for group in found for member in group.members)
    assert all(len(member.values) == len(group.columns) for group in found for member in group.members)


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
