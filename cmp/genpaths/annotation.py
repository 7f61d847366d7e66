"""The annotation `argocd.argoproj.io/manifest-generate-paths`: which changed files concern an Application.

Source: argoproj/argo-cd 3.2, util/app/path/path.go and util/security/path_traversal.go; Go's path/filepath/match.go.

The value is a list of items.  An item covers the file of that name, everything below the folder of that name, and every
path that it matches as a pattern, in which `*` and `?` do not cross a `/` and there is no `**`.  Without items every
change concerns the Application.

In the template of an ApplicationSet an item may hold expressions (`{{.name}}`), which stand for values of a generator.
No expression is evaluated.  One that also stands in the source path is known by the folder of an application that this
path leads to, and it is the same text wherever it stands again.
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
STAR = "*"
SPECIAL = "*?[\\"  # the characters with a meaning in a pattern

_EXPRESSION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
# The names that git generators have for the whole path of a folder, and for its parts.
_PATHS = {"path": ("path.basename", "path[{}]"), ".path.path": (".path.basename", "index .path.segments {}")}


# Reading an annotation


def items(annotation: str, source_path: str) -> tuple[str, ...]:
    """Return the items of an annotation, each from the root of the Git repository and with a `/` in front.

    They are separated by `;` and not trimmed; one without a `/` in front starts in the source path.
    """
    return tuple(_from_root(item, source_path) for item in annotation.split(SEPARATOR) if item)


def _from_root(item: str, source_path: str) -> str:
    path = item[1:] if item.startswith("/") else posixpath.normpath(posixpath.join(source_path, item))
    return _absolute("" if path == "." else path)


def covers(absolute_items: Iterable[str], path: str) -> bool:
    """Return whether one of some items, as `items` returns them, covers a file, named from the root of Git."""
    file = _absolute(path)
    return any(item == file or _is_below(file, item) or matches(item, file) for item in absolute_items)


def _is_below(file: str, folder: str) -> bool:
    clean = "/" + posixpath.normpath(folder).lstrip("/")
    return clean == "/" or f"{posixpath.dirname(file)}/".startswith(f"{clean}/")


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def matches(pattern: str, name: str) -> bool:
    """Return whether a pattern of Go's `filepath.Match` matches a whole name; a malformed one matches no name."""
    try:
        return go_match(pattern, name)
    except PatternError:
        return False


# Writing an annotation


def item_of_path(path: str, prefix: str) -> str:
    """Return the item for a file, or for a folder with everything below it.

    `prefix` is the path of the tree's root in the Git repository.  No item can hold a `;`: a path that has one gets the
    item of the nearest folder above it that has none.
    """
    while SEPARATOR in path:
        path = path.rpartition("/")[0]
    return f"/{join(prefix, path)}"


def item_of_pattern(pattern: Pattern, known: Mapping[str, str], prefix: str) -> str:
    """Return the narrowest item that covers every path that a pattern of the layout can match.

    `known` fills the names of the pattern; any other name becomes a `*`.  An item has no `**`: the pattern gets the
    folder in front of it.
    """
    segments = [_pieces(segment, known) for segment in pattern.segments]
    has_star = [STAR in pieces for pieces in segments]
    if ANY_DEPTH in pattern.segments:
        segments = segments[: has_star.index(True)]
    texts = ["".join(pieces) for pieces in segments]
    if not any(STAR in pieces for pieces in segments) or any(SEPARATOR in text for text in texts):
        literal = texts[: has_star.index(True)] if True in has_star else texts
        return item_of_path("/".join(literal), prefix)
    parts = [
        "".join(piece if piece == STAR or has_expression(piece) else _escaped(piece) for piece in pieces)
        for pieces in segments
    ]
    return f"/{join(_escaped(prefix), *parts)}"


def _pieces(segment: Segment, known: Mapping[str, str]) -> list[str]:
    """Return a segment of a pattern as texts, and a star for each part that may be any text."""
    return [
        token.text if token.kind == "text" else known.get(token.text, STAR) if token.kind == "name" else STAR
        for token in segment
    ]


def _escaped(text: str) -> str:
    """Return a pattern that matches this text alone."""
    return "".join(f"\\{char}" if char in SPECIAL else char for char in text)


def without_covered(absolute_items: Iterable[str]) -> tuple[str, ...]:
    """Return the items, sorted, without those whose every path another item covers too."""
    kept: list[str] = []
    for item in sorted(set(absolute_items), key=lambda item: (item.count("/"), item)):
        if not any(_includes(other, item) for other in kept):
            kept = [other for other in kept if not _includes(item, other)]
            kept.append(item)
    return tuple(sorted(kept))


def _includes(wide: str, narrow: str) -> bool:
    """Return whether one item covers every path of another; the wide one matches a star of the narrow one as a text."""
    if _is_literal(wide):
        return wide == narrow or f"{narrow}/".startswith(f"{wide.rstrip('/')}/")
    return not _is_literal(narrow) and matches(wide, narrow)


def _is_literal(item: str) -> bool:
    """Return whether an item is no pattern: it also covers everything below the folder of its name."""
    return not any(char in _EXPRESSION.sub("", item) for char in SPECIAL)


# Expressions of an ApplicationSet's template


def bind_expressions(template: str, text: str, known: Mapping[str, str] = NOTHING) -> dict[str, str] | None:
    """Return the values of the expressions with which a template is this text; None where it cannot be.

    The text `apps/shop` of the template `apps/{{.name}}` gives `{".name": "shop"}`.  An expression is one segment of a
    path, unless it is the whole template or the name of a path.  `known` values are filled in first, and returned too.
    """
    template = fill_expressions(template, known)
    names: list[str] = []
    pattern, at = "", 0
    for expression in _EXPRESSION.finditer(template):
        is_all = expression[0] == template
        pattern += re.escape(template[at : expression.start()]) + _group(expression[1], names, is_all=is_all)
        at = expression.end()
    match = re.fullmatch(pattern + re.escape(template[at:]), text)
    if match is None:
        return None
    bound = dict(zip(names, match.groups(), strict=True))
    return {**known, **bound, **dict(_path_parts(bound))}


def _group(name: str, names: list[str], *, is_all: bool) -> str:
    """Return the regular expression of an expression: any text for a new one, else the text that it was before."""
    if name in names:
        return rf"(?:\{names.index(name) + 1})"
    names.append(name)
    return "(.+)" if is_all or name in _PATHS else "([^/]+)"


def _path_parts(bound: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in bound.keys() & _PATHS.keys():
        basename, part = _PATHS[name]
        segments = bound[name].split("/")
        yield basename, segments[-1]
        yield from ((part.format(index), segment) for index, segment in enumerate(segments))


def fill_expressions(template: str, known: Mapping[str, str]) -> str:
    """Return the template with the known expressions replaced by their values."""
    return _EXPRESSION.sub(lambda expression: known.get(expression[1], expression[0]), template)


def has_expression(text: str) -> bool:
    """Return whether a text holds an expression."""
    return _EXPRESSION.search(text) is not None


def may_cover(item: str, path: str) -> bool:
    """Return whether an item covers a path for some values of the expressions that are left in it."""
    starred = _EXPRESSION.sub(STAR, item)
    pattern = "".join(".*" if part == STAR else re.escape(part) for part in re.split(r"(\*)", starred))
    return re.fullmatch(f"{pattern}(?:/.*)?", f"/{path.lstrip('/')}", re.DOTALL) is not None
