"""The texts of an ApplicationSet's template, in which `{{…}}` stands for what a generator gives.

Nothing is evaluated: an expression that stands in the source path is known by the path that it leads to, and it is the
same text wherever it stands again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.model import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
