"""The lines of YAML of a value, and the cuts in long texts, each with a note of its length."""

from __future__ import annotations

import pytest

from cmp.compare.printing import (
    MAX_LENGTH,
    MAX_LINES,
    cut,
    cut_around_difference,
    document_lines,
    entry_lines,
    item_lines,
    key_line,
    limited,
    shortened,
)

LONG = "x" * MAX_LENGTH


def test_values_are_lines_of_yaml() -> None:
    assert document_lines({"b": [1, "1"], "a": None}) == ["a: null", "b:", "- 1", '- "1"']
    assert entry_lines("name", "web") == ["name: web"]
    assert item_lines({"name": "web", "port": 80}) == ["- name: web", "  port: 80"]
    assert item_lines("a\x07") == ['- "a\\x07"']


@pytest.mark.parametrize(("key", "line"), [("spec", "spec:"), ("a: b", '"a: b":'), ("true", '"true":'), ("", '"":')])
def test_a_key_is_quoted_where_yaml_needs_it(key: str, line: str) -> None:
    assert key_line(key) == line


def test_long_texts_inside_a_value_are_cut() -> None:
    many = "\n".join(["line"] * (MAX_LINES + 5)) + "\n"
    assert shortened({"a": [LONG + "yz", LONG], "b": many}) == {
        "a": [f"{LONG} … 2 more characters", LONG],
        "b": "\n".join(["line"] * MAX_LINES) + "\n… 5 more lines\n",
    }


def test_two_long_lines_are_cut_around_their_first_difference() -> None:
    before, after = cut_around_difference("a" * 500 + "b" + LONG, "a" * 500 + "c")
    assert before == f"… 420 characters, then {'a' * 80}b{'x' * 319} … 81 more characters"
    assert after == f"… 420 characters, then {'a' * 80}c"
    assert cut_around_difference("short", "other") == ("short", "other")


def test_no_cut_goes_through_a_masked_secret() -> None:
    assert cut("x" * 395 + "‹secret 1›") == f"{'x' * 395} … 10 more characters"


def test_a_long_list_of_lines_ends_with_the_number_of_the_others() -> None:
    lines = ["+a", "+b", "+c", "+d"]
    assert limited(lines, "  ", 2) == ["+a", "+b", "   … 2 more lines"]
    assert limited(lines, "  ", 3) == lines  # a note in place of one line would save nothing
