"""Parse Chart.yaml and its lock into dependencies; every mistake is named with its line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp import versions, yamldoc
from cmp.artifacts.charts import lockdigest, repositories
from cmp.artifacts.charts.asked import ALIASES
from cmp.artifacts.charts.declared import Dependency
from cmp.errors import ChartError
from cmp.system.tree import join
from cmp.system.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Mapping

Entry = dict[str, object]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,249}")  # it becomes part of a path and of helm's arguments


def parse(folder: str, files: Mapping[str, bytes], repository_config: str) -> tuple[list[Dependency], str]:
    """Read the dependencies and pair ranges with the versions of a lock that is current by Helm's own rule."""
    is_old = bool(files["requirements.yaml"])
    name, lock_name = ("requirements.yaml", "requirements.lock") if is_old else ("Chart.yaml", "Chart.lock")
    path = join(folder, name)
    document = _document(files[name], path)
    entries = _entries(document, path)
    if not entries:
        return [], ""
    known = repositories.load(repository_config) if any(_is_alias(entry) for entry in entries) else ()
    places = _places(document, path, len(entries))
    found = [_dependency(entry, place, known) for entry, place in zip(entries, places, strict=True)]
    lock_path = join(folder, lock_name)
    locked = _locked(entries, found, _document(files[lock_name], lock_path), is_old=is_old)
    if locked is None:
        return found, lock_path
    pairs = zip(found, locked, strict=True) if locked else ((one, "") for one in found)
    return [one if one.version or one.is_local else one._replace(version=version) for one, version in pairs], ""


def identity(data: bytes, path: str) -> tuple[str, str]:
    """Return name and version of a chart from its Chart.yaml."""
    document = _document(data, path)
    value = document.value if document else None
    name, version = (value.get("name"), value.get("version")) if isinstance(value, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(version, str) or not _NAME.fullmatch(name):
        raise ChartError("this chart has no name and version", file=path)
    return name, version


def _document(data: bytes, path: str) -> yamldoc.Document | None:
    try:
        documents = yamldoc.parse(data)
    except yamldoc.YamlError as error:
        raise ChartError(f"this is not YAML: {error.problem}", file=f"{path}:{error.line}") from None
    return documents[0] if documents else None


def _entries(document: yamldoc.Document | None, path: str) -> list[Entry]:
    value = document.value if document else None
    entries = value.get("dependencies") if isinstance(value, dict) else None
    if not isinstance(entries or [], list) or not all(isinstance(entry, dict) for entry in entries or ()):
        raise ChartError("`dependencies` is not a list of maps", file=path)
    return list(entries or ())


def _places(document: yamldoc.Document | None, path: str, count: int) -> list[str]:
    lines = document.lines() if document else {}
    return [f"{path}:{lines.get(('dependencies', index), 0)}".removesuffix(":0") for index in range(count)]


def _is_alias(entry: Entry) -> bool:
    return str(entry.get("repository") or "").startswith(ALIASES)


def _dependency(entry: Entry, place: str, known: repositories.Entries) -> Dependency:
    name, constraint, repository = (entry.get(field) or "" for field in ("name", "version", "repository"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ChartError("a dependency without a usable name", file=place)
    if not isinstance(constraint, str) or not isinstance(repository, str):
        raise ChartError(f"version and repository of {name} must be text", file=place, hint="put them into quotes")
    if not constraint and repository:
        raise ChartError(f"{name} of {repository} has no version", file=place)
    if not constraint.isprintable():
        raise ChartError(f"the version of {name} is not understood", file=place)
    url = url_of(name, repository, place, known)
    exact = constraint if versions.is_exact(constraint) else ""
    return Dependency(name, constraint, repository, url, exact, place)


def url_of(name: str, repository: str, place: str, known: repositories.Entries = ()) -> str:
    """Return the URL of a chart's repository, an alias replaced; ChartError for what is none, or holds credentials."""
    if repository.startswith(ALIASES):
        url = repositories.alias_url(repository, known)
        if not url:
            raise ChartError(
                f"nobody defines the repository {repository} of {name}",
                file=place,
                hint="the file that HELM_REPOSITORY_CONFIG names must have an entry of this name",
            )
        return url
    if not repository or repository.startswith("file://"):
        return repository
    if not is_url(repository) or not repository.isprintable():
        raise ChartError(
            f"the repository of {name} is no http, https, oci or file URL and no alias: {repository!r}", file=place
        )
    if "@" in urlsplit(repository).netloc:
        raise ChartError(
            f"the repository of {name} has credentials in its URL: {repositories.without_credentials(repository)}",
            file=place,
            hint="put them into the file that HELM_REPOSITORY_CONFIG names, not into Git",
        )
    return repository.rstrip("/")


def _locked(
    entries: list[Entry], found: list[Dependency], document: yamldoc.Document | None, *, is_old: bool
) -> list[str] | None:
    """Return the locked version of each dependency; [] without a lock, None when it is out of date."""
    if document is None:
        return []
    value = document.value if isinstance(document.value, dict) else {}
    locked = [entry for entry in value.get("dependencies") or () if isinstance(entry, dict)]
    resolved = [
        {**entry, "repository": one.url if _is_alias(entry) else one.repository}
        for entry, one in zip(entries, found, strict=True)
    ]
    current = [lockdigest.digest(resolved, locked), *([lockdigest.helm2_digest(entries)] if is_old else [])]
    if value.get("digest") not in current or len(locked) != len(entries):
        return None
    return [str(entry.get("version") or "") for entry in locked]
