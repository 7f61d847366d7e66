"""Patterns of paths as Go's `path.Match`, Git's pathspecs and globs with `**` read them, each in bounded time.

A pattern is somebody else's: as a regular expression one with many stars may take hours to say no.  Here the work grows
with the length of the pattern times that of the name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    One = Callable[[str], bool]  # whether a character is one of those that a piece of a pattern stands for


_STARS = re.compile(r"(\*\*/|\*\*|\*)")


class PatternError(ValueError):
    """A pattern that is not well-formed, or whose meaning is not known here."""


class Chunk(NamedTuple):
    """A piece of a pattern between stars, one item a character; `has_star` says whether a star stands before it."""

    has_star: bool
    items: list[One]


def go_match(pattern: str, name: str) -> bool:
    """Say whether a whole name matches a pattern of Go's `path.Match`; PatternError for one that is malformed.

    `*` and `?` do not cross a `/`, a class in brackets may.  Go takes the first place where a piece between stars fits
    and does not come back to it.  Source: path/match.go of Go.
    """
    chunks = go_chunks(pattern)
    at = 0
    for number, chunk in enumerate(chunks):
        is_last = number == len(chunks) - 1
        if chunk.has_star and not chunk.items:
            return "/" not in name[at:]
        found = _first(chunk, name, at, is_last=is_last)
        if found < 0:
            return False
        at = found
    return at == len(name)


def _first(chunk: Chunk, name: str, at: int, *, is_last: bool) -> int:
    """Return where a chunk ends that begins at a place or, behind a star, at the first one after it; -1: nowhere."""
    size = len(chunk.items)
    while at + size <= len(name):
        if _fits(chunk.items, name, at) and (not is_last or at + size == len(name)):
            return at + size
        if not chunk.has_star or name[at : at + 1] in ("/", ""):
            return -1
        at += 1
    return -1


def _fits(items: Sequence[One], name: str, at: int) -> bool:
    return all(item(name[at + number]) for number, item in enumerate(items))


def star_match(chunks: Sequence[Chunk], name: str) -> bool:
    """Say whether a whole name matches where a star stands for any text: the first fit of each chunk is the best."""
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


def char(wanted: str) -> One:
    """Stand for one character."""
    return wanted.__eq__


def members(ranges: Sequence[tuple[str, str]], *, is_negated: bool) -> One:
    """Stand for a character in one of the ranges, or in none of them."""
    return lambda found: any(low <= found <= high for low, high in ranges) != is_negated


def chunks_of(items: Iterable[One | None]) -> tuple[Chunk, ...]:
    """Cut items at the stars, which are None."""
    found = [Chunk(has_star=False, items=[])]
    for item in items:
        if item is not None:
            found[-1].items.append(item)
        elif found[-1].items or not found[-1].has_star:
            found.append(Chunk(has_star=True, items=[]))
    return tuple(found)


def whole_match(pattern: str, path: str) -> bool:
    """Say whether a whole path matches: `*` stays in a segment, `**` crosses, `**/` is any number of whole folders.

    From the left, each piece of the pattern leads from a set of places to another, as the bits of a number.
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
    found, begun = 0, 0
    for end in ends:
        if own := places >> begun & ((2 << end - begun) - 1):
            found |= (2 << end) - (1 << begun + (own & -own).bit_length() - 1)
        begun = end + 1
    return found


def _bits(places: int) -> Iterator[int]:
    while places:
        yield (places & -places).bit_length() - 1
        places &= places - 1


@lru_cache(maxsize=4096)
def go_chunks(pattern: str) -> tuple[Chunk, ...]:
    """Cut a pattern of `path.Match` into chunks; PatternError for one that is malformed."""
    return chunks_of([*_go_items(pattern)])


def _not_slash(found: str) -> bool:
    return found != "/"


def _go_items(pattern: str) -> Iterator[One | None]:
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
            yield char(pattern[at])
        at += 1


def _go_class(pattern: str, at: int) -> tuple[list[tuple[str, str]], bool, int]:
    """Return the ranges of a class, whether it is negated, and where its bracket closes."""
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
    """Return a character of a class, which a backslash may stand before; it is never the last of a pattern."""
    if pattern[at : at + 1] in ("", "-", "]"):
        raise PatternError("a class in brackets lacks a character")
    at += pattern[at] == "\\"
    if at + 1 >= len(pattern):
        raise PatternError("a class in brackets has no end")
    return pattern[at], at + 1
