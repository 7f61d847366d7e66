"""Differences that a template made up are told by a second render of the same revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.preview.worker import with_unstable_fields
from tests.support.outcomes import config, outcome_of

if TYPE_CHECKING:
    from cmp.changes import Change


def changes(before: str, after: str) -> tuple[Change, ...]:
    """Return the changes between two lists of objects."""
    return outcome_of("dev", before, after).changes


def test_fields_that_differ_between_two_renders_of_one_revision_are_unstable() -> None:
    compared = changes(config("a: b, token: x"), config("a: c, token: y"))
    again = changes(config("a: c, token: y"), config("a: c, token: z"))
    (change,) = with_unstable_fields(compared, again)
    assert [change.fields[index].path for index in change.unstable] == [("data", "token")]


def test_the_same_field_of_another_object_is_stable() -> None:
    compared = changes(config("token: x"), config("token: y"))
    again = changes(config("token: x", name="other"), config("token: y", name="other"))
    assert with_unstable_fields(compared, again) == compared
