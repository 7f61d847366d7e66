"""Remote bases and files: fetched by cmp into the private mirror, where kustomize finds them as folders and files.

A base may name others, of the same repository or again of somebody else's.  Everything that a fetched tree names must
lie in it; what it has encrypted stays so.
"""

from __future__ import annotations

import os
import posixpath
import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.kustomize import charts, graph, references
from cmp.engines.kustomize.graph import OPTIONS
from cmp.engines.protocol import Part
from cmp.errors import ConfigError
from cmp.system.digest import sha256
from cmp.system.tree import WorkTree, join

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from cmp.engines.kustomize.graph import Graph, Node
    from cmp.engines.kustomize.references import Reference
    from cmp.engines.kustomize.rewrite import Build
    from cmp.engines.kustomize.uses import Use
    from cmp.engines.protocol import RemoteProvider
    from cmp.model import RemoteRef
    from cmp.system.tree import Tree

FOLDER = "cmp-remote-bases"  # of the mirror
MAX_BASES = 100


class Found(NamedTuple):
    """A kustomization of the mirror, the folder of the mirror in which its repository's tree lies, and that tree."""

    root: str
    node: Node
    tree: Tree

    @property
    def folder(self) -> str:
        """Where it is in the mirror."""
        return join(self.root, self.node.folder)


def check(tree: Tree, found: Graph) -> Iterator[Node]:
    """Yield the kustomizations that name something remote; ConfigError for a reference that no render follows."""
    for node in found.nodes.values():
        if [*named(node)]:
            if tree.kind(FOLDER) != "missing":
                raise ConfigError("fetched bases get this folder's name", file=FOLDER, hint="rename the folder")
            yield node


def named(node: Node) -> Iterator[tuple[Use, Reference]]:
    """Yield what a kustomization names that is remote; ConfigError for a reference that no render follows.

    Components of options are left out where they may be missing: Argo CD does not look for remote ones either.
    """
    for use in node.remotes:
        if use.place != OPTIONS:
            yield use, references.parse(use)


def follow(tree: Tree, found: Graph, remotes: RemoteProvider) -> Iterator[Found]:
    """Yield all kustomizations: those of the repository, and of the trees that they name, which are fetched for it."""
    waiting = [Found("", node, tree) for node in found.nodes.values()]
    seen = {one.folder for one in waiting}
    asked: set[str] = set()
    while waiting:
        one = waiting.pop(0)
        yield one
        for _, reference in named(one.node):
            root = _root(reference.wanted)
            place = join(root, reference.folder)
            if reference.wanted.is_file or place in asked:
                continue
            asked.add(place)
            _require_few(asked, reference)
            part = Part(reference.folder, partial(_used, reference))
            fetched = WorkTree(remotes.tree(reference.wanted, part, root))
            more = [Found(root, node, fetched) for node in _read(fetched, reference)]
            waiting += [new for new in more if new.folder not in seen]
            seen.update(new.folder for new in more)


def place(build: Build) -> list[Found]:
    """Bring in everything remote and name it where it is now; return all kustomizations, those of fetched trees too."""
    found = [*follow(WorkTree(build.work.root), build.graph, build.work.provider)]
    for one in found:
        for use, reference in named(one.node):
            value = build.kustomization(one.folder)
            here = _file(build, one, reference) if reference.wanted.is_file else _way(build, one, reference)
            entries = value[use.key]
            value[use.key] = [here if entry == use.text else entry for entry in entries]  # type: ignore[attr-defined]
    build.save()
    return found


def _file(build: Build, by: Found, reference: Reference) -> str:
    """Put a file beside the kustomization that names it, for there alone kustomize reads it; return its name."""
    name = f"cmp-remote-{_slug(reference.wanted)}.yaml"
    if not build.has(join(by.folder, name)):
        build.write(join(by.folder, name), build.work.provider.file(reference.wanted))
    return name


def _way(build: Build, by: Found, reference: Reference) -> str:
    """Return the way to a base from the kustomization that names it, as kustomize goes it: from where links lead."""
    target = build.path(join(_root(reference.wanted), reference.folder))
    way = posixpath.relpath(os.path.realpath(target), os.path.realpath(build.path(by.folder)))
    return way if way.startswith(".") else f"./{way}"


def _require_few(asked: Sized, reference: Reference) -> None:
    if len(asked) > MAX_BASES:
        raise ConfigError(f"more than {MAX_BASES} remote bases are used", file=reference.wanted.place)


def _used(reference: Reference, tree: Tree) -> Iterator[str]:
    """Yield what a base needs: the folders of all its kustomizations, and what those name elsewhere."""
    for node in _read(tree, reference):
        yield node.folder
        yield from node.files
        yield from (entry.home for entry in charts.named(tree, node) if tree.kind(entry.home) == "folder")


def _read(tree: Tree, reference: Reference) -> list[Node]:
    """Read the kustomizations of a fetched tree, with the same rules as for the repository's own."""
    subject, place = reference.wanted.subject, reference.wanted.place
    try:
        read = graph.read(tree, reference.folder)
        read.require_present(optional=())
        _require_no_ksops(read)
    except ConfigError as error:
        error.file = f"{error.file} of {subject}, named by {place}"
        raise
    if not read.nodes:
        raise ConfigError(
            f"{subject} has no kustomization in {reference.folder or 'its root'}",
            file=place,
            hint="correct the folder in the reference, or its version",
        )
    return [*read.nodes.values()]


def _require_no_ksops(read: Graph) -> None:
    for node in read.nodes.values():
        for plugin in node.plugins:
            if plugin.is_ksops:
                raise ConfigError(
                    "ksops in a remote base: its files are not decrypted here",
                    file=plugin.use.path or plugin.use.place,
                    hint="copy that base into this repository",
                )


def _root(wanted: RemoteRef) -> str:
    return f"{FOLDER}/{_slug(wanted)}"


def _slug(wanted: RemoteRef) -> str:
    """Return a name that a reader recognizes, that is no other's, and that kustomize takes for no address."""
    shown = re.sub(r"[^A-Za-z0-9.]+", "-", f"{wanted.url.partition('://')[2]}-{wanted.version}").strip("-.")
    return f"{shown[:100]}-{sha256(f'{wanted.url} {wanted.version}'.encode())[:8]}"
