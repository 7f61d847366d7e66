"""Properties of a comparison of any two values: nothing is invented, nothing is lost, and it is symmetric."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from cmp.compare.fields import align, differences
from cmp.compare.hunks import hunks
from cmp.compare.pairing import MatchedObject, match_objects
from cmp.yamldoc import to_json
from tests.support.objects import object_of

if TYPE_CHECKING:
    from cmp.changes import Field, Object

    _Described = tuple[tuple[str, str, str], dict[str, object]]

_TEXTS = st.text(alphabet=st.sampled_from("ab\n \t:{[#‹›\u202e\u061cé日\x1b"), max_size=6)
_SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, -0.0, 1.0]) | _TEXTS
_KEYS = st.sampled_from(["a", "b", "name", "key", "port", "protocol", "é\u202e"])
VALUES: st.SearchStrategy[object] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=15
)
MAPS = st.dictionaries(_KEYS, VALUES, max_size=4)


def _lists(pool: list[object]) -> st.SearchStrategy[tuple[object, object]]:
    items = st.lists(st.sampled_from(pool), max_size=6)
    return st.tuples(items, items)


# Any two values, and two lists of the same few items, as they are after somebody moved, added and removed some.
PAIRS = st.tuples(VALUES, VALUES) | st.lists(VALUES, min_size=1, max_size=4).flatmap(_lists)


def _at(before: object, after: object, field: Field) -> tuple[object, object]:
    """Follow the field's path into both values at once; None where there is nothing."""
    for depth, part in enumerate(field.path, start=1):
        kind = field.kind if depth == len(field.path) else "changed"
        if isinstance(before, dict) and isinstance(after, dict):
            assert (part in before, part in after) == (kind != "added", kind != "removed")
            before, after = before.get(part), after.get(part)
        else:
            assert isinstance(before, list)
            assert isinstance(after, list)
            presence = (kind == "added", kind == "removed")
            rows = [row for row in align(before, after).rows if row.label == part]
            (row,) = (row for row in rows if (row.before is None, row.after is None) == presence)
            before = None if row.before is None else before[row.before]
            after = None if row.after is None else after[row.after]
    return before, after


def _sides(fields: tuple[Field, ...]) -> Counter[tuple[str, str, str]]:
    return Counter((field.kind, repr(field.before), repr(field.after)) for field in fields)


@given(VALUES)
def test_nothing_differs_from_itself(value: object) -> None:
    assert differences(value, value) == ()


@given(PAIRS)
@example(([{"name": 1}], [{"name": "1"}]))
@example(([["a", "b"], ["b"]], [["b", "a"], ["b"]]))
def test_every_difference_is_seen(sides: tuple[object, object]) -> None:
    before, after = sides
    assert bool(differences(before, after)) or to_json(before) == to_json(after)


@given(PAIRS)
def test_a_field_tells_what_stands_at_its_path(sides: tuple[object, object]) -> None:
    before, after = sides
    for field in differences(before, after):
        assert repr(_at(before, after, field)) == repr((field.before, field.after))


@given(PAIRS)
@example((["a", "b", "c"], ["b", "a", "d"]))
def test_swapping_the_sides_swaps_what_came_and_went(sides: tuple[object, object]) -> None:
    before, after = sides
    swapped = {"added": "removed", "removed": "added"}
    there = _sides(differences(before, after))
    back = Counter(
        (swapped.get(kind, kind), new, old)
        for (kind, old, new), n in _sides(differences(after, before)).items()
        for _ in range(n)
    )
    assert there == back


_MASKED = st.lists(
    st.sampled_from(["‹1›", "‹2›", "‹3›", "a‹1›", "a‹2›", "a=‹1›b", "a=‹2›b", "a", "a‹3›c", ["‹1›"], {"x": "‹2›"}]),
    max_size=5,
)
_NAMES = st.lists(st.text("0123456789abcdef", min_size=4, max_size=4), min_size=3, max_size=3, unique=True)


