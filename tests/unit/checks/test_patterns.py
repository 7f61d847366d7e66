"""Regular expressions of Go, judged by the engine that judges JSON Schemas: what matches is what matches in Go."""

from __future__ import annotations

import pytest
from jsonschema_rs import Draft202012Validator, RegexOptions

from cmp.checks.patterns import UntranslatableError, translated

# Each pattern with texts that Go matches, and with texts that it does not.
MATCHES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "b": (("abc",), ("ac",)),  # anywhere in the text
    "^a$": (("a",), ("a\n", "ba")),
    r"^\d+$": (("42",), ("٣", "")),
    r"^[^\d]$": (("x", "٣"), ("4",)),
    r"^\w+$": (("a_1",), ("é", "-")),
    r"^\W$": (("é", "-"), ("a",)),
    r"^\s$": (("\t", " "), ("\u00a0", "\v")),
    r"^\S$": (("\u00a0", "a"), (" ",)),
    "^.$": (("a", "\r", "\u2028"), ("\n", "ab")),
    r"\Aab\z": (("ab",), ("xab", "ab\n")),
    r"\bab\b": (("x ab.",), ("xab",)),
    r"^\pL\p{Nd}$": (("é4",), ("44",)),
    "^[[:alpha:]_]+$": (("ab_",), ("a1", ":")),
    "^[[:xdigit:]]{2}$": (("fF",), ("fg",)),
    "^[^[]$": (("a", "]"), ("[",)),
    "^[]a]+$": (("]a",), ("[",)),
    "^[^]a]$": (("b",), ("]", "a")),
    r"^[a\]b]$": (("]", "b"), ("c",)),
    "^[-a]+$": (("-a",), ("b",)),
    "^[a-]+$": (("a-",), ("b",)),
    "^[+--]$": ((",", "+", "-"), (".",)),
    "^[a-z&&b]$": (("q", "&"), ("-",)),  # elsewhere an intersection of two classes
    "^[~^]$": (("~", "^"), ("a",)),
    "^a{2}$": (("aa",), ("a", "a{2}")),
    "^a{,2}$": (("a{,2}",), ("aa",)),
    "^a{$": (("a{",), ("a",)),
    "^}]$": (("}]",), ("}",)),
    "(?i)^ab$": (("AB", "aB"), ("ac",)),
    "^(?i:a)b$": (("Ab",), ("aB",)),
    "^(?P<first>a)(?<second>b)(?:c)$": (("abc",), ("ab",)),
    r"^\/x\_\-\<\'$": (("/x_-<'",), ("x",)),
    r"^\x41\n\t$": (("A\n\t",), ("A",)),
    "^a+?b*?$": (("aab",), ("b",)),
    "": (("", "a"), ()),
}


@pytest.mark.parametrize("pattern", MATCHES)
def test_a_pattern_means_what_it_means_in_go(pattern: str) -> None:
    validator = Draft202012Validator({"pattern": translated(pattern)}, pattern_options=RegexOptions())
    wanted, unwanted = MATCHES[pattern]
    assert [text for text in wanted if not validator.is_valid(text)] == []
    assert [text for text in unwanted if validator.is_valid(text)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?s)^.$", "(?m)^a$", "(?U)a+", "(?-i)a", "(?=a)", "(?!a)", "(?<=a)b"),
        *(r"\Qa.b\E", r"\C", r"\x{10FFFF}", r"\123", r"\cA", r"\u0041", "a\\", r"\é", r"[\D]", r"[\W]"),
        *("[a", "[", "[[:punkt:]]", "[[:alpha"),
    ],
)
def test_a_pattern_with_no_such_meaning_is_told(pattern: str) -> None:
    with pytest.raises(UntranslatableError):
        translated(pattern)
