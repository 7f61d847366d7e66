"""The applications that run nowhere: folders with an engine's file that belong to no pair, and why."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, and_more
from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.repository.instances.markers import matches_any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.repository.instances.places import AppFolder
    from cmp.repository.instances.repository import Repository

MAX_NAMED = 5


class Nowhere(NamedTuple):
    """The applications that run nowhere for one reason, and what to write."""

    apps: tuple[str, ...]
    reason: str
    hint: str

    @property
    def what(self) -> str:
        """The sentence that names them with the reason."""
        if len(self.apps) == 1:
            return f"{self.apps[0]} runs nowhere: {self.reason}"
        return f"{and_more(self.apps, MAX_NAMED)} run nowhere: {self.reason}"

    @property
    def error(self) -> ConfigError:
        """The error of a command that has nothing to do because of that."""
        return ConfigError(self.what, hint=self.hint)


def nowhere(repository: Repository) -> list[Nowhere]:
    """Return the applications that run nowhere, a group for each reason, the largest one first.

    A folder without an engine's file and without a cmp-app.yaml holds no application.
    """
    running = {pair.app for pair in repository.pairs()}
    reasons: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for folder in repository.places.app_folders():
        if folder.name not in running and _is_application(repository, folder):
            try:
                reason = _reason(repository, folder)
            except ConfigError as error:
                reason = error.what, error.hint or "correct the file"
            if reason:
                reasons[reason][folder.name] = None
    found = (Nowhere(tuple(sorted(apps)), *reason) for reason, apps in reasons.items())
    return sorted(found, key=lambda one: (-len(one.apps), one.apps))


def _is_application(repository: Repository, folder: AppFolder) -> bool:
    markers = [marker for traits in repository.engines.values() if not traits.is_fallback for marker in traits.markers]
    names = [entry.name for entry in repository.tree.entries(folder.path) if entry.kind == "file"]
    return any(matches_any((*markers, APP_FILE), name) for name in names) and not repository.places.is_component(folder)


def _reason(repository: Repository, folder: AppFolder) -> tuple[str, str] | None:
    """Return why an application has no pair, and what to write; nothing where `clusters: []` says that it is meant."""
    choice = repository.cluster_choice(folder)
    if choice and not (choice.is_all or choice.names or choice.selector):
        return None
    if choice:
        return (
            f"no cluster of the inventory is one of its `clusters` ({choice.place})",
            "`clusters` of cmp.yaml lists the clusters with their facts: add one, or correct the choice",
        )
    facts = sorted(repository.places.choosing(folder.pattern))
    if facts and not repository.places.clusters_of(folder):
        has = " and ".join(f"{name} {folder.captures[name]}" for name in facts)
        return f"no cluster of the inventory has {has}", "add it to `clusters` of cmp.yaml, or remove the folder"
    instances = repository.places.instances
    if not repository.config.clusters and not instances:
        return (
            "the layout needs a cluster, and `clusters` of cmp.yaml lists none",
            f"list them, such as `clusters: {{prod: {{}}}}`, and write `clusters: all` into its {APP_FILE}",
        )
    folders = " or ".join(pattern.text for pattern in instances)
    without = f"there is no {folders} for it, and " if folders else ""
    files = " or ".join(_files(repository))
    enough = f"; or say by `layout: {{instances: …}}` that a file such as {files} is enough" if files else ""
    return (
        f"{without}no `clusters` in its {APP_FILE} says where",
        f"write `clusters: all`, names or facts into its {APP_FILE}{enough}",
    )


def _files(repository: Repository) -> Iterator[str]:
    """Yield the patterns of values files whose presence could say where an application runs."""
    named = {pattern.text for pattern in repository.places.instances}
    for values in repository.config.layout.values:
        pattern = layout.parse(values.pattern, values.place)
        if {"app", "cluster"} <= pattern.names and not pattern.has_wildcard and pattern.text not in named:
            yield values.pattern
