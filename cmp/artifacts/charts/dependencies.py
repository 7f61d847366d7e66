"""The dependencies of a chart: Chart.yaml and Chart.lock (requirements.yaml and .lock in charts of apiVersion v1)."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import ChartError
from cmp.system.files import sha256
from cmp.system.tree import join
from cmp.versions import is_exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp.artifacts.cache import ChartCache
    from cmp.artifacts.charts import repositories
    from cmp.system.tree import Tree

    Entry = dict[str, object]

DECLARATIONS = ("Chart.yaml", "requirements.yaml")
LOCAL = "file://"

_FILES = ("Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,249}")  # of a chart: part of a path and of helm's arguments
# The fields of Helm's Dependency in its order; all but the first and `repository` are left out when they are empty.
_FIELDS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
_ALWAYS = ("name", "repository")
# Go's JSON encoder escapes characters that could end a script element.
_GO_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


class Dependency(NamedTuple):
    """One entry of `dependencies`, checked.

    `repository` is as written, `url` with aliases replaced; `version` is the exact version that is asked for, by
    itself or by a current lock, and "" where a range must be resolved.  `place` is `Chart.yaml:7` below the root.
    """

    name: str
    constraint: str
    repository: str
    url: str
    version: str
    place: str

    @property
    def is_local(self) -> bool:
        """Say whether the chart lies in the same tree, where there is one version and nothing to lock."""
        return self.repository.startswith(LOCAL)


class DeclaredDependency(NamedTuple):
    """One entry of `dependencies` as it is written, unchecked; a missing field is empty."""

    repository: str
    name: str
    constraint: str

    @property
    def folder(self) -> str | None:
        """The path of a chart in the same tree, from the chart that declares it; None for a chart of a repository."""
        return self.repository.removeprefix(LOCAL) if self.repository.startswith(LOCAL) else None


def declared(data: bytes) -> Iterator[DeclaredDependency]:
    """Yield the dependencies of a Chart.yaml or requirements.yaml without a check: one mistake hides no other entry.

    A file that cannot be parsed yields none; the render of the chart reports it.
    """
    try:
        documents = yamldoc.load_all(data)[:1]
    except yamldoc.YamlError:
        return
    for value in documents:
        entries = value.get("dependencies") if isinstance(value, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                repository, name, constraint = (str(entry.get(key) or "") for key in ("repository", "name", "version"))
                yield DeclaredDependency(repository, name, constraint)


def local_folders(tree: Tree, folder: str) -> tuple[str, ...]:
    """Return the folders of the charts that a chart takes from the same tree by `file://`, nested ones too."""
    local: dict[str, None] = {}
    waiting = [folder]
    while waiting:
        current = waiting.pop(0)
        paths = [path for name in DECLARATIONS if tree.kind(path := join(current, name)) == "file"]
        for dependency in (dependency for path in paths for dependency in declared(tree.read(path))):
            target = posixpath.normpath(join(current, dependency.folder)) if dependency.folder is not None else ".."
            if not target.startswith("..") and target not in local:
                local[target] = None
                waiting.append(target)
    return tuple(local)


def read(tree: Tree, folder: str, cache: ChartCache, repository_config: str) -> tuple[list[Dependency], str]:
    """Return the dependencies of the chart in `folder`, and the path of a lock that is out of date, or "".

    ChartError for an entry that cannot be understood.  The result depends on nothing but the files, so that it is kept
    in the cache: a warm run parses no YAML for it.
    """
    files = _contents(tree, folder)
    config = _mounted(repository_config)
    question = "\n".join([*Dependency._fields, folder, *(sha256(data) for data in (*files.values(), config))])
    note = cache.note("declared", question)
    if isinstance(note, list):
        return [Dependency(*fields) for fields in note[0]], note[1]
    parsed = _parse(folder, files, repository_config)
    cache.keep_note("declared", question, parsed)
    return parsed


def _mounted(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _parse(folder: str, files: Mapping[str, bytes], repository_config: str) -> tuple[list[Dependency], str]:
    """Read the dependencies, and pair ranges with the versions of a lock that is current by Helm's own rule."""
    is_old = bool(files["requirements.yaml"])
    name, lock_name = _names(files)
    path, lock_path = join(folder, name), join(folder, lock_name)
    document = _document(files[name], path)
    entries = _entries(document, path)
    if not entries:
        return [], ""
    lines = yamldoc.lines(document) if document else {}
    places = [f"{path}:{lines.get(('dependencies', index), 0)}".removesuffix(":0") for index in range(len(entries))]
    dependencies = _checked(entries, places, repository_config)
    lock = _document(files[lock_name], lock_path)
    if lock is None:
        return dependencies, ""
    resolved = _resolved(entries, dependencies)
    versions = _locked_versions(lock, resolved, [_helm2_digest(entries)] if is_old else [])
    if versions is None:
        return dependencies, lock_path
    return [
        dependency if dependency.version or dependency.is_local else dependency._replace(version=version)
        for dependency, version in zip(dependencies, versions, strict=True)
    ], ""


def has_current_lock(tree: Tree, folder: str, repository_config: str) -> bool:
    """Say whether the chart in `folder` has a lock that belongs to its dependencies."""
    files = _contents(tree, folder)
    _, lock_name = _names(files)
    declared_ones, stale_lock = _parse(folder, files, repository_config)
    return bool(declared_ones and files[lock_name] and not stale_lock)


def _contents(tree: Tree, folder: str) -> dict[str, bytes]:
    """Return the content of each file that says something of a chart's dependencies; of a missing one it is empty."""
    paths = {name: join(folder, name) for name in _FILES}
    return {name: tree.read(path) if tree.kind(path) == "file" else b"" for name, path in paths.items()}


