"""cmp.yamldoc reads: documents, lines, duplicate keys, errors (the meaning of a text is in test_yamldoc_go.py)."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress

import pytest

from cmp.yamldoc import Document, Duplicate, YamlError, lines, load_all, parse

SECRET = "hunter2-hunter2"


def error_of(text: str | bytes) -> YamlError:
    with pytest.raises(YamlError) as caught:
        load_all(text if isinstance(text, bytes) else text.encode())
    return caught.value


# Streams and documents


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("\n# only a comment\n", []),
        ("---\n---\n--- # c\nnull\n---\n~\n", []),
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("---\na: 1\n...\n---\nb: 2\n...\n", [{"a": 1}, {"b": 2}]),
        ("--- # first\r\na: 1\r\n---\r\nb: 2\r\n", [{"a": 1}, {"b": 2}]),
        ("a: |\n  x\n  ---\n  y\n---\nb: 2\n", [{"a": "x\n---\ny\n"}, {"b": 2}]),
        ("\ufeffa: 1\n---\n\ufeffb: 2\n", [{"a": 1}, {"b": 2}]),
        ("%YAML 1.1\n# c\n\n---\na: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("%TAG ! tag:x,2000:\n---\na: !b 1\n", [{"a": "1"}]),
        ("--- {a: 1}\n--- text\n", [{"a": 1}, "text"]),
        ("a: &x 1\nb: *x\n---\nc: &x 2\nd: *x\n", [{"a": 1, "b": 1}, {"c": 2, "d": 2}]),
        ("&a [&a x, *a]", [["x", "x"]]),
    ],
)
def test_a_stream_gives_the_values_of_its_documents(text: str, values: list[object]) -> None:
    assert load_all(text.encode()) == values


def test_a_document_knows_its_text_and_its_line() -> None:
    documents = parse(b"# c\na: 1\n--- # two\n# Source: x\nb: 2\n---\n# nothing\n---\n\nc: 3")
    assert documents == [
        Document(b"# c\na: 1\n", {"a": 1}, 1, ()),
        Document(b"--- # two\n# Source: x\nb: 2\n", {"b": 2}, 3, ()),
        Document(b"---\n\nc: 3", {"c": 3}, 8, ()),
    ]


def test_the_lines_of_keys_and_items_count_in_the_whole_input() -> None:
    text = "a: 1\n---\nk:\n  - x\n  - p: 1\n    y: {p: 1,\n       q: 2}\n<<: {m: 1}\n1: &a {z: 1}\nb: *a\n"
    assert lines(parse(text.encode())[1]) == {
        ("k",): 3,
        ("k", 0): 4,
        ("k", 1): 5,
        ("k", 1, "p"): 5,
        ("k", 1, "true"): 6,
        ("k", 1, "true", "p"): 6,
        ("k", 1, "true", "q"): 7,
        ("<<",): 8,
        ("<<", "m"): 8,
        ("1",): 9,
        ("1", "z"): 9,
        ("b",): 10,
    }


@pytest.mark.parametrize(
    ("text", "duplicates"),
    [
        ("a: 1\nb: 2\na: 3\n", [Duplicate(("a",), 3)]),
        ("x:\n- {a: 1, a: 2, a: 3}\n", [Duplicate(("x", 0, "a"), 2), Duplicate(("x", 0, "a"), 2)]),
        ('1: a\n"1": b\n', [Duplicate(("1",), 2)]),
        ('y: a\n"true": b\nyes: c\n', [Duplicate(("true",), 2), Duplicate(("true",), 3)]),
        ("a: {b: 1}\na: {b: 2}\n", [Duplicate(("a",), 2)]),
        ("a: {b: 1}\na: {b: 1}\n", [Duplicate(("a",), 2, is_equal=True)]),
        ("a: {b: 1, b: 1}\na: {b: 2}\n", [Duplicate(("a", "b"), 1, is_equal=True), Duplicate(("a",), 2)]),
        ("a: &x {b: 1}\na: *x\n", [Duplicate(("a",), 2, is_equal=True)]),
        ("x: &x {b: 1}\na: {<<: *x}\na: {b: 1}\n", [Duplicate(("a",), 3, is_equal=True)]),
        ('a: 1\na: 1\na: "1"\n', [Duplicate(("a",), 2, is_equal=True), Duplicate(("a",), 3)]),
        ("a: &x b\n*x : 1\nb: 2\n", [Duplicate(("b",), 3)]),
        ("a: &x {p: 1}\nb:\n  <<: *x\n  p: 2\n", []),
        ("a: &x {p: 1}\nb:\n  p: 2\n  <<: *x\n  <<: *x\n", []),
        ("a: &x {p: 1}\nb:\n  p: 2\n  <<: *x\n  p: 3\n", [Duplicate(("b", "p"), 5)]),
        ("a: &x {p: 1, p: 2}\nb: *x\nc: {<<: *x}\n", [Duplicate(("a", "p"), 1)]),
    ],
)
def test_duplicate_keys_are_reported_but_not_those_of_merges(text: str, duplicates: list[Duplicate]) -> None:
    assert list(parse(text.encode())[0].duplicates) == duplicates


def test_the_line_of_a_duplicate_counts_in_the_whole_input() -> None:
    assert parse(b"a: 1\n---\nb: 1\nb: 2\n")[1].duplicates == (Duplicate(("b",), 4),)


def test_no_two_places_share_an_object() -> None:
    [value] = load_all(b"a: &x {p: [1]}\nb: *x\nc: {<<: *x}\n")
    assert isinstance(value, dict)
    value["b"]["p"].append(2)
    value["c"]["p"].append(3)
    assert value == {"a": {"p": [1]}, "b": {"p": [1, 2]}, "c": {"p": [1, 3]}}


def test_numbers_keep_their_type() -> None:
    [values] = load_all(b"[1, 1.0, 1e3, 18446744073709551615, 18446744073709551616, yes]")
    assert isinstance(values, list)
    assert [type(value) for value in values] == [int, float, float, int, float, bool]


# Errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\n", "line 2, column 1: did not find expected ',' or ']'"),
        ("a: 1\n---\nb: 'x\n", "line 4, column 1: found unexpected end of stream"),
        ("a:\n\tb: 1\n", "line 2, column 1: found character that cannot start any token"),
        ("a: b: c\n", "line 1, column 5: mapping values are not allowed in this context"),
        ("%YAML 1.2\n---\na: 1\n", "line 1, column 1: found incompatible YAML document"),
        ("a: *x\n", "line 1, column 4: unknown anchor"),
        ("a: &x [1, *x]\n", "line 1, column 11: the anchor's value contains itself"),
        ("a: &x [1]\nb: &x [*x]\n", "line 2, column 8: the anchor's value contains itself"),
        ("a: 1\n...\nb: 1\n", "line 3, column 1: did not find expected <document start>"),
        ("a: 1\n...\n%YAML 1.1\n--- b\n", "line 4, column 1: did not find expected <document start>"),
        ("a: 1\r---\rb: 1\n", "line 2, column 1: text after the end of the document"),
        ("null: 1\n", "line 1, column 1: null or a number beyond 64 bits cannot be a key"),
        ("18446744073709551615: 1\n", "line 1, column 1: null or a number beyond 64 bits cannot be a key"),
        ("a:\n- .nan\n", "line 2, column 3: not a number that JSON can hold"),
        ("a: !!float .inf\n", "line 1, column 4: not a number that JSON can hold"),
        ("[a]: 1\n", "line 1, column 1: a mapping or a list cannot be a key"),
        ("a: &x\n*x : 1\n", "line 2, column 1: null or a number beyond 64 bits cannot be a key"),
        ("a: &x {b: 1}\n*x : 1\n", "line 2, column 1: a mapping or a list cannot be a key"),
        ("<<: [{a: 1}, b]\n", "line 1, column 5: a merge needs a mapping or a list of mappings"),
        ("a: &x [{b: 1}]\n<<: *x\n", "line 2, column 5: a merge needs a mapping or a list of mappings"),
        ("a: !!int x\n", "line 1, column 4: the scalar is not a !!int"),
        ("a: !!timestamp 2001-13-01\n", "line 1, column 4: the scalar is not a !!timestamp"),
        ("a: !!binary x\n", "line 1, column 4: the scalar is not base64"),
        ('a: "\\/"\n', "line 1, column 4: found unknown escape character"),
        ("a: [!b, c]\n", "line 1, column 7: did not find expected whitespace or line break"),
        ("a: [b?c]\n", "line 1, column 5: a question mark in a plain scalar between brackets"),
        ("a: 1\n\ufeffb: 2\n", "line 2, column 1: a byte order mark inside the document"),
        ("a: 1\nü: x\x07\n", "line 2, column 5: control characters are not allowed"),
        ("a: !<%ED%A0%80> 1\n", "line 1, column 1: a tag is not UTF-8"),
        (b"a: 1\nb: \xff\n", "line 2, column 4: invalid leading UTF-8 octet"),
        ("a: 1\n".encode("utf-16"), "line 1, column 1: the text is not UTF-8"),
    ],
)
def test_an_error_tells_problem_line_and_column(text: str | bytes, message: str) -> None:
    assert str(error_of(text)) == message


@pytest.mark.parametrize(
    "text",
    [
        f"a: {SECRET}\nb: [",
        f"a: '{SECRET}",
        f"a: *{SECRET}",
        f"a: &{SECRET} [*{SECRET}]",
        f"a: !!int {SECRET}",
        f"a: !!binary {SECRET}",
        f"a: !!timestamp {SECRET}",
        f"a: !{SECRET}! b",
        f"{SECRET}: {{{SECRET}: .nan}}",
        f"<<: {SECRET}",
        f"? [{SECRET}]",
        f'a: "{SECRET}\\/"',
        f"{SECRET}: \x07",
        f"{SECRET}\n...\n{SECRET}",
        f"a: !<%ED%A0%80> {SECRET}",
        f"%YAML 1.2\n--- {SECRET}",
        f"{SECRET}: \ud800",
    ],
)
def test_an_error_holds_no_piece_of_the_text(text: str) -> None:
    error = error_of(text.encode(errors="surrogatepass"))
    assert SECRET not in repr((error.args, vars(error)))
    assert error.__cause__ is None
    assert error.__context__ is None


def laughs(levels: int) -> str:
    lines = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(["a0: &a0 x", *lines])


def alias_chain(levels: int) -> str:
    """Nest by aliases; the other nodes keep the share of the aliases within bounds."""
    lines = [f"- &a{n} [*a{n - 1}]\n" for n in range(1, levels)]
    return "".join(["- [", "x, " * 3000, "]\n", "- &a0 []\n", *lines])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (laughs(4), ""),
        (laughs(10), "document contains excessive aliasing"),
        (laughs(500), "document contains excessive aliasing"),
        ("a: &a {k: x}\nb: [" + "*a, " * 60_000 + "*a]", ""),
        ("a: &a [" + "x, " * 1000 + "]\nb: [" + "*a, " * 1000 + "*a]", "document contains excessive aliasing"),
        ("[" * 256 + "]" * 256, ""),
        ("[" * 257 + "]" * 257, "more than 256 levels of nesting"),
        ("[" * 1_000_000, "more than 256 levels of nesting"),
        ("{a: " * 100_000, "more than 256 levels of nesting"),
        ("- " * 100_000, "more than 256 levels of nesting"),
        ("? " * 100_000, "a mapping or a list cannot be a key"),
        ("\n".join(" " * n + "a:" for n in range(1000)), "more than 256 levels of nesting"),
        (alias_chain(255), ""),
        (alias_chain(256), "more than 256 levels of nesting"),
    ],
    ids=lambda value: f"{value[:30]!a}",
)
def test_a_bomb_is_an_error_at_once(text: str, problem: str) -> None:
    started = time.process_time()
    found = ""
    try:
        load_all(text.encode())
    except YamlError as error:
        found = error.problem
    assert found == problem
    assert time.process_time() - started < 5


@pytest.mark.parametrize("text", ["!" * 1_000_000, "# \r\n" * 100_000 + "---\nx", "%\r\n" * 100_000, "9" * 1_000_000])
def test_a_long_text_costs_no_more_than_its_length(text: str) -> None:
    started = time.process_time()
    with suppress(YamlError):
        load_all(text.encode())
    assert time.process_time() - started < 5


# PyYAML


def python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_pyyaml_is_imported_only_when_a_text_is_read() -> None:
    program = (
        "import sys; from cmp import yamldoc as y; print('yaml' in sys.modules); y.{}; print('yaml' in sys.modules)"
    )
    assert python(program.format("dump_all([1])")) == "False\nFalse\n"
    assert python(program.format("load_all(b'')")) == "False\nTrue\n"
    assert python(program.format("preload()")) == "False\nTrue\n"


def test_pyyaml_without_libyaml_is_refused() -> None:
    program = (
        "import yaml; yaml.__with_libyaml__ = False\n"
        "from cmp import errors, yamldoc\n"
        "try: yamldoc.preload()\n"
        "except errors.ToolError as error: print(*error.lines(is_cached=True), sep='\\n')"
    )
    assert python(program) == (
        "cmp: PyYAML was built without libyaml\n"
        "  hint: install PyYAML from a wheel, or build it where libyaml and its headers are installed; "
        "Argo CD keeps this error cached until a hard refresh\n"
    )
