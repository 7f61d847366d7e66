"""The lines of one difference in a hunk: signs, indentation, YAML; of two texts only the lines that differ."""

from __future__ import annotations

import pytest

from cmp.changes import Field
from cmp.compare.fields import align
from cmp.compare.hunk_lines import field_lines, is_same_content, item_heading, order_lines


def test_the_value_of_a_key_has_a_line_before_and_after() -> None:
    changed = Field(("spec", "replicas"), "changed", 3, 5)
    assert field_lines(changed, "  ", "replicas") == ["-  replicas: 3", "+  replicas: 5"]


def test_an_item_that_comes_has_a_dash() -> None:
    added = Field(("env", "[TZ]"), "added", None, {"name": "TZ", "value": "Asia/Tokyo"})
    assert field_lines(added, "", None) == ["+- name: TZ", "+  value: Asia/Tokyo"]


def test_a_value_that_goes_is_shown_as_it_was() -> None:
    removed = Field(("metadata", "labels"), "removed", {"app": "web"}, None)
    assert field_lines(removed, "", "labels") == ["-labels:", "-  app: web"]


def test_of_a_long_text_only_the_lines_around_the_difference_are_shown() -> None:
    lines = [f"{number}" for number in range(20)]
    changed = Field(("data", "conf"), "changed", "\n".join(lines), "\n".join([*lines[:10], "ten", *lines[11:]]))
    assert field_lines(changed, "", "conf") == [
        *(" conf: |-", "   … 7 lines", "   7", "   8", "   9"),
        *("-  10", "+  ten"),
        *("   11", "   12", "   13", "   … 6 lines"),
    ]


def test_the_same_content_in_another_writing_has_a_hint() -> None:
    changed = Field(("data", "json"), "changed", '{"a": 1}', '{"a":1}')
    assert field_lines(changed, "", "json") == [
        " # the same content, written differently",
        r'-json: "{\"a\": 1}"',
        r'+json: "{\"a\":1}"',
    ]


def test_an_order_is_a_line_for_each_item_that_moved() -> None:
    before = [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    after = [{"name": "c"}, {"name": "a"}, {"name": "b"}]
    assert order_lines(align(before, after).rows, before, after, "  ") == [
        *("   # in another order", "+  - name: c", "   - name: a", "   - name: b", "-  - name: c"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "heading"),
    [
        ({"args": 1, "name": "web", "port": 1}, {"args": 1, "name": "web", "port": 2}, "- name: web"),
        ({"id": 7, "size": 1}, {"id": 7, "size": 2}, "- id: 7"),
        ({"size": 1, "zone": "b"}, {"size": 2, "zone": "b"}, "- zone: b"),
        ({"size": 1}, {"size": 2}, "- # [0]"),
        ("same", "same", "- same"),
        ("one", "other", "- # [0]"),
    ],
)
def test_an_item_is_known_by_a_value_that_both_sides_have(before: object, after: object, heading: str) -> None:
    assert item_heading(before, after, "[0]") == heading


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('{"a": 1}', "a: 1\n", True),
        ("# one\na: 1\n", "# two\na: 1\n", True),
        ("a: 1\n---\nb: 1\n", "a: 1\n---\nb:  1\n", True),
        ('{"a": 1}', '{"a": 1.0}', False),
        ('{"a": 1}', '{"a": true}', False),
        ("[" * 100_000, "[ " * 100_000, False),
        ("[" * 300 + "]" * 300, "[ " + "[" * 299 + "]" * 300, True),
        ("[1" + "0" * 5000 + "]", "[ 1" + "0" * 5000 + "]", False),
        ("a: &a [x]\nb: *c\n", "a: &a [x]\nb:  *c\n", False),
        ("just text", "just  text", False),
        ("", " ", False),
        ("a: 1\n" + "#" * 20_000, "a: 1\n", False),
    ],
)
def test_only_what_is_understood_is_the_same_content(before: str, after: str, *, expected: bool) -> None:
    assert is_same_content(before, after) is expected
