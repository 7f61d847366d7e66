"""The common elements of two sequences, in order, also of long ones; positions in texts with masked secrets."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.compare.sequences import MAX_WORK, Block, blank_masks, blocks, common, outside_mask

if TYPE_CHECKING:
    from collections.abc import Sequence


def _same(low: int, high: int, start: int, stop: int) -> Block:
    return Block(is_equal=True, low=low, high=high, start=start, stop=stop)


def _other(low: int, high: int, start: int, stop: int) -> Block:
    return Block(is_equal=False, low=low, high=high, start=start, stop=stop)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", []),
        ("abc", "abc", [_same(0, 3, 0, 3)]),
        ("abc", "", [_other(0, 3, 0, 0)]),
        ("abc", "abxc", [_same(0, 2, 0, 2), _other(2, 2, 2, 3), _same(2, 3, 3, 4)]),
        (
            "aXbYc",
            "aPbQc",
            [_same(0, 1, 0, 1), _other(1, 2, 1, 2), _same(2, 3, 2, 3), _other(3, 4, 3, 4), _same(4, 5, 4, 5)],
        ),
        ("aa", "aaa", [_same(0, 2, 0, 2), _other(2, 2, 2, 3)]),
    ],
)
def test_what_is_common_is_told_from_what_is_not(before: str, after: str, expected: list[Block]) -> None:
    assert blocks(before, after) == expected


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_blocks_cover_both_sides_and_alternate(before: list[str], after: list[str]) -> None:
    found = blocks(before, after)
    assert [at for block in found for at in range(block.low, block.high)] == list(range(len(before)))
    assert [at for block in found for at in range(block.start, block.stop)] == list(range(len(after)))
    assert all(before[one.low : one.high] == after[one.start : one.stop] for one in found if one.is_equal)
    assert all(one.is_equal != other.is_equal for one, other in pairwise(found))


def test_what_repeats_without_end_is_not_searched() -> None:
    before, after = ["x", *["a", "b"] * 300, "z"], ["x", *["b", "b", "a"] * 200, "z"]
    assert sum(after.count(element) for element in before) > MAX_WORK
    assert blocks(before, after) == [_same(0, 1, 0, 1), _other(1, 601, 1, 601), _same(601, 602, 601, 602)]


def test_a_long_text_with_some_lines_that_repeat_is() -> None:
    before = [line for n in range(400) for line in (f"line {n}", "}")]
    after = [*before[:101], "new", *before[101:601], *before[602:], "end"]
    assert before.count("}") ** 2 > MAX_WORK
    changed = [block for block in blocks(before, after) if not block.is_equal]
    assert changed == [_other(101, 101, 101, 102), _other(601, 602, 602, 602), _other(800, 800, 800, 801)]


@pytest.mark.parametrize(
    ("before", "after", "length"),
    [("", "", 0), ("abc", "abd", 2), ("abc", "abcd", 3), ("abc", "xbc", 0), (["a", "b"], ["a", "c"], 1)],
)
def test_the_common_prefix_has_a_length(before: Sequence[str], after: Sequence[str], length: int) -> None:
    assert common(before, after) == length


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("a‹secret 1›b", 0, 0),
        ("a‹secret 1›b", 1, 1),
        ("a‹secret 1›b", 2, 1),
        ("a‹secret 1›b", 10, 1),
        ("a‹secret 1›b", 11, 11),
        ("‹1›‹2›", 3, 3),
        ("‹1›‹2›", 4, 3),
        ("a ‹ b", 4, 4),
        ("a ‹ b\n›", 4, 4),
        ("", 0, 0),
    ],
)
def test_a_position_inside_a_mask_moves_before_it(text: str, at: int, expected: int) -> None:
    assert outside_mask(text, at) == expected


def test_blank_takes_away_what_differs_from_run_to_run() -> None:
    assert blank_masks("a‹secret 1›b‹x›, ‹ and ›") == "a‹›b‹›, ‹›"
