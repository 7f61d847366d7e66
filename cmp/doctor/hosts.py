"""Hosts of charts, and whether the policy allows each: the only check that asks the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import policy
from cmp.artifacts.charts.repository_chart import OCI
from cmp.artifacts.charts.web import WebRepositories
from cmp.doctor import Check
from cmp.errors import CmpError, ConfigError
from cmp.policy import hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.artifacts.charts.repository_chart import RepositoryChart
    from cmp.context import Context
    from cmp.policy import PolicyCheck


class HostRecorder:
    """A policy check that records each host and refuses none, so that every host is met.

    `repositories` are the URLs of the repositories that lead to a host, `refusals` what the policy says of it.
    """

    def __init__(self, check: PolicyCheck) -> None:
        self._check = check
        self.repositories: dict[str, set[str]] = {}
        self.refusals: dict[str, ConfigError] = {}

    def chart_host(self, subject: str, url: str, place: str) -> None:
        """Record the host of a repository."""
        self._record(url, url)
        try:
            self._check.chart_host(subject, url, place)
        except ConfigError as error:
            self.refusals.setdefault(hosts.shown(url), error)

    def chart_url(self, wanted: RepositoryChart, url: str, led_by: str) -> bool:
        """Record the host of a URL to which a repository leads; say whether the policy lists it."""
        self._record(url, wanted.url)
        try:
            return self._check.chart_url(wanted, url, led_by)
        except ConfigError as error:
            self.refusals.setdefault(hosts.shown(url), error)
            return False

    def chart_folder(self, folder: str, place: str) -> None:
        """Record nothing: no host is asked for a `file://` chart."""

    def _record(self, url: str, repository: str) -> None:
        self.repositories.setdefault(hosts.shown(url), set()).add(repository)


def examine(charts: Sequence[RepositoryChart], check: PolicyCheck | None, context: Context) -> Iterator[Check]:
    """Yield a check for each host, and one for each chart whose archive cannot be found; no archive is stored."""
    recorder = HostRecorder(check or policy.WITHOUT_POLICY)
    web = WebRepositories(context, recorder)
    of_charts = [problem for chart in charts for problem in _visit(chart, recorder, web)]
    for host in sorted(recorder.repositories):
        refusal = recorder.refusals.get(host)
        repositories = ", ".join(sorted(recorder.repositories[host]))
        yield (
            Check(f"host {host}", "problem", refusal.what, refusal.hint)
            if refusal
            else Check(f"host {host}", "ok", f"for {repositories}")
        )
    yield from of_charts


def _visit(chart: RepositoryChart, recorder: HostRecorder, web: WebRepositories) -> Iterator[Check]:
    """Ask every host that a pull of the chart would ask, up to its archive."""
    recorder.chart_host(chart.subject, chart.url, chart.place)
    if chart.is_oci:
        yield Check(chart.subject, "warning", "hosts to which the registry redirects are not seen: helm follows them")
        return
    try:
        if not web.has_index(chart.url):
            web.take_index(chart, web.download_index(chart))
        url = web.archive_url(chart)
        if url.startswith(OCI):
            recorder.chart_url(chart, url, chart.url)
        else:
            web.look(chart, url)
    except CmpError as error:
        yield Check(chart.subject, "problem", error.what.removeprefix(f"{chart.subject}: "), error.hint)
