"""The exact fields that differ between two values."""

from __future__ import annotations

import pytest

from cmp.changes import Field
from cmp.compare.fields import differences
from tests.support.objects import value_of


def _of(before: str, after: str) -> list[tuple[str, str, object, object]]:
    found = differences(value_of(before), value_of(after))
    return [(".".join(field.path), field.kind, field.before, field.after) for field in found]


@pytest.mark.parametrize(
    "value",
    ["a: 1", "a: [1, {b: c}]", "a: null", "[]", "a: {b: 1, c: 2}", "a: -0.0", 'a: "x\\ny"', "a: [[1], [1]]"],
)
def test_nothing_differs_from_itself(value: str) -> None:
    assert _of(value, value) == []


def test_the_order_of_keys_is_no_difference() -> None:
    assert _of("{a: {x: 1, y: 2}, b: 3}", "{b: 3, a: {y: 2, x: 1}}") == []


def test_fields_come_in_the_order_of_the_printed_keys() -> None:
    assert _of("{b: 1, a: {q: 1}, c: 1}", "{c: 2, a: {p: 1, q: 2}}") == [
        ("a.p", "added", None, 1),
        ("a.q", "changed", 1, 2),
        ("b", "removed", 1, None),
        ("c", "changed", 1, 2),
    ]


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        ("a: 1", "a: 1.0", 1, 1.0),
        ("a: 1", "a: true", 1, True),
        ("a: 0", "a: false", 0, False),
        ("a: 1", 'a: "1"', 1, "1"),
        ("a: null", 'a: ""', None, ""),
        ("a: null", "a: {}", None, {}),
        ("a: {}", "a: []", {}, []),
        ("a: 0.0", "a: -0.0", 0.0, -0.0),
        ("a: {b: 1}", "a: text", {"b": 1}, "text"),
        ("a: [1]", "a: {b: 1}", [1], {"b": 1}),
    ],
)
def test_values_that_python_or_a_reader_may_take_for_equal_are_not(
    before: str, after: str, old: object, new: object
) -> None:
    (found,) = differences(value_of(before), value_of(after))
    assert repr(found) == repr(Field(("a",), "changed", old, new))


def test_null_is_something_and_missing_is_not() -> None:
    assert _of("{}", "a: null") == [("a", "added", None, None)]
    assert _of("a: null", "{}") == [("a", "removed", None, None)]
    assert _of("a: null", "a: 1") == [("a", "changed", None, 1)]


def test_what_comes_or_goes_is_one_field() -> None:
    assert _of("a: {}", "a: {b: {c: 1, d: [2]}}") == [("a.b", "added", None, {"c": 1, "d": [2]})]


def test_a_long_text_is_one_field() -> None:
    assert _of('a: "x\\ny\\n"', 'a: "x\\nz\\n"') == [("a", "changed", "x\ny\n", "x\nz\n")]


@pytest.mark.parametrize(
    ("before", "after", "label"),
    [
        ("[{name: a, v: 1}, {name: b, v: 1}]", "[{name: a, v: 1}, {name: b, v: 2}]", "[b]"),
        ("[{containerPort: 80, v: 1}]", "[{containerPort: 80, v: 2}]", "[80/TCP]"),
        ("[{containerPort: 80, protocol: UDP, v: 1}]", "[{containerPort: 80, protocol: UDP, v: 2}]", "[80/UDP]"),
        ("[{port: 80, v: 1}, {port: 53, v: 1}]", "[{port: 53, v: 2}, {port: 80, v: 1}, ]", "[53/TCP]"),
        ("[{key: a, v: 1}]", "[{key: a, v: 2}]", "[a]"),
        ("[{name: a, mountPath: /x, v: 1}, {name: a, mountPath: /y}]", "[{name: a, mountPath: /x, v: 2}]", "[/x]"),
        ("[{host: a.example, v: 1}]", "[{host: a.example, v: 2}]", "[a.example]"),
        ("[{path: /a, v: 1}]", "[{path: /a, v: 2}]", "[/a]"),
        ("[{topologyKey: zone, v: 1}]", "[{topologyKey: zone, v: 2}]", "[zone]"),
        ("[{unknown: zone, v: 1}]", "[{unknown: zone, v: 2}]", "[0]"),
        ("[{name: true, v: 1}]", "[{name: true, v: 2}]", "[0]"),
        ("[{name: a}, {name: a, v: 1}]", "[{name: a}, {name: a, v: 2}]", "[1]"),
    ],
)
def test_items_are_told_apart_by_what_names_them(before: str, after: str, label: str) -> None:
    fields = _of(f"a: {before}", f"a: {after}")
    assert (f"a.{label}.v", "changed", 1, 2) in fields


