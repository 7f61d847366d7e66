"""The lines that a reader sees of a difference."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from cmp.compare.fields import differences
from cmp.compare.hunks import FULL, hunks
from cmp.compare.pairing import MatchedObject
from cmp.compare.printing import MAX_LENGTH, MAX_LINES
from tests.support.objects import matched, object_of

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: web
        image: shop/web:8.2.0
        env:
        - {name: DB_DSN, value: "postgres://shop:‹secret 0a1b›@db/shop"}
        - {name: LANG, value: C}
      - name: proxy
        image: proxy:1
"""


def _lines(pair: MatchedObject) -> list[tuple[str, ...]]:
    assert pair.before is not None
    assert pair.after is not None
    fields = differences(pair.before.value, pair.after.value)
    found = hunks(pair, fields)
    assert sorted(index for hunk in found for index in hunk.fields) == list(range(len(fields)))
    return [hunk.lines for hunk in found]


def _shown(pair: MatchedObject) -> str:
    return "\n".join("\n".join(lines) for lines in _lines(pair))


def _of(before: object, after: object) -> str:
    """Return the lines of two values of the key `a`."""
    return _shown(MatchedObject(object_of({"a": before}), object_of({"a": after})))


def _expected(text: str) -> str:
    return dedent(text).strip("\n")


def test_a_hunk_has_the_way_there_and_what_changed() -> None:
    after = DEPLOYMENT.replace("replicas: 3", "replicas: 5").replace("0a1b", "2c3d")
    assert _shown(matched(DEPLOYMENT, after)) == _expected("""
         spec:
        -  replicas: 3
        +  replicas: 5
           template:
             spec:
               containers:
               - name: web
                 env:
                 - name: DB_DSN
        -          value: "postgres://shop:‹secret 0a1b›@db/shop"
        +          value: "postgres://shop:‹secret 2c3d›@db/shop"
        """)


def test_items_that_come_and_go_are_shown_whole() -> None:
    after = DEPLOYMENT.replace("{name: LANG, value: C}", "{name: TZ, value: Asia/Tokyo}").replace("proxy", "sidecar")
    assert _shown(matched(DEPLOYMENT, after)) == _expected("""
         spec:
           template:
             spec:
               containers:
               - name: web
                 env:
        -        - name: LANG
        -          value: C
        +        - name: TZ
        +          value: Asia/Tokyo
        -      - image: proxy:1
        -        name: proxy
        +      - image: sidecar:1
        +        name: sidecar
        """)


def test_sections_of_an_object_are_hunks_of_their_own() -> None:
    after = DEPLOYMENT.replace("apps/v1", "apps/v2").replace("namespace: shop", "namespace: shop, labels: {a: b}")
    assert _lines(matched(DEPLOYMENT, after.replace("replicas: 3", "replicas: 5"))) == [
        ("-apiVersion: apps/v1", "+apiVersion: apps/v2"),
        (" metadata:", "+  labels:", "+    a: b"),
        (" spec:", "-  replicas: 3", "+  replicas: 5"),
    ]


def test_a_long_hunk_ends_and_the_next_one_leads_there_again() -> None:
    before = {"a": {"b": {f"k{n:03}": n for n in range(50)}}}
    after = {"a": {"b": {f"k{n:03}": n + 1 for n in range(50)}}}
    first, second, third = _lines(MatchedObject(object_of(before), object_of(after)))
    assert first[:4] == (" a:", "   b:", "-    k000: 0", "+    k000: 1")
    assert len(first) == len(second) == FULL + 2
    assert third[:3] == (" a:", "   b:", "-    k040: 40")
    assert third[-1] == "+    k049: 50"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (1, 1.0, "-a: 1\n+a: 1.0"),
        (1, "1", '-a: 1\n+a: "1"'),
        (None, {}, "-a: null\n+a: {}"),
        ({}, {"b": None}, " a:\n+  b: null"),
        ({"b": 1}, {}, " a:\n-  b: 1"),
        ({"b": 1}, [1], "-a:\n-  b: 1\n+a:\n+- 1"),
        ("true", True, '-a: "true"\n+a: true'),
        ("x", "こんにちは", '-a: x\n+a: "こんにちは"'),
        (["x", "-v=2", "z"], ["x", "-v=3", "z"], ' a:\n - x\n-- "-v=2"\n+- "-v=3"'),
        (["x"], ["x", "new", "too"], " a:\n - x\n+- new\n+- too"),
        ([{"q": 1}], [{"q": 2}], " a:\n - # [0]\n-  q: 1\n+  q: 2"),
        ([{"q": 1, "type": "T"}], [{"q": 2, "type": "T"}], " a:\n - type: T\n-  q: 1\n+  q: 2"),
        ([[1, 2]], [[1, 3]], " a:\n - # [0]\n   - 1\n-  - 2\n+  - 3"),
        (
            [[1, [5, 6]]],
            [[1, [6, 5]]],
            " a:\n - # [0]\n   - # [1]\n     # in another order\n+    - 6\n     - 5\n-    - 6",
        ),
        ([{"b": {"c": 1}}], [{"b": {"c": 2}}], " a:\n - # [0]\n   b:\n-    c: 1\n+    c: 2"),
    ],
)
def test_values_are_printed_as_yaml(before: object, after: object, expected: str) -> None:
    assert _of(before, after) == expected


