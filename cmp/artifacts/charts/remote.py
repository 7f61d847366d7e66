"""Charts of repositories: from the cache, and only what is missing over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.cache import ChartCache, Key
from cmp.errors import ChartError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.artifacts.cache import Archive
    from cmp.artifacts.charts.plan import Permit
    from cmp.context import Context
    from cmp.model import Tool

RANGE_SECONDS = 3600.0  # how long a range keeps its version: a render an hour later may see a newer chart


class Wanted(NamedTuple):
    """A chart of a repository.

    `version` is exact, or "" while `constraint` is a range without a version; `sha256` is what cmp.lock demands, or "".
    """

    url: str
    name: str
    constraint: str
    version: str
    sha256: str
    place: str

    @property
    def key(self) -> Key:
        return Key(self.url, self.name, self.version)

    @property
    def subject(self) -> str:
        return f"chart {self.name} {self.version or self.constraint} of {self.url}"

    @property
    def fact(self) -> str:
        """Under what the version of a range is remembered."""
        return f"{fact_prefix(self.url, self.name)}{self.constraint}"


def fact_prefix(url: str, name: str) -> str:
    """Return how the facts about the ranges of one chart begin."""
    return f"range\n{url}\n{name}\n"


def obtain(
    wanted: Sequence[Wanted], helm: Tool, context: Context, permit: Permit | None = None
) -> dict[Wanted, Archive]:
    """Return the archive of every wanted chart; ChartError names the first that cannot be had.

    `permit` is asked about the URLs to which repositories lead.
    """
    cache = ChartCache(context.settings.cache_dir)
    exact = {one: recalled(one, context) for one in wanted}
    found: dict[Wanted, Archive] = {}
    for one, known in exact.items():
        archive = cache.find(known.key, known.sha256) if known.version else None
        if archive:
            found[one] = archive
    missing = [one for one in exact if one not in found]
    if missing:
        if context.settings.offline:
            raise _offline(missing[0])
        from cmp.artifacts.charts import fetch  # noqa: PLC0415  # what a warm run never needs

        found |= fetch.fetch(missing, helm, context, permit)
    for one in exact:
        if not one.version:
            context.log.warning(_reported(one, found[one].version))
    return found


def recalled(one: Wanted, context: Context) -> Wanted:
    """Fill in the version that a range resolved to a short while ago, if that is known."""
    if one.version:
        return one
    from cmp.artifacts import ttl_cache  # noqa: PLC0415  # diskcache costs more than all the rest of a warm run

    version = ttl_cache.recall(context.settings.state_dir, one.fact)
    return one._replace(version=version) if isinstance(version, str) else one


def _offline(one: Wanted) -> ChartError:
    return ChartError(
        f"{one.subject} is not in the cache, and CMP_OFFLINE forbids to fetch it",
        file=one.place,
        hint="run `cmp cache warm` where the network is allowed",
        is_external=True,
    )


def _reported(one: Wanted, version: str) -> str:
    return (
        f"{one.place}: {one.name} {one.constraint} is {version} for now, and may be another within the hour; "
        "`helm dependency update` or `cmp lock` fixes it"
    )
