"""The file and the line of a finding's cause, where they are known for certain; a guess is worse than none.

An object of plain YAML has them: its document is looked up in the file that it came from.  Of a chart's template only
the file is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.engines.registry import HELM, PLAIN
from cmp.errors import CmpError
from cmp.system.tree import join
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.findings import Finding
    from cmp.model import Instance
    from cmp.system.tree import Tree
    from cmp.yamldoc.document import Document, Path


class Written:
    """An object in a document of YAML: its value, and the path that leads to it, for items of a List."""

    def __init__(self, document: Document, value: dict[str, object], above: Path = ()) -> None:
        self.value = value
        self._document = document
        self._above = above

    def line(self, path: Sequence[str] = ()) -> int:
        """Return the line of a field, or of the nearest one above it that is written."""
        lines = yamldoc.lines(self._document)
        keys = (*self._above, *_keys(self.value, path))
        while keys and keys not in lines:
            keys = keys[:-1]
        return lines.get(keys) or min(lines.values(), default=self._document.line)


def written(documents: Sequence[Document]) -> Iterator[Written]:
    """Yield the objects of documents, and those in a List as objects of their own; what is no map is left out."""
    for document in documents:
        value = document.value
        if not isinstance(value, dict):
            continue
        items = value.get("items")
        if str(value.get("kind", "")).endswith("List") and isinstance(items, list):
            for index, item in enumerate(items):
                if isinstance(item, dict):
                    yield Written(document, item, ("items", index))
        else:
            yield Written(document, value)


def _keys(value: object, path: Sequence[str]) -> Path:
    """Return the path of a finding as keys and indexes."""
    keys: list[str | int] = []
    for part in path:
        if isinstance(value, list) and part[1:-1].isdecimal():
            index = int(part[1:-1])
            keys.append(index)
            value = value[index] if index < len(value) else None
        else:
            keys.append(part)
            value = value.get(part) if isinstance(value, dict) else None
    return tuple(keys)


class Places:
    """Finds the causes of findings on one tree, each file of which is read once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._files: dict[str, list[Written]] = {}

    def located(self, finding: Finding, instance: Instance) -> Finding:
        """Return a finding with its file and line, as far as they are known."""
        source = finding.source
        if not source or finding.file:
            return finding
        if instance.engines == (PLAIN,):
            return finding._replace(file=source, line=self._line(source, finding)) if self._is_file(source) else finding
        if HELM in instance.engines and instance.chart_folder:
            file = join(instance.chart_folder, source.partition("/")[2])
            return finding._replace(file=file) if self._is_file(file) else finding
        return finding

    def _is_file(self, path: str) -> bool:
        try:
            return self._tree.kind(path) == "file"
        except CmpError:
            return False

    def _line(self, file: str, finding: Finding) -> int:
        """Return the line of the only object of this name in a file; 0 without one, and where several have it."""
        found = [one for one in self._objects(file) if _is_of(one.value, finding)]
        return found[0].line(finding.path) if len(found) == 1 else 0

    def _objects(self, file: str) -> list[Written]:
        if file not in self._files:
            try:
                self._files[file] = [*written(yamldoc.parse(self._tree.read(file)))]
            except (CmpError, yamldoc.YamlError):
                self._files[file] = []
        return self._files[file]


def _is_of(value: dict[str, object], finding: Finding) -> bool:
    metadata = mapping(value.get("metadata"))
    name = metadata.get("name") or metadata.get("generateName")
    return (value.get("apiVersion"), value.get("kind"), name) == (
        finding.api_version,
        finding.identity.kind,
        finding.identity.name,
    )
