"""Chart repositories of web servers: their indexes and archives, downloaded by us, so that every redirect is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.artifacts.charts import faults, repositories
from cmp.artifacts.charts.archive import MAX_PACKED_BYTES
from cmp.artifacts.charts.helm import failed
from cmp.artifacts.charts.index import FILE, MAX_BYTES, Index, NoIndexError, resolved
from cmp.errors import ChartError
from cmp.system.download import Downloader, Source
from cmp.system.download.faults import DownloadError
from cmp.system.urls import is_url

if TYPE_CHECKING:
    from cmp.artifacts.charts.plan import Permit
    from cmp.artifacts.charts.remote import Wanted
    from cmp.context import Context


class Web:
    """The repositories that one fetch asks; `permit` says to which URLs they may lead."""

    def __init__(self, context: Context, permit: Permit | None) -> None:
        self._downloader = Downloader(context.settings, context.deadline, ChartError)
        self._entries = repositories.load(context.settings.helm_repository_config)
        self._redactor = context.redactor
        self._permit = permit
        self._indexes: dict[str, tuple[bytes, Index]] = {}

    def has_index(self, url: str) -> bool:
        """Whether the index of a repository was taken already."""
        return url in self._indexes

    def download_index(self, one: Wanted) -> bytes:
        """Download the index of the repository of a chart; ChartError when it cannot be had."""
        what = f"{one.subject}: cannot fetch the index"
        return self._read(one, what, self._source(one, f"the index of {one.url}", resolved(one.url, FILE), MAX_BYTES))

    def take_index(self, one: Wanted, data: bytes) -> None:
        """Keep an index for the charts of its repository; ChartError when it is not one."""
        try:
            self._indexes[one.url] = data, Index(data)
        except NoIndexError as error:
            raise _no_index(one, error) from None

    def index(self, url: str) -> bytes:
        """Return the bytes of an index that was taken."""
        return self._indexes[url][0]

    def archive_url(self, one: Wanted) -> str:
        """Return the URL of an archive, as the index names it; ChartError when it names none."""
        try:
            place = self._indexes[one.url][1].find(one.name, one.version)
        except NoIndexError as error:
            raise _no_index(one, error) from None
        if place is None or not place.url:
            text = f"no chart version found for {one.name}-{one.version}" if place is None else "it has no URL"
            raise failed(one.subject, text, one.place, faults.NO_VERSION)
        url = resolved(one.url, place.url)
        if not is_url(url):
            raise ChartError(
                f"{one.subject}: the index names no URL that can be asked", file=one.place, is_external=True
            )
        return url

    def archive(self, one: Wanted, url: str) -> bytes:
        """Download an archive; ChartError when it cannot be had."""
        return self._read(one, one.subject, self._source(one, one.subject, url, MAX_PACKED_BYTES))

    def look(self, one: Wanted, url: str) -> None:
        """Ask for an archive and take nothing of it; ChartError when it cannot be had."""
        source = self._source(one, one.subject, url, 0)
        try:
            self._downloader.look(source)
        except DownloadError as error:
            raise self._failed(one, one.subject, error) from None

    def check_registry(self, one: Wanted, url: str) -> None:
        """Ask whether a registry may be used, and look at its addresses: helm connects to it by itself."""
        is_listed = self._ask(one, url, one.url)
        source = Source(one.subject, url, 0, home=one.url, permit=lambda _url, _led_by: is_listed)
        try:
            self._downloader.check(source)
        except DownloadError as error:
            raise self._failed(one, one.subject, error) from None

    def _ask(self, one: Wanted, url: str, led_by: str) -> bool:
        return self._permit.chart_url(one, url, led_by) if self._permit else False

    def _source(self, one: Wanted, subject: str, url: str, limit: int) -> Source:
        def permit(hop: str, led_by: str) -> bool:
            return self._ask(one, hop, led_by or one.url)

        credentials = repositories.credentials(one.url, self._entries, self._redactor)
        return Source(subject, url, limit, home=one.url, permit=permit, credentials=credentials)

    def _read(self, one: Wanted, what: str, source: Source) -> bytes:
        try:
            return self._downloader.read(source)
        except DownloadError as error:
            raise self._failed(one, what, error) from None
        except ChartError as error:  # of a file of the settings, or of the size
            raise ChartError(f"{what}: {error.what}", file=error.file or one.place, is_external=True) from None

    def _failed(self, one: Wanted, what: str, error: DownloadError) -> ChartError:
        if error.kind == "address":
            return ChartError(
                f"{what}: nothing is fetched from there: {error}",
                file=one.place,
                hint=f"an administrator who means that host lists it in the file that CMP_POLICY names: "
                f"`charts: {{redirects: [{error.host}]}}`",
                is_external=True,
            )
        return failed(what, error.said, one.place, faults.of_download(error))


def _no_index(one: Wanted, error: NoIndexError) -> ChartError:
    return failed(f"{one.subject}: cannot fetch the index", str(error), one.place, faults.NO_INDEX)
