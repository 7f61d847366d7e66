"""The annotation `argocd.argoproj.io/manifest-generate-paths`: which changed files concern an Application.

Source: argoproj/argo-cd 3.2, util/app/path/path.go and util/security/path_traversal.go; Go's path/filepath/match.go.
An item means the file of that name, all that lies below the folder of that name, and what it matches as a pattern, in
which `*` and `?` do not cross a `/` and there is no `**`.  Without items every change concerns the Application.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANNOTATION = "argocd.argoproj.io/manifest-generate-paths"
SEPARATOR = ";"
SPECIAL = "*?[\\"  # what has a meaning in a pattern

_CHAR = r"(?:\\.|[^\\\]-])"
_CLASS = rf"\[(?P<negated>\^?+)(?P<ranges>(?:{_CHAR}(?:-{_CHAR})?+)++)\]"
_PIECE = re.compile(rf"(?P<star>\*+)|(?P<any>\?)|{_CLASS}|(?P<literal>\\.|[^\\\[])", re.DOTALL)
_RANGE = re.compile(rf"({_CHAR})(?:-({_CHAR}))?", re.DOTALL)


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
    compiled = _compiled(pattern)
    return compiled is not None and compiled.fullmatch(name) is not None


def escaped(text: str) -> str:
    """Return a pattern that matches this text alone."""
    return "".join(f"\\{char}" if char in SPECIAL else char for char in text)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    chunks = [""]  # what stands before the first star, and between two
    at = 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        if piece is None:
            return None
        at = piece.end()
        if piece["star"]:
            chunks.append("")
        else:
            chunks[-1] += _expression(piece)
    if len(chunks) == 1:
        return re.compile(chunks[0], re.DOTALL)
    # Go takes the first place where a chunk fits and does not come back to it.
    inner = "".join(f"(?>[^/]*?{chunk})" for chunk in chunks[1:-1])
    return re.compile(f"{chunks[0]}{inner}[^/]*?{chunks[-1]}", re.DOTALL)


def _expression(piece: re.Match[str]) -> str:
    if piece["any"]:
        return "[^/]"
    if piece["ranges"] is None:
        return re.escape(piece["literal"][-1])
    ranges = "".join(_ranges(piece["ranges"]))
    if piece["negated"]:
        return f"[^{ranges}]" if ranges else "."
    return f"[{ranges}]" if ranges else "(?!)"


def _ranges(written: str) -> Iterator[str]:
    """Yield the ranges of a class; one whose ends stand the wrong way round has nothing in it."""
    for low, high in _RANGE.findall(written):
        first, last = low[-1], (high or low)[-1]
        if first <= last:
            yield f"{re.escape(first)}-{re.escape(last)}"


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"
