"""The syntax of manifest-generate-paths: which files an item covers, and which item covers a file."""

from __future__ import annotations

import pytest

from cmp.genpaths.annotation import (
    bind_expressions,
    covers,
    fill_expressions,
    item_of_path,
    item_of_pattern,
    items,
    may_cover,
    without_covered,
)
from cmp.repository.layout import parse


def test_items_start_in_the_source_path_or_at_the_root_of_git() -> None:
    assert items(".;../shared;/charts;;", "apps/shop") == ("/apps/shop", "/apps/shared", "/charts")


def test_an_item_covers_a_file_a_folder_or_what_it_matches() -> None:
    assert covers(["/charts"], "charts/web/Chart.yaml")
    assert covers(["/envs/*/shop.yaml"], "envs/test/shop.yaml")
    assert not covers(["/envs/*"], "envs/test/shop.yaml"), "a star crosses no slash, and is no folder"
    assert not covers(["/charts"], "charts.yaml")
    assert not covers(["/charts"], "charts-of-ours/web.yaml")
    assert not covers([], "charts")


def test_a_path_with_a_semicolon_is_covered_by_the_folder_above() -> None:
    assert item_of_path("more/b;c/values.yaml", "deploy") == "/deploy/more"
    assert item_of_path("common/values.yaml", "") == "/common/values.yaml"


@pytest.mark.parametrize(
    ("pattern", "item"),
    [
        ("common/{app}.yaml", "/common/shop.yaml"),
        ("envs/{env}/{app}-*.yaml", "/envs/*/shop-*.yaml"),
        ("common/**/{app}.yaml", "/common"),
        ("odd[1]/{env}.yaml", r"/odd\[1]/*.yaml"),
        ("a;b/{env}/x", "/"),
    ],
)
def test_a_pattern_of_the_layout_gets_the_narrowest_item_that_covers_it(pattern: str, item: str) -> None:
    assert item_of_pattern(parse(pattern), {"app": "shop"}, "") == item


def test_an_item_that_another_one_covers_is_left_out() -> None:
    assert without_covered(["/a/b", "/a", "/a/*", "/c/d.yaml", "/c/*.yaml", "/ab"]) == (
        "/a",
        "/ab",
        "/c/*.yaml",
        "/c/d.yaml",
    )
    assert without_covered(["/Z*", "/[A-Z]*"]) == ("/[A-Z]*",)


def test_an_expression_is_known_by_the_path_that_it_leads_to() -> None:
    assert bind_expressions("apps/{{.name}}/{{.env}}", "apps/shop/dev") == {".name": "shop", ".env": "dev"}
    assert bind_expressions("apps/{{.name}}", "apps/shop/dev") is None, "an expression is one segment of a path"
    assert bind_expressions("{{path}}", "apps/shop") == {
        "path": "apps/shop",
        "path.basename": "shop",
        "path[0]": "apps",
        "path[1]": "shop",
    }


def test_known_expressions_are_filled_in_and_others_may_cover_anything() -> None:
    item = fill_expressions("/clusters/{{ .cluster }}/{{.name}}", {".name": "shop"})
    assert item == "/clusters/{{ .cluster }}/shop"
    assert may_cover(item, "clusters/dev/shop/values.yaml")
    assert not may_cover(item, "clusters/dev/web/values.yaml")