@given(_MASKED, _MASKED, _NAMES)
@example(["a‹1›", "a‹2›"], ["a‹3›", "b", "c"], ["0000", "ffff", "0001"])
@example(["‹1›", "a", "b"], ["‹2›", "b", "a"], ["ffff", "0000", "0001"])
def test_what_masks_hold_decides_nothing(before: list[object], after: list[object], names: list[str]) -> None:
    def renamed(text: str) -> str:
        return re.sub("‹([123])›", lambda found: f"‹{names[int(found[1]) - 1]}›", text)

    other_before, other_after = (json.loads(renamed(json.dumps(side, ensure_ascii=False))) for side in (before, after))
    assert repr(differences(other_before, other_after)) == renamed(repr(differences(before, after)))


@given(st.lists(VALUES, max_size=6), st.lists(VALUES, max_size=6))
def test_an_alignment_has_each_item_once(before: list[object], after: list[object]) -> None:
    rows = align(before, after).rows
    assert sorted(row.before for row in rows if row.before is not None) == list(range(len(before)))
    assert [row.after for row in rows if row.after is not None] == list(range(len(after)))
    assert all((row.before, row.after) != (None, None) for row in rows)


@given(PAIRS)
def test_hunks_show_each_field_once_and_safely(sides: tuple[object, object]) -> None:
    before, after = ({"x": side} for side in sides)
    fields = differences(before, after)
    found = hunks(MatchedObject(object_of(before), object_of(after)), fields)
    assert sorted(index for hunk in found for index in hunk.fields) == list(range(len(fields)))
    for line in (line for hunk in found for line in hunk.lines):
        assert line[0] in " -+"
        assert not [char for char in line if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char != "\t"]
    if fields:
        assert all(any(line[0] != " " for line in hunk.lines) for hunk in found)


@given(PAIRS)
def test_different_values_do_not_look_alike(sides: tuple[object, object]) -> None:
    before, after = ({"x": side} for side in sides)
    found = hunks(MatchedObject(object_of(before), object_of(after)), differences(before, after))
    lines = [line for hunk in found for line in hunk.lines]
    gone, came = (Counter(line[1:] for line in lines if line[0] == sign) for sign in "-+")
    assert gone != came or not lines or any(line.endswith("in another order") for line in lines)


_IDENTITIES = st.tuples(
    st.sampled_from(["Thing", "Widget"]), st.sampled_from(["", "n"]), st.sampled_from(["a", "b", "a-x7k2p"])
)


@given(st.lists(st.tuples(_IDENTITIES, MAPS), max_size=6), st.lists(st.tuples(_IDENTITIES, MAPS), max_size=6))
def test_no_object_is_lost_or_taken_twice(before: list[_Described], after: list[_Described]) -> None:
    base, head = [_object(one) for one in before], [_object(one) for one in after]
    found = match_objects(base, head)
    assert sorted(id(one.before) for one in found if one.before) == sorted(map(id, base))
    assert sorted(id(one.after) for one in found if one.after) == sorted(map(id, head))
    assert [one.newest.identity for one in found] == sorted(one.newest.identity for one in found)


@given(st.permutations([("Thing", "", name) for name in ("a", "b", "c")]), MAPS)
def test_the_order_of_the_objects_does_not_matter(names: list[tuple[str, str, str]], spec: dict[str, object]) -> None:
    head = [_object((("Thing", "", name), spec)) for name in ("d", "e")]
    pairs = [
        (one.before and one.before.identity.name, one.after and one.after.identity.name)
        for one in match_objects([_object((name, spec)) for name in names], head)
    ]
    assert pairs == [
        (one.before and one.before.identity.name, one.after and one.after.identity.name)
        for one in match_objects([_object((name, spec)) for name in sorted(names)], head[::-1])
    ]


def _object(described: _Described) -> Object:
    (kind, namespace, name), spec = described
    return object_of({"kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
