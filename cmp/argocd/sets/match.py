"""Two ways to match a path: Go's `path.Match` (git directories), and a pathspec of `git ls-files` (git files)."""

from __future__ import annotations

import posixpath
import re
from functools import partial
from typing import TYPE_CHECKING

from cmp.system.globs import PatternError, char, chunks_of, go_chunks, go_match, members, star_match

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.system.globs import One

_PART = re.compile(
    r"(?P<star>\*+)|(?P<one>\?)|\[(?P<no>[!^]?)(?P<set>(?:\\.|[^\]\\])(?:\\.|[^\]\\])*)\]|\\(?P<as>.)", re.DOTALL
)
_RANGE = re.compile(r"(\\.|[^-\[\\])(?:-(\\.|[^-\[\\]))?", re.DOTALL)
_CLASS = re.compile(rf"(?:{_RANGE.pattern})+", re.DOTALL)
_SPECIAL = re.compile(r"[*?\[\\]")


def directory(pattern: str) -> Callable[[str], bool]:
    """Return what matches a folder's path as `path.Match` does: `*` stays in a segment, `**` is the same.

    A malformed pattern matches nothing.
    """
    try:
        go_chunks(pattern)
    except PatternError:
        return lambda _: False
    return partial(go_match, pattern)


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
    chunks = chunks_of([*_items(clean)]) if _SPECIAL.search(clean) and not is_folder else None

    def matches(path: str) -> bool:
        if path.startswith(f"{clean}/") or (path == clean and not is_folder):
            return True
        return chunks is not None and star_match(chunks, path)

    return matches


def _items(pattern: str) -> Iterator[One | None]:
    """Yield what stands for each character; None for a star."""
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if not found and pattern[at] in "[\\":
            raise PatternError("a bracket or a backslash has no end")
        yield _item(found) if found else char(pattern[at])
        at = found.end() if found else at + 1


def _item(found: re.Match[str]) -> One | None:
    if found["star"]:
        return None
    if found["one"]:
        return lambda _: True
    return char(found["as"]) if found["as"] else members(_ranges(found["set"]), is_negated=bool(found["no"]))


def _ranges(text: str) -> list[tuple[str, str]]:
    """Return the inside of a class in brackets: characters and ranges of them, each perhaps behind a backslash."""
    if not _CLASS.fullmatch(text):
        raise PatternError("a class in brackets is not read")
    ranges = [(first[-1], (last or first)[-1]) for first, last in _RANGE.findall(text)]
    if any(last < first for first, last in ranges):
        raise PatternError("a range in brackets ends before it begins")
    return ranges
