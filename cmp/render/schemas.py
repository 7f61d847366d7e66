"""Remote schemas of charts: fetched once like a chart, and given to Helm as private files.

Helm itself would fetch them in every render, from any host, and open files of the machine.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts import schema_references
from cmp.artifacts.charts import schemas as chart_schemas
from cmp.artifacts.charts.schema_references import Document
from cmp.artifacts.remotes import schemas as remote
from cmp.errors import ChartError, ConfigError
from cmp.system.files import sha256
from cmp.system.urls import origin

if TYPE_CHECKING:
    from cmp.artifacts.charts.schema_references import Library
    from cmp.artifacts.lockfile import Lock
    from cmp.artifacts.remotes.schemas import Schema
    from cmp.context import Context
    from cmp.engines.protocol import SchemaCheck
    from cmp.model import RemoteRef
    from cmp.policy import PolicyCheck
    from cmp.system.download import UrlCheck
    from cmp.system.workspace import Workspace

FOLDER = "schemas"  # of the private folder
MAX_SCHEMAS = 100
MIB = 1024 * 1024
MAX_BYTES = 64 * MIB


class _Referrer(NamedTuple):
    """A schema that refers to others: one of a chart, or one that was fetched from `url`.

    `is_third_party` says that the author of the repository has not written it.
    """

    chart: SchemaCheck
    library: Library
    is_third_party: bool
    url: str = ""

    def key(self, url: str) -> tuple[object, ...]:
        """Return the key of the schema at a URL: what decides how it is read, and which content it has."""
        return self.library.is_newer, self.chart.is_fetched, url

    def document(self, content: bytes, file: str) -> Document:
        return Document(content, self.url, self.library, file=file, hint=self.chart.hint)


class RemoteSchemas:
    """The remote schemas of one render, each fetched once."""

    def __init__(
        self, lock: Lock | None, policy_check: PolicyCheck | None, workspace: Workspace, context: Context
    ) -> None:
        self._lock = lock
        self._policy_check = policy_check
        self._workspace = workspace
        self._context = context
        self._locations: dict[tuple[object, ...], str] = {}
        self._bytes = 0
        self._obtained: list[Schema] = []

    def supply(self, chart: SchemaCheck) -> list[Schema]:
        """Put private files in place of the URLs in a chart's schemas; return the schemas that were obtained for it.

        ChartError for one that cannot be had; ConfigError for one that the administrator's policy does not allow.
        """
        before = len(self._obtained)
        cache = ChartCache(self._context.settings.cache_dir)
        library = schema_references.library(chart.helm.version)
        for path in chart_schemas.referring(chart.path, cache):
            is_third_party = "" in chart.third_party or path in chart.third_party
            referrer = _Referrer(chart, library, is_third_party=is_third_party)
            content = chart_schemas.replaced(chart.path, path, chart.label, partial(self._localized, referrer))
            target = os.path.join(chart.path, path) if path else chart.path
            self._workspace.write(os.path.relpath(target, self._workspace.path), content)
        return self._obtained[before:]

    def _localized(self, referrer: _Referrer, file: str, content: bytes) -> bytes:
        """Return a schema with private files in place of URLs, whose schemas are fetched."""
        if not chart_schemas.may_refer(content):
            return content
        document = referrer.document(content, file)
        for url in document.external_urls:
            self._obtain(url, file, referrer)
        locations = {url: self._locations[referrer.key(url)] for url in document.external_urls}
        return document.rewritten(locations) if document.is_changed else content

    def _obtain(self, url: str, file: str, referrer: _Referrer) -> None:
        key = referrer.key(url)
        if key in self._locations:
            return
        hint = referrer.chart.hint
        if len(self._locations) >= MAX_SCHEMAS:
            raise ChartError(f"more than {MAX_SCHEMAS} schemas are referred to", file=file, hint=hint)
        name = f"{FOLDER}/{sha256(repr(key).encode())[:16]}.json"
        self._locations[key] = f"file://{quote(self._workspace.path)}/{name}"
        try:
            schema = self._fetched(url, file, referrer)
        except (ChartError, ConfigError) as error:
            error.hint = "; ".join(text for text in (error.hint, hint) if text)
            raise
        self._bytes += len(schema.content)
        if self._bytes > MAX_BYTES:
            what = f"the schemas that are referred to hold more than {MAX_BYTES // MIB} MiB"
            raise ChartError(what, file=file, hint=hint)
        self._obtained.append(schema)
        self._workspace.write(name, self._localized(referrer._replace(url=url), url, schema.content))

    def _fetched(self, url: str, file: str, referrer: _Referrer) -> Schema:
        wanted = remote.ref(url, "" if referrer.chart.is_fetched else self._locked_digest(url, file), file)
        cached = remote.find(wanted, self._context)
        # A change that nobody trusts may name a schema that was fetched before.
        is_known = referrer.is_third_party or cached is not None
        check_url = url_check(wanted, self._policy_check, is_known=is_known)
        is_listed = check_url(url, "")
        if cached:
            return cached
        if referrer.url and origin(url).is_loopback and origin(url) != origin(referrer.url) and not is_listed:
            raise ChartError(f"{wanted.subject} is on this machine, and {referrer.url} is not", file=file)
        return remote.obtain(wanted, self._context, check_url)

    def _locked_digest(self, url: str, file: str) -> str:
        lock = self._lock
        if lock is None or lock.schemas is None:
            if lock and not self._obtained:
                self._context.log.warning("cmp.lock pins no remote schemas: `cmp lock` writes it anew, with them")
            return ""
        locked = lock.schema(url)
        if locked is None:
            raise ChartError(
                f"the schema {url}: cmp.lock has no entry for it", file=file, hint="run `cmp lock` and commit the file"
            )
        return locked.sha256


def url_check(wanted: RemoteRef, policy_check: PolicyCheck | None, *, is_known: bool = True) -> UrlCheck:
    """Return the function that is called with each URL before a server is asked.

    It raises ConfigError for a URL that is not allowed, and returns whether the policy lists its host.
    """
    return lambda url, led_by: bool(policy_check and policy_check.schema(wanted, url, led_by, is_known=is_known))
