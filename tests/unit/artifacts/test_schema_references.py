"""The references of a JSON Schema: which are fetched, which are refused, and what no library can load afterwards."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.artifacts.charts.schema_references import Document, library
from cmp.errors import ChartError
from tests.support import property_examples

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD, NEW = "3.18.4", "3.18.5"
BOTH = (OLD, NEW)
URL = "https://schemas.example.com/lib/shop.json"
FILE = "file:///private/schemas/1.json"


def document(schema: object, helm: str = NEW, url: str = "") -> Document:
    data = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    return Document(data, url, library(helm), file="namespaces/shop/values.schema.json", hint="the way out")


def rewritten(schema: object, helm: str = NEW, url: str = "") -> object:
    found = document(schema, helm, url)
    return json.loads(found.rewritten(dict.fromkeys(found.external_urls, FILE)))


def refusal(schema: object, helm: str = NEW, url: str = "") -> list[str]:
    with pytest.raises(ChartError) as caught:
        document(schema, helm, url)
    return caught.value.lines()


class TestWanted:
    @pytest.mark.parametrize("helm", BOTH)
    def test_a_schema_that_is_null_but_a_reference(self, helm: str) -> None:
        assert document({"$ref": URL}, helm).external_urls == {URL: "/$ref"}
        assert rewritten({"$ref": f"{URL}#/definitions/a"}, helm) == {"$ref": f"{FILE}#/definitions/a"}

    @pytest.mark.parametrize(
        "text",
        [
            rb'{"\u0024ref": "https:\/\/schemas.example.com\/lib\/shop.json"}',
            rb'{"$ref": "http\u0073\u003a//schemas.example.com/lib/shop.json"}',
            rb'{"$ref": "#", "$ref": "https://schemas.example.com/lib/shop.json"}',
            b'\r\n\t {"$ref": "https://schemas.example.com/lib/shop.json"} and what the older library does not read',
        ],
    )
    def test_another_spelling_of_the_same_json(self, text: bytes) -> None:
        assert document(text).external_urls == {URL: "/$ref"}

    def test_the_scheme_in_upper_case(self) -> None:
        assert document({"$ref": "HTTPS://schemas.example.com/a"}).external_urls == {
            "HTTPS://schemas.example.com/a": "/$ref"
        }

    @pytest.mark.parametrize("helm", BOTH)
    def test_a_relative_reference_below_a_name(self, helm: str) -> None:
        schema = {"$id": URL, "properties": {"a": {"$ref": "../b.json#/c"}}}
        assert document(schema, helm).external_urls == {"https://schemas.example.com/b.json": "/properties/a/$ref"}

    def test_a_relative_reference_of_a_fetched_schema(self) -> None:
        assert document({"$ref": "more.json"}, url=URL).external_urls == {
            "https://schemas.example.com/lib/more.json": "/$ref"
        }

    @pytest.mark.parametrize("key", ["$dynamicRef", "$recursiveRef"])
    def test_references_of_newer_drafts(self, key: str) -> None:
        assert document({"not": {key: URL}}).external_urls == {URL: f"/not/{key}"}
        assert not document({"not": {key: URL}}, OLD).external_urls  # it does not know them

    def test_a_dialect_is_loaded_by_the_newer_library(self) -> None:
        assert document({"$schema": f"{URL}#"}).external_urls == {URL: "/$schema"}
        assert document({"allOf": [{"$schema": URL}]}).external_urls == {URL: "/allOf/0/$schema"}
        assert not document({"$schema": URL}, OLD).external_urls

    @pytest.mark.parametrize(
        ("schema", "wanted"),
        [
            ({"$ref": "http://json-schema.org/draft-07/schema#"}, {}),
            ({"$schema": "https://json-schema.org/draft/2020-12/schema"}, {}),
            ({"$schema": "http://json-schema.org/schema#"}, {}),
            ({"$ref": "https://json-schema.org/draft/2020-12/meta/core"}, {}),
            (
                {"$schema": "http://json-schema.org/draft-03/schema#"},
                {"http://json-schema.org/draft-03/schema": "/$schema"},
            ),
        ],
    )
    def test_what_the_newer_library_has_built_in(self, schema: object, wanted: object) -> None:
        assert document(schema).external_urls == wanted

    def test_what_the_older_library_has_built_in(self) -> None:
        assert not document({"$ref": "http://json-schema.org/draft-07/schema#"}, OLD).external_urls
        assert document({"$ref": "https://json-schema.org/draft-07/schema#"}, OLD).external_urls

    @pytest.mark.parametrize("helm", BOTH)
    def test_definitions_and_keywords_that_nobody_knows(self, helm: str) -> None:
        for key in ("definitions", "$defs", "x-parts", "dependencies", "patternProperties"):
            assert list(document({key: {"a": {"$ref": URL}}}, helm).external_urls) == [URL]

    @pytest.mark.parametrize("helm", BOTH)
    def test_a_map_of_schemas_that_a_pointer_takes_for_one(self, helm: str) -> None:
        assert list(document({"$ref": "#/properties", "properties": {"$ref": URL}}, helm).external_urls) == [URL]


class TestRefused:
    @pytest.mark.parametrize("helm", BOTH)
    def test_a_file_with_pointer_reason_and_the_way_out(self, helm: str) -> None:
        assert refusal({"properties": {"a/b": {"$ref": "file:///run/keys.txt"}}}, helm) == [
            (
                "cmp: the schema refers to what no render opens: 'file:///run/keys.txt' is a file of the machine that "
                "renders (at #/properties/a~1b/$ref)"
            ),
            "  where: namespaces/shop/values.schema.json",
            "  hint: the way out",
        ]

    @pytest.mark.parametrize("text", ["run/keys.txt", "/run/keys.txt", "./shared.json", "//host/a", "?a", "FILE:///a"])
    def test_what_the_newer_library_makes_a_file_of(self, text: str) -> None:
        assert "is a file of the machine that renders" in refusal({"$ref": text})[0]

    @pytest.mark.parametrize(
        "text", ["ftp://host/a", "data:,true", "http:/a", "https://", "tag:a", "local+https://a/b"]
    )
    def test_what_is_no_url_of_a_web_server(self, text: str) -> None:
        assert "is no URL of a web server" in refusal({"$ref": text})[0]

    @pytest.mark.parametrize(
        "text", ["ht\ntp://host/a", " http://host/a", "http://host\\a", "http://hóst/a", "http://["]
    )
    def test_what_python_and_go_may_read_in_two_ways(self, text: str) -> None:
        assert "is no URL" in refusal({"$ref": text})[0]

    def test_credentials_are_not_repeated(self) -> None:
        lines = refusal({"$ref": "https://user:hunter2@host/a"})
        assert lines[0] == "cmp: the schema refers to what no render opens: a URL with credentials in it (at #/$ref)"
        assert "hunter2" not in "".join(lines)

    @pytest.mark.parametrize("key", ["const", "enum"])
    def test_data_that_must_not_change_and_could_be_read_as_a_schema(self, key: str) -> None:
        lines = refusal({"$ref": f"#/{key}/0", key: [{"$ref": URL}]})
        assert f"'{URL}' stands inside data to compare with (at #/{key}/0/$ref)" in lines[0]

    def test_what_is_no_json(self) -> None:
        assert refusal(b'{"a": 1,\n  "$ref": }') == [
            "cmp: this is not JSON: Expecting value",
            "  where: namespaces/shop/values.schema.json:2:11",
            "  hint: the way out",
        ]

    @pytest.mark.parametrize("depth", [250, 100_000])
    def test_more_levels_than_anybody_writes(self, depth: int) -> None:
        text = b'{"not": ' * depth + b"{}" + b"}" * depth
        assert refusal(text)[0] == "cmp: the schema is more than 200 levels deep"


class TestNearMisses:
    @pytest.mark.parametrize("helm", BOTH)
    @pytest.mark.parametrize(
        "schema",
        [
            {"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}},
            {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#"},
            {"properties": {"$ref": {"type": "string"}, "$id": {}, "id": {"type": "string"}}, "required": ["$ref"]},
            {"const": {"$ref": "#/a", "id": "https://example.com/a"}},
            {"enum": ["$ref", "https://example.com"], "pattern": "^https?://"},
            {"definitions": {"a": {"$id": "#a"}}, "$ref": "#a"},
            {"$ref": 1, "not": {"$ref": None}},
            {"$ref": "urn:example:a"},
            True,
            ["https://example.com"],
        ],
    )
    def test_nothing_changes(self, schema: object, helm: str) -> None:
        found = document(schema, helm)
        assert (found.external_urls, found.is_changed) == ({}, False)

    @pytest.mark.parametrize("helm", BOTH)
    def test_a_schema_that_calls_itself_by_its_name(self, helm: str) -> None:
        schema = {"$id": URL, "properties": {"a": {"$ref": "shop.json#/definitions/a"}}, "definitions": {"a": {}}}
        assert not document(schema, helm).external_urls
        assert rewritten(schema, helm) == {
            "$id": f"local+{URL}",
            "properties": {"a": {"$ref": "#/definitions/a"}},
            "definitions": {"a": {}},
        }

    @pytest.mark.parametrize("helm", BOTH)
    def test_a_part_that_is_called_by_its_name(self, helm: str) -> None:
        schema = {"definitions": {"a": {"$id": URL, "type": "string"}}, "$ref": URL}
        assert rewritten(schema, helm) == {
            "definitions": {"a": {"$id": f"local+{URL}", "type": "string"}},
            "$ref": f"local+{URL}",
        }

    def test_a_schema_that_calls_itself_by_its_file_name(self) -> None:
        assert rewritten({"$ref": "values.schema.json#/definitions/a"}) == {"$ref": "#/definitions/a"}

    def test_annotations_are_not_fetched_for(self) -> None:
        schema = {"default": {"$ref": URL}, "examples": [{"$ref": "file:///etc/hostname"}]}
        assert not document(schema).external_urls
        assert rewritten(schema) == {
            "default": {"$ref": f"local+{URL}"},
            "examples": [{"$ref": "local+file:///etc/hostname"}],
        }

    def test_numbers_keep_their_digits(self) -> None:
        text = b'{"$ref":"https://a/b","minimum":1.0,"maximum":100000000000000000001,"multipleOf":1e-400}'
        found = document(text)
        assert found.rewritten({"https://a/b": FILE}) == text.replace(b"https://a/b", FILE.encode())


# Whatever a schema is, afterwards it has no text that makes one of the libraries load anything but the private file.
HARMLESS = re.compile(rf"(?:{re.escape(FILE)}|file:///values\.schema\.json|local\+.*|urn:.*|)(?:#.*)?")
TEXTS = st.sampled_from(
    [URL, f"{URL}#/a", "#/a", "#", "", "a.json", "../a", "//h/a", "file:///etc/passwd", "HTTP://h/a", "urn:a:b", "?a"]
)
KEYS = st.sampled_from(
    [
        *("$ref", "$dynamicRef", "$recursiveRef", "$id", "id", "$schema", "properties", "definitions", "not", "allOf"),
        *("default", "const", "enum", "x"),
    ]
)
SCHEMAS = st.recursive(
    TEXTS | st.booleans(), lambda inner: st.dictionaries(KEYS, inner, max_size=4) | st.lists(inner, max_size=3)
)


def texts(value: object, keys: tuple[str, ...]) -> Iterator[str]:
    """Yield the texts under such keys, wherever they are."""
    for item in value if isinstance(value, list) else ():
        yield from texts(item, keys)
    for key, item in value.items() if isinstance(value, dict) else ():
        if isinstance(item, str) and key in keys:
            yield item
        yield from texts(item, keys)


@pytest.mark.parametrize("helm", BOTH)
@settings(max_examples=property_examples.examples(300), deadline=None)
@given(schema=SCHEMAS)
def test_afterwards_nothing_is_left_to_load(schema: object, helm: str) -> None:
    loads = library(helm).loads
    try:
        found = rewritten(schema, helm)
    except ChartError:
        return
    of_references = texts(found, tuple(key for key in loads if key != "$schema"))
    assert [text for text in of_references if not HARMLESS.fullmatch(text)] == []
    dialects = texts(found, ("$schema",)) if "$schema" in loads else ()
    assert [text for text in dialects if re.match("(?i)https?:|file:", text) and not HARMLESS.fullmatch(text)] == []
