"""Paths, values, objects and pairs on one line, alike in every part of a report."""

from __future__ import annotations

import pytest

from cmp.changes import Field, Subject
from cmp.model import Identity
from cmp.report.document import Limits, plain
from cmp.report.names import (
    cluster_summary,
    clusters,
    listed,
    natural,
    object_name,
    pairs_by_app,
    pairs_by_cluster,
    path_line,
    path_text,
    scalar,
    short_name,
)
from tests.support.reports import subjects

THREE = Limits(items=10, names=3, lines=10)


@pytest.mark.parametrize(
    ("field", "line"),
    [
        (Field(("spec", "replicas"), "changed", 3, 5), "~ spec.replicas  3 → 5"),
        (Field(("spec", "containers", "[web]", "env", "[TZ]"), "added", None, "Asia/Tokyo"),
         "+ spec.containers[web].env[TZ]  Asia/Tokyo"),
        (Field(("data", "a.b"), "removed", "", None), '- data["a.b"]  ""'),
        (Field(("data", "port"), "changed", "80", 80), '~ data.port  "80" → 80'),
        (Field(("args",), "moved", ["a"], ["a"]), "~ args  order only"),
        (Field((), "changed", {"a": None}, [0.5]), '~ (all)  {"a": null} → [0.5]'),
    ],
)  # fmt: skip
def test_path(field: Field, line: str) -> None:
    assert path_line(field) == line


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "containers", "[web]", "image"), "spec.containers[web].image"),
        (("metadata", "labels", "helm.sh/chart"), 'metadata.labels["helm.sh/chart"]'),
        (("a", ""), 'a[""]'),
        ((), "(all)"),
    ],
)
def test_a_key_that_is_no_word_stands_in_quotes(path: tuple[str, ...], text: str) -> None:
    assert path_text(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("web", "web"), ("80", '"80"'), (80, "80"), ("true", '"true"'), (True, "true"), (None, "null"), ("a\n", r'"a\n"')],
)
def test_a_text_is_quoted_where_it_could_be_something_else(value: object, text: str) -> None:
    assert scalar(value) == text


def test_names_of_objects() -> None:
    web, admin = Identity("apps", "Deployment", "shop", "web"), Identity("", "Namespace", "", "shop")
    assert [object_name(web), object_name(admin)] == ["Deployment shop/web", "Namespace shop"]
    assert short_name(web) == "Deployment/web"


def test_numbers_in_names_are_ordered_as_numbers() -> None:
    names = ["dev-10", "dev-2", "dev-02", "dev", "prod-1", "dev-10000000000", "dev-9999999999"]
    assert sorted(names, key=natural) == [
        *("dev", "dev-02", "dev-2", "dev-10", "dev-9999999999", "dev-10000000000", "prod-1"),
    ]


def test_names_beyond_the_limit_are_counted() -> None:
    assert plain(listed(["a", "b", "c"], THREE)) == "a, b, c"
    assert plain(listed(["a", "b", "c", "d", "e"], THREE)) == "a, b, c, and 2 more"


def test_many_clusters_are_counted_by_environment() -> None:
    assert clusters([*subjects("web", dev=2), *subjects("api", dev=1)]) == ["dev-01", "dev-02"]
    assert plain(cluster_summary(subjects("web", dev=1, prod=2), THREE)) == "dev-01, prod-01, prod-02"
    assert (
        plain(cluster_summary(subjects("web", dev=2, prod=20), THREE))
        == "dev \N{MULTIPLICATION SIGN}2, prod \N{MULTIPLICATION SIGN}20"
    )
    without = [subject._replace(environment="") for subject in subjects("web", prod=5)]
    assert plain(cluster_summary(without, THREE)) == "prod-01, prod-02, prod-03, and 2 more"


def test_pairs_are_listed_by_application() -> None:
    pairs = [*subjects("web", dev=2), *subjects("api", prod=1), Subject("jobs", "")]
    assert plain(pairs_by_app(pairs, THREE)) == "web on 2 clusters (dev-01, dev-02); api on prod-01; jobs"
    many = [Subject(f"app-{number}", "") for number in range(5)]
    assert plain(pairs_by_app(many, THREE)) == "app-0; app-1; app-2; and 2 more apps"


def test_a_cluster_with_all_its_pairs_stands_for_them() -> None:
    whole = [*subjects("web", dev=2), *subjects("api", dev=2)]
    assert plain(pairs_by_cluster(whole[:3], whole, THREE)) == "dev-01; web on dev-02"
