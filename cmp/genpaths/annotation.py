"""The annotation `argocd.argoproj.io/manifest-generate-paths`: which changed files concern an Application.

Source: argoproj/argo-cd 3.2, util/app/path/path.go and util/security/path_traversal.go; Go's path/filepath/match.go.
An item means the file of that name, all that lies below the folder of that name, and what it matches as a pattern, in
which `*` and `?` do not cross a `/` and there is no `**`.  Without items every change concerns the Application.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from cmp.system.globs import PatternError, go_match

if TYPE_CHECKING:
    from collections.abc import Iterable

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
