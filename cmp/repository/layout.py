"""Patterns and paths: `namespaces/{app}/common-values*.yaml` matched, filled and expanded.

    {name}   captures text inside one segment, or is filled where the name is already known
    *        any text inside one segment
    **       any number of whole segments; at the end of a pattern: every file below

As in a shell, neither `*` nor `{name}` takes a leading dot, and `**` enters no hidden folder and no linked one (a cycle
could start there).  Matches are sorted by code point of the whole path.  Patterns are matched by hand: compiling ten
regular expressions costs more than a whole render's layout, and one with many wildcards may take hours to fail.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from cmp.errors import ConfigError
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.system.tree import Kind, Tree

    Captures = Mapping[str, str]


class Token(NamedTuple):
    """A piece of one segment: literal text, the name of a capture, or a star."""

    kind: Literal["text", "name", "star"]
    text: str


Segment = tuple[Token, ...]
ANY_DEPTH: Segment = (Token("star", "**"),)
ANY_NAME: Segment = (Token("star", "*"),)


class _Parsed(NamedTuple):
    text: str
    place: str
    segments: tuple[Segment, ...]


class Pattern(_Parsed):
    """A parsed pattern; `text` is its spelling in the file, `place` the line (`cmp.yaml:8:7`), for messages."""

    @cached_property  # thousands of places ask a few patterns
    def names(self) -> frozenset[str]:
        """Return every `{name}` in the pattern."""
        return frozenset(token.text for segment in self.segments for token in segment if token.kind == "name")

    @property
    def has_wildcard(self) -> bool:
        """Return whether the pattern may match nothing: it holds a `*` or `**`."""
        return any(token.kind == "star" for segment in self.segments for token in segment)


class PathMatch(NamedTuple):
    """A path that a pattern matches, the kind of file there, and the pattern's captures."""

    path: str
    kind: Kind
    captures: Captures


@lru_cache(maxsize=1024)
def parse(text: str, place: str = "") -> Pattern:
    """Parse a path pattern, relative to the root; ConfigError when it cannot name a path below the root."""
    parts = text.split("/")
    if not text or "" in parts or "." in parts or ".." in parts:
        raise ConfigError(
            f"`{shown(text)}` is not a path pattern: it starts at the root, without empty, `.` and `..` segments",
            file=place,
        )
    segments = [ANY_DEPTH if part == "**" else _tokens(part, text, place) for part in parts]
    if segments[-1] is ANY_DEPTH:
        segments.append(ANY_NAME)
    return Pattern(text, place, tuple(segments))


def _tokens(part: str, pattern: str, place: str) -> Segment:
    if "**" in part:
        raise ConfigError(f"`**` must be a whole segment of the pattern `{shown(pattern)}`", file=place)
    tokens: list[Token] = []
    remaining = part
    while remaining:
        text, opened, remaining = remaining.partition("{")
        for index, literal in enumerate(text.split("*")):
            tokens += ([Token("star", "*")] if index else []) + ([Token("text", literal)] if literal else [])
        if opened:
            name, closed, remaining = remaining.partition("}")
            if not closed or not name.isidentifier():
                raise ConfigError(
                    f"`{{{name}{closed}` in the pattern `{shown(pattern)}` is not a name in braces", file=place
                )
            tokens.append(Token("name", name))
    return tuple(tokens)


def parse_text(text: str, place: str = "") -> Pattern:
    """Parse a text with placeholders that is not a path, such as `{cluster}-{app}`."""
    return Pattern(text, place, (_tokens(text, text, place),))


def require(pattern: Pattern, known: Captures, whose: str) -> None:
    """ConfigError when a `{name}` of the pattern is not known.

    `whose` completes that error's "… is not known" (`of cluster dev`).
    """
    for name in sorted(pattern.names):
        if name not in known:
            raise ConfigError(
                f"the pattern `{pattern.text}` needs {{{name}}}, which is not known {whose}",
                file=pattern.place,
                hint=f"known are {', '.join(sorted(known))}; "
                + ("name a cluster" if name == "cluster" else f"give the cluster the fact {name} in the inventory"),
            )


def fill(pattern: Pattern, known: Captures) -> str:
    """Return the pattern's text with every `{name}` filled; each must be known (`require`)."""
    return "/".join(_fill(segment, known) for segment in pattern.segments)


def sketch(pattern: Pattern, known: Captures) -> str:
    """Return the pattern's text with the known names filled and the others left, for messages."""
    return fill(pattern, {**{name: f"{{{name}}}" for name in pattern.names}, **known})


