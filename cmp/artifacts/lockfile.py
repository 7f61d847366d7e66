"""cmp.lock: which archive each chart is, what the remote schemas of charts are, and which program each pin is.

In Git, written by `cmp lock`, enforced.  Releases before the key `schemas` read the file and pass over the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.tree import Tree

FILE = "cmp.lock"
VERSION = 1
HINT = "`cmp lock` writes this file"


class LockedChart(NamedTuple):
    """An archive of a repository; `repository` and `constraint` are as Chart.yaml has them, `version` is exact."""

    repository: str
    name: str
    constraint: str
    version: str
    sha256: str


class LockedSchema(NamedTuple):
    """A JSON Schema that a chart refers to: its URL, and the sha256 of its content."""

    url: str
    sha256: str


class LockedTool(NamedTuple):
    """A program: its pin, the platform, the way it was made (`release` or `go`), and its sha256."""

    name: str
    version: str
    os: str
    arch: str
    via: str
    sha256: str


class Lock(NamedTuple):
    """The whole file; `schemas` is None where a release without them wrote it: then they are not enforced."""

    charts: tuple[LockedChart, ...] = ()
    tools: tuple[LockedTool, ...] = ()
    schemas: tuple[LockedSchema, ...] | None = None

    def chart(self, repository: str, name: str, constraint: str) -> LockedChart | None:
        """Find what a dependency is locked to."""
        asked = (repository, name, constraint)
        return next((chart for chart in self.charts if chart[:3] == asked), None)

    def schema(self, url: str) -> LockedSchema | None:
        """Find what a schema is locked to."""
        return next((schema for schema in self.schemas or () if schema.url == url), None)


def load(tree: Tree) -> Lock | None:
    """Read the lock at the root of a tree; None without one.  ConfigError when it is not understood."""
    return parse(tree.read(FILE), FILE) if tree.kind(FILE) == "file" else None


def parse(data: bytes, file: str) -> Lock:
    """Read the content of a lock; `file` is for messages."""
    documents = yamldoc.parse_file(data, file, what="", hint=HINT)
    value = documents[0].value if documents else None
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise ConfigError(f"`version` must be {VERSION}", file=file, hint="a newer cmp may have written this file")
    schemas = value.get("schemas")
    return Lock(
        tuple(_charts(value.get("charts") or [], file)),
        tuple(_tools(value.get("tools") or {}, file)),
        None if schemas is None else tuple(_schemas(schemas, file)),
    )


def dump(lock: Lock) -> bytes:
    """Write a lock: sorted, without duplicates, the same bytes for the same content."""
    tools: dict[str, dict[str, list[dict[str, str]]]] = {}
    for tool in sorted(set(lock.tools)):
        fields = {"os": tool.os, "arch": tool.arch, "via": tool.via, "sha256": tool.sha256}
        tools.setdefault(tool.name, {}).setdefault(tool.version, []).append(fields)
    charts = [chart._asdict() for chart in sorted(set(lock.charts))]
    content = {"version": VERSION, "charts": charts, "tools": tools}
    if lock.schemas is not None:
        content["schemas"] = [schema._asdict() for schema in sorted(set(lock.schemas))]
    return yamldoc.dump_all([content])


def _charts(value: object, file: str) -> Iterator[LockedChart]:
    if not isinstance(value, list):
        raise ConfigError("`charts` is not a list", file=file, hint=HINT)
    for index, entry in enumerate(value):
        yield LockedChart(*_texts(entry, LockedChart._fields, f"charts[{index}]", file))


def _schemas(value: object, file: str) -> Iterator[LockedSchema]:
    if not isinstance(value, list):
        raise ConfigError("`schemas` is not a list", file=file, hint=HINT)
    for index, entry in enumerate(value):
        yield LockedSchema(*_texts(entry, LockedSchema._fields, f"schemas[{index}]", file))


def _tools(value: object, file: str) -> Iterator[LockedTool]:
    for name, versions in _map(value, "tools", file).items():
        for version, entries in _map(versions, f"tools.{name}", file).items():
            for entry in entries if isinstance(entries, list) else [None]:
                place = f"tools.{name}.{version}"
                yield LockedTool(name, version, *_texts(entry, LockedTool._fields[2:], place, file))


def _map(value: object, place: str, file: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ConfigError(f"`{place}` is not a map", file=file, hint=HINT)
    return value


def _texts(entry: object, fields: tuple[str, ...], place: str, file: str) -> list[str]:
    found = [entry.get(field) for field in fields] if isinstance(entry, dict) and len(entry) == len(fields) else []
    texts = [value for value in found if isinstance(value, str)]
    if len(texts) != len(fields):
        raise ConfigError(f"`{place}` must have {', '.join(fields)} and nothing else, all text", file=file, hint=HINT)
    return texts
