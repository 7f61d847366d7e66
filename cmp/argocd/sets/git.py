"""Folders and files of the repository as parameters.

Source: argoproj/argo-cd 3.2, applicationset/generators/git.go and reposerver/repository/repository.go.
"""

from __future__ import annotations

import posixpath
from functools import cached_property
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.argocd.sets.match import directory, pathspec
from cmp.argocd.sets.values import Parameters, TextList, as_text, flattened, normalized
from cmp.errors import ConfigError
from cmp.system.globs import PatternError
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.argocd.shape import Spot
    from cmp.system.tree import Tree

    Items = Sequence[Mapping[str, object]]


class Listing:
    """What Git has in a tree; each file is read once, however many generators ask for it."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._contents: dict[str, list[dict[str, object]]] = {}

    @cached_property
    def folders(self) -> list[str]:
        """All folders, but hidden ones and what is in them."""
        return list(_folders(self._tree, ""))

    @cached_property
    def files(self) -> list[str]:
        """All files and links, whatever those lead to, sorted."""
        return sorted(_files(self._tree, ""))

    def maps(self, path: str) -> list[dict[str, object]]:
        """Return the maps in a file: it is one, or a list of them; ConfigError when it is something else."""
        if path not in self._contents:
            self._contents[path] = _contents(self._tree, path)
        return self._contents[path]


def directories(listing: Listing, items: Items, prefix: str, *, is_go: bool) -> list[Parameters]:
    """Return the folders that an item matches and none excludes; hidden ones, and what is in them, are none."""
    included, excluded = _split([(directory(str(item.get("path", ""))), item) for item in items])
    return [
        _of_path(path, "", prefix, is_go=is_go)
        for path in listing.folders
        if any(matches(path) for matches in included) and not any(matches(path) for matches in excluded)
    ]


def files(listing: Listing, items: Items, prefix: str, spot: Spot, *, is_go: bool) -> list[Parameters]:
    """Return what is in the files that an item matches and none excludes: a map, or a list of maps, for each."""
    included, excluded = _split([(_pathspec(item, spot.inner(index)), item) for index, item in enumerate(items)])
    return [
        _of_file(value, path, prefix, is_go=is_go)
        for path in listing.files
        if any(matches(path) for matches in included) and not any(matches(path) for matches in excluded)
        for value in listing.maps(path)
    ]


def _split(
    items: list[tuple[Callable[[str], bool], Mapping[str, object]]],
) -> tuple[list[Callable[[str], bool]], list[Callable[[str], bool]]]:
    included = [matches for matches, item in items if not item.get("exclude")]
    return included, [matches for matches, item in items if item.get("exclude")]


def _pathspec(item: Mapping[str, object], spot: Spot) -> Callable[[str], bool]:
    pattern = str(item.get("path", ""))
    try:
        return pathspec(pattern)
    except PatternError as error:
        raise ConfigError(
            f"the pattern {pattern} cannot be matched without Argo CD: {error}", file=spot.place
        ) from None


def _folders(tree: Tree, folder: str) -> Iterator[str]:
    for entry in tree.entries(folder):
        if entry.kind == "folder" and not entry.is_link and not entry.name.startswith("."):
            path = join(folder, entry.name)
            yield path
            yield from _folders(tree, path)


def _files(tree: Tree, folder: str) -> Iterator[str]:
    for entry in tree.entries(folder):
        path = join(folder, entry.name)
        if entry.kind == "folder" and not entry.is_link:
            yield from _files(tree, path)
        else:
            yield path


def _contents(tree: Tree, path: str) -> list[dict[str, object]]:
    """Return the maps in a file's first document; an empty one is an empty map."""
    documents = yamldoc.parse_file(tree.read(path), path, with_column=False)
    value = documents[0].value if documents and _is_first(tree.read(path), documents[0].line) else {}
    found = value if isinstance(value, list) else [value]
    if not all(item is None or isinstance(item, dict) for item in found):
        raise ConfigError("a file of the git generator must be a map, or a list of maps", file=path)
    return [item if isinstance(item, dict) else {} for item in found]


def _is_first(data: bytes, line: int) -> bool:
    """Whether there is nothing but comments before a line: else the document there is not the first one."""
    return all(not text.strip() or text.startswith(b"#") for text in data.split(b"\n")[: line - 1])


def _of_file(value: dict[str, object], path: str, prefix: str, *, is_go: bool) -> Parameters:
    folder, name = posixpath.split(path)
    known = value if is_go else {key: as_text(leaf) for key, leaf in flattened(value).items()}
    return {**known, **_of_path(folder or ".", name, prefix, is_go=is_go)}


def _of_path(path: str, filename: str, prefix: str, *, is_go: bool) -> Parameters:
    """Return what is known of a folder, or with `filename` of a file in it."""
    names = {"basename": posixpath.basename(path), **({"filename": filename} if filename else {})}
    names |= {f"{key}Normalized": normalized(name) for key, name in names.items()}
    segments = path.split("/")
    if is_go:
        found = {"path": {"path": path, **names, "segments": TextList(segments)}}
        return {prefix: found} if prefix else dict(found)
    key = f"{prefix}.path" if prefix else "path"
    numbered = {f"{key}[{index}]": segment for index, segment in enumerate(segments) if segment}
    return {key: path, **{f"{key}.{name}": text for name, text in names.items()}, **numbered}
