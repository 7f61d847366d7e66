"""The schemas of custom kinds, from CustomResourceDefinitions: rendered ones, and those in folders of the repository.

Of a definition that both have, the rendered one counts, for it is the one that the cluster gets.  Where two rendered
ones of a cluster differ, nobody knows which of them is there, and its objects are not judged.
"""

from __future__ import annotations

import marshal
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.checks.defaulting import defaulted, level
from cmp.checks.defaulting import mistakes as mistakes_of_structure
from cmp.checks.schemas import Compiled, ObjectKind
from cmp.checks.structural import converted
from cmp.errors import ConfigError
from cmp.model import Problem
from cmp.system.tree import walk
from cmp.yamldoc.access import dig, mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Object
    from cmp.checks.defaulting import Level
    from cmp.checks.wording import Mistake
    from cmp.system.tree import Tree
    from cmp.yamldoc import Document
    from cmp.yamldoc.access import Map

GROUP, KIND = "apiextensions.k8s.io", "CustomResourceDefinition"
_SUFFIXES = (".yaml", ".yml", ".json")
_HINT = "`checks.schemas` of cmp.yaml names it: its files are CustomResourceDefinitions, as `kubectl get crd -o yaml`"

AMBIGUOUS = "custom kinds of which a cluster has two different definitions"
BROKEN = "custom kinds whose definition has no schema that can be read"


class Version(NamedTuple):
    """One version of a custom kind; `warning` is the server's own where it is deprecated, else empty."""

    is_served: bool
    schema: Map
    has_status: bool
    warning: str


class Definition(NamedTuple):
    """The definition of a custom kind: its versions by name; without `prunes` fields that it does not know are kept."""

    group: str
    kind: str
    versions: Mapping[str, Version]
    prunes: bool


class CustomKind:
    """One version of a custom kind, ready to judge its objects."""

    def __init__(self, version: Version, *, prunes: bool) -> None:
        self.warning = version.warning
        self._has_status = version.has_status
        self._level: Level | None = level(version.schema) if prunes else None
        schema, left_out = converted(version.schema, prunes=prunes)
        self.unjudged: tuple[str, ...] = tuple(what for what, times in left_out.items() if times)
        self._compiled: Compiled | None = None
        try:
            self._compiled = Compiled(schema)
        except ValueError:  # no schema at all: what is wrong with it is a finding on the definition
            self.unjudged = (BROKEN,)

    def mistakes(self, value: Map) -> list[Mistake]:
        """Return the reasons for which the server refuses an object, in the order of its fields."""
        if self._compiled is None:
            return []
        filled = mapping(defaulted(value, self._level))
        found = [*self._compiled.mistakes(filled), *mistakes_of_structure(filled, self._level)]
        # The server drops the status that a manifest brings, if that is a resource of its own; not without a look at
        # the names of its fields.
        return [one for one in found if not self._is_dropped(one)]

    def _is_dropped(self, mistake: Mistake) -> bool:
        return self._has_status and mistake.path[:1] == ("status",) and mistake.keyword != "additionalProperties"


class Ambiguous(CustomKind):
    """A kind of which there are different definitions: none of its objects is judged."""

    def __init__(self) -> None:
        super().__init__(Version(is_served=True, schema={}, has_status=False, warning=""), prunes=False)
        self.unjudged = (AMBIGUOUS,)

    def mistakes(self, value: Map) -> list[Mistake]:  # noqa: ARG002  # that of the class above
        """Return nothing."""
        return []


@cache
def _ambiguous() -> CustomKind:
    return Ambiguous()


# Those of this process, by the digest of what they are made of: clusters have the same definitions, most of them.
_known: dict[bytes, CustomKind] = {}


