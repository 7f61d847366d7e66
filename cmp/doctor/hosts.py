"""Hosts of charts, and whether the policy allows each: the one check that asks the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import policy
from cmp.artifacts.charts.web import Web
from cmp.doctor import Check
from cmp.errors import CmpError, ConfigError
from cmp.policy import hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.artifacts.charts.remote import Wanted
    from cmp.context import Context
    from cmp.policy import PolicyCheck

OCI = "oci://"


class Met:
    """The hosts that were met, as a policy is asked about them; it refuses nothing here, so that all are met."""

    def __init__(self, permit: PolicyCheck) -> None:
        self._permit = permit
        self.repositories: dict[str, set[str]] = {}
        self.refused: dict[str, ConfigError] = {}

    def chart_host(self, subject: str, url: str, place: str) -> None:
        """Note the host of a repository."""
        self._note(url, url)
        try:
            self._permit.chart_host(subject, url, place)
        except ConfigError as error:
            self.refused.setdefault(hosts.shown(url), error)

    def chart_url(self, wanted: Wanted, url: str, led_by: str) -> bool:
        """Note the host of a URL to which a repository leads; say whether the policy lists it."""
        self._note(url, wanted.url)
        try:
            return self._permit.chart_url(wanted, url, led_by)
        except ConfigError as error:
            self.refused.setdefault(hosts.shown(url), error)
            return False

    def chart_folder(self, folder: str, place: str) -> None:
        """Have no opinion: no host is asked for a `file://` chart."""

    def _note(self, url: str, repository: str) -> None:
        self.repositories.setdefault(hosts.shown(url), set()).add(repository)


def examine(wanted: Sequence[Wanted], permit: PolicyCheck | None, context: Context) -> Iterator[Check]:
    """Yield a check for each host, and one for each chart that cannot be looked at; no archive is stored."""
    met = Met(permit or policy.WITHOUT_POLICY)
    web = Web(context, met)
    failed = [check for one in wanted for check in _look(one, met, web)]
    for host in sorted(met.repositories):
        refused = met.refused.get(host)
        found = "for " + ", ".join(sorted(met.repositories[host]))
        yield (
            Check(f"host {host}", "problem", refused.what, refused.hint)
            if refused
            else Check(f"host {host}", "ok", found)
        )
    yield from failed


def _look(one: Wanted, met: Met, web: Web) -> Iterator[Check]:
    met.chart_host(one.subject, one.url, one.place)
    if one.url.startswith(OCI):
        yield Check(one.subject, "warning", "hosts to which the registry redirects are not seen: helm follows them")
        return
    try:
        if not web.has_index(one.url):
            web.take_index(one, web.download_index(one))
        url = web.archive_url(one)
        if url.startswith(OCI):
            met.chart_url(one, url, one.url)
        else:
            web.look(one, url)
    except CmpError as error:
        yield Check(one.subject, "problem", error.what.removeprefix(f"{one.subject}: "), error.hint)