def test_another_order_is_a_line_for_each_item_that_moved() -> None:
    before = [{"name": name, "value": "x"} for name in "ABCDE"]
    after = [{"name": name, "value": "x"} for name in "EABCD"]
    assert _of(before, after) == _expected("""
         a:
         # in another order
        +- name: E
         … 4 items
        -- name: E
        """)


def test_items_that_look_the_same_are_numbered() -> None:
    before = [{"name": "A", "value": 1}, {"name": "A", "value": 2}]
    assert _of(before, before[::-1]) == _expected("""
         a:
         # in another order
        +- name: A  # [0]
         - name: A  # [1]
        -- name: A  # [0]
        """)


def test_a_text_is_compared_line_by_line() -> None:
    lines = [f"line {n}" for n in range(1, 21)]
    before, after = "\n".join(lines) + "\n", "\n".join([*lines[:9], "new", *lines[10:]]) + "\n"
    assert _of(before, after) == _expected("""
         a: |
           … 6 lines
           line 7
           line 8
           line 9
        -  line 10
        +  new
           line 11
           line 12
           line 13
           … 7 lines
        """)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("x\ny", "x\ny\n", "-a: |-\n+a: |\n   … 2 lines"),
        ("x\ny\n", "x\ny\n\n", "-a: |\n+a: |+\n   x\n   y\n+"),
        ("", "x\ny\n", "-a: |-\n+a: |\n+  x\n+  y"),
        ("x\n\ny\n", "x\ny\n", " a: |\n   x\n-\n   y"),
        ("x\ny\n", "x \ny\n", ' a: |\n-  x\n+  "x "\n   y'),
        ("x\ty\nz\n", "x\tq\nz\n", " a: |\n-  x\ty\n+  x\tq\n   z"),
        ("x\nz\n", "x\u202e\nz\n", ' a: |\n-  x\n+  "x\\u202e"\n   z'),
        ("x\nz\n", "\x1b[31mx\r\nz\n", ' a: |\n-  x\n+  "\\x1b[31mx\\r"\n   z'),
        ("x\nz\n", "\u061cx\U000e0041\nz\n", ' a: |\n-  x\n+  "\\u061cx\\U000e0041"\n   z'),
    ],
)
def test_every_difference_of_texts_can_be_seen(before: str, after: str, expected: str) -> None:
    assert _of(before, after) == expected


def test_a_text_in_a_list_stands_below_its_dash() -> None:
    assert _of(["sh", "x\ny\n"], ["sh", "x\nz\n"]) == _expected("""
         a:
         - sh
         - |
           x
        -  y
        +  z
        """)


@pytest.mark.parametrize(
    ("before", "after"),
    [('{"x": 1, "p": [2]}', '{"p": [2], "x": 1}'), ("x: 1\np: [2]\n", "p:\n- 2\nx: 1\n")],
)
def test_the_same_content_written_differently_says_so(before: str, after: str) -> None:
    assert _of(before, after).startswith(" # the same content, written differently\n")
    assert "the same" not in _of(before, after.replace("2", "3"))


@pytest.mark.parametrize(("before", "after"), [("x:\ny\n", "x:\n\ny\n"), ("a: [\n", "a: [ \n"), ("x\ny", "x\n\ny")])
def test_texts_that_are_no_maps_or_lists_do_not(before: str, after: str) -> None:
    assert "the same" not in _of(before, after)


def test_a_long_line_is_cut_around_the_first_difference() -> None:
    before, after = "x" * 1000 + "b" + "y" * 1000, "x" * 1000 + "c" + "y" * 1000
    first, second = _of(before, after).splitlines()
    assert first == f'-a: "… 920 characters, then {"x" * 80}b{"y" * 319} … 681 more characters"'
    assert second == first.replace("-a", "+a").replace("b", "c")


