"""The kustomizations that one uses, its bases and components, with all that their files name.

Nothing is loaded here in kustomize's place: the graph tells which folders must be private copies before kustomize runs,
which files sops must open, and what kustomize would fetch over the network.  Mistakes in a kustomization kustomize
tells itself.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.kustomize.kustomization import (
    CHART_GENERATOR,
    CHART_KEYS,
    Plugin,
    is_inline,
    is_remote,
    plugins_of,
    references_in,
    require_exact_keys,
)
from cmp.engines.registry import ENGINES, KUSTOMIZE
from cmp.errors import ConfigError
from cmp.system.tree import join
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from cmp.engines.kustomize.kustomization import Reference
    from cmp.system.tree import Tree
    from cmp.yamldoc.access import Map

RESOURCES = ("resources", "bases")  # the keys whose files are printed as objects
FILES = ENGINES[KUSTOMIZE].markers
OPTIONS = "cmp-app.yaml"  # the place of references that options add to a kustomization
RENDERED_CHART = "cmp-rendered-chart.yaml"  # helm's output as a resource, in the folder of the kustomization


class Kustomization(NamedTuple):
    """One kustomization: its folder and file (relative to the root), its content, and its references.

    Each reference is a file or a folder of the tree, an address, or leads to nothing.  `plugins` are the configurations
    of its generators, transformers and validators.
    """

    folder: str
    file: str
    value: Map
    references: tuple[Reference, ...]
    plugins: tuple[Plugin, ...]

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of its bases and components in the same tree."""
        return tuple(dict.fromkeys(reference.path for reference in self.references if reference.kind == "folder"))

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the same tree."""
        return tuple(dict.fromkeys(reference.path for reference in self.references if reference.kind == "file"))

    @property
    def remotes(self) -> tuple[Reference, ...]:
        """The references to remote bases and files."""
        return tuple(reference for reference in self.references if reference.kind == "remote")

    @property
    def has_charts(self) -> bool:
        """Say whether it may name charts, in whatever form."""
        kinds = {plugin.value.get("kind") for plugin in self.plugins}
        return not self.value.keys().isdisjoint(CHART_KEYS) or CHART_GENERATOR in kinds


class MirroredKustomization(NamedTuple):
    """A kustomization in the private mirror, and the tree that it comes from.

    `root` is the folder of the mirror in which that tree lies: empty for the repository's own.
    """

    root: str
    kustomization: Kustomization
    tree: Tree

    @property
    def folder(self) -> str:
        """Its folder in the mirror."""
        return join(self.root, self.kustomization.folder)


class Graph(NamedTuple):
    """A kustomization and all that it uses, directly or not, by their folders; it is the first."""

    kustomizations: Mapping[str, Kustomization]

    def with_overlays(self, folder: str) -> tuple[str, ...]:
        """Return the folders through which kustomize reaches a base or component, its own included."""
        folders = {folder}
        while overlays := {one.folder for one in self.kustomizations.values() if folders & {*one.folders}} - folders:
            folders |= overlays
        return tuple(sorted(folders))

    def files(self) -> dict[str, tuple[str, ...]]:
        """Return every file that they name, with the paths that must be private copies before it may be written to."""
        copies: dict[str, set[str]] = {}
        for kustomization in self.kustomizations.values():
            overlays = self.with_overlays(kustomization.folder)
            for path in kustomization.files:
                copies.setdefault(path, {path}).update(overlays)
        return {path: tuple(sorted(paths)) for path, paths in copies.items()}

    def object_files(self) -> frozenset[str]:
        """Return the files that are resources and nothing else: no patch, nor the content of a Secret."""
        references = [one for kustomization in self.kustomizations.values() for one in kustomization.references]
        others = {one.path for one in references if one.key not in RESOURCES}
        return frozenset(one.path for one in references if one.kind == "file" and one.path not in others)

    def kustomization_files(self, tree: Tree) -> list[str]:
        """Return the kustomization files, and others of such a name beside them: with two, kustomize fails."""
        paths = (join(folder, name) for folder in self.kustomizations for name in FILES)
        return [path for path in paths if tree.kind(path) == "file"]

    @property
    def may_be_external(self) -> bool:
        """Say whether they may use something that is not in the repository: remote bases, or charts."""
        return any(one.remotes or one.has_charts for one in self.kustomizations.values())

    def require_present(self, tree: Tree, optional: Container[str], *, is_chain: bool) -> None:
        """ConfigError for the first path that leads to nothing; components of options may be `optional`.

        With `is_chain` helm renders the chart of the same folder first.
        """
        for kustomization in self.kustomizations.values():
            for reference in kustomization.references:
                if reference.place == OPTIONS and reference.text in optional:
                    continue
                if reference.kind in ("missing", "other"):
                    raise ConfigError(
                        f"{reference.key} names {reference.text}, and there is no {reference.path}",
                        file=reference.place,
                        hint=_way_out(tree, kustomization.folder, reference, is_chain=is_chain),
                    )
                if reference.kind == "folder" and not tree.entries(reference.path):
                    raise ConfigError(
                        f"{reference.key} names {reference.text}, and {reference.path} is empty",
                        file=reference.place,
                        hint="if it is a submodule, check it out: `git submodule update --init --recursive`",
                    )
                if reference.kind == "remote" and reference.place == OPTIONS:
                    raise ConfigError(
                        f"{reference.key} names {reference.text}, which is not in the repository",
                        file=reference.place,
                        hint="name it in the kustomization: only there is what is remote looked at",
                    )


def _way_out(tree: Tree, folder: str, reference: Reference, *, is_chain: bool) -> str:
    """Return the hint for a missing path; beside a chart it is mostly what a plugin wrote there: the rendered chart."""
    charts = (join(each, "Chart.yaml") for each in (folder, posixpath.dirname(reference.path)))
    if reference.key not in RESOURCES or not any(tree.kind(chart) == "file" for chart in charts):
        return "correct the path, or commit the file"
    if is_chain:
        return (
            "if it is the rendered chart, remove the entry: with `engine: [helm, kustomize]` that is a resource by "
            "itself; else correct the path"
        )
    return (
        "if it is what helm makes of the chart beside it, remove the entry, and write `engine: [helm, kustomize]` in "
        "cmp-app.yaml: the rendered chart is a resource by itself then; else correct the path"
    )


def graph_of(tree: Tree, folder: str, of_options: Iterable[Reference] = ()) -> Graph:
    """Read the kustomization in a folder, to which options add references, and all that it uses.

    ConfigError for a path that leads outside the tree, and for a kustomization that cannot be read as kustomize reads
    it.
    """
    _require_no_symlink(tree, folder, "")
    kustomizations: dict[str, Kustomization] = {}
    waiting = [folder]
    while waiting:
        current = waiting.pop(0)
        file = "" if current in kustomizations else _file(tree, current)
        if file:
            kustomizations[current] = _kustomization(tree, current, file, of_options if current == folder else ())
            waiting += kustomizations[current].folders
    return Graph(kustomizations)


def _file(tree: Tree, folder: str) -> str:
    return next((join(folder, name) for name in FILES if tree.kind(join(folder, name)) == "file"), "")


def _kustomization(tree: Tree, folder: str, file: str, of_options: Iterable[Reference]) -> Kustomization:
    documents = yamldoc.parse_file(tree.read(file), file, what="this kustomization is not YAML")
    value = mapping(documents[0].value) if documents else {}
    lines = yamldoc.lines(documents[0]) if documents else {}
    require_exact_keys(value, file, lines)
    references = [_resolved(tree, folder, one) for one in (*references_in(value, file, lines), *of_options)]
    plugins = plugins_of(tree, file, references)
    references += [_resolved(tree, folder, one) for plugin in plugins for one in plugin.references()]
    return Kustomization(folder=folder, file=file, value=value, references=tuple(references), plugins=plugins)


def _resolved(tree: Tree, folder: str, reference: Reference) -> Reference:
    """Add the path and the kind of a reference's target; ConfigError where that is outside the tree."""
    if is_inline(reference.text):
        return reference
    if is_remote(reference.text):
        return reference._replace(kind="remote")
    path = posixpath.normpath(posixpath.join(folder, reference.text))
    if path.startswith(("../", "/")) or path == "..":
        raise ConfigError(
            f"{reference.key} names {reference.text}, which leads outside the source tree",
            file=reference.place,
            hint="everything an application uses must lie in its repository",
        )
    path = "" if path == "." else path
    kind = tree.kind(path)
    if kind == "folder":
        _require_no_symlink(tree, path, reference.place)
    return reference._replace(path=path, kind=kind)


def _require_no_symlink(tree: Tree, folder: str, place: str) -> None:
    """ConfigError for a symlink: kustomize reads on from its target, and a private copy has no symlinks."""
    real = tree.resolve(folder)
    if real != folder:
        raise ConfigError(
            f"the kustomization {folder} lies behind a link to {real}", file=place, hint="name the folder itself"
        )
