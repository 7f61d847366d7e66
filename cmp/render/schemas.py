"""Remote schemas of charts: fetched once like a chart, and given to Helm as private files.

Helm itself would fetch them in every render, from any host, and open files of the machine.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts import schemadoc
from cmp.artifacts.charts import schemas as files
from cmp.artifacts.charts.schemadoc import Document
from cmp.artifacts.remotes import schemas as remote
from cmp.errors import ChartError, ConfigError
from cmp.system.digest import sha256
from cmp.system.urls import origin

if TYPE_CHECKING:
    from cmp.artifacts.charts.schemadoc import Library
    from cmp.artifacts.lockfile import Lock
    from cmp.artifacts.remotes import Permit as Ask
    from cmp.artifacts.remotes.schemas import Schema
    from cmp.context import Context
    from cmp.engines.protocol import SchemaCheck
    from cmp.model import RemoteRef
    from cmp.policy import PolicyCheck
    from cmp.system.workspace import Workspace

FOLDER = "schemas"  # of the private folder
MAX_SCHEMAS = 100
MIB = 1024 * 1024
MAX_BYTES = 64 * MIB


class _Order(NamedTuple):
    """What asks for a schema: a schema of a chart, or one that was fetched from `by`."""

    chart: SchemaCheck
    reader: Library
    is_known: bool
    by: str = ""

    def key(self, url: str) -> tuple[object, ...]:
        """Return what decides how a schema is read, and which content it has."""
        return self.reader.is_newer, self.chart.is_fetched, url

    def document(self, content: bytes, file: str) -> Document:
        return Document(content, self.by, self.reader, file=file, hint=self.chart.hint)


class Schemas:
    """The remote schemas of one render, each fetched once."""

    def __init__(self, lock: Lock | None, permit: PolicyCheck | None, workspace: Workspace, context: Context) -> None:
        self._lock = lock
        self._permit = permit
        self._workspace = workspace
        self._context = context
        self._places: dict[tuple[object, ...], str] = {}
        self._bytes = 0
        self._obtained: list[Schema] = []

    def supply(self, chart: SchemaCheck) -> list[Schema]:
        """Put private files in place of the URLs in a chart's schemas; return those that were obtained for it.

        ChartError for one that cannot be had; ConfigError for one that the administrator's policy does not allow.
        """
        before = len(self._obtained)
        cache = ChartCache(self._context.settings.cache_dir)
        reader = schemadoc.library(chart.helm.version)
        for path in files.referring(chart.path, cache):
            order = _Order(chart, reader, is_known="" in chart.third_party or path in chart.third_party)
            content = files.replaced(chart.path, path, chart.label, partial(self._changed, order))
            place = os.path.join(chart.path, path) if path else chart.path
            self._workspace.write(os.path.relpath(place, self._workspace.path), content)
        return self._obtained[before:]

    def _changed(self, order: _Order, file: str, content: bytes) -> bytes:
        """Return a schema with private files in place of URLs, which are fetched."""
        if not files.may_refer(content):
            return content
        document = order.document(content, file)
        for url in document.wanted:
            self._obtain(url, file, order)
        places = {url: self._places[order.key(url)] for url in document.wanted}
        return document.rewritten(places) if document.is_changed else content

    def _obtain(self, url: str, file: str, order: _Order) -> None:
        key = order.key(url)
        if key in self._places:
            return
        if len(self._places) >= MAX_SCHEMAS:
            raise self._too_much(f"more than {MAX_SCHEMAS} schemas are referred to", file, order)
        name = f"{FOLDER}/{sha256(repr(key).encode())[:16]}.json"
        self._places[key] = f"file://{quote(self._workspace.path)}/{name}"
        try:
            schema = self._fetched(url, file, order)
        except (ChartError, ConfigError) as error:
            error.hint = "; ".join(text for text in (error.hint, order.chart.hint) if text)
            raise
        self._bytes += len(schema.content)
        if self._bytes > MAX_BYTES:
            raise self._too_much(f"the schemas that are referred to hold more than {MAX_BYTES // MIB} MiB", file, order)
        self._obtained.append(schema)
        self._workspace.write(name, self._changed(order._replace(by=url), url, schema.content))

    def _fetched(self, url: str, file: str, order: _Order) -> Schema:
        wanted = remote.ref(url, "" if order.chart.is_fetched else self._locked(url, file), file)
        found = remote.find(wanted, self._context)
        # A change that nobody trusts may name what was fetched before.
        ask = asker(wanted, self._permit, is_known=order.is_known or found is not None)
        is_listed = ask(url, "")
        if found:
            return found
        if order.by and origin(url).is_loopback and origin(url) != origin(order.by) and not is_listed:
            raise ChartError(f"{wanted.subject} is on this machine, and {order.by} is not", file=file)
        return remote.obtain(wanted, self._context, ask)

    def _locked(self, url: str, file: str) -> str:
        lock = self._lock
        if lock is None or lock.schemas is None:
            if lock and not self._obtained:
                self._context.log.warning("cmp.lock pins no remote schemas: `cmp lock` writes it anew, with them")
            return ""
        found = lock.schema(url)
        if found is None:
            raise ChartError(
                f"the schema {url}: cmp.lock has no entry for it", file=file, hint="run `cmp lock` and commit the file"
            )
        return found.sha256

    @staticmethod
    def _too_much(what: str, file: str, order: _Order) -> ChartError:
        return ChartError(what, file=file, hint=order.chart.hint)


def asker(wanted: RemoteRef, permit: PolicyCheck | None, *, is_known: bool = True) -> Ask:
    """Return what is called with each URL before a server is asked; it raises ConfigError, or says if it is listed."""
    return lambda url, led_by: bool(permit and permit.schema(wanted, url, led_by, is_known=is_known))
