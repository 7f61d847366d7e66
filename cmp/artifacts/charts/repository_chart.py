"""A chart of a repository: its identity, the policy that is asked about it, and the version of its range for now."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from cmp.artifacts.cache import Key

if TYPE_CHECKING:
    from cmp.context import Context

OCI = "oci://"
RANGE_SECONDS = 3600.0  # how long a range keeps its version: a render an hour later may see a newer chart


class RepositoryChart(NamedTuple):
    """A chart of a repository.

    `version` is exact, or "" while `constraint` is a range without a version; `sha256` is that of cmp.lock, or "".
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
    def is_oci(self) -> bool:
        """Say whether the chart is in a registry, and not in a repository of a web server."""
        return self.url.startswith(OCI)

    @property
    def range_key(self) -> str:
        """The key of the range's version in the cache of expiring values."""
        return f"{_range_prefix(self.url, self.name)}{self.constraint}"


class PolicyCheck(Protocol):
    """The administrator's policy for dependencies; it raises ConfigError for one that may not be used."""

    def chart_host(self, subject: str, url: str, place: str) -> None:
        """Ask for a chart of a repository."""

    def chart_url(self, chart: RepositoryChart, url: str, led_by: str, /) -> bool:
        """Ask for a URL to which a chart's repository leads; return whether an administrator lists its host."""

    def chart_folder(self, folder: str, place: str) -> None:
        """Ask for a `file://` chart."""


def recalled(chart: RepositoryChart, context: Context) -> RepositoryChart:
    """Fill in the version that a range resolved to a short while ago, if that is known."""
    if chart.version:
        return chart
    from cmp.artifacts import ttl_cache  # noqa: PLC0415  # diskcache costs more than all the rest of a warm run

    version = ttl_cache.recall(context.settings.state_dir, chart.range_key)
    return chart._replace(version=version) if isinstance(version, str) else chart


def remember(chart: RepositoryChart, version: str, context: Context) -> None:
    """Keep the version of a range for a while."""
    from cmp.artifacts import ttl_cache  # noqa: PLC0415  # see above

    ttl_cache.remember(context.settings.state_dir, chart.range_key, version, RANGE_SECONDS)


def forget_ranges(url: str, name: str, context: Context) -> None:
    """Let the versions of all ranges of a chart be asked for again."""
    from cmp.artifacts import ttl_cache  # noqa: PLC0415  # see above

    ttl_cache.forget(context.settings.state_dir, _range_prefix(url, name))


def _range_prefix(url: str, name: str) -> str:
    return f"range\n{url}\n{name}\n"
