"""Texts of a report that are equal in meaning, made equal in letters: clusters' own texts, and secrets."""

from __future__ import annotations

from cmp.changes import Counts, Failure, Outcome, Report, Revision, Subject
from cmp.preview.labels import (
    common_texts,
    few_names,
    generalized,
    generalized_json,
    map_texts,
    number_secrets,
    pair_order,
    without_tokens,
)

OWN = {"prod-1": "‹cluster›", "prod-1.example.test": "‹domain›"}


def test_a_clusters_own_texts_get_general_terms_the_longest_first_and_whole_words_only() -> None:
    assert generalized("db.prod-1.example.test/prod-1-shop", OWN) == "db.‹domain›/‹cluster›-shop"
    assert generalized("prod-10 and aprod-1", OWN) == "prod-10 and aprod-1"


def test_in_json_only_strings_get_general_terms() -> None:
    assert (
        generalized_json('[1, null, "1 null"]', {"1": "‹cluster›", "null": "‹env›"}) == '[1, null, "‹cluster› ‹env›"]'
    )


def test_texts_that_are_equal_but_for_their_cluster_have_one_text_in_common() -> None:
    own_texts = {name: {name: "‹cluster›"} for name in ("prod-1", "prod-2")}
    texts = [("prod-1", "in prod-1"), ("prod-2", "in prod-2")]
    assert common_texts(texts, own_texts, generalized) == ["in ‹cluster›", "in ‹cluster›"]


def test_a_text_of_several_clusters_is_no_clusters_own() -> None:
    own_texts = {name: {name: "‹cluster›"} for name in ("prod-1", "prod-2")}
    texts = [("prod-1", "in prod-1"), ("prod-2", "in prod-1")]
    assert common_texts(texts, own_texts, generalized) == ["in prod-1", "in prod-1"]


def test_secrets_are_numbered_as_a_reader_meets_them_and_equal_ones_alike() -> None:
    texts = ("b is ‹secret bb›", "a is ‹secret aa›", "b again: ‹secret bb›")
    failure = Failure(Subject("shop", "dev"), texts, is_new=True)
    revision = Revision("main", "")
    report = Report(
        base=revision,
        head=revision,
        counts=Counts(1, 1, 1, 1),
        outcomes=(Outcome(Subject("shop", "dev"), "failed", notes=("‹secret aa›",)),),
        groups=(),
        failures=(failure,),
        dangers=(),
        bumps=(),
        noise=(),
        deliveries=(),
        unowned=(),
        restarts=0,
        notes=(),
    )
    numbered = number_secrets(report)
    assert numbered.failures[0].lines == ("b is ‹secret 1›", "a is ‹secret 2›", "b again: ‹secret 1›")
    assert numbered.outcomes[0].notes == ("‹secret 2›",), "a reader meets failures first"


def test_tokens_decide_about_no_order() -> None:
    assert without_tokens("‹secret 0a› ‹cluster›") == without_tokens("‹secret ff› ‹cluster›") == "‹secret› ‹cluster›"


def test_every_text_of_a_value_is_changed_and_its_types_are_kept() -> None:
    subject = Subject("shop", "dev")
    assert map_texts([{"a": (1, subject)}], str.upper) == [{"A": (1, Subject("SHOP", "DEV"))}]
    assert map_texts(numbers := (1, (2, None)), str.upper) is numbers


def test_the_first_names_are_told_and_how_many_more() -> None:
    assert few_names(["a"]) == "`a`"
    assert few_names(["a", "b", "c"]) == "`a`, `b` and `c`"
    assert few_names(["a", "b", "c", "d"]) == "`a`, `b`, `c` and 1 more"


def test_pairs_are_sorted_by_application_environment_and_cluster_with_its_numbers() -> None:
    pairs = [Subject("b", "x"), Subject("a", "dev-10", "dev"), Subject("a", "dev-2", "dev"), Subject("a", "z", "a")]
    assert [pair.cluster for pair in sorted(pairs, key=pair_order)] == ["z", "dev-2", "dev-10", "x"]
