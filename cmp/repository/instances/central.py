"""Settings of applications that cmp.yaml says centrally, and those entries of `applications` that fit nothing.

An entry that fits nothing is no mistake of the application that is rendered: `cmp generate` does not look for it, and
commands that list all pairs tell it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError, suggestion
from cmp.repository import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.model import Cluster
    from cmp.repository.config.model import CentralSettings, ClusterChoice, NamePattern
    from cmp.repository.instances.listing import Pair


class Misfit(NamedTuple):
    """A name or `where` in `applications` that fits nothing, and its place; with a hint it is an error."""

    message: str
    place: str
    hint: str = ""

    @property
    def error(self) -> ConfigError:
        """The error for a reader of all pairs: none of them is at fault."""
        return ConfigError(self.message, file=self.place, hint=self.hint)


def is_for(entry: CentralSettings, app: str) -> bool:
    """Say whether an entry is for an application, on some cluster at least."""
    return any(_is_named(pattern, app) for pattern in entry.apps)


def applying(entries: Iterable[CentralSettings], app: str, cluster: Cluster) -> Iterator[CentralSettings]:
    """Yield the entries that hold for an application on a cluster; without one those that hold on every cluster."""
    for entry in entries:
        if is_for(entry, app) and (entry.where is None or entry.where.covers(cluster)):
            yield entry


def choice(entries: Sequence[CentralSettings], app: str) -> ClusterChoice | None:
    """Return the clusters on which an application is to run by the last entry that says any."""
    choosing = (entry for entry in reversed(entries) if entry.settings.clusters)
    return next((entry.settings.clusters for entry in choosing if is_for(entry, app)), None)


def _is_named(pattern: NamePattern, app: str) -> bool:
    return pattern.text == app or (
        not pattern.is_exact and layout.match_name(layout.parse(pattern.text).segments[0], app, {}) is not None
    )


def misfits(
    entries: Iterable[CentralSettings], apps: Sequence[str], pairs: Sequence[Pair], clusters: Mapping[str, Cluster]
) -> Iterator[Misfit]:
    """Yield what fits nothing: a name, which is an error, a pattern of names, and a `where`, which are warnings."""
    known = frozenset(apps)
    for entry in entries:
        for pattern in entry.apps:
            if pattern.text in known or any(_is_named(pattern, app) for app in apps):
                continue
            name = layout.shown(pattern.text)
            if pattern.is_exact:
                yield Misfit(f"`applications` names {name}, and there is none", pattern.place, suggestion(name, apps))
            else:
                yield Misfit(
                    f"`applications` has settings for {name}, and no application has such a name", pattern.place
                )
        running = {pair.cluster for pair in pairs if is_for(entry, pair.app)} & clusters.keys()
        if entry.where and running and not any(entry.where.covers(clusters[name]) for name in running):
            yield Misfit("`where` fits no cluster on which its applications run", entry.where.place)
