"""The leaves of a release's values that differ from those in Git: who has given them, and which are secret."""

from __future__ import annotations

import json

import pytest

from cmp.live import values
from cmp.live.values import HIDDEN, Difference, GivenValues, SecretPaths
from cmp.render.merged_values import MergedValues
from cmp.repository.values import Defaults, Origins
from cmp.secrets.redact import MASK, Redactor, Secret

LAYER, DEFAULTS = "common.yaml", "values.yaml"


def compared(
    live: dict[str, object],
    layer: dict[str, object],
    *,
    defaults: dict[str, object] | None = None,
    merged: dict[str, object] | None = None,
    plaintexts: tuple[str, ...] = (),
) -> list[tuple[str, str, object, object, str, bool]]:
    """Compare values that a release was given with a layer; `merged` stands for what the layer decrypts to."""
    of_chart = defaults or {}
    chart = Defaults((), DEFAULTS, json.dumps(of_chart).encode(), ())
    git = {**of_chart, **(merged or layer)}
    origins = Origins(git, [(LAYER, json.dumps(layer).encode())], [], [chart])
    here = MergedValues(git, origins, frozenset([LAYER]))
    found = values.compare(GivenValues(live, {**of_chart, **live}), here, SecretPaths(here, plaintexts))
    return [(one.key, one.what, one.live, one.git, one.place, one.is_secret) for one in found]


def test_equal_leaves_and_defaults_are_no_difference() -> None:
    assert compared({"a": 1, "b": {"c": "x"}}, {"a": 1, "b": {"c": "x"}}, defaults={"d": 4}) == []


def test_a_leaf_of_both_that_differs_names_its_line_in_git() -> None:
    assert compared({"a": {"b": 1}}, {"a": {"b": 2}}) == [("a.b", "differs", 1, 2, "common.yaml:1", False)]


def test_a_leaf_over_a_default_is_only_live() -> None:
    assert compared({"a": 3}, {}, defaults={"a": 2}) == [("a", "only live", 3, 2, "values.yaml:1", False)]


def test_a_leaf_that_git_gives_over_a_default_is_only_in_git() -> None:
    assert compared({}, {"a": 3}, defaults={"a": 2}) == [("a", "only in Git", 2, 3, "common.yaml:1", False)]


def test_a_truth_value_is_not_the_number_one() -> None:
    assert [what for _, what, *_ in compared({"a": True}, {"a": 1})] == ["differs"]


def test_an_empty_map_beside_a_full_one_is_told_by_what_is_in_it() -> None:
    assert [key for key, *_ in compared({"a": {}}, {"a": {"b": 1}})] == ["a.b"]


def test_items_of_lists_are_leaves() -> None:
    assert [key for key, *_ in compared({"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 1}, {"n": 3}]})] == ["a[1].n"]


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "dbPassword",
        "ADMIN_PASSWD",
        "apiKey",
        "accessKeyId",
        "clientSecret",
        "token",
        "tls.pem",
        "jwtSigningKey",
    ],
)
def test_a_key_may_say_that_its_leaf_is_secret(key: str) -> None:
    assert [is_secret for *_, is_secret in compared({key: "x"}, {})] == [True]


@pytest.mark.parametrize("key", ["replicas", "host", "passive", "author", "compassion", "monkey", "tag"])
def test_other_keys_do_not(key: str) -> None:
    assert [is_secret for *_, is_secret in compared({key: "x"}, {})] == [False]


def test_what_git_has_encrypted_is_secret_and_so_is_what_stands_beside_it() -> None:
    found = compared(
        {"db": {"user": "u-live", "more": "m"}},
        {"db": {"user": "ENC[AES256_GCM,data:x]"}},
        merged={"db": {"user": "u-git"}},
    )
    assert [(key, is_secret) for key, *_, is_secret in found] == [("db.more", True), ("db.user", True)]


def test_what_git_has_in_clear_beside_is_none_and_neither_is_all_at_the_top() -> None:
    layer: dict[str, object] = {"db": {"user": "ENC[AES256_GCM,data:x]", "host": "h"}, "top": "ENC[AES256_GCM,data:y]"}
    found = compared(
        {"db": {"user": "u", "host": "h-live"}, "top": "t", "other": "o"},
        layer,
        merged={"db": {"user": "u", "host": "h"}, "top": "t"},
    )
    assert [(key, is_secret) for key, *_, is_secret in found] == [("db.host", False), ("other", False)]


def test_what_lies_in_a_secret_of_the_release_is_secret() -> None:
    assert [
        is_secret for *_, is_secret in compared({"dsn1": "db://u:hunter-two@db"}, {}, plaintexts=("hunter-two",))
    ] == [True]


def only_live(live: dict[str, object]) -> tuple[Difference, ...]:
    nothing = MergedValues({}, Origins({}, [], [], []))
    return values.compare(GivenValues(live, live), nothing, SecretPaths(nothing, ()))


def shown(live: dict[str, object], *, shows_live: bool = False) -> list[object]:
    differences = only_live(live)
    redactor = Redactor()
    values.learn(differences, {"public-name"}, redactor, shows_live=shows_live)
    causes = values.causes(differences, redactor, lambda secret: f"‹{secret.path}›", shows_live=shows_live)
    return [cause.before for cause in causes]


def test_texts_that_are_only_live_are_hidden_unless_they_are_asked_for() -> None:
    live: dict[str, object] = {"a": "long-enough", "b": "short", "c": "public-name", "d": 3, "e": True}

    assert shown(live) == ["‹a›", HIDDEN, HIDDEN, 3, True]
    assert shown(live, shows_live=True) == ["long-enough", "short", "public-name", 3, True]


def test_secrets_are_hidden_also_from_one_who_asks() -> None:
    assert shown({"password": "long-enough", "token": True}, shows_live=True) == ["‹password›", MASK]


def test_a_text_that_is_only_live_is_masked_wherever_it_occurs() -> None:
    differences = only_live({"a": "only-there"})
    redactor = Redactor()
    values.learn(differences, (), redactor, shows_live=False)

    assert redactor.secret_of("only-there") == Secret("only-there", "a")
