"""Two pairs' changes are shown as one where their keys agree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cmp.changes import Field
from cmp.model import Identity
from cmp.preview.keys import Key, Leaf, key_text, read_key
from tests.support.outcomes import config, deployment, outcome_of

if TYPE_CHECKING:
    from cmp.changes import Change


def changed(before: str, after: str, cluster: str = "dev") -> Change:
    """Return the one change between two objects."""
    (change,) = outcome_of(cluster, before, after).changes
    return change


def key(before: str, after: str) -> Key:
    """Return the key of the one change between two objects."""
    return read_key(key_text(changed(before, after)))


def test_a_key_has_the_application_the_object_and_every_difference_but_not_the_cluster() -> None:
    text = key_text(changed(deployment(3), deployment(5)))
    assert json.loads(text) == [
        "storefront",
        ["apps", "Deployment", "shop", "web"],
        [[["spec", "replicas"], "changed", 3, 5]],
        ["changed", ["apps/v1", "apps/v1"], None, False],
        [],
    ]
    assert key_text(changed(deployment(3), deployment(5), cluster="prod")) == text
    assert key_text(changed(deployment(3), deployment(6))) != text


def test_names_count_without_the_hash_that_kustomize_appends() -> None:
    first = key(config("a: 'b'", "settings-2456789bcd"), config("a: 'c'", "settings-bcdfghkmt2"))
    second = key(config("a: 'b'", "settings-456789bcdf"), config("a: 'c'", "settings-cdfghkmt24"))
    assert first == second
    assert first.identity == Identity("", "ConfigMap", "shop", "settings")


def test_of_a_text_of_many_lines_only_those_count_that_came_or_went() -> None:
    first, second = (
        key(config(f'a: "host={host}\\nlevel=info"'), config(f'a: "host={host}\\nlevel=debug"')) for host in "xy"
    )
    assert first == second
    assert first.fields == [Field(("data", "a"), "changed", "level=info", "level=debug")]


def test_lines_that_only_changed_their_order_are_told_as_they_are() -> None:
    assert key(config('a: "x\\ny"'), config('a: "y\\nx"')).fields == [Field(("data", "a"), "changed", "x\ny", "y\nx")]


def test_a_new_map_is_flattened_into_its_leaves() -> None:
    before, after = (f"apiVersion: v1\nkind: Thing\nspec: {spec}\n" for spec in ("{}", "{a: {b: 1, c: [{name: d}]}}"))
    assert key(before, after).leaves() == [
        Leaf("added", ("spec", "a"), before="–", after=""),
        Leaf("added", ("spec", "a", "b"), before="", after="1"),
        Leaf("added", ("spec", "a", "c", "[d]", "name"), before="", after="d"),
    ]


def test_a_shape_is_a_key_without_values() -> None:
    shape = key(deployment(3), deployment(5)).shape
    assert key(deployment(3), deployment(6)).shape == shape
    assert key(deployment(3, "a"), deployment(5, "b")).shape != shape
    assert key(deployment(3, name="api"), deployment(5, name="api")).shape != shape
    assert key(deployment(3), deployment(0)).shape != shape, "no replicas are a danger"
