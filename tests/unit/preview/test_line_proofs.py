"""The changed lines behind a difference are found by taking some of them back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.changes import Cause
from cmp.model import Identity
from cmp.preview import line_proofs
from cmp.preview.line_proofs import Value
from tests.support.monorepos import git_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACE: line_proofs.Place = (Identity("", "ConfigMap", "", "a"), ("data", "x"))
FILE = "values.yaml"


def shown(culprits: frozenset[int], taken_back: frozenset[int]) -> Mapping[line_proofs.Place, str]:
    """Return a difference that is another one without one of the culprits, and gone without all."""
    left = culprits - taken_back
    return {PLACE: str(sorted(left))} if left else {}


@given(st.data(), st.integers(1, 40))
def test_one_line_is_found_among_any_number_in_few_renders(data: st.DataObject, count: int) -> None:
    culprit = frozenset({data.draw(st.integers(0, count - 1))})
    trials = line_proofs.trials(count)
    tried = [shown(culprit, taken_back) for taken_back in trials]
    assert line_proofs.behind(PLACE, shown(culprit, frozenset()), tried, count) == culprit
    assert len(trials) <= max(line_proofs.FEW, 2 * (count - 1).bit_length())


@given(st.data(), st.integers(2, 40))
def test_two_lines_together_are_both_found_or_none_of_them(data: st.DataObject, count: int) -> None:
    culprits = data.draw(st.frozensets(st.integers(0, count - 1), min_size=2, max_size=3))
    tried = [shown(culprits, taken_back) for taken_back in line_proofs.trials(count)]
    found = line_proofs.behind(PLACE, shown(culprits, frozenset()), tried, count)
    assert found == (culprits if count <= line_proofs.FEW else frozenset())


@pytest.mark.parametrize("count", [2, 9])
def test_nothing_is_established_of_a_difference_that_stays_or_of_renders_that_fail(count: int) -> None:
    trials = line_proofs.trials(count)
    stays: Mapping[line_proofs.Place, str] = {PLACE: "[0]"}
    assert not line_proofs.behind(PLACE, stays, [stays for _ in trials], count)
    assert not line_proofs.behind(PLACE, stays, [None for _ in trials], count)


@pytest.mark.parametrize(
    ("before", "after", "path", "expected"),
    [
        ("a: {b: 1, c: 1}", "a: {b: 2, c: 2}", ("a", "b"), {"a": {"b": 1, "c": 2}}),
        ("a: {c: 1}", "a: {b: 2, c: 2}", ("a", "b"), {"a": {"c": 2}}),
        ("a: {b: 1, c: 1}", "a: {c: 2}", ("a", "b"), {"a": {"b": 1, "c": 2}}),
        ("a: [1, 2]", "a: [1, 3, 4]", ("a", "[1]"), {"a": [1, 2]}),
        ("a: 1", "a: {b: 2}", ("a", "b"), {"a": 1}),
        ("a: {b: 1}", "a: off", ("a", "b"), {"a": {"b": 1}}),
        ("", "a: {b: {c: 2}}", ("a", "b", "c"), {"a": {"b": {}}}),
    ],
)
def test_a_line_is_taken_back_with_all_that_is_no_mapping_around_it(
    before: str, after: str, path: tuple[str, ...], expected: object
) -> None:
    base, head = git_tree({FILE: before}), git_tree({FILE: after})
    (value,) = line_proofs.values_of([Cause(f"{FILE}:1", path, 1, 2)], base, head)
    ((file, data),) = line_proofs.taken_back([value], base, head)
    assert (file, json.loads(data)) == (FILE, expected)


def test_lines_of_one_list_are_taken_back_together_and_overridden_or_secret_ones_never() -> None:
    base, head = git_tree({FILE: "a: [1, 2]\nb: 1"}), git_tree({FILE: "a: [3, 4]\nb: 2"})
    first, second = (Cause(f"{FILE}:1", ("a", f"[{at}]"), 1, 2) for at in (0, 1))
    overridden = Cause(f"{FILE}:2", ("b",), 1, 2, overridden_by="other.yaml:1")
    secret = Cause(f"{FILE}:2", ("b",), "‹secret 1›", "‹secret 2›")
    values = line_proofs.values_of([first, second, overridden, secret], base, head)
    assert values == {Value(FILE, ("a",)): [first, second]}