def test_an_item_with_a_name_comes_and_goes_wherever_it_stands() -> None:
    before = "env: [{name: A, value: x}, {name: B, value: y}]"
    after = "env: [{name: TZ, value: Asia/Tokyo}, {name: B, value: y}]"
    assert _of(before, after) == [
        ("env.[A]", "removed", {"name": "A", "value": "x"}, None),
        ("env.[TZ]", "added", None, {"name": "TZ", "value": "Asia/Tokyo"}),
    ]
    assert _of("env: []", after)[0] == ("env.[TZ]", "added", None, {"name": "TZ", "value": "Asia/Tokyo"})


def test_a_port_without_protocol_is_tcp() -> None:
    before, after = "ports: [{containerPort: 53}]", "ports: [{containerPort: 53, protocol: TCP}]"
    assert _of(before, after) == [("ports.[53/TCP].protocol", "added", None, "TCP")]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("[a, b]", "[a, x, b]", [("a.[1]", "added", None, "x")]),
        ("[a, x, b]", "[a, b]", [("a.[1]", "removed", "x", None)]),
        ("[a, --v=2, b]", "[a, --v=3, b]", [("a.[1]", "changed", "--v=2", "--v=3")]),
        ("[--v=2]", "[--new, --v=3]", [("a.[0]", "added", None, "--new"), ("a.[1]", "changed", "--v=2", "--v=3")]),
        ("[a, a]", "[a]", [("a.[1]", "removed", "a", None)]),
        ("[1]", "[1.0]", [("a.[0]", "changed", 1, 1.0)]),
        ("[x]", "[{b: 1}]", [("a.[0]", "removed", "x", None), ("a.[0]", "added", None, {"b": 1})]),
        ("[[1, 2], [3]]", "[[1, 2, 4], [3]]", [("a.[0].[2]", "added", None, 4)]),
        ("[{x: 1, w: 1}, {x: 2}]", "[{z: 1}, {x: 1, w: 3}]", None),
    ],
)
def test_other_items_are_matched_by_content(
    before: str, after: str, expected: list[tuple[str, str, object, object]] | None
) -> None:
    expected = expected or [
        ("a.[0]", "added", None, {"z": 1}),
        ("a.[1].w", "changed", 1, 3),
        ("a.[1]", "removed", {"x": 2}, None),
    ]
    assert _of(f"a: {before}", f"a: {after}") == expected


@pytest.mark.parametrize("items", ["[b, a]", "[{name: b}, {name: a}]", "[{x: 1}, {x: 2}]", "[a, b, a]"])
def test_another_order_is_one_field(items: str) -> None:
    value = value_of(f"a: {items}")
    assert isinstance(value, dict)
    turned = {"a": value["a"][1:] + value["a"][:1]}
    assert differences(value, turned) == (Field(("a",), "moved", value["a"], turned["a"]),)


def test_another_order_does_not_hide_what_changed() -> None:
    fields = _of("a: [{name: b, v: 1}, {name: c, v: 1}]", "a: [{name: c, v: 2}, {name: b, v: 1}]")
    assert [field[:2] for field in fields] == [("a", "moved"), ("a.[c].v", "changed")]


def test_many_unequal_items_are_not_compared_each_with_each() -> None:
    before, after = [{"x": {"n": n}} for n in range(60)], [{"x": {"n": -n - 1}} for n in range(60)]
    kinds = [field.kind for field in differences(before, after)]
    assert kinds == ["removed"] * 60 + ["added"] * 60
