"""The annotation `argocd.argoproj.io/manifest-generate-paths`: which changed files concern an Application.

Source: argoproj/argo-cd 3.2, util/app/path/path.go and util/security/path_traversal.go; Go's path/filepath/match.go.
An item means the file of that name, all that lies below the folder of that name, and what it matches as a pattern, in
which `*` and `?` do not cross a `/` and there is no `**`.  Without items every change concerns the Application.

In the template of an ApplicationSet an item may hold expressions `{{…}}`, which stand for what a generator gives.
Nothing is evaluated: an expression that stands in the source path is known by the path that it leads to, and it is the
same text wherever it stands again.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from cmp.model import NOTHING
from cmp.repository.layout import ANY_DEPTH
from cmp.system.globs import PatternError, go_match
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp.repository.layout import Pattern, Segment

ANNOTATION = "argocd.argoproj.io/manifest-generate-paths"
SEPARATOR = ";"
SPECIAL = "*?[\\"  # what has a meaning in a pattern


def items(annotation: str, source_path: str) -> tuple[str, ...]:
    """Return the items of an annotation, each from the root of the Git repository and with a `/` in front.

    They are separated by `;` and not trimmed; one without a `/` in front starts in the source path.
    """
    return tuple(_rooted(item, source_path) for item in annotation.split(SEPARATOR) if item)


def _rooted(item: str, source_path: str) -> str:
    path = item[1:] if item.startswith("/") else posixpath.normpath(posixpath.join(source_path, item))
    return _absolute("" if path == "." else path)


def matches(wanted: Iterable[str], path: str) -> bool:
    """Say whether one of the items that `items` returned means a file, named from the root of the Git repository."""
    file = _absolute(path)
    return any(item == file or is_below(file, item) or matches_name(item, file) for item in wanted)


def is_below(file: str, folder: str) -> bool:
    """Say whether an absolute path lies in, or deeper in, an absolute folder."""
    clean = "/" + posixpath.normpath(folder).lstrip("/")
    return clean == "/" or f"{posixpath.dirname(file)}/".startswith(f"{clean}/")


def matches_name(pattern: str, name: str) -> bool:
    """Say whether a whole name matches a pattern of Go's `filepath.Match`; one that is malformed matches nothing."""
    try:
        return go_match(pattern, name)
    except PatternError:
        return False


def escaped(text: str) -> str:
    """Return a pattern that matches this text alone."""
    return "".join(f"\\{char}" if char in SPECIAL else char for char in text)


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


STAR = "*"


def of_path(path: str, prefix: str) -> str:
    """Return the item for a file, or for a folder with all below it; `prefix` is where the root lies in Git.

    No item can hold a `;`: then it is the nearest folder above that has none.
    """
    while SEPARATOR in path:
        path = path.rpartition("/")[0]
    return f"/{join(prefix, path)}"


def of_pattern(pattern: Pattern, known: Mapping[str, str], prefix: str) -> str:
    """Return the item that means at least what a pattern can lead to; names that are not `known` may be anything.

    There is no `**` in an item: all of the folder before it is meant.
    """
    shown = [_segment(segment, known) for segment in pattern.segments]
    is_open = [STAR in pieces for pieces in shown]
    if ANY_DEPTH in pattern.segments:
        shown = shown[: is_open.index(True)]
    literal = ["".join(pieces) for pieces in shown]
    if not any(STAR in pieces for pieces in shown) or any(SEPARATOR in part for part in literal):
        closed = literal[: is_open.index(True)] if True in is_open else literal
        return of_path("/".join(closed), prefix)
    parts = [
        "".join(piece if piece == STAR or is_template(piece) else escaped(piece) for piece in pieces)
        for pieces in shown
    ]
    return f"/{join(escaped(prefix), *parts)}"


def _segment(segment: Segment, known: Mapping[str, str]) -> list[str]:
    """Return the pieces of a segment: texts, and stars for what may be anything."""
    return [
        token.text if token.kind == "text" else known.get(token.text, STAR) if token.kind == "name" else STAR
        for token in segment
    ]


def reduced(items: Iterable[str]) -> tuple[str, ...]:
    """Return the items without those that others mean too, sorted."""
    kept: list[str] = []
    for item in sorted(set(items), key=lambda item: (item.count("/"), item)):
        if not any(_covers(other, item) for other in kept):
            kept = [other for other in kept if not _covers(item, other)]
            kept.append(item)
    return tuple(sorted(kept))


def _covers(wide: str, narrow: str) -> bool:
    """Whether all that one item means is meant by another; a star in the narrow one is text that a wide one matches."""
    if is_literal(wide):
        return wide == narrow or f"{narrow}/".startswith(f"{wide.rstrip('/')}/")
    return not is_literal(narrow) and matches_name(wide, narrow)


def is_literal(item: str) -> bool:
    """Say whether an item is no pattern: also what lies below it is meant."""
    return not any(char in without(item) for char in SPECIAL)


_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
# What git generators give for the whole path of a folder, and for its parts.
_PATHS = {"path": ("path.basename", "path[{}]"), ".path.path": (".path.basename", "index .path.segments {}")}


def bind(template: str, text: str, known: Mapping[str, str] = NOTHING) -> dict[str, str] | None:
    """Return what each expression stands for where the template gives this text, or None where it cannot.

    `known` is in the result.  An expression is one segment of a path, unless it is all of the template or a path.
    """
    template = filled(template, known)
    names: list[str] = []
    pattern, at = "", 0
    for found in _EXPRESSION.finditer(template):
        pattern += re.escape(template[at : found.start()]) + _group(found[1], names, is_all=found[0] == template)
        at = found.end()
    match = re.fullmatch(pattern + re.escape(template[at:]), text)
    if match is None:
        return None
    bound = dict(zip(names, match.groups(), strict=True))
    return {**known, **bound, **dict(_parts(bound))}


def _group(name: str, names: list[str], *, is_all: bool) -> str:
    """Return what matches an expression: any text where it is new, else the same as before."""
    if name in names:
        return rf"(?:\{names.index(name) + 1})"
    names.append(name)
    return "(.+)" if is_all or name in _PATHS else "([^/]+)"


def _parts(bound: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in bound.keys() & _PATHS.keys():
        basename, part = _PATHS[name]
        segments = bound[name].split("/")
        yield basename, segments[-1]
        yield from ((part.format(index), segment) for index, segment in enumerate(segments))


def filled(template: str, known: Mapping[str, str]) -> str:
    """Return the template with the expressions that are known replaced."""
    return _EXPRESSION.sub(lambda found: known.get(found[1], found[0]), template)


def is_template(text: str) -> bool:
    """Say whether an expression is in a text."""
    return _EXPRESSION.search(text) is not None


def without(template: str) -> str:
    """Return the template without its expressions."""
    return _EXPRESSION.sub("", template)


def may_mean(item: str, path: str) -> bool:
    """Say whether an item with expressions left may mean a path, for some value of them."""
    loose = "".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", _EXPRESSION.sub("*", item)))
    return re.fullmatch(f"{loose}(?:/.*)?", f"/{path.lstrip('/')}", re.DOTALL) is not None
