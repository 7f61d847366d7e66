"""What a kustomization uses, and what that uses in turn: files, folders, charts and addresses, as its files name them.

Nothing is loaded here in kustomize's place: this tells which folders must be private copies before it runs, which files
sops must open, and what it would fetch over the network.  What kustomize would not accept, it says itself.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.kustomize import uses
from cmp.engines.kustomize.plugins import CHART, Plugin, plugins
from cmp.engines.registry import ENGINES, KUSTOMIZE
from cmp.errors import ConfigError
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from cmp.engines.kustomize.uses import Map, Use
    from cmp.system.tree import Tree
    from cmp.yamldoc import Document

FILES = ENGINES[KUSTOMIZE].markers
OPTIONS = "cmp-app.yaml"  # the place of what options add to a kustomization


class Node(NamedTuple):
    """One kustomization: its folder and file (relative to the root), its content, and what it names.

    Each of `uses` is a file or a folder of the tree, an address, or nothing that is there.  `plugins` are the
    configurations of its generators, transformers and validators.
    """

    folder: str
    file: str
    value: Map
    uses: tuple[Use, ...]
    plugins: tuple[Plugin, ...]

    @property
    def folders(self) -> tuple[str, ...]:
        """The kustomizations of the same tree."""
        return tuple(dict.fromkeys(use.path for use in self.uses if use.kind == "folder"))

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the same tree."""
        return tuple(dict.fromkeys(use.path for use in self.uses if use.kind == "file"))

    @property
    def remotes(self) -> tuple[Use, ...]:
        """What must come over the network."""
        return tuple(use for use in self.uses if use.kind == "remote")

    @property
    def has_charts(self) -> bool:
        """Whether it may name charts, in whatever form."""
        kinds = {plugin.value.get("kind") for plugin in self.plugins}
        return not self.value.keys().isdisjoint(uses.CHARTS) or CHART in kinds


class Graph(NamedTuple):
    """All kustomizations that one uses, by their folders, that one first."""

    nodes: Mapping[str, Node]

    def above(self, folder: str) -> tuple[str, ...]:
        """Return the folders through which kustomize comes to one of them, itself included."""
        found = {folder}
        while more := {one.folder for one in self.nodes.values() if found & {*one.folders}} - found:
            found |= more
        return tuple(sorted(found))

    def files(self) -> dict[str, tuple[str, ...]]:
        """Return every file that they name, with what must be private copies before it may be written to."""
        found: dict[str, set[str]] = {}
        for node in self.nodes.values():
            above = self.above(node.folder)
            for path in node.files:
                found.setdefault(path, {path}).update(above)
        return {path: tuple(sorted(copies)) for path, copies in found.items()}

    @property
    def takes_more(self) -> bool:
        """Whether they may take something from elsewhere: remote bases, or charts."""
        return any(node.remotes or node.has_charts for node in self.nodes.values())

    def require_present(self, optional: Container[str]) -> None:
        """ConfigError for the first path that leads to nothing; components of options may be `optional`."""
        for node in self.nodes.values():
            for use in node.uses:
                if use.place == OPTIONS and use.text in optional:
                    continue
                if use.kind in ("missing", "other"):
                    raise ConfigError(
                        f"{use.key} names {use.text}, and there is no {use.path}",
                        file=use.place,
                        hint="correct the path, or commit the file",
                    )
                if use.kind == "remote" and use.place == OPTIONS:
                    raise ConfigError(
                        f"{use.key} names {use.text}, which is not in the repository",
                        file=use.place,
                        hint="name it in the kustomization: only there is what is remote looked at",
                    )


def read(tree: Tree, folder: str, more: Iterable[Use] = ()) -> Graph:
    """Read the kustomization in a folder, to which options add `more`, and all that it uses.

    ConfigError for what leads outside the tree, and for a kustomization that cannot be read as kustomize reads it.
    """
    _require_itself(tree, folder, "")
    nodes: dict[str, Node] = {}
    waiting = [folder]
    while waiting:
        at = waiting.pop(0)
        file = "" if at in nodes else _file(tree, at)
        if file:
            nodes[at] = _node(tree, at, file, more if at == folder else ())
            waiting += nodes[at].folders
    return Graph(nodes)


def _file(tree: Tree, folder: str) -> str:
    return next((join(folder, name) for name in FILES if tree.kind(join(folder, name)) == "file"), "")


def _node(tree: Tree, folder: str, file: str, more: Iterable[Use]) -> Node:
    document = _document(tree, file)
    value = document.value if document and isinstance(document.value, dict) else {}
    lines = yamldoc.lines(document) if document else {}
    uses.require_exact_keys(value, file, lines)
    named = [_found(tree, folder, use) for use in (*uses.of(value, file, lines), *more)]
    configured = plugins(tree, file, named)
    named += [_found(tree, folder, use) for plugin in configured for use in plugin.uses()]
    return Node(folder, file, value, tuple(named), configured)


def _document(tree: Tree, file: str) -> Document | None:
    documents = yamldoc.parse_file(tree.read(file), file, what="this kustomization is not YAML")
    return documents[0] if documents else None


def _found(tree: Tree, folder: str, use: Use) -> Use:
    """Say what a text leads to; ConfigError where that is outside the tree."""
    if uses.is_inline(use.text):
        return use
    if uses.is_remote(use.text):
        return use._replace(kind="remote")
    path = posixpath.normpath(posixpath.join(folder, use.text))
    if path.startswith(("../", "/")) or path == "..":
        raise ConfigError(
            f"{use.key} names {use.text}, which leads outside the source tree",
            file=use.place,
            hint="everything an application uses must lie in its repository",
        )
    path = "" if path == "." else path
    kind = tree.kind(path)
    if kind == "folder":
        _require_itself(tree, path, use.place)
    return use._replace(path=path, kind=kind)


def _require_itself(tree: Tree, folder: str, place: str) -> None:
    """ConfigError for a link: kustomize goes to where it leads, and on from there, and a private copy has no links."""
    real = tree.resolve(folder)
    if real != folder:
        raise ConfigError(
            f"the kustomization {folder} lies behind a link to {real}", file=place, hint="name the folder itself"
        )
