"""cmp.yamldoc against the parser that Argo CD is built with (tests/support/goyaml): traps, and generated texts."""

from __future__ import annotations

import itertools
import json
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cmp import yamldoc
from tests.support import property_examples
from tests.support.harness import DATA

if TYPE_CHECKING:
    from tests.support.go_yaml import GoYaml

examples = settings(derandomize=True, deadline=None, database=None)

# What Argo CD reads and yamldoc refuses; the package's docstring says why.
STRICTER = {
    "found unexpected ':'",
    "a question mark in a plain scalar between brackets",
    "text after the end of the document",
}
BOM = b"\xef\xbb\xbf"


class Trap(NamedTuple):
    group: str
    yaml: str
    json: str
    error: str


TRAPS = [Trap(**case) for case in json.loads((DATA / "yaml-traps.json").read_bytes())]


def read(text: bytes) -> list[str] | None:
    """Return the documents as JSON, or None for an error."""
    try:
        return [yamldoc.to_json(value) for value in yamldoc.load_all(text)]
    except yamldoc.YamlError:
        return None


def assert_reads_as_go(go: GoYaml, text: bytes) -> None:
    """Compare what both make of the text of one document."""
    answer = go.ask(text)
    if answer.ambiguous or refused_on_purpose(text):
        return
    nothing_or_one = [] if answer.document == "null" else [answer.document]
    assert read(text) == (None if answer.error or answer.rest else nothing_or_one), (text, answer)


def refused_on_purpose(text: bytes) -> bool:
    try:
        yamldoc.load_all(text)
    except yamldoc.YamlError as error:
        return error.problem in STRICTER or BOM in text[1:]
    return False


def test_the_table_of_traps_is_whole() -> None:
    assert len(TRAPS) == 140


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: f"{trap.group}: {trap.yaml!a:.40}")
def test_a_trap_is_read_as_argo_cd_reads_it(go: GoYaml, trap: Trap) -> None:
    text = trap.yaml.encode()
    documents = read(text)
    if trap.error:
        assert documents is None
    else:
        assert [json.loads(document) for document in documents or ["null"]] == [json.loads(trap.json)]
    assert_reads_as_go(go, text)


SCALARS = (DATA / "yaml-scalars.txt").read_text(encoding="utf-8").split()
PREFIXES = ["", "", "", "", "", "&x ", "&y ", "! ", "!foo "] + [
    f"!!{name} " for name in ("str", "int", "float", "bool", "null", "binary", "timestamp", "map", "seq", "merge")
]
GAPS = [
    "\n",
    "\n  ",
    "\n    ",
    "\n ",
    " ",
    "  ",
    "",
    "\n\n",
    "\r\n",
    "\t",
    "\r",
    "\x85",
    "\u2028",
    "\xa0",
    "\n\t",
    " \n",
]
MARKS = ["- ", ": ", "? ", "-", ":", ", ", "[", "]", "{", "}", " #c", "\n- ", "\nb: ", "\n? ", "\n: ", "<<: ", "<<: *x"]
ODDITIES = [
    "\ufeff",
    "\x00",
    "\x07",
    "\x7f",
    "\x91",
    "\ufffe",
    "%",
    "@",
    "`",
    "&",
    "*",
    "\\",
    '"',
    "'",
    "\n...",
    "%YAML 1.1\n",
]

number_like = st.one_of(
    st.text("0123456789+-._eExXoObB", min_size=1, max_size=24),
    st.text("01289-:TtZ. +", min_size=8, max_size=24),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(2**66), 2**66).map(str),
    st.integers(-(2**66), 2**66).map(hex),
)
scalars = st.one_of(st.sampled_from(SCALARS), st.sampled_from(SCALARS), number_like)
nodes = st.builds(str.__add__, st.sampled_from(PREFIXES), scalars)
fragments = st.one_of(nodes, st.sampled_from(MARKS), st.sampled_from(GAPS), st.sampled_from(ODDITIES))
loose = st.lists(fragments, max_size=14).map("".join)


def indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def collections(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    keys = st.one_of(st.sampled_from(["a", "b", "c", "<<", "<<"]), nodes)
    pairs = st.lists(st.tuples(keys, inner), min_size=1, max_size=4)
    items = st.lists(inner, min_size=1, max_size=4)
    anchors = st.sampled_from(["", "", "", "&x", "&y", "!!set", "!foo"])
    return st.one_of(
        st.builds(lambda a, kv: a + "".join(f"\n  {k}: {indented(v)}" for k, v in kv), anchors, pairs),
        st.builds(lambda a, vs: a + "".join(f"\n  - {indented(v)}" for v in vs), anchors, items),
        st.builds(lambda a, kv: f"{a} {{{', '.join(f'{k}: {v}' for k, v in kv)}}}", anchors, pairs),
        st.builds(lambda a, vs: f"{a} [{', '.join(vs)}]", anchors, items),
    )


structured = st.recursive(nodes, collections, max_leaves=12)
one_document = st.one_of(loose, structured).filter(lambda text: "\n---" not in text and not text.startswith("---"))


@given(one_document, st.sampled_from(["", "\n", "\n...\n", "\n# c", "\n...\nb"]))
@settings(examples, max_examples=property_examples.examples(3500))
def test_a_document_is_read_as_argo_cd_reads_it(go: GoYaml, text: str, end: str) -> None:
    assert_reads_as_go(go, (text + end).encode())


@given(st.sampled_from(PREFIXES), number_like, st.sampled_from(["%s", "'%s'", '"%s"']))
@settings(examples, max_examples=property_examples.examples(2500))
@example("!!timestamp ", "2001-12-14t21:59:43.1+09:00", "%s")
@example("!!timestamp ", "1900-02-29", "%s")
@example("!!timestamp ", "2000-02-29", "%s")
@example("!!binary ", "/8Opew==", "%s")
@example("", "1" * 5000, "%s")
@example("", "0x" + "0" * 5000 + "1", "%s")
def test_a_number_is_read_as_argo_cd_reads_it(go: GoYaml, prefix: str, number: str, quotes: str) -> None:
    scalar = prefix + quotes.replace("%s", number)
    assert_reads_as_go(go, f"? {scalar}\n: {scalar}\n".encode())


@given(
    st.sampled_from(["", "", "---\n", "--- # c\n", "# c\n---\n", "\ufeff", "\n"]),
    st.lists(one_document.filter(lambda text: "%" not in text), max_size=4),
    st.sampled_from(["---\n", "--- \n", "--- # c\n", "---\t# c\n", "---#c\n", "---\n\ufeff"]),
)
@settings(examples, max_examples=property_examples.examples(1000))
def test_a_stream_is_read_as_argo_cd_reads_it(go: GoYaml, start: str, texts: list[str], separator: str) -> None:
    stream = (start + separator.join(f"{text}\n" for text in texts)).encode()
    answer = go.ask(stream)
    begins_like_json = stream.decode().lstrip().startswith("{")  # also behind a blank of Unicode
    if answer.streamAmbiguous or refused_on_purpose(stream) or begins_like_json:
        return
    expected = None if answer.streamError or answer.streamRest else answer.stream or []
    # Argo CD's splitter rewrites CRLF before it parses, and so does the guard: to YAML, "\\r\\r\\n" is two line ends.
    assert read(stream.replace(b"\r\n", b"\n")) == expected, (stream, answer)


@given(st.binary(max_size=30), structured)
@settings(examples, max_examples=property_examples.examples(500))
def test_bytes_that_are_no_text_are_an_error_as_for_argo_cd(go: GoYaml, noise: bytes, text: str) -> None:
    data = text.encode() + b"\n# " + noise.replace(b"\n---", b"")
    assert_reads_as_go(go, data)


def test_aliases_may_bring_in_as_much_as_for_argo_cd(go: GoYaml) -> None:
    for items, copies in itertools.product((1, 50, 200, 300), (1, 90, 99, 100, 101, 400)):
        item, copy = "x, " * items, "*a, " * copies
        assert_reads_as_go(go, f"a: &a [{item}]\nb: [{copy}]\n".encode())
        assert_reads_as_go(go, f"a: &a {{p: [{item}]}}\nb: [{copy}]\nc: {{<<: [*a, *a], <<: *a}}\n".encode())


NASTY = [
    *SCALARS,
    "\n",
    "a\n",
    "a\n\n",
    "\na",
    " a",
    "a ",
    "a\n b\n",
    "a\n  \nb",
    "- a",
    "? a",
    "a: b",
    "a #b",
    "#",
    "%x",
    "@x",
]
NASTY += [
    "\u2028",
    "\x85",
    "\ufeff",
    "\x7f",
    "\x00",
    "\t",
    "\ta\nb",
    "x" * 2000,
    "日" * 400,
    "---\na: b\n",
    "...",
    "a\rb",
    "a\r\nb\n",
]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=12), st.text("ab \n\t:-#'\"\\|>", max_size=12), number_like)
numbers = st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False))
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@given(st.lists(values, max_size=3))
@settings(examples, max_examples=property_examples.examples(1500))
def test_what_is_written_reads_back_for_argo_cd(go: GoYaml, documents: list[object]) -> None:
    written = yamldoc.dump_all(documents)
    expected = [yamldoc.to_json(value) for value in documents if value is not None]
    answer = go.ask(written)
    assert (answer.streamError, answer.stream or []) == ("", expected)
    assert [yamldoc.to_json(value) for value in yamldoc.load_all(written)] == expected


@given(texts)
@settings(examples, max_examples=property_examples.examples(1000))
def test_a_text_reads_back_for_readers_of_yaml_1_1_and_1_2(text: str) -> None:
    written = yamldoc.dump_all([{text: [text]}]).decode()
    assert yaml.safe_load(written) == {text: [text]}
    assert YAML(typ="safe", pure=True).load(StringIO(written)) == {text: [text]}


@given(st.lists(structured, max_size=4))
@settings(examples, max_examples=property_examples.examples(300))
def test_the_texts_of_documents_are_pieces_of_the_input(texts: list[str]) -> None:
    stream = "".join(f"---\n{text}\n" for text in texts).encode()
    try:
        documents = yamldoc.parse(stream)
    except yamldoc.YamlError:
        return
    assert [document.value for document in documents] == yamldoc.load_all(stream)
    lines = stream.splitlines(keepends=True)
    for document in documents:
        assert b"".join(lines[document.line - 1 :]).startswith(document.text)
        assert yamldoc.load_all(document.text) == [document.value]
        assert max(yamldoc.lines(document).values(), default=0) < document.line + document.text.count(b"\n")
