"""The folders of a tree that hold something to render, or values."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.secrets import sops
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import EngineTraits
    from cmp.system.tree import Tree

MAX_DEPTH = 8  # segments of a path: nobody's layout is deeper
YAML = (".yaml", ".yml")


class Folder(NamedTuple):
    """A folder with its YAML files by name; `engines` are those whose file it holds.

    `encrypted` is what sops wrote, `empty` what it cannot encrypt.
    """

    path: str
    engines: tuple[str, ...]
    files: tuple[str, ...]
    encrypted: frozenset[str]
    empty: frozenset[str]

    @property
    def segments(self) -> tuple[str, ...]:
        """The names on the way from the root."""
        return tuple(self.path.split("/")) if self.path else ()


def walk(tree: Tree, engines: Mapping[str, EngineTraits]) -> list[Folder]:
    """Return every folder with a YAML file or an engine's file, by path; links and hidden ones are not entered.

    Where no folder has the file of an engine, those with Kubernetes objects are the plain engine's.
    """
    found = list(_walk(tree, "", {name: facts for name, facts in engines.items() if not facts.is_fallback}))
    if any(folder.engines for folder in found):
        return found
    plain = tuple(name for name, facts in engines.items() if facts.is_fallback)
    return [folder._replace(engines=plain) if _has_objects(tree, folder) else folder for folder in found]


def _walk(tree: Tree, path: str, engines: Mapping[str, EngineTraits]) -> Iterator[Folder]:
    entries = [entry for entry in tree.entries(path) if not entry.name.startswith(".") and not entry.is_link]
    names = [entry.name for entry in entries]
    found = tuple(name for name, facts in engines.items() if _has_any(names, facts.markers))
    files = tuple(entry.name for entry in entries if entry.kind == "file" and entry.name.endswith(YAML))
    if found or files:
        contents = {name: _content(tree, join(path, name)) for name in files}
        encrypted = frozenset(name for name, data in contents.items() if sops.is_encrypted(name, data))
        yield Folder(
            path, found, files, encrypted, frozenset(name for name in files if sops.holds_nothing(contents[name]))
        )
    claimed = {claim.removesuffix("/**") for name in found for claim in engines[name].claims}
    for entry in entries:
        is_own = entry.name in claimed  # the chart's templates and subcharts, for one
        if entry.kind == "folder" and not is_own and path.count("/") < MAX_DEPTH - 1:
            yield from _walk(tree, join(path, entry.name), engines)


def _has_objects(tree: Tree, folder: Folder) -> bool:
    contents = [_content(tree, join(folder.path, name)) for name in folder.files]
    return any(b"\nkind:" in b"\n" + data and b"\napiVersion:" in b"\n" + data for data in contents)


def _has_any(names: list[str], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _content(tree: Tree, path: str) -> bytes:
    try:
        return tree.read(path)
    except ConfigError:  # too large, or not to be read: whoever uses it says so
        return b""