def _names(files: Mapping[str, bytes]) -> tuple[str, str]:
    """Return the names of the two files of a chart that declare and lock its dependencies."""
    return ("requirements.yaml", "requirements.lock") if files["requirements.yaml"] else ("Chart.yaml", "Chart.lock")


def current_digest(tree: Tree, folder: str, repository_config: str) -> str:
    """Return the digest with which the lock of the chart in `folder` would be current; empty without a lock."""
    files = _contents(tree, folder)
    name, lock_name = _names(files)
    entries = _entries(_document(files[name], join(folder, name)), join(folder, name))
    lock = _document(files[lock_name], join(folder, lock_name))
    if lock is None or not entries:
        return ""
    dependencies = _checked(entries, [join(folder, name)] * len(entries), repository_config)
    return _digest(_resolved(entries, dependencies), _locked(lock))


def identity(data: bytes, path: str) -> tuple[str, str]:
    """Return name and version of a chart from its Chart.yaml."""
    document = _document(data, path)
    value = document.value if document else None
    name, version = (value.get("name"), value.get("version")) if isinstance(value, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(version, str) or not _NAME.fullmatch(name):
        raise ChartError("this chart has no name and version", file=path)
    return name, version


def _document(data: bytes, path: str) -> yamldoc.Document | None:
    documents = yamldoc.parse_file(data, path, error=ChartError, with_column=False)
    return documents[0] if documents else None


def _entries(document: yamldoc.Document | None, path: str) -> list[Entry]:
    value = document.value if document else None
    entries = value.get("dependencies") if isinstance(value, dict) else None
    if not isinstance(entries or [], list) or not all(isinstance(entry, dict) for entry in entries or ()):
        raise ChartError("`dependencies` is not a list of maps", file=path)
    return list(entries or ())


def _checked(entries: list[Entry], places: list[str], repository_config: str) -> list[Dependency]:
    """Check all entries, each in its place, with the aliases of the file `repository_config`."""
    from cmp.artifacts.charts import repositories  # noqa: PLC0415  # a warm run parses nothing

    has_aliases = any(repositories.is_alias(str(entry.get("repository") or "")) for entry in entries)
    known = repositories.load(repository_config) if has_aliases else ()
    return [_dependency(entry, place, known) for entry, place in zip(entries, places, strict=True)]


def _resolved(entries: list[Entry], dependencies: list[Dependency]) -> list[Entry]:
    """Return the entries as helm compares them with a lock: with URLs in place of aliases."""
    from cmp.artifacts.charts import repositories  # noqa: PLC0415  # a warm run parses nothing

    return [
        {**entry, "repository": one.url if repositories.is_alias(one.repository) else one.repository}
        for entry, one in zip(entries, dependencies, strict=True)
    ]


def _dependency(entry: Entry, place: str, known: repositories.Entries) -> Dependency:
    """Check one entry; the mistake is named with its line."""
    from cmp.artifacts.charts.repositories import url_of  # noqa: PLC0415  # see _parse

    name, constraint, repository = (entry.get(field) or "" for field in ("name", "version", "repository"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ChartError("a dependency without a usable name", file=place)
    if not isinstance(constraint, str) or not isinstance(repository, str):
        raise ChartError(f"version and repository of {name} must be text", file=place, hint="put them into quotes")
    if not constraint and repository:
        raise ChartError(f"{name} of {repository} has no version", file=place)
    if not constraint.isprintable():
        raise ChartError(f"the version of {name} is not understood", file=place)
    return Dependency(
        name=name,
        constraint=constraint,
        repository=repository,
        url=url_of(name, repository, place, known),
        version=constraint if is_exact(constraint) else "",
        place=place,
    )


def _locked_versions(lock: yamldoc.Document, declared: list[Entry], digests: list[str]) -> list[str] | None:
    """Return the locked version of each dependency; None when the lock is out of date.

    Aliases of repositories in `declared` are URLs already.  A digest among `digests` is current too.
    """
    value = lock.value if isinstance(lock.value, dict) else {}
    locked = _locked(lock)
    if value.get("digest") not in (_digest(declared, locked), *digests) or len(locked) != len(declared):
        return None
    return [str(entry.get("version") or "") for entry in locked]


def _locked(lock: yamldoc.Document) -> list[Entry]:
    value = lock.value if isinstance(lock.value, dict) else {}
    return [entry for entry in value.get("dependencies") or () if isinstance(entry, dict)]


def _digest(declared: Iterable[Entry], locked: Iterable[Entry]) -> str:
    """Return the digest of a current Chart.lock, by Helm's rule: that of both lists of dependencies."""
    return _sha256([[_canonical(entry) for entry in declared], [_canonical(entry) for entry in locked]])


def _helm2_digest(declared: Iterable[Entry]) -> str:
    """Return the digest that Helm 2 wrote, which later versions accept for charts of apiVersion v1."""
    return _sha256({"dependencies": [_canonical(entry) for entry in declared]})


def _canonical(dependency: Entry) -> Entry:
    return {name: dependency.get(name) or "" for name in _FIELDS if name in _ALWAYS or dependency.get(name)}


def _sha256(value: object) -> str:
    text = json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":")).translate(_GO_ESCAPES)
    return f"sha256:{sha256(text.encode())}"


def _sorted(value: object, *, is_entry: bool = True) -> object:
    """Sort the keys of maps inside `import-values`, as Go prints them; those of a dependency have their own order."""
    if isinstance(value, list):
        return [_sorted(item, is_entry=is_entry) for item in value]
    if not isinstance(value, dict):
        return value
    items = value.items() if is_entry else sorted(value.items())
    return {key: _sorted(item, is_entry=is_entry and key == "dependencies") for key, item in items}
