"""Remote bases and files: fetched by cmp into the private mirror, where kustomize finds them as folders and files.

A base may name others, of the same repository or of a third one.  Everything that a fetched tree names must lie in it;
its encrypted files stay encrypted.
"""

from __future__ import annotations

import os
import posixpath
import re
from functools import partial
from typing import TYPE_CHECKING

from cmp.engines.kustomize import charts, remote_urls
from cmp.engines.kustomize.graph import OPTIONS, MirroredKustomization, graph_of
from cmp.engines.protocol import Part
from cmp.errors import ConfigError
from cmp.system.files import sha256
from cmp.system.tree import WorkTree, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.engines.kustomize.build import Build
    from cmp.engines.kustomize.graph import Graph, Kustomization
    from cmp.engines.kustomize.kustomization import Reference
    from cmp.engines.kustomize.remote_urls import RemoteReference
    from cmp.engines.protocol import RemoteProvider
    from cmp.model import RemoteRef
    from cmp.system.tree import Tree

FOLDER = "cmp-remote-bases"  # of the mirror
MAX_BASES = 100


def check(tree: Tree, local: Graph) -> Iterator[Kustomization]:
    """Yield the kustomizations with remote references; ConfigError for a reference that no render follows."""
    for kustomization in local.kustomizations.values():
        if [*references(kustomization)]:
            if tree.kind(FOLDER) != "missing":
                raise ConfigError("fetched bases get this folder's name", file=FOLDER, hint="rename the folder")
            yield kustomization


def references(kustomization: Kustomization) -> Iterator[tuple[Reference, RemoteReference]]:
    """Yield the remote references of a kustomization; ConfigError for a reference that no render follows.

    Components of options are left out where they may be missing: Argo CD does not look for remote ones either.
    """
    for reference in kustomization.remotes:
        if reference.place != OPTIONS:
            yield reference, remote_urls.parse(reference)


def follow(tree: Tree, local: Graph, provider: RemoteProvider) -> Iterator[MirroredKustomization]:
    """Yield all kustomizations: those of the repository, and those of remote bases, whose trees are fetched for it."""
    waiting = [MirroredKustomization("", one, tree) for one in local.kustomizations.values()]
    seen = {one.folder for one in waiting}
    bases: set[str] = set()
    while waiting:
        mirrored = waiting.pop(0)
        yield mirrored
        for _, remote in references(mirrored.kustomization):
            root = _root(remote.ref)
            base = join(root, remote.folder)
            if remote.ref.is_file or base in bases:
                continue
            bases.add(base)
            if len(bases) > MAX_BASES:
                raise ConfigError(f"more than {MAX_BASES} remote bases are used", file=remote.ref.place)
            part = Part(remote.folder, partial(_used_paths, remote))
            fetched = WorkTree(provider.tree(remote.ref, part, root))
            of_base = [MirroredKustomization(root, one, fetched) for one in _read(fetched, remote)]
            waiting += [one for one in of_base if one.folder not in seen]
            seen.update(one.folder for one in of_base)


def place(build: Build) -> list[MirroredKustomization]:
    """Put remote bases and files into the mirror, and refer to them there.

    Return all kustomizations, those of fetched trees too.
    """
    kustomizations = [*follow(WorkTree(build.work.root), build.graph, build.work.provider)]
    for mirrored in kustomizations:
        for reference, remote in references(mirrored.kustomization):
            value = build.kustomization(mirrored.folder)
            path = _place_file(build, mirrored, remote) if remote.ref.is_file else _base_path(build, mirrored, remote)
            entries = value[reference.key]
            value[reference.key] = [path if entry == reference.text else entry for entry in entries]  # type: ignore[attr-defined]
    build.save()
    return kustomizations


def _place_file(build: Build, mirrored: MirroredKustomization, remote: RemoteReference) -> str:
    """Put a file beside the kustomization that names it, for there alone kustomize reads it; return its name."""
    name = f"cmp-remote-{_slug(remote.ref)}.yaml"
    path = join(mirrored.folder, name)
    if not build.has(path):
        build.write(path, build.work.provider.file(remote.ref))
    return name


def _base_path(build: Build, mirrored: MirroredKustomization, remote: RemoteReference) -> str:
    """Return the path to a base from the kustomization that names it, between the targets of symlinks, as kustomize."""
    target = build.writable_path(join(_root(remote.ref), remote.folder))
    path = posixpath.relpath(os.path.realpath(target), os.path.realpath(build.writable_path(mirrored.folder)))
    return path if path.startswith(".") else f"./{path}"


def _used_paths(remote: RemoteReference, tree: Tree) -> Iterator[str]:
    """Yield the paths that a base needs: its kustomizations' folders, and their files and charts elsewhere."""
    for kustomization in _read(tree, remote):
        yield kustomization.folder
        yield from kustomization.files
        homes = (entry.home for entry in charts.entries(tree, kustomization))
        yield from (home for home in homes if tree.kind(home) == "folder")


def _read(tree: Tree, remote: RemoteReference) -> list[Kustomization]:
    """Read the kustomizations of a fetched tree, with the same rules as for the repository's own."""
    subject, named_by = remote.ref.subject, remote.ref.place
    try:
        base = graph_of(tree, remote.folder)
        base.require_present(tree, (), is_chain=False)
        _require_no_ksops(base)
    except ConfigError as error:
        error.file = f"{error.file} of {subject}, named by {named_by}"
        raise
    if not base.kustomizations:
        raise ConfigError(
            f"{subject} has no kustomization in {remote.folder or 'its root'}",
            file=named_by,
            hint="correct the folder in the reference, or its version",
        )
    return [*base.kustomizations.values()]


def _require_no_ksops(base: Graph) -> None:
    for kustomization in base.kustomizations.values():
        for plugin in kustomization.plugins:
            if plugin.is_ksops:
                raise ConfigError(
                    "ksops in a remote base: its files are not decrypted here",
                    file=plugin.place,
                    hint="copy that base into this repository",
                )


def _root(ref: RemoteRef) -> str:
    return f"{FOLDER}/{_slug(ref)}"


def _slug(ref: RemoteRef) -> str:
    """Return a name that a reader recognizes, that is unique, and that kustomize takes for no address.

    Kustomize 5.8 refuses a path with two dots in a name.
    """
    readable = re.sub(r"[^A-Za-z0-9.]+|\.{2,}", "-", f"{ref.url.partition('://')[2]}-{ref.version}").strip("-.")
    return f"{readable[:100]}-{sha256(f'{ref.url} {ref.version}'.encode())[:8]}"
