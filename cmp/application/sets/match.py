"""Two ways to match a path: Go's `path.Match` (git directories), and a pathspec of `git ls-files` (git files)."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PART = re.compile(
    r"(?P<star>\*+)|(?P<one>\?)|\[(?P<no>[!^]?)(?P<set>(?:\\.|[^\]\\])(?:\\.|[^\]\\])*)\]|\\(?P<as>.)", re.DOTALL
)
_RANGE = re.compile(r"(\\.|[^-\[\\])(?:-(\\.|[^-\[\\]))?", re.DOTALL)
_CLASS = re.compile(rf"(?:{_RANGE.pattern})+", re.DOTALL)
_SPECIAL = re.compile(r"[*?\[\\]")


class PatternError(ValueError):
    """A pattern that is not well-formed, or whose meaning is not known here."""


def directory(pattern: str) -> Callable[[str], bool]:
    """Return what matches a folder's path as `path.Match` does: `*` stays in a segment, `**` is the same.

    A malformed pattern matches nothing.
    """
    try:
        compiled = _compiled(pattern, inside="[^/]", negations="^")
    except PatternError:
        return lambda _: False
    return lambda path: bool(compiled.fullmatch(path))


def pathspec(pattern: str) -> Callable[[str], bool]:
    """Return what matches a file's path as `git ls-files -- PATTERN` does: `*` crosses `/`, a folder means its files.

    PatternError for pathspec magic (`:(glob)…`) and for a path outside the repository.
    """
    if pattern.startswith((":", "/")):
        raise PatternError("a pattern that begins with a colon or a slash is not read")
    clean = posixpath.normpath(pattern or ".")
    if clean == ".." or clean.startswith("../"):
        raise PatternError("it leads outside the repository")
    if clean == ".":
        return lambda _: True
    is_folder = pattern.endswith("/")
    compiled = _compiled(clean, inside=".", negations="!^") if _SPECIAL.search(clean) and not is_folder else None

    def matches(path: str) -> bool:
        if path.startswith(f"{clean}/") or (path == clean and not is_folder):
            return True
        return bool(compiled and compiled.fullmatch(path))

    return matches


def _compiled(pattern: str, *, inside: str, negations: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if not found:
            if pattern[at] in "[\\":
                raise PatternError("a bracket or a backslash has no end")
            parts.append(re.escape(pattern[at]))
            at += 1
            continue
        parts.append(_part(found, inside, negations))
        at = found.end()
    return re.compile("".join(parts), re.DOTALL)


def _part(found: re.Match[str], inside: str, negations: str) -> str:
    if found["star"]:
        return f"{inside}*"
    if found["one"]:
        return inside
    if found["as"]:
        return re.escape(found["as"])
    is_not = found["no"] and found["no"] in negations
    members = _members(found["set"] if is_not or not found["no"] else found["no"] + found["set"])
    return f"(?!/)[{'^' * bool(is_not)}{members}]" if inside == "[^/]" else f"[{'^' * bool(is_not)}{members}]"


def _members(text: str) -> str:
    """Return the inside of a class in brackets: characters and ranges of them, each perhaps behind a backslash."""
    if not _CLASS.fullmatch(text):
        raise PatternError("a class in brackets is not read")
    members = [(first[-1], last[-1:]) for first, last in _RANGE.findall(text)]
    if any(last and last < first for first, last in members):
        raise PatternError("a range in brackets ends before it begins")
    return "".join(re.escape(first) + (f"-{re.escape(last)}" if last else "") for first, last in members)
