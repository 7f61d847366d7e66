"""Applications and ApplicationSets of Argo CD in the files of a repository, with their sources and annotations.

Only the fields that decide about `manifest-generate-paths` are read: Argo CD itself reports other mistakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.argocd.application import sources_of
from cmp.argocd.document import GROUP
from cmp.errors import ConfigError
from cmp.genpaths.annotation import ANNOTATION
from cmp.system.tree import walk
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.tree import Tree
    from cmp.yamldoc import Document

    Map = dict[str, object]
    Path = tuple[str | int, ...]

TEMPLATES = {"Application": (), "ApplicationSet": ("spec", "template")}  # the keys that lead to the Application
SUFFIXES = (".yaml", ".yml")
CLUSTER = "cluster"  # the plugin's parameter


class Source(NamedTuple):
    """A source that a plugin renders: its path, and its parameter `cluster` (empty: not set)."""

    path: str
    cluster: str


class AnnotatedApplication(NamedTuple):
    """An Application, or the template of an ApplicationSet; `annotation` is None where it has none.

    `line` is that of the annotation, or of the object without one.  `overridden_by` names the part of an
    ApplicationSet that may set another annotation or source than the template: "" where none can.
    """

    file: str
    line: int
    kind: str
    name: str
    annotation: str | None
    sources: tuple[Source, ...]
    overridden_by: str = ""

    @property
    def subject(self) -> str:
        """`Application shop-dev`."""
        return f"{self.kind} {self.name}"

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"


class UnreadableFile(NamedTuple):
    """A file that may hold Applications and cannot be read: a template of a chart, mostly."""

    file: str
    problem: str


def scan(tree: Tree) -> Iterator[AnnotatedApplication | UnreadableFile]:
    """Yield the Applications and ApplicationSets of all YAML files of a tree."""
    for path in _yaml_files(tree):
        try:
            data = tree.read(path)
            if GROUP.encode() in data and b"Application" in data:
                yield from read(data, path)
        except ConfigError as error:
            yield UnreadableFile(path, error.what)


def _yaml_files(tree: Tree) -> Iterator[str]:
    for entry in tree.entries(""):
        if entry.kind == "folder" and not entry.is_link:
            yield from (path for path in walk(tree, entry.name) if path.endswith(SUFFIXES))
        elif entry.kind == "file" and entry.name.endswith(SUFFIXES):
            yield entry.name


def read(data: bytes, file: str) -> Iterator[AnnotatedApplication]:
    """Yield the Applications and ApplicationSets with a plugin; ConfigError for a file that is not YAML."""
    for document in yamldoc.parse_file(data, file):
        for value, path in _objects(document.value):
            application = _application(value, path, document, file)
            if application.sources:
                yield application


def _objects(value: object) -> Iterator[tuple[Map, Path]]:
    """Yield the objects of a document, and of a list in it, with the keys that lead there."""
    items = mapping(value).get("items")
    if isinstance(items, list):
        for index, item in enumerate(items):
            yield from ((inner, ("items", index, *path)) for inner, path in _objects(item))
    elif str(mapping(value).get("apiVersion", "")).startswith(GROUP) and mapping(value).get("kind") in TEMPLATES:
        yield mapping(value), ()


def _application(value: Map, path: Path, document: Document, file: str) -> AnnotatedApplication:
    kind = str(value["kind"])
    template = mapping(dig(value, *TEMPLATES[kind]))
    metadata = (*path, *TEMPLATES[kind], "metadata")
    annotation = dig(template, "metadata", "annotations", ANNOTATION)
    lines = yamldoc.lines(document)
    return AnnotatedApplication(
        file=file,
        line=lines.get((*metadata, "annotations", ANNOTATION)) or lines.get(metadata) or document.line,
        kind=kind,
        name=str(dig(value, "metadata", "name") or ""),
        annotation=str(annotation) if annotation else None,
        sources=tuple(_sources(mapping(template.get("spec")))),
        overridden_by=_overriding_part(mapping(value.get("spec"))) if kind == "ApplicationSet" else "",
    )


def _sources(spec: Map) -> Iterator[Source]:
    for source, _ in sources_of(spec):
        plugin = source.get("plugin")
        if isinstance(plugin, dict) and source.get("path"):
            yield Source(str(source["path"]), _cluster(plugin))


def _cluster(plugin: Map) -> str:
    for key, value, name in (("parameters", "string", CLUSTER), ("env", "value", CLUSTER.upper())):
        entries = plugin.get(key)
        for entry in entries if isinstance(entries, list) else ():
            if mapping(entry).get("name") == name:
                return str(mapping(entry).get(value) or "")
    return ""


def _overriding_part(spec: Map) -> str:
    """Return the part of an ApplicationSet that may set another annotation or source than its template."""
    if any(word in str(spec.get("templatePatch") or "") for word in ("annotations", "source")):
        return "templatePatch"
    return "a generator's own template" if _has_template(spec.get("generators")) else ""


def _has_template(value: object) -> bool:
    """Return whether a generator, or one inside it, has a `template` that is not empty."""
    if isinstance(value, list):
        return any(map(_has_template, value))
    if not isinstance(value, dict):
        return False
    inner = [item for key, item in value.items() if key != "elements"]
    metadata, spec = (dig(value, "template", key) for key in ("metadata", "spec"))
    return bool(mapping(metadata) or any(mapping(spec).values())) or any(map(_has_template, inner))
