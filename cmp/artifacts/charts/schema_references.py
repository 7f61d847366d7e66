"""The references of one JSON Schema: where each leads, and the same schema with private files in place of URLs.

Two libraries read the schemas of charts: gojsonschema in Helm before 3.18.5, santhosh-tekuri/jsonschema since.  They
differ in the keywords that set a base, in the URLs that they load, and in the parts that they look at.  So no text is
rewritten on a guess about a library: afterwards each URL that one of them could load is a private file, and a text that
must stay a URL (`$id`, and references to it) has a scheme that none of them loads.  A reference that is misjudged here
ends with an error of Helm's, and never with a request or an open file.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple, TypeGuard
from urllib.parse import quote, urljoin

from cmp.errors import ChartError
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    Map = dict[str, object]

NEWER = (3, 18, 5)  # the first Helm with santhosh-tekuri/jsonschema
OWN = "file:///values.schema.json"  # the newer library's name for the schema of a chart
LOCAL = "local+"  # before the scheme of a URL that only names a part of this schema
FETCHED = ("http", "https")
MAX_DEPTH = 200

REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
DIALECT = "$schema"
NAMES = ("$id", "id")
OF_NAMES = ("properties", "patternProperties", "definitions", "$defs", "dependencies", "dependentSchemas")
LITERALS = ("const", "enum")  # data that values are compared with
ANNOTATIONS = ("default", "examples")  # data without any effect

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# A URL that Python and Go read alike: `urljoin` leaves out some characters, and Go encodes others.
_PLAIN = re.compile(r"[A-Za-z0-9!#$%&'()*+,./:;=?@_~-]*")
_HOST = re.compile(r"https?://([^/?]+)", re.IGNORECASE)
_BASE = "json-schema.org/"
_DRAFTS = ("draft-04/schema", "draft-06/schema", "draft-07/schema")
_LATER = {
    "draft/2019-09": ("core", "applicator", "validation", "meta-data", "format", "content"),
    "draft/2020-12": (
        *("core", "applicator", "unevaluated", "validation", "meta-data"),
        *("format-annotation", "format-assertion", "content"),
    ),
}
_OF_OLDER = frozenset(f"http://{_BASE}{name}" for name in _DRAFTS)
_OF_NEWER = frozenset(
    f"{scheme}://{_BASE}{name}"
    for scheme in FETCHED
    for name in (
        *("schema", *_DRAFTS, *(f"{draft}/schema" for draft in _LATER)),
        *(f"{draft}/meta/{name}" for draft, names in _LATER.items() for name in names),
    )
)


class Library(NamedTuple):
    """A library that reads schemas: the keywords whose URLs it loads, and the URLs of documents that are part of it."""

    is_newer: bool
    loads: tuple[str, ...]
    built_in: frozenset[str]


def library(helm: str) -> Library:
    """Return the library of a version of Helm."""
    if numbers(helm) >= NEWER:
        return Library(is_newer=True, loads=(*REFERENCES, DIALECT), built_in=_OF_NEWER)
    return Library(is_newer=False, loads=("$ref",), built_in=_OF_OLDER)


class _Number(str):
    """A number as it is written: a Python float would lose digits."""

    __slots__ = ()


class _UrlKeyword(NamedTuple):
    """A keyword whose value is or may be a URL: `schema[key]`, found at `pointer`, relative to `base`.

    `is_read` says that a library may look at it even if no other reference leads there.
    """

    schema: Map
    key: str
    base: str
    pointer: str
    is_read: bool

    @property
    def text(self) -> str:
        return str(self.schema[self.key])


class Document:
    """One schema; `url` is where it was fetched from, or empty, `file` its name in errors and `hint` their hint.

    ChartError for a text that is no JSON, and for references to files.
    """

    def __init__(self, data: bytes, url: str, library: Library, *, file: str, hint: str) -> None:
        self._url = url or OWN
        self._library = library
        self._file = file
        self._hint = hint
        self._ids: set[str] = set()
        self._keywords: list[_UrlKeyword] = []
        self._value = self._parsed(data)
        root = self._value if isinstance(self._value, dict) else {}
        self._dialect = str(root.get(DIALECT, ""))
        self._root = self._base(root, self._url)
        self._walk(self._value, self._url, "", is_read=True)
        self._changes = [(keyword, self._target(keyword)) for keyword in self._keywords]

    @property
    def is_changed(self) -> bool:
        """Say whether the schema must be rewritten."""
        return any(target != keyword.text for keyword, target in self._changes)

    @property
    def external_urls(self) -> dict[str, str]:
        """The URLs, without fragments, that must be fetched, each with the pointer to a reference."""
        pointers: dict[str, str] = {}
        for keyword, target in self._changes:
            if isinstance(target, _External):
                pointers.setdefault(target.url, keyword.pointer)
        return pointers

    def rewritten(self, files: Mapping[str, str]) -> bytes:
        """Return the schema with the URLs of private files (`files`, by external URL) in it."""
        for keyword, target in self._changes:
            if isinstance(target, _External):
                keyword.schema[keyword.key] = _with_fragment(files[target.url], target.fragment)
            else:
                keyword.schema[keyword.key] = target
        return _dumped(self._value).encode()

    def _parsed(self, data: bytes) -> object:
        text = data.decode(errors="replace")
        decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number, parse_constant=_Number)
        try:  # the older library takes the first value of the text and does not read on
            return decoder.raw_decode(text, len(text) - len(text.lstrip(" \t\r\n")))[0]
        except json.JSONDecodeError as error:
            raise ChartError(
                f"this is not JSON: {error.msg}", file=f"{self._file}:{error.lineno}:{error.colno}", hint=self._hint
            ) from None
        except RecursionError:
            raise self._too_deep() from None

    def _walk(self, value: object, base: str, pointer: str, *, is_read: bool) -> None:
        if pointer.count("/") > MAX_DEPTH:
            raise self._too_deep()
        if isinstance(value, list):
            for index, item in enumerate(value):
                self._walk(item, base, f"{pointer}/{index}", is_read=is_read)
        elif isinstance(value, dict):
            self._walk_schema(value, base, pointer, is_read=is_read)

    def _walk_schema(self, schema: Map, base: str, pointer: str, *, is_read: bool) -> None:
        inner = self._base(schema, base)
        for key, item in schema.items():
            here = _below(pointer, key)
            if _is_text(item):
                url_base = base if key in NAMES else inner
                self._add(_UrlKeyword(schema, key, base=url_base, pointer=here, is_read=is_read))
            elif key in LITERALS:
                self._look_into_data(item, here)
            elif key in OF_NAMES and isinstance(item, dict):
                self._walk_names(item, inner, here, is_read=is_read)
            else:
                self._walk(item, inner, here, is_read=is_read and key not in ANNOTATIONS)

    def _walk_names(self, schemas: Map, base: str, pointer: str, *, is_read: bool) -> None:
        """Go through schemas by name; a pointer may lead to such a map as if it were a schema."""
        for name, item in schemas.items():
            here = _below(pointer, name)
            if _is_text(item):
                self._add(_UrlKeyword(schemas, name, base=base, pointer=here, is_read=is_read))
            self._walk(item, base, here, is_read=is_read)

    def _look_into_data(self, value: object, pointer: str) -> None:
        """ChartError for data that must not be changed and, by a pointer into it, could be read as a schema."""
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in children:
            here = _below(pointer, str(key))
            if _is_text(item):
                is_url = key in REFERENCES or (key == DIALECT and self._is_loaded(item))
                if isinstance(value, dict) and is_url and not item.startswith("#"):
                    raise self._refusal(f"{item!r} stands inside data to compare with", here)
            else:
                self._look_into_data(item, here)

    def _base(self, schema: Map, base: str) -> str:
        """Return the base of the references in a schema, and remember its name."""
        key = self._name_key(schema)
        text = schema.get(key) if key else None
        if not _is_text(text) or text.startswith("#"):
            return base
        url = _joined(base, text)[0]
        self._ids.add(url)
        return url

    def _name_key(self, schema: Map) -> str:
        if not self._library.is_newer:
            return "id" if "id" in schema else "$id"
        if "draft-0" in self._dialect and "$ref" in schema:
            return ""
        return "id" if "draft-04" in self._dialect else "$id"

    def _add(self, keyword: _UrlKeyword) -> None:
        if keyword.key in (*self._library.loads, *NAMES):
            self._keywords.append(keyword)

    def _target(self, keyword: _UrlKeyword) -> str | _External:
        """Return the text that replaces the keyword's value, or the document that must be fetched for it."""
        text = keyword.text
        if keyword.key == DIALECT:  # taken as it is, whatever the base
            url, fragment = _parted(text)
            return self._external(keyword, url, fragment) if self._is_loaded(text) else text
        if text.startswith("#") or not text:
            return text
        is_plain = _PLAIN.fullmatch(_parted(text)[0]) is not None
        url, fragment = _joined(keyword.base, text)
        if keyword.key in NAMES:
            return _with_fragment(_local(url), fragment) if is_plain else f"{LOCAL}text:{quote(text, safe='')}"
        if not is_plain:
            raise self._refusal(f"{text!r} is no URL", keyword.pointer)
        return self._internal(keyword, url, fragment) or self._external(keyword, url, fragment)

    def _internal(self, keyword: _UrlKeyword, url: str, fragment: str) -> str:
        """Return a reference to a part of this schema; empty for the URL of another document."""
        if url == keyword.base == self._root:
            return f"#{fragment}"
        if url in self._ids:
            return _with_fragment(_local(url), fragment)
        return f"{OWN}#{fragment}" if url == OWN == self._url else ""

    def _is_loaded(self, dialect: str) -> bool:
        """Say whether the library would load the URL of `$schema`."""
        url, _ = _parted(dialect)
        is_known = url in self._library.built_in
        return DIALECT in self._library.loads and not is_known and _scheme(url) in (*FETCHED, "file")

    def _external(self, keyword: _UrlKeyword, url: str, fragment: str) -> str | _External:
        scheme = _scheme(url)
        if url in self._library.built_in or scheme == "urn":
            return _with_fragment(url, fragment)
        if not keyword.is_read:
            return _with_fragment(f"{LOCAL}{url}", fragment)
        if scheme == "file":
            raise self._refusal(f"{keyword.text!r} is a file of the machine that renders", keyword.pointer)
        host = _HOST.match(url)
        if not host or not _PLAIN.fullmatch(url):
            raise self._refusal(f"{keyword.text!r} is no URL of a web server", keyword.pointer)
        if "@" in host[1]:
            raise self._refusal("a URL with credentials in it", keyword.pointer)
        return _External(url, fragment)

    def _refusal(self, what: str, pointer: str) -> ChartError:
        return ChartError(
            f"the schema refers to what no render opens: {what} (at #{pointer})", file=self._file, hint=self._hint
        )

    def _too_deep(self) -> ChartError:
        return ChartError(f"the schema is more than {MAX_DEPTH} levels deep", file=self._file, hint=self._hint)


class _External(NamedTuple):
    """A reference to a part of another document, which must be fetched."""

    url: str
    fragment: str


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and not isinstance(value, _Number)


def _parted(text: str) -> tuple[str, str]:
    url, _, fragment = text.partition("#")
    return url, fragment


def _joined(base: str, text: str) -> tuple[str, str]:
    """Return an absolute URL and a fragment."""
    url, fragment = _parted(text)
    try:
        return urljoin(base, url), fragment
    except ValueError:
        return url, fragment


def _scheme(url: str) -> str:
    match = _SCHEME.match(url)
    return match[1].lower() if match else ""


def _local(url: str) -> str:
    return f"{LOCAL}{url}" if _scheme(url) in (*FETCHED, "file") else url


def _with_fragment(url: str, fragment: str) -> str:
    return f"{url}#{fragment}" if fragment else url


def _below(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def _dumped(value: object) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_dumped(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumped, value)) + "]"
    return json.dumps(value)
