"""Sentences on who decides when a change reaches its cluster: sync windows of a project, steps of an ApplicationSet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.document import is_a, objects
from cmp.errors import ConfigError
from cmp.preview.labels import few_names
from cmp.system.globs import PatternError, whole_match
from cmp.system.tree import walk
from cmp.yamldoc.access import mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.argocd.document import Manifest
    from cmp.preview.application_states import ApplicationState
    from cmp.repository.git import GitTree

PROJECT, WINDOWS = "AppProject", "syncWindows"


class _Window(NamedTuple):
    """A sync window: the names that it applies to, as patterns; an empty list applies to none."""

    applications: tuple[str, ...]
    namespaces: tuple[str, ...]
    clusters: tuple[str, ...]

    def holds(self, one: ApplicationState) -> bool:
        """Say whether it decides about an Application: one of its lists has it, as in Argo CD."""
        destination = one.destination
        names = (
            (self.applications, (one.name,)),
            (self.namespaces, (destination.namespace,)),
            (self.clusters, (destination.name, destination.server, one.cluster)),
        )
        return any(_matches(pattern, text) for patterns, texts in names for pattern in patterns for text in texts)


def notes(states: Sequence[ApplicationState], tree: GitTree, patterns: Sequence[str]) -> Iterator[str]:
    """Yield the sentences about Applications that change; `patterns` name the files that may have their projects."""
    for name in sorted({one.set_name for one in states if one.rolls}):
        yield f"the ApplicationSet `{name}` rolls changes out in steps (RollingSync): they decide when each one syncs"
    windows = _windows(tree, patterns) if states else {}
    for project, of_project in sorted(windows.items()):
        held = sorted({one.name for one in states if one.project == project and any(w.holds(one) for w in of_project)})
        if held:
            yield f"sync windows of the project `{project}` decide when {few_names(held)} may sync"


def _windows(tree: GitTree, patterns: Sequence[str]) -> dict[str, list[_Window]]:
    """Return the sync windows of the projects in files, by the project's name; a file that is no YAML has none."""
    found: dict[str, list[_Window]] = {}
    held = frozenset(tree.holding(PROJECT, WINDOWS))
    for path in walk(tree, "") if held else ():  # a link to such a file is one, too
        if tree.resolve(path) in held and any(whole_match(pattern, path) for pattern in patterns):
            try:
                projects = [one for one in objects(tree.read(path), path) if is_a(PROJECT, one.value)]
            except ConfigError:  # the list of Applications says so
                continue
            for project in projects:
                found.setdefault(project.names[0], []).extend(_windows_of(project))
    return found


def _windows_of(project: Manifest) -> Iterator[_Window]:
    for window in maps(mapping(project.value.get("spec")).get("syncWindows")):
        lists = (window.get(key) for key in _Window._fields)
        yield _Window(*(tuple(map(str, texts)) if isinstance(texts, list) else () for texts in lists))


def _matches(pattern: str, text: str) -> bool:
    try:
        return bool(text) and whole_match(pattern, text)
    except PatternError:  # Argo CD takes it for one that matches nothing
        return False
