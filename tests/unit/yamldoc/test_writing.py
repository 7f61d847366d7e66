"""cmp.yamldoc writes: the exact YAML and JSON (that Go reads them back is in test_yamldoc_go.py)."""

from __future__ import annotations

import pytest

from cmp.yamldoc import dump_all, load_all, to_json

SECRET = "hunter2-hunter2"

WRITTEN: list[tuple[object, str]] = [
    (None, "null"),
    (True, "true"),
    ([], "[]"),
    ({}, "{}"),
    (-7, "-7"),
    (1.5, "1.5"),
    (1e16, "1.0e+16"),
    (1.5e-7, "1.5e-07"),
    ("", '""'),
    ("nginx", "nginx"),
    ("/etc/app.conf", "/etc/app.conf"),
    ("registry.example.com/app:v1.2@sha256", "registry.example.com/app:v1.2@sha256"),
    ("two words", "two words"),
    ("two  words", '"two  words"'),
    ("a: b", '"a: b"'),
    ("a:", '"a:"'),
    ("a #b", '"a #b"'),
    ("a, b", '"a, b"'),
    ("--- a", '"--- a"'),
    ("1.2.3", '"1.2.3"'),
    ("1e3", '"1e3"'),
    ("-x", '"-x"'),
    (".5", '".5"'),
    ("_1", '"_1"'),
    ("Yes", '"Yes"'),
    ("oFF", '"oFF"'),
    ("NaN", '"NaN"'),
    ("none", '"none"'),
    ("2001-12-14", '"2001-12-14"'),
    ('say "hi" \\ \t\r', r'"say \"hi\" \\ \t\r"'),
    ("日本 é 😀", '"日本 é 😀"'),
    ("\x00\x85\u2028\ufeff\xa0", r'"\x00\x85\u2028\ufeff\xa0"'),
    ("a\nb\n", "|\n  a\n  b"),
    ("a\n\n  b", "|-\n  a\n\n    b"),
    ("日本\n\n\n", "|+\n  日本\n\n"),
    ("a\n \nb", r'"a\n \nb"'),
    ("a\n  ", r'"a\n  "'),
    (" a\nb", r'" a\nb"'),
    ("\n", r'"\n"'),
    ("a\r\nb\n", r'"a\r\nb\n"'),
    ({"b": {"y": [1]}, "a": [[], {}]}, 'a:\n- []\n- {}\nb:\n  "y":\n  - 1'),
    ([[1, [2]], {"a": 1, "b": {"c": [3, {"d": 4}]}}], "- - 1\n  - - 2\n- a: 1\n  b:\n    c:\n    - 3\n    - d: 4"),
    ({"k": "a\nb", "l": ["c\n"]}, "k: |-\n  a\n  b\nl:\n- |\n  c"),
    ({"a b": 1, "1": 2, "<<": 3, "": 4}, '"": 4\n"1": 2\n"<<": 3\na b: 1'),
    ({"k" * 1001: [1], "z": 1}, f"? {'k' * 1001}\n:\n- 1\nz: 1"),
    ((1, (2,)), "- 1\n- - 2"),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN, ids=lambda value: f"{value!a:.30}")
def test_a_value_is_written_in_one_way(value: object, text: str) -> None:
    written = dump_all([value])
    assert written.decode() == f"---\n{text}\n"
    assert [to_json(again) for again in load_all(written) or [None]] == [to_json(value)]


def test_equal_values_are_written_alike() -> None:
    assert dump_all([{"a": 1, "b": {"c": 2, "d": 3}}]) == dump_all([{"b": {"d": 3, "c": 2}, "a": 1}])


def test_documents_are_written_one_after_the_other() -> None:
    assert dump_all([{"a": 1}, None, [2], "x\n\n"]) == b"---\na: 1\n---\nnull\n---\n- 2\n---\n|+\n  x\n\n"
    assert dump_all([]) == b""


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"a": value} if levels % 2 else [value]
    return value


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (2**64, ValueError, "an integer beyond 64 bits cannot be read back"),
        (-(2**63) - 1, ValueError, "an integer beyond 64 bits cannot be read back"),
        (float("inf"), ValueError, "a float that is not finite cannot be read back"),
        (SECRET + "\ud800", ValueError, "a lone surrogate cannot be written as YAML"),
        (nested(257), ValueError, "more than 256 levels of nesting"),
        (nested(258), ValueError, "more than 256 levels of nesting"),
        ({1: 2}, TypeError, "a key is text, not int"),
        (b"x", TypeError, "bytes has no YAML form"),
        ({"a": {1}}, TypeError, "set has no YAML form"),
    ],
    ids=lambda value: f"{value!a:.30}",
)
def test_what_cannot_be_read_back_is_not_written(value: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        dump_all([value])
    assert str(caught.value) == message
    assert caught.value.__context__ is None


def test_the_deepest_value_goes_there_and_back() -> None:
    assert load_all(dump_all([nested(256), nested(255)])) == [nested(256), nested(255)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": [True, None], "a": {}}, '{"a":{},"b":[true,null]}'),
        ("<a> & \x7f é /", '"<a> & \x7f é /"'),
        ('\u2028\u2029"\\\b\f\n\r\t\x00', r'"\u2028\u2029\"\\\b\f\n\r\t\u0000"'),
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-12.5, "-12.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.8446744073709552e19, "18446744073709552000"),
        (123456789012345680.0, "123456789012345680"),
        (1e-6, "0.000001"),
        (1.25e-5, "0.0000125"),
        (1e-7, "1e-7"),
        (-1.5e-10, "-1.5e-10"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (18446744073709551615, "18446744073709551615"),
        ((1, 2), "[1,2]"),
    ],
    ids=repr,
)
def test_json_is_printed_as_go_prints_it(value: object, text: str) -> None:
    assert to_json(value) == text


def test_json_has_neither_infinity_nor_sets() -> None:
    with pytest.raises(ValueError, match=r"^JSON has no number that is not finite$"):
        to_json([float("nan")])
    with pytest.raises(TypeError, match=r"^set has no JSON form$"):
        to_json({"a": set()})
