"""Differences that a template made up are told by a second render of the same revision."""

from __future__ import annotations

import pytest

from cmp.changes import Cause, Change
from cmp.preview.worker import may_be_random, with_unstable_fields
from tests.support.outcomes import config, deployment, outcome_of

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {{name: it}}\ndata: {{a: {}}}\n"


def changes(before: str, after: str) -> tuple[Change, ...]:
    """Return the changes between two lists of objects."""
    return outcome_of("dev", before, after).changes


@pytest.mark.parametrize(
    ("before", "after", "is_suspected"),
    [
        (SECRET.format("b"), SECRET.format("c"), True),
        (config("caBundle: b"), config("caBundle: c"), True),  # by its name
        (config("a: 0123456789abcdef"), config("a: fedcba9876543210"), True),  # by the length of a word
        (config("a: some words"), config("a: other words"), False),
        (deployment(3), deployment(5), False),
        ("", SECRET.format("b"), False),  # a second render would have the same object
    ],
)
def test_a_second_render_is_made_where_chance_may_be_behind_a_change(
    before: str, after: str, *, is_suspected: bool
) -> None:
    assert [may_be_random(change) for change in changes(before, after)] == [is_suspected]


def test_a_change_with_a_cause_is_not_suspected() -> None:
    (change,) = changes(SECRET.format("b"), SECRET.format("c"))
    assert not may_be_random(change._replace(causes=(Cause("values.yaml:1", ("a",), "b", "c"),)))


def test_fields_that_differ_between_two_renders_of_one_revision_are_unstable() -> None:
    compared = changes(config("a: b, token: x"), config("a: c, token: y"))
    again = changes(config("a: c, token: y"), config("a: c, token: z"))
    (change,) = with_unstable_fields(compared, again)
    assert [change.fields[index].path for index in change.unstable] == [("data", "token")]


def test_the_same_field_of_another_object_is_stable() -> None:
    compared = changes(config("token: x"), config("token: y"))
    again = changes(config("token: x", name="other"), config("token: y", name="other"))
    assert with_unstable_fields(compared, again) == compared
