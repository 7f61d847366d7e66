"""The Applications and ApplicationSets that are files of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.document import GROUP, is_a, objects
from cmp.errors import ConfigError
from cmp.system.globs import whole_match
from cmp.system.tree import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.argocd.document import Found
    from cmp.system.tree import Tree


class Declared(NamedTuple):
    """What files of a repository declare, by file and place in it; `notes` are sentences about files left out."""

    applications: tuple[Found, ...]
    sets: tuple[Found, ...]
    notes: tuple[str, ...]


def applications_in(tree: Tree, patterns: Iterable[str]) -> Declared:
    """Return all Applications and ApplicationSets in files that match a pattern (`**/*.yaml`), also those in lists.

    A file that is no YAML, such as a chart's template, is left out with a note, if it looks as if it had one.
    """
    wanted = [*patterns]
    found: list[Found] = []
    notes: list[str] = []
    for path in walk(tree, ""):
        if any(whole_match(pattern, path) for pattern in wanted):
            try:
                found += _declared(tree.read(path), path)
            except ConfigError as error:
                notes.append(f"{error.file} is left out: {error.what}")
    applications, sets = (
        tuple(each for each in found if is_a(kind, each.value)) for kind in ("Application", "ApplicationSet")
    )
    return Declared(applications, sets, tuple(notes))


def _declared(data: bytes, path: str) -> Iterator[Found]:
    """Yield the objects of a file, which is only parsed when it speaks of Argo CD."""
    if GROUP.encode() in data and b"Application" in data:
        yield from objects(data, path)
