"""Patterns of files as two Go libraries read them that Argo CD uses, each in bounded time.

`gobwas` is for `directory.include` and `exclude` (github.com/gobwas/glob without separators: `*` crosses `/`),
`doublestar` for `valueFiles` (github.com/bmatcuk/doublestar/v4: only `**` does).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cmp.system.globs import PatternError, chunks_of, exactly, go_match, members, star_match
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.globs import CharTest, Chunk
    from cmp.system.tree import Tree

MAX_ALTERNATIVES = 1000
_SPECIAL = frozenset("*?[")


def is_pattern(path: str) -> bool:
    """Tell whether Argo CD takes a path of `valueFiles` for a pattern."""
    return not _SPECIAL.isdisjoint(path)


def gobwas(pattern: str, text: str) -> bool:
    """Tell whether a whole text matches; a malformed pattern matches nothing."""
    try:
        return any(star_match(chunks, text) for chunks in _gobwas_chunks(pattern))
    except PatternError:
        return False


@lru_cache(maxsize=256)
def _gobwas_chunks(pattern: str) -> tuple[tuple[Chunk, ...], ...]:
    return tuple(chunks_of([*_gobwas_items(text)]) for text in alternatives(pattern))


def _gobwas_items(pattern: str) -> Iterator[CharTest | None]:
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        at += 1
        if sign == "*":
            yield None
        elif sign == "?":
            yield lambda _: True
        elif sign == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                raise PatternError("a class in brackets has no end")
            yield _gobwas_class(pattern[at:end])
            at = end + 1
        elif sign == "\\":
            yield exactly(pattern[at : at + 1])
            at += 1
        else:
            yield exactly(sign)


def _gobwas_class(text: str) -> CharTest:
    is_negated = text.startswith("!")
    inside = text.removeprefix("!")
    if len(inside) == len("a-z") and inside[1] == "-":
        return members([(inside[0], inside[2])], is_negated=is_negated)
    return members([(char, char) for char in inside], is_negated=is_negated)


def doublestar(tree: Tree, pattern: str) -> list[str]:
    """Return what a pattern of paths matches in a tree, folders too, in the library's order: a folder before its own.

    PatternError for a malformed pattern.
    """
    texts = alternatives(pattern)
    found = [path for text in texts for path in _expanded(tree, "", text.split("/"))]
    return sorted({*found}) if len(texts) > 1 else [*dict.fromkeys(found)]


def _expanded(tree: Tree, folder: str, segments: list[str]) -> Iterator[str]:
    first, *rest = segments
    if first == "**":
        for path, is_folder in _below(tree, folder, ()):
            if not rest:
                yield path
            elif is_folder:
                yield from _expanded(tree, path, rest)
        return
    for entry in tree.entries(folder):
        path = join(folder, entry.name)
        if go_match(first.replace("[!", "[^"), entry.name):
            if not rest:
                yield path
            elif entry.kind == "folder":
                yield from _expanded(tree, path, rest)


def _below(tree: Tree, folder: str, parents: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    """Yield a folder and all below it, through links too, but for circles; True for a folder."""
    yield folder, True
    parents = (*parents, tree.resolve(folder))
    for entry in tree.entries(folder):
        path = join(folder, entry.name)
        if entry.kind != "folder":
            yield path, False
        elif tree.resolve(path) not in parents:
            yield from _below(tree, path, parents)


def alternatives(pattern: str) -> list[str]:
    """Return the patterns without braces that one with `{a,b}` stands for; PatternError where braces do not close."""
    texts = _alternatives(pattern)
    if len(texts) > MAX_ALTERNATIVES:
        raise PatternError("the braces stand for too many patterns")
    return texts


def _alternatives(pattern: str) -> list[str]:
    start = _outside_classes(pattern, "{", 0)
    if start < 0:
        return [pattern]
    depth, at, begin = 1, start + 1, start + 1
    options: list[str] = []
    while depth:
        if at >= len(pattern):
            raise PatternError("a brace is not closed")
        sign = pattern[at]
        if sign == "\\":
            at += 1
        elif sign == "{":
            depth += 1
        elif sign == "}" or (sign == "," and depth == 1):
            depth -= sign == "}"
            if not depth or sign == ",":
                options.append(pattern[begin:at])
                begin = at + 1
        at += 1
    heads = [pattern[:start] + option for option in options]
    tails = _alternatives(pattern[at:])
    if len(heads) * len(tails) > MAX_ALTERNATIVES:
        raise PatternError("the braces stand for too many patterns")
    return [text for head in heads for inner in _alternatives(head) for text in (inner + tail for tail in tails)]


def _outside_classes(pattern: str, wanted: str, at: int) -> int:
    while at < len(pattern):
        sign = pattern[at]
        if sign == wanted:
            return at
        if sign == "\\":
            at += 1
        elif sign == "[" and (end := pattern.find("]", at + 2)) > 0:
            at = end
        at += 1
    return -1
