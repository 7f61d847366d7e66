r"""Regular expressions of Go (RE2), which CustomResourceDefinitions have, in the notation that JSON Schema reads.

jsonschema-rs takes a pattern for one of ECMAScript.  Most texts mean the same in both; where they do not, all is
written out: `.`, `\s` and `[[:alpha:]]` as the characters that Go means by them.  Source: Go's regexp/syntax.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_NAMED = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\t ",
    "digit": "0-9",
    "lower": "a-z",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_ANCHORS = {"A": "^", "z": "$", "b": r"\b", "B": r"\B"}
_SPECIAL = frozenset("\\^$.|?*+()[]{}-&~/")

# A group that captures or not, without flags; `i` alone means the same in both.
_GROUP = re.compile(r"\(\?(?::|P?<[A-Za-z_]\w*>|i\)|i:)")
_REPEAT = re.compile(r"\{\d+(?:,\d*)?\}")
_HEX = re.compile(r"x[0-9A-Fa-f]{2}")
_PROPERTY = re.compile(r"[pP](?:\{\^?\w+\}|\w)")


class UntranslatableError(ValueError):
    """A pattern whose meaning JSON Schema cannot express, or that is no pattern."""


def translated(pattern: str) -> str:
    """Return a pattern with the same meaning in JSON Schema; UntranslatableError for one that has none."""
    return "".join(_parts(pattern))


def _parts(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            text, at = _escape(pattern, at + 1)
            yield text
        elif char == "[":
            text, at = _class(pattern, at + 1)
            yield text
        elif pattern.startswith("(?", at):
            found = _GROUP.match(pattern, at)
            if not found:
                raise UntranslatableError(pattern)
            yield found[0].replace("(?P<", "(?<")
            at = found.end()
        elif found := _REPEAT.match(pattern, at):
            yield found[0]
            at = found.end()
        else:
            yield {".": r"[^\n]", "{": r"\{", "}": r"\}", "]": r"\]"}.get(char, char)
            at += 1


def _escape(pattern: str, at: int) -> tuple[str, int]:
    """Return an escape outside of brackets, and the position after it."""
    char = pattern[at : at + 1]
    if char.lower() in _SETS:
        return f"[{'^' if char.isupper() else ''}{_SETS[char.lower()]}]", at + 1
    if char in _ANCHORS:
        return _ANCHORS[char], at + 1
    return _literal(pattern, at)


def _literal(pattern: str, at: int) -> tuple[str, int]:
    """Return an escape that stands for characters everywhere, and the position after it."""
    if found := _HEX.match(pattern, at) or _PROPERTY.match(pattern, at):
        return f"\\{found[0]}", found.end()
    char = pattern[at : at + 1]
    if char and char in "nrtfv":
        return f"\\{char}", at + 1
    if not char or char.isalnum() or not char.isascii():
        raise UntranslatableError(pattern)  # such as \Q, \C, \x{10FFFF}, and octal numbers
    return _quoted(char), at + 1


def _class(pattern: str, at: int) -> tuple[str, int]:
    """Return a class of characters, and the position after its closing bracket."""
    start = at = at + (negated := pattern.startswith("^", at))
    parts = ["[^" if negated else "["]
    while at < len(pattern) and (pattern[at] != "]" or at == start):  # a bracket that comes first is one of them
        text, at = _member(pattern, at)
        if pattern.startswith("-", at) and not pattern.startswith("-]", at):
            last, at = _member(pattern, at + 1)
            text = f"{text}-{last}"
        parts.append(text)
    if at >= len(pattern):
        raise UntranslatableError(pattern)
    return "".join([*parts, "]"]), at + 1


def _member(pattern: str, at: int) -> tuple[str, int]:
    """Return one member of a class, and the position after it."""
    if pattern.startswith("[:", at):
        name, closing, _ = pattern[at + 2 :].partition(":]")
        if not closing or name not in _NAMED:
            raise UntranslatableError(pattern)
        return _NAMED[name], at + len(name) + 4
    if pattern[at : at + 1] == "\\":
        char = pattern[at + 1 : at + 2]
        return (_SETS[char], at + 2) if char and char in _SETS else _literal(pattern, at + 1)
    return _quoted(pattern[at : at + 1]), at + 1


def _quoted(char: str) -> str:
    return f"\\{char}" if char in _SPECIAL else char