def test_a_long_line_inside_a_text_too() -> None:
    before, after = "p\n" + "x" * 1000 + "b\n", "p\n" + "x" * 1000 + "c\n"
    assert (
        _of(before, after)
        == f" a: |\n   p\n-  … 920 characters, then {'x' * 80}b\n+  … 920 characters, then {'x' * 80}c"
    )


@pytest.mark.parametrize("shift", range(40))
def test_no_masked_secret_is_cut_in_two(shift: int) -> None:
    secrets = "".join(f"‹secret {n:08x}›" for n in range(60))
    before, after = "x" * shift + secrets, "x" * shift + secrets.replace("0000001e", "0000009e")
    shown = _of(before, after)
    assert shown.count("‹") == shown.count("›") > 0
    assert all(
        part.partition("›")[0].startswith("secret ") and len(part.partition("›")[0]) == 15
        for part in shown.split("‹")[1:]
    )


def test_what_is_inside_a_mask_does_not_decide_what_is_shown() -> None:
    def shown(one: str, two: str) -> str:
        before = ["x", f"p={one}", "z=1", "y" * 500 + one]
        after = ["x", f"q={one}", f"p={two}", "y" * 500 + two]
        return _of(before, after).replace(one, "1").replace(two, "2")

    assert shown("‹secret aaa1›", "‹secret aaa2›") == shown("‹secret b000›", "‹secret 0b00›")
    assert shown("‹secret aaa2›", "‹secret aaa1›") == shown("‹secret b000›", "‹secret 0b00›")


def test_a_text_with_very_many_changes_ends() -> None:
    before, after = ("".join(f"{word} {n}\n" for n in range(5000)) for word in ("old", "new"))
    lines = _of(before, after).splitlines()
    assert lines[1 + MAX_LINES // 2] == "   … 4900 more lines"
    assert lines[-2:] == ["+  new 99", "   … 4900 more lines"]


def test_an_added_object_is_one_hunk_with_all_lines() -> None:
    added = object_of({"apiVersion": "v1", "kind": "Thing", "data": {"b": ["x"], "a": "p\u202eq"}})
    lines = ("apiVersion: v1", "data:", '  a: "p\\u202eq"', "  b:", "  - x", "kind: Thing")
    (found,) = hunks(MatchedObject(None, added), differences({}, {"": added.value}))
    assert found == (tuple(f"+{line}" for line in lines), (0,))
    (found,) = hunks(MatchedObject(added, None), differences({"": added.value}, {}))
    assert found == (tuple(f"-{line}" for line in lines), (0,))


def test_long_texts_of_an_added_object_are_cut() -> None:
    text = "".join(f"{n}\n" for n in range(1000))
    added = object_of({"data": {"long": "x" * 1000, "many": text, "json": json.dumps([1])}})
    (found,) = hunks(MatchedObject(None, added), differences({}, {"": added.value}))
    assert found.lines[2] == f'+  long: "{"x" * MAX_LENGTH} … 600 more characters"'
    assert found.lines[3] == "+  many: |"
    assert found.lines[-2:] == ("+    199", "+    … 800 more lines")


def test_long_texts_that_come_or_go_are_cut() -> None:
    assert _of({}, {"b": "x" * 1000}) == f' a:\n+  b: "{"x" * MAX_LENGTH} … 600 more characters"'
    assert _of(["x" * 1000], []) == f' a:\n-- "{"x" * MAX_LENGTH} … 600 more characters"'
    assert _of(1, "x" * 1000) == f'-a: 1\n+a: "{"x" * MAX_LENGTH} … 600 more characters"'


def test_a_large_map_is_cut() -> None:
    lines = _of({}, {"b": {f"k{n:03}": n for n in range(500)}}).splitlines()
    assert (len(lines), lines[-2:]) == (MAX_LINES // 2 + 2, ["+    k098: 98", "   … 401 more lines"])


def test_only_the_given_fields_are_shown() -> None:
    pair = matched(DEPLOYMENT, DEPLOYMENT.replace("replicas: 3", "replicas: 5").replace("8.2.0", "8.2.1"))
    assert pair.before is not None
    assert pair.after is not None
    fields = differences(pair.before.value, pair.after.value)
    (found,) = hunks(pair, fields[:1])
    assert found == ((" spec:", "-  replicas: 3", "+  replicas: 5"), (0,))
    assert hunks(pair, ()) == ()
