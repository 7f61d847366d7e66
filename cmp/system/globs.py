"""Patterns of paths as Go's `path.Match`, Git's pathspecs and globs with `**` read them, each in bounded time.

An author of a repository writes the patterns: as a regular expression, one with many stars could take hours to fail.
Here the work grows with the length of the pattern times that of the name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    CharTest = Callable[[str], bool]  # tells whether an item of a pattern matches a character


_STARS = re.compile(r"(\*\*/|\*\*|\*)")


class PatternError(ValueError):
    """A pattern that is malformed, or has a meaning that this module does not know."""


class Chunk(NamedTuple):
    """A piece of a pattern between stars, with an item for each character; `has_star` tells of a star before it."""

    has_star: bool
    items: list[CharTest]


def go_match(pattern: str, name: str) -> bool:
    """Tell whether a whole name matches a pattern of Go's `path.Match`; PatternError for a malformed one.

    `*` and `?` do not match a `/`, a class in brackets may.  Go takes the first place where a piece between stars fits
    and does not come back to it.  Source: path/match.go of Go.
    """
    chunks = go_chunks(pattern)
    at = 0
    for number, chunk in enumerate(chunks):
        is_last = number == len(chunks) - 1
        if chunk.has_star and not chunk.items:
            return "/" not in name[at:]
        at = _end_of_chunk(chunk, name, at, is_last=is_last)
        if at < 0:
            return False
    return at == len(name)


def _end_of_chunk(chunk: Chunk, name: str, at: int, *, is_last: bool) -> int:
    """Return the end of a chunk that fits at a place or, after a star, at the first place behind it; else -1."""
    size = len(chunk.items)
    while at + size <= len(name):
        if _fits(chunk.items, name, at) and (not is_last or at + size == len(name)):
            return at + size
        if not chunk.has_star or name[at : at + 1] in ("/", ""):
            return -1
        at += 1
    return -1


def _fits(items: Sequence[CharTest], name: str, at: int) -> bool:
    return all(item(name[at + number]) for number, item in enumerate(items))


def star_match(chunks: Sequence[Chunk], name: str) -> bool:
    """Tell whether a whole name matches chunks whose stars match any text: the first fit of each chunk is the best."""
    at = 0
    for number, chunk in enumerate(chunks):
        size = len(chunk.items)
        if number == len(chunks) - 1 and chunk.has_star:
            return at + size <= len(name) and _fits(chunk.items, name, len(name) - size)
        while at + size <= len(name) and not _fits(chunk.items, name, at):
            if not chunk.has_star:
                return False
            at += 1
        if at + size > len(name):
            return False
        at += size
    return at == len(name)


def exactly(wanted: str) -> CharTest:
    """Return the test for one character."""
    return wanted.__eq__


def members(ranges: Sequence[tuple[str, str]], *, is_negated: bool) -> CharTest:
    """Return the test for the characters in some ranges or, negated, for all others."""
    return lambda char: any(low <= char <= high for low, high in ranges) != is_negated


def chunks_of(items: Iterable[CharTest | None]) -> tuple[Chunk, ...]:
    """Cut items into chunks at the stars, which are None."""
    chunks = [Chunk(has_star=False, items=[])]
    for item in items:
        if item is not None:
            chunks[-1].items.append(item)
        elif chunks[-1].items or not chunks[-1].has_star:
            chunks.append(Chunk(has_star=True, items=[]))
    return tuple(chunks)


def whole_match(pattern: str, path: str) -> bool:
    """Tell whether a whole path matches: `*` within a segment, `**` across them, `**/` any number of whole folders.

    From the left, each piece of the pattern leads from a set of places to another; a set is the bits of a number.
    """
    places = 1
    ends = [at for at, sign in enumerate(path) if sign == "/"] + [len(path)]
    for piece in filter(None, _STARS.split(pattern)):
        lowest = (places & -places).bit_length() - 1
        if piece == "**":
            places = (2 << len(path)) - (1 << lowest)
        elif piece == "**/":
            places |= sum(1 << end + 1 for end in ends[:-1] if end >= lowest)
        elif piece == "*":
            places = _within_segments(places, ends)
        else:
            places = sum(1 << at + len(piece) for at in _bits(places) if path.startswith(piece, at))
        if not places:
            return False
    return bool(places >> len(path) & 1)


def _within_segments(places: int, ends: Iterable[int]) -> int:
    """Return the places that a `*` leads to from some places: those after the first one in each segment."""
    reached, start = 0, 0
    for end in ends:
        if own := places >> start & ((2 << end - start) - 1):
            reached |= (2 << end) - (1 << start + (own & -own).bit_length() - 1)
        start = end + 1
    return reached


def _bits(places: int) -> Iterator[int]:
    while places:
        yield (places & -places).bit_length() - 1
        places &= places - 1


@lru_cache(maxsize=4096)
def go_chunks(pattern: str) -> tuple[Chunk, ...]:
    """Cut a pattern of `path.Match` into chunks; PatternError for a malformed one."""
    return chunks_of([*_go_items(pattern)])


def _not_slash(char: str) -> bool:
    return char != "/"


def _go_items(pattern: str) -> Iterator[CharTest | None]:
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "*":
            yield None
        elif sign == "?":
            yield _not_slash
        elif sign == "[":
            ranges, is_negated, at = _go_class(pattern, at + 1)
            yield members(ranges, is_negated=is_negated)
        else:
            at += sign == "\\"
            if at == len(pattern):
                raise PatternError("a backslash has nothing behind it")
            yield exactly(pattern[at])
        at += 1


def _go_class(pattern: str, at: int) -> tuple[list[tuple[str, str]], bool, int]:
    """Return the ranges of a class, whether it is negated, and the place of its closing bracket."""
    is_negated = pattern[at : at + 1] == "^"
    at += is_negated
    ranges: list[tuple[str, str]] = []
    while pattern[at : at + 1] != "]" or not ranges:
        low, at = _go_member(pattern, at)
        high = low
        if pattern[at] == "-":
            high, at = _go_member(pattern, at + 1)
        ranges.append((low, high))
    return ranges, is_negated, at


def _go_member(pattern: str, at: int) -> tuple[str, int]:
    """Return a character of a class, after a backslash if there is one, and the next place in the pattern."""
    if pattern[at : at + 1] in ("", "-", "]"):
        raise PatternError("a class in brackets lacks a character")
    at += pattern[at] == "\\"
    if at + 1 >= len(pattern):
        raise PatternError("a class in brackets has no end")
    return pattern[at], at + 1