def _fill(segment: Segment, known: Captures) -> str:
    return "".join(known[token.text] if token.kind == "name" else token.text for token in segment)


def match(pattern: Pattern, path: str, known: Captures | None = None) -> Captures | None:
    """Return the captures of the whole path (names in `known` included); None where the pattern does not match."""
    return _match_path(pattern.segments, path.split("/"), known or {})


def may_name(pattern: Pattern, path: str, suffixes: tuple[str, ...]) -> bool:
    """Say whether a pattern may name this file: one with a secret suffix only if the pattern ends in it.

    Otherwise a secret could be taken for a plain file.
    """
    ends = tuple(suffix for suffix in suffixes if path.endswith(suffix))
    return not ends or pattern.text.endswith(ends)


def covers(pattern: Pattern, folder: str, known: Captures) -> bool:
    """Say whether the pattern matches everything below a folder."""
    return (
        pattern.segments[-2:] == (ANY_DEPTH, ANY_NAME)
        and _match_path(pattern.segments[:-1], folder.split("/"), known) is not None
    )


def may_be_of_depth(pattern: Pattern, depth: int) -> bool:
    """Say whether the pattern may match a path of so many segments."""
    return len(pattern.segments) == depth or ANY_DEPTH in pattern.segments


def matches_above(pattern: Pattern, path: str) -> bool:
    """Say whether the pattern matches the path or a folder above it."""
    return _match_path(pattern.segments, path.split("/"), {}, is_above=True) is not None


def _match_path(
    segments: tuple[Segment, ...], parts: list[str], known: Captures, *, is_above: bool = False
) -> Captures | None:
    """Match whole segments, of several ways the one in which each `**` takes the fewest; none is gone twice."""
    tried: set[object] = set()
    waiting = [(0, 0, known)]
    while waiting:
        at, begun, captured = waiting.pop()
        if at == len(segments):
            if is_above or begun == len(parts):
                return captured
            continue
        if segments[at] is ANY_DEPTH:
            state = (at, begun, *captured.values())
            if state in tried:
                continue
            tried.add(state)
            if begun < len(parts) and not parts[begun].startswith("."):
                waiting.append((at, begun + 1, captured))
            waiting.append((at + 1, begun, captured))
        elif begun < len(parts) and (extended := match_name(segments[at], parts[begun], captured)) is not None:
            waiting.append((at + 1, begun + 1, extended))
    return None


def match_name(segment: Segment, name: str, known: Captures) -> Captures | None:
    """Match one segment; of several ways the leftmost `{name}` takes as much, and `*` as little, as it can."""
    if name.startswith(".") and _is_open(segment[0], known):
        return None
    if len(segment) == 1 and _is_open(segment[0], known):  # as most segments are
        return known if segment[0].kind == "star" else {**known, segment[0].text: name} if name else None
    names = [token.text for token in segment if token.kind == "name" and token.text not in known]
    if names[1:] and len(names) > len(set(names)):
        return _match_repeated(segment, name, known, names)
    return _match_tokens(segment, name, known)


def _is_open(token: Token, known: Captures) -> bool:
    return token.kind == "star" or (token.kind == "name" and token.text not in known)


def _match_tokens(tokens: Segment, text: str, known: Captures) -> Captures | None:
    """Match tokens in which each open name stands once."""
    is_open = [_is_open(token, known) for token in tokens]
    if not any(is_open):
        return known if text == "".join(_literal(token, known) for token in tokens) else None
    first, last = is_open.index(True), len(is_open) - is_open[::-1].index(True)
    before = "".join(_literal(token, known) for token in tokens[:first])
    behind = "".join(_literal(token, known) for token in tokens[last:])
    if len(text) < len(before) + len(behind) or not (text.startswith(before) and text.endswith(behind)):
        return None
    text = text[len(before) : len(text) - len(behind)]
    if last - first > 1:
        return _match_open(tokens[first:last], text, known)
    if tokens[first].kind == "star":
        return known
    return {**known, tokens[first].text: text} if text else None


def _match_open(tokens: Segment, text: str, known: Captures) -> Captures | None:
    """Match several open tokens in time that grows with tokens times text.

    From the right, each token gets the set of places, as the bits of a number, from where it and the later ones match.
    """
    places = [1 << len(text)]
    for token in reversed(tokens):
        after = places[-1]
        if not after:
            return None
        if _is_open(token, known):
            places.append((1 << after.bit_length() - (token.kind == "name")) - 1)
        else:
            places.append(_before(_literal(token, known), text, after))
    if not places[-1] & 1:
        return None
    captured = dict(known)
    at = 0
    for token, after in zip(tokens, reversed(places[:-1]), strict=True):
        begun = at
        if token.kind == "star":
            later = after >> at
            at += (later & -later).bit_length() - 1
        elif _is_open(token, known):
            at = after.bit_length() - 1
            captured[token.text] = text[begun:at]
        else:
            at += len(_literal(token, known))
    return captured


