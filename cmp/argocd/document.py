"""The Applications and ApplicationSets in files, and the Application of a file that is asked for."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.argocd import application
from cmp.argocd.application import CONTROL_PLANE
from cmp.errors import ConfigError, suggestion
from cmp.schema.json_node import SourceLocation
from cmp.system.globs import whole_match
from cmp.system.tree import join, walk
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.argocd.application import Application
    from cmp.system.tree import Tree

    Values = dict[str, object]

GROUP = "argoproj.io/"
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Manifest(NamedTuple):
    """An object in a file, and where it is."""

    value: Values
    location: SourceLocation

    @property
    def metadata(self) -> Values:
        return mapping(self.value.get("metadata"))

    @property
    def names(self) -> tuple[str, str]:
        """The name, and that with the namespace in front."""
        name = str(self.metadata.get("name") or "")
        return name, f"{self.metadata.get('namespace') or CONTROL_PLANE}/{name}"


class Declared(NamedTuple):
    """The Applications and ApplicationSets in files of a repository, by file and place in it.

    `left_out` are files that cannot be read, and why.
    """

    applications: tuple[Manifest, ...]
    sets: tuple[Manifest, ...]
    left_out: tuple[tuple[str, str], ...]


def applications_in(tree: Tree, patterns: Iterable[str]) -> Declared:
    """Return all Applications and ApplicationSets in files that match a pattern (`**/*.yaml`), also those in lists.

    A file that is no YAML is left out, and named if it looks as if it had one.  Templates of charts and patches of
    kustomizations are no objects yet, and so nothing to speak of.
    """
    wanted = [*patterns]
    manifests: list[Manifest] = []
    left_out: list[tuple[str, str]] = []
    for path in walk(tree, "") if wanted else ():
        if any(whole_match(pattern, path) for pattern in wanted) and chart_of_template(tree, path) is None:
            try:
                manifests += _declared(tree.read(path), path)
            except ConfigError as error:
                left_out.append((error.file, error.what))
    if manifests:
        patches = {*_patches(tree)}
        manifests = [manifest for manifest in manifests if manifest.location.file not in patches]
    applications, sets = (
        tuple(manifest for manifest in manifests if is_a(kind, manifest.value))
        for kind in ("Application", "ApplicationSet")
    )
    return Declared(applications, sets, tuple(left_out))


def chart_of_template(tree: Tree, path: str) -> str | None:
    """Return the folder of the chart that a file is a template of; None for any other file."""
    above, templates, _ = f"/{path}".rpartition("/templates/")
    chart = above.strip("/")
    return chart if templates and tree.kind(join(chart, "Chart.yaml")) == "file" else None


def _patches(tree: Tree) -> Iterator[str]:
    """Yield the paths of all files that a kustomization applies as patches."""
    for path in walk(tree, ""):
        folder, _, name = path.rpartition("/")
        if name in KUSTOMIZATIONS and b"patch" in (data := tree.read(path)):
            try:
                documents = yamldoc.parse_file(data, path)
            except ConfigError:  # kustomize would refuse it too
                continue
            value = mapping(documents[0].value) if documents else {}
            for key in ("patches", "patchesStrategicMerge", "patchesJson6902"):
                entries = value.get(key)
                for entry in entries if isinstance(entries, list) else ():
                    file = mapping(entry).get("path") if isinstance(entry, dict) else entry
                    if isinstance(file, str) and "\n" not in file:
                        yield posixpath.normpath(join(folder, file))


def _declared(data: bytes, path: str) -> Iterator[Manifest]:
    """Yield the objects of a file, which is only parsed when it speaks of Argo CD."""
    if GROUP.encode() in data and b"Application" in data:
        yield from objects(data, path)


def find(data: bytes, file: str, name: str) -> Application:
    """Return the Application `NAME` or `NAMESPACE/NAME` of a file of documents and lists, or its only one (no name).

    ConfigError when it has none or several, and with all that the API server would refuse about it.
    """
    manifests = list(objects(data, file))
    applications = [
        manifest for manifest in manifests if is_a("Application", manifest.value) or _is_bare(manifest.value)
    ]
    if not applications:
        has_set = any(is_a("ApplicationSet", manifest.value) for manifest in manifests)
        hint = "`argocd appset generate FILE -o yaml` prints the Applications of an ApplicationSet" if has_set else ""
        raise ConfigError("there is no Application in this file", file=file, hint=hint)
    chosen = [manifest for manifest in applications if not name or name in manifest.names]
    if len(chosen) != 1:
        raise _ambiguous(applications, chosen, file, name)
    return application.read(chosen[0].value, chosen[0].location)


def objects(data: bytes, file: str) -> Iterator[Manifest]:
    """Yield every object: documents, and items of lists as kubectl (`kind: List`) and argocd (no kind) print them."""
    for document in yamldoc.parse_file(data, file):
        value, location = document.value, SourceLocation(file, document)
        items = value.get("items") if isinstance(value, dict) and str(value.get("kind", "")).endswith("List") else value
        if isinstance(items, list):
            path = ("items",) if isinstance(value, dict) else ()
            for index, item in enumerate(items):
                if isinstance(item, dict):
                    at = location.inner(*path, index)
                    yield Manifest(item, at._replace(above=len(at.path)))
        elif isinstance(value, dict):
            yield Manifest(value, location)


def is_a(kind: str, value: Values) -> bool:
    """Say whether an object is an Argo CD object of that kind."""
    return str(value.get("apiVersion", "")).startswith(GROUP) and value.get("kind") == kind


def _is_bare(value: Values) -> bool:
    """Say whether this is an Application of `argocd app get`, which leaves `apiVersion` and `kind` out."""
    spec = value.get("spec")
    return "kind" not in value and isinstance(spec, dict) and "destination" in spec


def _ambiguous(applications: list[Manifest], chosen: list[Manifest], file: str, name: str) -> ConfigError:
    if not chosen:
        what = f"there is no Application {name} in this file"
        return ConfigError(what, file=file, hint=suggestion(name, (manifest.names[0] for manifest in applications)))
    names = [manifest.names[0] for manifest in chosen]
    listed = sorted(manifest.names[names.count(manifest.names[0]) > 1] for manifest in chosen)
    what = f"there are {len(chosen)} Applications{name and f' {name}'} in this file"
    hint = f"choose by --name: {', '.join(listed)}" if len({*listed}) > 1 else "remove all but one of them"
    return ConfigError(what, file=file, hint=hint)
