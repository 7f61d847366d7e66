"""Chart repositories of web servers: their indexes and archives, downloaded by cmp, so that every redirect is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.artifacts.charts import helm, repositories
from cmp.artifacts.charts.archive import MAX_PACKED_BYTES
from cmp.artifacts.charts.index import FILE, MAX_BYTES, Index, NoIndexError, resolved
from cmp.artifacts.faults import Fault
from cmp.errors import ChartError
from cmp.system.download import Downloader, Source
from cmp.system.download.connections import DownloadError
from cmp.system.urls import is_url

if TYPE_CHECKING:
    from cmp.artifacts.charts.repository_chart import PolicyCheck, RepositoryChart
    from cmp.context import Context

_OF_STATUS = {
    401: helm.OTHER_CREDENTIALS,
    403: helm.FORBIDDEN,
    404: helm.NOTHING,
    410: helm.NOTHING,
    429: helm.BUSY,
}
_OF_KIND = {
    "tls": helm.CERTIFICATE,
    "name": helm.NO_HOST,
    "lookup": helm.NO_LOOKUP,
    "connection": helm.NO_CONNECTION,
    "silence": helm.SILENT,
    "cut": helm.CUT,
    "redirect": Fault(
        "it redirects to where nothing is fetched from",
        "let Chart.yaml name the repository by the URL to which it leads",
    ),
    "proxy": Fault("there is no way to it", "set HTTP_PROXY and HTTPS_PROXY to an http:// URL, or NO_PROXY"),
}


def fault_of(error: DownloadError) -> Fault:
    """Return the fault of a failed download, which has a kind."""
    if error.kind == "status":
        return _OF_STATUS.get(error.status) or (helm.FAILED if error.is_transient else helm.REFUSED)
    return _OF_KIND[error.kind]


class WebRepositories:
    """The repositories of one fetch; `policy_check` says to which URLs they may lead."""

    def __init__(self, context: Context, policy_check: PolicyCheck | None) -> None:
        self._downloader = Downloader(context.settings, context.deadline, ChartError)
        self._entries = repositories.load(context.settings.helm_repository_config)
        self._redactor = context.redactor
        self._policy_check = policy_check
        self._indexes: dict[str, tuple[bytes, Index]] = {}

    def has_index(self, url: str) -> bool:
        """Say whether the index of a repository is known already."""
        return url in self._indexes

    def download_index(self, chart: RepositoryChart) -> bytes:
        """Download the index of the repository of a chart; ChartError when it cannot be had."""
        what = f"{chart.subject}: cannot fetch the index"
        return self._read(
            chart, what, self._source(chart, f"the index of {chart.url}", resolved(chart.url, FILE), MAX_BYTES)
        )

    def take_index(self, chart: RepositoryChart, data: bytes) -> None:
        """Keep an index for the charts of its repository; ChartError when it is not one."""
        try:
            self._indexes[chart.url] = data, Index(data)
        except NoIndexError as error:
            raise _no_index(chart, error) from None

    def index(self, url: str) -> bytes:
        """Return the bytes of a known index."""
        return self._indexes[url][0]

    def archive_url(self, chart: RepositoryChart) -> str:
        """Return the URL of an archive, as the index names it; ChartError when it names none."""
        try:
            entry = self._indexes[chart.url][1].find(chart.name, chart.version)
        except NoIndexError as error:
            raise _no_index(chart, error) from None
        if entry is None or not entry.url:
            text = f"no chart version found for {chart.name}-{chart.version}" if entry is None else "it has no URL"
            raise helm.NO_VERSION.error(chart.subject, text, chart.place)
        url = resolved(chart.url, entry.url)
        if not is_url(url):
            raise ChartError(
                f"{chart.subject}: the index names no URL that can be asked", file=chart.place, is_external=True
            )
        return url

    def archive(self, chart: RepositoryChart, url: str) -> bytes:
        """Download an archive; ChartError when it cannot be had."""
        return self._read(chart, chart.subject, self._source(chart, chart.subject, url, MAX_PACKED_BYTES))

    def look(self, chart: RepositoryChart, url: str) -> None:
        """Request an archive without reading its body; ChartError when it cannot be had."""
        source = self._source(chart, chart.subject, url, 0)
        try:
            self._downloader.look(source)
        except DownloadError as error:
            raise self._failed(chart, chart.subject, error) from None

    def check_registry(self, chart: RepositoryChart, url: str) -> None:
        """Ask the policy about a registry, and check its addresses: helm connects to it by itself."""
        is_listed = self._ask(chart, url, chart.url)
        source = Source(chart.subject, url, 0, home=chart.url, check_url=lambda _url, _led_by: is_listed)
        try:
            self._downloader.check(source)
        except DownloadError as error:
            raise self._failed(chart, chart.subject, error) from None

    def _ask(self, chart: RepositoryChart, url: str, led_by: str) -> bool:
        return self._policy_check.chart_url(chart, url, led_by) if self._policy_check else False

    def _source(self, chart: RepositoryChart, subject: str, url: str, limit: int) -> Source:
        def check_url(hop: str, led_by: str) -> bool:
            return self._ask(chart, hop, led_by or chart.url)

        credentials = repositories.credentials(chart.url, self._entries, self._redactor)
        return Source(subject, url, limit, home=chart.url, check_url=check_url, credentials=credentials)

    def _read(self, chart: RepositoryChart, what: str, source: Source) -> bytes:
        try:
            return self._downloader.read(source)
        except DownloadError as error:
            raise self._failed(chart, what, error) from None
        except ChartError as error:  # about a file of the settings, or the size
            raise ChartError(f"{what}: {error.what}", file=error.file or chart.place, is_external=True) from None

    def _failed(self, chart: RepositoryChart, what: str, error: DownloadError) -> ChartError:
        if error.kind == "address":
            return ChartError(
                f"{what}: nothing is fetched from there: {error}",
                file=chart.place,
                hint=f"an administrator who means that host lists it in the file that CMP_POLICY names: "
                f"`charts: {{redirects: [{error.host}]}}`",
                is_external=True,
            )
        return fault_of(error).error(what, error.message, chart.place)


def _no_index(chart: RepositoryChart, error: NoIndexError) -> ChartError:
    return helm.NO_INDEX.error(f"{chart.subject}: cannot fetch the index", str(error), chart.place)
