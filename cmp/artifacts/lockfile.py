"""cmp.lock: the digests of charts' archives, of the remote schemas of charts, and of pinned programs.

In Git, written by `cmp lock`, enforced.  Keys and fields are added under `version: 1`: what this release does not know,
it ignores with a warning, so that sidecars are upgraded before somebody runs a newer `cmp lock`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cmp import yamldoc
from cmp.errors import ConfigError
from cmp.schema.spec import Converted, Dialect, Items, Keys, Map, Text, Whole, check, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.system.tree import Tree

T = TypeVar("T")

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
    """The whole file; `schemas` is None where a release without them wrote it: then they are not enforced.

    `warnings` are about what only a newer release enforces.
    """

    charts: tuple[LockedChart, ...] = ()
    tools: tuple[LockedTool, ...] = ()
    schemas: tuple[LockedSchema, ...] | None = None
    warnings: tuple[str, ...] = ()

    def chart(self, repository: str, name: str, constraint: str) -> LockedChart | None:
        """Find the archive that a dependency is locked to."""
        asked = (repository, name, constraint)
        return next((chart for chart in self.charts if chart[:3] == asked), None)

    def schema(self, url: str) -> LockedSchema | None:
        """Find the content that a schema is locked to."""
        return next((schema for schema in self.schemas or () if schema.url == url), None)


def _record(fields: tuple[str, ...], make: Callable[..., T]) -> Keys[T]:
    return Keys(dict.fromkeys(fields, Text(is_strict=True)), make, required=fields, is_open=True)


def _must_have(fields: tuple[str, ...]) -> str:
    return f"must have {', '.join(fields)}, all text"


def _with_names(tools: dict[str, dict[str, tuple[LockedTool, ...]]]) -> tuple[LockedTool, ...]:
    return tuple(
        tool._replace(name=name, version=version)
        for name, versions in tools.items()
        for version, entries in versions.items()
        for tool in entries
    )


_DIALECT = Dialect(lambda spec, node: f"`{node.location.name}` {spec.noun}", lambda _, key: key, null="value")
_LIST, _MAP = "is not a list", "is not a map"
_CHART, _SCHEMA, _TOOL = LockedChart._fields, LockedSchema._fields, ("os", "arch", "via", "sha256")
_TOOL_ENTRIES = Whole(Items(_LIST, _record(_TOOL, partial(LockedTool, "", ""))), _must_have(_TOOL))
_LOCK = Keys(
    {
        "charts": Items(_LIST, Whole(_record(_CHART, LockedChart), _must_have(_CHART))),
        "tools": Converted(Map(Map(_TOOL_ENTRIES, _MAP), _MAP), lambda tools, _: _with_names(tools)),
        "schemas": Items(_LIST, Whole(_record(_SCHEMA, LockedSchema), _must_have(_SCHEMA))),
    },
    Lock,
)


def load(tree: Tree) -> Lock | None:
    """Read the lock at the root of a tree; None without one.  ConfigError when it is not understood."""
    return parse(tree.read(FILE), FILE) if tree.kind(FILE) == "file" else None


def parse(data: bytes, file: str) -> Lock:
    """Read the content of a lock; `file` is for messages."""
    documents = yamldoc.parse_file(data, file, what="", hint=HINT)
    value = documents[0].value if documents else None
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise ConfigError(f"`version` must be {VERSION}", file=file, hint="a newer cmp may have written this file")
    from cmp.schema.json_node import JsonNode, SourceLocation  # noqa: PLC0415  # a render without a lock needs none

    content = {"charts": value.get("charts") or [], "tools": value.get("tools") or {}}
    if value.get("schemas") is not None:
        content["schemas"] = value["schemas"]
    node = JsonNode(content, SourceLocation(file, documents[0]))
    if problems := check(_LOCK, node, _DIALECT):
        raise ConfigError(problems[0].message, file=file, hint=HINT)
    unknown = tuple(dict.fromkeys(_unknown(value)))
    if not unknown:
        return _LOCK.build(node)
    warning = (
        f"{file} has {', '.join(map(quoted, unknown))}, which a newer cmp enforces and this one ignores: "
        "upgrade it before `cmp lock` writes such a file"
    )
    return _LOCK.build(node)._replace(warnings=(warning,))


def _unknown(value: dict[str, object]) -> Iterator[str]:
    """Yield the keys of the file, and the fields of entries, that this release does not know."""
    from cmp.yamldoc.access import mapping, maps  # noqa: PLC0415  # a render without a lock needs none

    yield from (key for key in value if key not in ("version", "charts", "tools", "schemas"))
    entries = {key: maps(value.get(key)) for key in ("charts", "schemas")}
    of_versions = mapping(value.get("tools")).values()
    entries["tools"] = [entry for one in of_versions for listed in mapping(one).values() for entry in maps(listed)]
    for key, fields in (("charts", _CHART), ("schemas", _SCHEMA), ("tools", _TOOL)):
        yield from (f"{key}[].{field}" for entry in entries[key] for field in entry if field not in fields)


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
