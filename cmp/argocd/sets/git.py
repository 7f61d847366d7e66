"""Folders and files of the repository as parameters, and the two ways in which the git generator matches their paths.

Folders are matched by Go's `path.Match`, files by a pathspec of `git ls-files`.
Source: argoproj/argo-cd 3.2, applicationset/generators/git.go and reposerver/repository/repository.go.
"""

from __future__ import annotations

import posixpath
import re
from functools import cached_property, partial
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.argocd.sets.gotypes import Leaf, Parameters, as_text, flattened, normalized
from cmp.errors import ConfigError
from cmp.system.globs import PatternError, chunks_of, exactly, go_chunks, go_match, members, star_match
from cmp.system.tree import join
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp.argocd.sets.specification import PathItem
    from cmp.schema.json_node import SourceLocation
    from cmp.system.globs import CharTest
    from cmp.system.tree import Tree

    Match = Callable[[str], bool]


_PART = re.compile(
    r"(?P<star>\*+)|(?P<one>\?)|\[(?P<no>[!^]?)(?P<set>(?:\\.|[^\]\\])(?:\\.|[^\]\\])*)\]|\\(?P<as>.)", re.DOTALL
)
_RANGE = re.compile(r"(\\.|[^-\[\\])(?:-(\\.|[^-\[\\]))?", re.DOTALL)
_CLASS = re.compile(rf"(?:{_RANGE.pattern})+", re.DOTALL)
_SPECIAL = re.compile(r"[*?\[\\]")


class Listing:
    """The folders and files that Git has in a tree; each file is read once, however many generators ask for it."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._contents: dict[str, list[dict[str, object]]] = {}

    @cached_property
    def folders(self) -> list[str]:
        """All folders, but hidden ones and those in them."""
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


def directories(listing: Listing, items: Sequence[PathItem], prefix: str, *, is_go: bool) -> list[Parameters]:
    """Return the folders that an item matches and no item excludes; hidden folders, and all in them, do not count."""
    is_wanted = _wanted([(item, directory(item.path)) for item in items])
    return [_of_path(path, "", prefix, is_go=is_go) for path in listing.folders if is_wanted(path)]


def files(
    listing: Listing, items: Sequence[PathItem], prefix: str, location: SourceLocation, *, is_go: bool
) -> list[Parameters]:
    """Return the maps in the files that an item matches and none excludes: each file is a map, or a list of maps."""
    is_wanted = _wanted([(item, _pathspec(item.path, location.inner(index))) for index, item in enumerate(items)])
    return [
        _of_file(value, path, prefix, is_go=is_go)
        for path in listing.files
        if is_wanted(path)
        for value in listing.maps(path)
    ]


def _wanted(items: list[tuple[PathItem, Match]]) -> Match:
    included = [matches for item, matches in items if not item.exclude]
    excluded = [matches for item, matches in items if item.exclude]

    def is_wanted(path: str) -> bool:
        return any(matches(path) for matches in included) and not any(matches(path) for matches in excluded)

    return is_wanted


def _pathspec(pattern: str, location: SourceLocation) -> Match:
    try:
        return pathspec(pattern)
    except PatternError as error:
        raise ConfigError(
            f"the pattern {pattern} cannot be matched without Argo CD: {error}", file=location.place
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
    items = value if isinstance(value, list) else [value]
    if not all(item is None or isinstance(item, dict) for item in items):
        raise ConfigError("a file of the git generator must be a map, or a list of maps", file=path)
    return [mapping(item) for item in items]


def _is_first(data: bytes, line: int) -> bool:
    """Say whether only comments stand before a line: else the document there is not the first one."""
    return all(not text.strip() or text.startswith(b"#") for text in data.split(b"\n")[: line - 1])


def _of_file(value: dict[str, object], path: str, prefix: str, *, is_go: bool) -> Parameters:
    folder, name = posixpath.split(path)
    known = value if is_go else {key: as_text(leaf) for key, leaf in flattened(value).items()}
    return {**known, **_of_path(folder or ".", name, prefix, is_go=is_go)}


def _of_path(path: str, filename: str, prefix: str, *, is_go: bool) -> Parameters:
    """Return the parameters that tell of a folder, or with `filename` of a file in it."""
    names = {"basename": posixpath.basename(path), **({"filename": filename} if filename else {})}
    names |= {f"{key}Normalized": normalized(name) for key, name in names.items()}
    segments = path.split("/")
    if is_go:
        parameters: Parameters = {"path": {"path": path, **names, "segments": Leaf(segments)}}
        return {prefix: parameters} if prefix else parameters
    key = f"{prefix}.path" if prefix else "path"
    numbered = {f"{key}[{index}]": segment for index, segment in enumerate(segments) if segment}
    return {key: path, **{f"{key}.{name}": text for name, text in names.items()}, **numbered}


def directory(pattern: str) -> Match:
    """Return a matcher of a folder's path, as `path.Match` does it: `*` stays in a segment, `**` is the same.

    A malformed pattern matches nothing.
    """
    try:
        go_chunks(pattern)
    except PatternError:
        return lambda _: False
    return partial(go_match, pattern)


def pathspec(pattern: str) -> Match:
    """Return a matcher of a file's path, as `git ls-files -- PATTERN`: `*` crosses `/`, a folder means its files.

    PatternError for pathspec magic (`:(glob)…`) and for a path outside the repository.
    """
    if pattern.startswith((":", "/")):
        raise PatternError("a pattern that begins with a colon or a slash is not read")
    clean = posixpath.normpath(pattern or ".")
    if clean == ".." or clean.startswith("../"):
        raise PatternError("it leads outside the repository")
    if clean == ".":
        return lambda _: True
    is_folder = pattern.endswith("/")
    chunks = chunks_of([*_items(clean)]) if _SPECIAL.search(clean) and not is_folder else None

    def matches(path: str) -> bool:
        if path.startswith(f"{clean}/") or (path == clean and not is_folder):
            return True
        return chunks is not None and star_match(chunks, path)

    return matches


def _items(pattern: str) -> Iterator[CharTest | None]:
    """Yield a test of each character; None for a star."""
    at = 0
    while at < len(pattern):
        part = _PART.match(pattern, at)
        if not part and pattern[at] in "[\\":
            raise PatternError("a bracket or a backslash has no end")
        yield _item(part) if part else exactly(pattern[at])
        at = part.end() if part else at + 1


def _item(part: re.Match[str]) -> CharTest | None:
    if part["star"]:
        return None
    if part["one"]:
        return lambda _: True
    return exactly(part["as"]) if part["as"] else members(_ranges(part["set"]), is_negated=bool(part["no"]))


def _ranges(text: str) -> list[tuple[str, str]]:
    """Return the inside of a class in brackets: characters and ranges of them, each perhaps behind a backslash."""
    if not _CLASS.fullmatch(text):
        raise PatternError("a class in brackets is not read")
    ranges = [(first[-1], (last or first)[-1]) for first, last in _RANGE.findall(text)]
    if any(last < first for first, last in ranges):
        raise PatternError("a range in brackets ends before it begins")
    return ranges
