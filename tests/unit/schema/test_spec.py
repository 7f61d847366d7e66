"""The language of specifications: one specification checks a document, builds its value and gives a JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pytest

from cmp import yamldoc
from cmp.schema import jsonschema
from cmp.schema.json_node import Json, JsonNode, SourceLocation
from cmp.schema.spec import (
    CONFIGURATION,
    Block,
    Converted,
    Dialect,
    Exactly,
    Flag,
    Items,
    Keys,
    Map,
    Switch,
    Text,
    Whole,
    check,
)
from cmp.yamldoc.nodes import compose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.schema.spec import Spec
    from cmp.yamldoc.nodes import Node


class Server(NamedTuple):
    """A value that a specification builds."""

    host_name: str
    ports: tuple[str, ...] = ("80",)
    is_secure: bool = True
    labels: Mapping[str, str] = {}
    place: str = ""


SERVER = Converted(
    Keys(
        {"hostName": Text("a name"), "ports": Items("a list of ports", Text()), "isSecure": Flag()},
        Server,
        others=Map(Text()),
        collected="labels",
        required=("hostName",),
    ),
    lambda server, node: server._replace(place=node.place),
)
STRICT = Text("a string", is_strict=True)
MANIFEST = Dialect(lambda spec, node: f"{node.location.name} wants {spec.noun}", lambda _, key: f"no {key}", "value")


def node(text: str) -> Node:
    root = compose(text.encode(), "a.yaml").root
    assert root
    return root


def value(text: str) -> JsonNode:
    (document,) = yamldoc.parse(text.encode())
    return JsonNode(document.value, SourceLocation("a.yaml", document))


def told(spec: Spec[Any], text: str) -> list[str]:
    return [f"{problem.place}: {problem.message}" for problem in check(spec, node(text))]


def told_of_values(spec: Spec[Any], text: str, dialect: Dialect) -> list[str]:
    return [f"{problem.place}: {problem.message}" for problem in check(spec, value(text), dialect)]


def test_every_mistake_is_told_with_its_place() -> None:
    spec = Keys({"version": Exactly(1), "servers": Items("a list of servers", SERVER)}, dict[str, Any])

    assert told(spec, "version: 2\nservers: [{ports: 80}, 3]\nserver: 1\n") == [
        "a.yaml:1:10: expected the number 1, found a number",
        "a.yaml:2:19: expected a list of ports, found a number",
        "a.yaml:2:11: `hostName` is missing here",
        "a.yaml:2:24: expected a map, found a number",
        "a.yaml:3:1: unknown key `server`; did you mean `servers`?",
    ]


def test_the_constructor_gets_the_keys_that_are_written_and_has_the_defaults() -> None:
    assert SERVER.build(node("hostName: a\n")) == Server("a", place="a.yaml:1:1")
    assert SERVER.build(node("{hostName: a, isSecure: false, ports: ~, env: dev}")) == Server(
        "a", is_secure=False, labels={"env": "dev"}, place="a.yaml:1:1"
    )


def test_a_block_says_what_is_written_and_no_more() -> None:
    block = Block({"skipCrds": Flag(), "kubeVersion": Text()})

    assert block.build(node("skipCrds: false\n")) == {"skipCrds": False}


def test_one_of_two_shapes_is_chosen_by_a_key() -> None:
    spec: Switch[object] = Switch("file", Keys({"file": Text()}, lambda file: file), Map(Text()))

    assert spec.build(node("file: a\n")) == "a"
    assert spec.build(node("dev: a\n")) == {"dev": "a"}
    assert told(spec, "file: a\ndev: b\n") == ["a.yaml:2:1: unknown key `dev`; known here: file"]


@pytest.mark.parametrize(
    ("null", "mistakes"),
    [
        ("value", ["a.yaml:1: a wants a map", "a.yaml:2: b wants a string", "a.yaml:1: no c"]),
        ("key", []),
    ],
)
def test_null_is_a_value_or_a_key_that_is_left_out(null: Literal["value", "key"], mistakes: list[str]) -> None:
    spec = Keys({"a": Map(STRICT), "b": STRICT}, dict[str, Any], required=("c",), is_open=True)

    assert told_of_values(spec, "a: null\nb: null\n", MANIFEST._replace(null=null)) == mistakes
    assert spec.build(value("a: null\nb: x\n")) == {"b": "x"}


def test_null_is_an_empty_map_in_a_configuration() -> None:
    spec = Map(Map(Text()))

    assert check(spec, node("dev:\n"), CONFIGURATION) == []
    assert spec.build(node("dev:\n")) == {"dev": {}}


def test_what_go_reads_as_a_number_is_no_string() -> None:
    assert told_of_values(Map(STRICT), "a: 1\nb: '1'\n", MANIFEST) == ["a.yaml:1: a wants a string"]


def test_one_mistake_stands_for_all_in_a_whole() -> None:
    record = Whole(Keys({"a": STRICT, "b": STRICT}, dict[str, str], required=("a", "b")), "two strings")

    mistakes = ["a.yaml:1: [1] wants two strings", "a.yaml:1: [2] wants two strings"]
    assert told_of_values(Items("a list", record), "[{a: x, b: z}, {a: 1}, {}]", MANIFEST) == mistakes


def test_json_stays_as_it_was_read() -> None:
    spec = Keys({"a": Json(Map(STRICT)), "b": Json()}, dict[str, Any], is_open=True)

    assert spec.build(value("{a: {x: z}, b: [1, {c: null}], d: 2}")) == {"a": {"x": "z"}, "b": [1, {"c": None}]}
    assert told_of_values(spec, "{a: {x: 1}, b: 1}", MANIFEST) == ["a.yaml:1: a.x wants a string"]


def test_the_json_schema_of_each_shape() -> None:
    spec = Keys({"a": Json(), "b": Json(STRICT), "c": Whole(Items("a list", Flag()), "")}, dict[str, Any], is_open=True)

    assert jsonschema.document("x", spec) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "x",
        "type": ["object", "null"],
        "properties": {
            "a": {},
            "b": {"type": "string"},
            "c": {"type": "array", "items": {"type": "boolean"}},
        },
        "additionalProperties": True,
    }