def _literal(token: Token, known: Captures) -> str:
    return known[token.text] if token.kind == "name" else token.text


def _before(literal: str, text: str, after: int) -> int:
    """Return the places from where a literal text leads to one of the places `after`."""
    places, at = 0, text.find(literal)
    while at >= 0:
        places |= (after >> at + len(literal) & 1) << at
        at = text.find(literal, at + 1) if at < len(text) else -1
    return places


def _match_repeated(segment: Segment, text: str, known: Captures, names: list[str]) -> Captures | None:
    """Match a segment in which one open name stands twice; each text that it may capture is tried, longest first."""
    repeated = dict.fromkeys(name for name in names if names.count(name) > 1)
    if len(repeated) > 1:
        raise ConfigError(
            f"{' and '.join(f'{{{name}}}' for name in repeated)} stand twice in one segment of a pattern",
            hint="name each once; what stands for it the second time may be `*`",
        )
    name, count = next(iter(repeated)), max(map(names.count, repeated))
    for size in range(len(text) // count, 0, -1):
        for value in dict.fromkeys(text[at : at + size] for at in range(len(text) - size + 1)):
            if text.count(value) >= count:
                captures = _match_tokens(segment, text, {**known, name: value})
                if captures is not None:
                    return captures
    return None


def expand(tree: Tree, pattern: Pattern, known: Captures) -> list[PathMatch]:
    """Return every existing path that the pattern matches, sorted; names that are not known are captured.

    Only folders that the pattern itself names or crosses are listed.  ConfigError for a match whose name holds control
    characters or is not UTF-8: no message could show it and no tool takes it; and for a known value that is not one
    segment of a path.
    """
    for name in sorted(pattern.names & known.keys()):
        if known[name] in ("", ".", "..") or "/" in known[name]:
            raise ConfigError(
                f"{{{name}}} of the pattern `{pattern.text}` is `{shown(known[name])}`: not one segment of a path",
                file=pattern.place,
            )
    every = _grow(tree, "", pattern.segments, known, set()) if pattern.segments else ()
    matches = sorted({match.path: match for match in every}.values())
    for path, _, _ in matches:
        if not path.isprintable() and _has_controls(path):
            raise ConfigError(
                "a file name with control characters, or not in UTF-8", file=shown(path), hint="rename it"
            )
    return matches


def _has_controls(path: str) -> bool:
    import unicodedata  # noqa: PLC0415  # rare: spaces other than U+0020 come here too, and are fine

    return any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in path)


def shown(path: str) -> str:
    """Return a path as messages may show it: on one line, unprintable characters escaped."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in path)


def _grow(
    tree: Tree, folder: str, segments: tuple[Segment, ...], known: Captures, seen: set[object]
) -> Iterator[PathMatch]:
    head, later = segments[0], segments[1:]
    if head is ANY_DEPTH:
        state = (len(segments), folder, *known.values())
        if state in seen:  # two `**` come to the same folder in many ways
            return
        seen.add(state)
        yield from _grow(tree, folder, later, known, seen)
        for entry in tree.entries(folder):
            if entry.kind == "folder" and not entry.is_link and not entry.name.startswith("."):
                yield from _grow(tree, join(folder, entry.name), segments, known, seen)
    elif not any(_is_open(token, known) for token in head):
        yield from _step(tree, PathMatch(join(folder, _fill(head, known)), "missing", known), later, seen)
    else:
        for entry in tree.entries(folder):
            captured = match_name(head, entry.name, known)
            if captured is not None and (entry.kind == "folder" or not later):
                yield from _step(tree, PathMatch(join(folder, entry.name), entry.kind, captured), later, seen)


def _step(tree: Tree, match: PathMatch, later: tuple[Segment, ...], seen: set[object]) -> Iterator[PathMatch]:
    """Go on below a path, or end there; a path that was not listed may be there all the same."""
    if later:
        yield from _grow(tree, match.path, later, match.captures, seen)
    elif match.kind != "missing":
        yield match
    elif (kind := tree.kind(match.path)) != "missing":
        yield match._replace(kind=kind)
