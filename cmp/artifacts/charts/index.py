"""The index of a chart repository: the URL of one version's archive, without reading the other thousands.

Helm writes an index in YAML's block style, so that the lines of one entry are found by their indentation; an index in
another style is parsed as a whole.  Entries that were found by their lines are parsed all the same.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from cmp import versions, yamldoc

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "index.yaml"
MAX_BYTES = 100 << 20  # the largest public ones have 30 MB

_ENTRIES = re.compile(rb"^entries:[ \t]*\r?$", re.MULTILINE)
_API_VERSION = re.compile(rb"^apiVersion:[ \t]*[^ \t\r\n]", re.MULTILINE)
_FIRST_KEY = re.compile(rb"\n( +)[^ #\r\n]")


class NoIndexError(Exception):
    """The bytes are no index of charts; the text says why, and quotes none of them."""


class ChartVersion(NamedTuple):
    """A version as an index calls it, and the URL of its archive as it is written there, or ""."""

    version: str
    url: str


class Index:
    """The bytes of an index; NoIndexError when they are not one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        is_block = _ENTRIES.search(data) and _API_VERSION.search(data)
        self._entries = None if is_block else _parsed(data)

    def find(self, name: str, version: str) -> ChartVersion | None:
        """Return an exact version of a chart; of several that mean the same one, that with the same text.

        Without a version it is the first one of the index, mostly the newest.
        """
        fitting = self._by_lines(name, version) if self._entries is None else None
        if fitting is None:
            self._entries = _parsed(self._data) if self._entries is None else self._entries
            fitting = [entry for entry in _chart_versions(self._entries.get(name)) if _fits(version, entry.version)]
        return next((entry for entry in fitting if entry.version == version), next(iter(fitting), None))

    def _by_lines(self, name: str, version: str) -> list[ChartVersion] | None:
        """Return the fitting versions by the lines of the index; None for lines in another style."""
        items = _items(self._data, name, version)
        if items is None:
            return None
        try:
            values = [value for item in items for value in yamldoc.load_all(item)]
        except yamldoc.YamlError:  # an alias of something elsewhere, for one
            return None
        entries = [entry for value in values for entry in _chart_versions(value)]
        return entries if len(entries) == len(items) else None


def resolved(repository: str, url: str) -> str:
    """Return the absolute URL of a `url` in an index, as helm does; "" for a text that is no URL."""
    try:
        if urlsplit(url).scheme:
            return url
        base = urlsplit(repository)
        above = base._replace(path=base.path.rstrip("/") + "/", query="", fragment="").geturl()
        return urlsplit(urljoin(above, url))._replace(query=base.query, fragment="").geturl()
    except ValueError:
        return ""


def _items(data: bytes, name: str, version: str) -> list[bytes] | None:
    """Return the lines of the entries with a version; None where the index is written in another way."""
    head = _ENTRIES.search(data)
    first = _FIRST_KEY.match(data, head.end()) if head else None
    if head is None or first is None:
        return None
    indent, text = first[1], re.escape(name.encode())
    key = re.compile(rb"^%b[\"']?%b[\"']?[ \t]*:(.*)\n(?:( *)- )?" % (indent, text), re.MULTILINE).search(
        data, head.end()
    )
    if key is None:
        return []
    if key[1].strip() or key[2] is None:
        return None
    end = re.compile(rb"^ {0,%d}[^ #\r\n-]" % len(indent), re.MULTILINE).search(data, key.end())
    block = data[key.end(1) + 1 : end.start() if end else None]
    starts = [match.start() for match in re.finditer(rb"^%b- " % key[2], block, re.MULTILINE)]
    items = [block[start:stop] for start, stop in zip(starts, [*starts[1:], len(block)], strict=True)]
    line = re.compile(rb"^%b(?:- |  )version:[ \t]*(\S.*?)[ \t]*\r?$" % key[2], re.MULTILINE)
    version_lines = [line.search(item) for item in items]
    if not all(version_lines):
        return None
    return [
        item
        for item, version_line in zip(items, version_lines, strict=True)
        if version_line and _fits(version, version_line[1].strip(b"\"'").decode(errors="replace"))
    ]


def _fits(version: str, of_entry: str) -> bool:
    return not version or versions.is_same(version, of_entry)


def _parsed(data: bytes) -> dict[str, object]:
    value: object = None
    try:
        value = json.loads(data) if data.lstrip().startswith(b"{") else None
    except (ValueError, RecursionError):
        value = None  # YAML in brackets
    try:
        value = value or next(iter(yamldoc.load_all(data)), None)
    except yamldoc.YamlError:
        raise NoIndexError("it is not YAML") from None
    if not isinstance(value, dict) or not value.get("apiVersion"):
        raise NoIndexError("it has no apiVersion")
    entries = value.get("entries")
    return entries if isinstance(entries, dict) else {}


def _chart_versions(value: object) -> Iterator[ChartVersion]:
    for entry in value if isinstance(value, list) else ():
        version, urls = (entry.get("version"), entry.get("urls")) if isinstance(entry, dict) else (None, None)
        if isinstance(version, str):
            url = urls[0] if isinstance(urls, list) and urls and isinstance(urls[0], str) else ""
            yield ChartVersion(version, url)