class Definitions:
    """The definitions of one cluster, by group and kind."""

    def __init__(
        self, known: Mapping[tuple[str, str], Definition] | None = None, ambiguous: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._known = dict(known or {})
        self._ambiguous = frozenset(ambiguous)

    @classmethod
    def of(cls, objects: Iterable[Object]) -> Definitions:
        """Return the definitions among rendered objects; those that are malformed are findings, and not here."""
        found = cls()
        for one in objects:
            if (one.identity.group, one.identity.kind) == (GROUP, KIND) and (read := _definition(one.value)):
                found = found.merged(cls({(read.group, read.kind): read}))
        return found

    @classmethod
    def read(cls, tree: Tree, folders: Sequence[str]) -> Definitions:
        """Return the definitions in folders of a tree; ConfigError names all that is wrong with them at once."""
        known: dict[tuple[str, str], Definition] = {}
        sources: dict[tuple[str, str], _Manifest] = {}
        problems: list[Problem] = []
        for file in dict.fromkeys(path for folder in folders for path in _files(tree, folder)):
            found = [*_manifests(tree, file)]
            for manifest in found:
                definition = _definition(manifest.value)
                if definition is None:
                    problems.append(manifest.problem(f"this {KIND} has no group, kind or versions"))
                    continue
                key = (definition.group, definition.kind)
                if key in known and known[key] != definition:
                    place = sources[key].problem("").place
                    problems.append(manifest.problem(f"another {KIND} of {definition.kind} is in {place}"))
                known.setdefault(key, definition)
                sources.setdefault(key, manifest)
            if not found:
                problems.append(Problem(file, 0, 0, f"there is no {KIND} in it"))
        if problems:
            raise ConfigError.of(problems)
        return cls(known)

    def merged(self, other: Definitions) -> Definitions:
        """Return these definitions and others of the same cluster."""
        different = {key for key, one in self._known.items() if other._known.get(key, one) != one}
        return Definitions(self._known | other._known, self._ambiguous | other._ambiguous | different)

    def over(self, other: Definitions) -> Definitions:
        """Return these definitions, and those of `other` for kinds that are not among them."""
        return Definitions(other._known | self._known, self._ambiguous)

    def __contains__(self, group: str) -> bool:
        """Tell whether a group has a kind here."""
        return any(name == group for name, _ in self._known)

    def compiled(self, kind: ObjectKind) -> CustomKind | None:
        """Return the schema of a custom kind; None where no definition is at hand, or it does not serve the version."""
        definition = self._known.get((kind.group, kind.kind))
        if definition is None:
            return None
        if (kind.group, kind.kind) in self._ambiguous:
            return _ambiguous()
        version = definition.versions.get(kind.version)
        if version is None or not version.is_served:
            return None
        digest = blake2b(marshal.dumps((tuple(version), definition.prunes), 2), digest_size=20).digest()
        if digest not in _known:
            _known[digest] = CustomKind(version, prunes=definition.prunes)
        return _known[digest]

    def refusal(self, kind: ObjectKind) -> str:
        """Return the reason for which the cluster does not serve a version, for a Finding; empty where it may do so."""
        key = (kind.group, kind.kind)
        definition = self._known.get(key)
        if definition is None or key in self._ambiguous:
            return ""
        served = [name for name, version in definition.versions.items() if version.is_served]
        if kind.version in served:
            return ""
        others = ", ".join(f"`{kind.group}/{name}`" for name in served) or "none"
        how = "has, and does not serve" if kind.version in definition.versions else "does not have"
        return f"is `{kind.api_version}`, which the {KIND} {how}; it serves {others}"


def _definition(value: object) -> Definition | None:
    """Return the definition in a manifest of v1 or v1beta1; None for one without its names."""
    spec = mapping(dig(value, "spec"))
    group, kind = spec.get("group"), dig(spec, "names", "kind")
    is_beta = dig(value, "apiVersion") == f"{GROUP}/v1beta1"
    versions = maps(spec.get("versions"))
    if is_beta and not versions and isinstance(spec.get("version"), str):
        versions = [{"name": spec["version"], "served": True}]
    if not (isinstance(group, str) and isinstance(kind, str) and group and kind and versions):
        return None
    prunes = spec.get("preserveUnknownFields", is_beta) is not True
    return Definition(group, kind, {str(one.get("name")): _version(one, spec, kind) for one in versions}, prunes)


def _version(version: Map, spec: Map, kind: str) -> Version:
    """Return one version; in v1beta1 all may have one schema and the same subresources, beside their list."""
    schema = dig(version, "schema", "openAPIV3Schema") or dig(spec, "validation", "openAPIV3Schema")
    subresources = mapping(version.get("subresources") or spec.get("subresources"))
    warning = ""
    if version.get("deprecated") is True:
        own = version.get("deprecationWarning")
        warning = str(own) if own else f"{spec.get('group')}/{version.get('name')} {kind} is deprecated"
    return Version(version.get("served") is True, mapping(schema), "status" in subresources, warning)


def _files(tree: Tree, folder: str) -> Iterator[str]:
    if tree.kind(folder) != "folder":
        raise ConfigError("there is no such folder", file=folder, hint=_HINT)
    files = [path for path in walk(tree, folder) if path.endswith(_SUFFIXES)]
    if not files:
        raise ConfigError("there is no file of YAML or JSON", file=folder, hint=_HINT)
    yield from files


class _Manifest(NamedTuple):
    """A definition in a file: its document, and its path in that."""

    file: str
    document: Document
    path: tuple[str | int, ...]
    value: Map

    def problem(self, message: str) -> Problem:
        """Return a mistake of this definition."""
        # A second look at the document, which is long: only a mistake needs it.
        line = yamldoc.lines(self.document).get((*self.path, "kind"), self.document.line)
        return Problem(self.file, line, 0, message)


def _manifests(tree: Tree, file: str) -> Iterator[_Manifest]:
    """Yield the definitions in a file, also those in lists; other objects are skipped."""
    for document in yamldoc.parse_file(tree.read(file), file):
        value = mapping(document.value)
        items = value.get("items")
        if isinstance(items, list) and str(value.get("kind", "")).endswith("List"):
            for index, item in enumerate(items):
                if isinstance(item, dict) and _is_definition(item, value):
                    yield _Manifest(file, document, ("items", index), item)
        elif _is_definition(value, value):
            yield _Manifest(file, document, (), value)


def _is_definition(item: Map, within: Map) -> bool:
    """Tell whether an object is a definition; an item of a list of them need not say so."""
    group = str(item.get("apiVersion", within.get("apiVersion", ""))).rpartition("/")[0]
    return (group, item.get("kind", KIND)) == (GROUP, KIND)
