"""YAML files that nothing uses: a values file that somebody renamed must not lose its values in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.model import NOTHING
from cmp.repository import layout
from cmp.repository.instances.engine import CONFIG_FILE
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.repository.layout import Captures, Pattern
    from cmp.system.tree import Tree

YAML_SUFFIXES = (".yaml", ".yml")
OWN = layout.parse("cmp*.yaml").segments[0]  # cmp.yaml, cmp-app.yaml and what may come: no manifests


class Claims(NamedTuple):
    """What has a use for a file.

    `files` are used for certain.  `ignored` and `values` are patterns from the root in which names that are not in
    `known` match anything; those of values find a file with one of the secret `suffixes` only if they end in it.
    `engine` are the engine's own patterns, from `built`, the folder that it builds.
    """

    files: frozenset[str]
    ignored: tuple[Pattern, ...]
    values: tuple[Pattern, ...]
    suffixes: tuple[str, ...]
    known: Captures
    engine: tuple[Pattern, ...]
    built: str

    def has_file(self, path: str) -> bool:
        """Say whether something uses this file."""
        inner = path.removeprefix(f"{self.built}/")
        values = [pattern for pattern in self.values if layout.may_name(pattern, path, self.suffixes)]
        return (
            path in self.files
            or any(layout.match(pattern, path, self.known) is not None for pattern in (*self.ignored, *values))
            or (inner != path and any(layout.match(pattern, inner) is not None for pattern in self.engine))
        )

    def has_folder(self, path: str) -> bool:
        """Say whether everything below this folder is used, or ignored."""
        inner = path.removeprefix(f"{self.built}/")
        return any(layout.covers(pattern, path, self.known) for pattern in self.ignored) or (
            inner != path and any(layout.covers(pattern, inner, NOTHING) for pattern in self.engine)
        )


def unclaimed(tree: Tree, folder: str, claims: Claims, is_other: Callable[[str], bool]) -> Iterator[str]:
    """Yield the YAML files below a folder that nothing claims, sorted.

    Hidden files and folders are left out, links to folders, and folders of which `is_other` says that they belong to
    another application or instance.
    """
    for entry in tree.entries(folder):
        path = join(folder, entry.name)
        if entry.name.startswith(".") or entry.name == CONFIG_FILE:
            continue
        if entry.kind == "folder":
            if not (entry.is_link or claims.has_folder(path) or is_other(path)):
                yield from unclaimed(tree, path, claims, is_other)
        elif entry.name.endswith(YAML_SUFFIXES) and not claims.has_file(path):
            yield path
