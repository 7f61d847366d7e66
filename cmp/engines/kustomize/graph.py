"""What a kustomization uses, and what that uses in turn: files, folders, charts and addresses, as its files name them.

Nothing is loaded here in kustomize's place: this tells which folders must be private copies before it runs, which files
sops must open, and what it would fetch over the network.  What kustomize would not accept, it says itself.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cmp import yamldoc
from cmp.engines.facts import FACTS, KUSTOMIZE
from cmp.errors import ConfigError
from cmp.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.tree import Tree
    from cmp.yamldoc import Document

Map = dict[str, object]
Path = tuple[str | int, ...]

FILES = FACTS[KUSTOMIZE].markers
# Lists of paths; an entry may also be a folder, an address or, for some, the YAML itself.
PATHS = (
    *("resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators"),
    "patchesStrategicMerge",
)
RECORDS = ("patches", "patchesJson6902", "replacements")  # lists of maps that may have a `path`
GENERATORS = ("configMapGenerator", "secretGenerator")
_REMOTE = re.compile(
    r"[a-z][a-z0-9+.-]*::?//|[a-z][a-z0-9+.-]*::|[\w.-]+@[\w.-]+:|(?:github\.com|gitlab\.com|bitbucket\.org)[/:]|[^?]*\?(?:\w+=[^&]*&)*ref=",
    re.IGNORECASE,
)


class Use(NamedTuple):
    """A path or an address as a kustomization has it, the key it stands under, and its line."""

    text: str
    key: str
    place: str


class Node(NamedTuple):
    """One kustomization: its folder and file (relative to the root), its content, and what it names.

    `folders` are kustomizations of the same tree, `files` are files of it, `remotes` what must come over the network.
    """

    folder: str
    file: str
    value: Map
    folders: tuple[str, ...]
    files: tuple[str, ...]
    remotes: tuple[Use, ...]
    charts: tuple[Map, ...]


class Graph(NamedTuple):
    """All kustomizations that one uses, by their folders, that one first."""

    nodes: Mapping[str, Node]

    def above(self, folder: str) -> tuple[str, ...]:
        """Return the folders through which kustomize comes to one of them, itself included."""
        found = {folder}
        while more := {one.folder for one in self.nodes.values() if found & {*one.folders}} - found:
            found |= more
        return tuple(sorted(found))


def read(tree: Tree, folder: str) -> Graph:
    """Read the kustomization in a folder and all that it uses; ConfigError for what leads outside the tree."""
    nodes: dict[str, Node] = {}
    waiting = [folder]
    while waiting:
        at = waiting.pop(0)
        if at in nodes:
            continue
        file = _file(tree, at)
        if file:
            nodes[at] = _node(tree, at, file)
            waiting += nodes[at].folders
    return Graph(nodes)


def _file(tree: Tree, folder: str) -> str:
    return next((join(folder, name) for name in FILES if tree.kind(join(folder, name)) == "file"), "")


def _node(tree: Tree, folder: str, file: str) -> Node:
    document = _document(tree, file)
    value = document.value if document and isinstance(document.value, dict) else {}
    lines = document.lines() if document else {}
    uses = [*_uses(value, file, lines)]
    folders, files, remotes = [], [], []
    for use in uses:
        path = _inside(folder, use)
        kind = tree.kind(path) if path is not None else "missing"
        if kind == "folder" and path is not None:
            folders.append(path)
        elif kind == "file" and path is not None:
            files.append(path)
        elif _REMOTE.match(use.text):
            remotes.append(use)
    charts = value.get("helmCharts")
    return Node(
        *(folder, file, value, tuple(dict.fromkeys(folders)), tuple(dict.fromkeys(files)), tuple(remotes)),
        tuple(one for one in charts if isinstance(one, dict)) if isinstance(charts, list) else (),
    )


def _document(tree: Tree, file: str) -> Document | None:
    try:
        documents = yamldoc.parse(tree.read(file))
    except yamldoc.YamlError as error:
        place = f"{file}:{error.line}:{error.column}"
        raise ConfigError(f"this kustomization is not YAML: {error.problem}", file=place) from None
    return documents[0] if documents else None


def _inside(folder: str, use: Use) -> str | None:
    """Return the path from the root, or None for what is none; ConfigError where it leads outside."""
    if "\n" in use.text or _REMOTE.match(use.text):
        return None
    path = posixpath.normpath(posixpath.join(folder, use.text))
    if path.startswith(("../", "/")) or path == "..":
        raise ConfigError(
            f"{use.key} names {use.text}, which leads outside the source tree",
            file=use.place,
            hint="everything an application uses must lie in its repository",
        )
    return "" if path == "." else path


def _uses(value: Map, file: str, lines: Mapping[Path, int]) -> Iterator[Use]:
    """Yield everything that a kustomization names, with the line of the entry that names it."""
    for path, text in (*_listed(value), *_of_records(value), *_of_generators(value)):
        if isinstance(text, str) and text:
            line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 0)
            yield Use(text, str(path[0]), f"{file}:{line}" if line else file)


def _listed(value: Map) -> Iterator[tuple[Path, object]]:
    for key in PATHS:
        yield from _items(value, key)
    openapi = value.get("openapi")
    yield ("openapi",), openapi.get("path") if isinstance(openapi, dict) else None


def _of_records(value: Map) -> Iterator[tuple[Path, object]]:
    for key in RECORDS:
        yield from ((path, item.get("path")) for path, item in _items(value, key) if isinstance(item, dict))
    for path, item in _items(value, "helmCharts"):
        for name in ("valuesFile", "additionalValuesFiles") if isinstance(item, dict) else ():
            yield from ((path, text) for text in _texts(item.get(name)))


def _of_generators(value: Map) -> Iterator[tuple[Path, object]]:
    for key in GENERATORS:
        for path, item in _items(value, key):
            if isinstance(item, dict):
                yield from ((path, text.rpartition("=")[2]) for text in _texts(item.get("files")))
                yield from ((path, text) for name in ("envs", "env") for text in _texts(item.get(name)))


def _items(value: Map, key: str) -> Iterator[tuple[Path, Any]]:
    found = value.get(key)
    yield from (((key, index), item) for index, item in enumerate(found if isinstance(found, list) else ()))


def _texts(value: object) -> Iterator[str]:
    yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))
