"""The paths that a render reads get the items of the annotation that cover them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.errors import ConfigError
from cmp.genpaths.paths import RenderPaths
from tests.support.trees import REFERENCE, plant

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.genpaths.paths import PairPaths


def read(root: Path, files: dict[str, str] | None = None) -> tuple[RenderPaths, dict[str, PairPaths]]:
    """Return the paths of the reference layout with more files, by clusters."""
    paths = RenderPaths(plant(root, {**REFERENCE, **(files or {})}))
    return paths, {pair.cluster: paths.of(pair) for pair in paths.repository.pairs()}


def test_a_render_reads_the_folders_of_its_pair_and_its_values_files(tmp_path: Path) -> None:
    paths, pairs = read(tmp_path)
    assert pairs["dev"].paths[:3] == (
        "namespaces/shop",
        "clusters/dev/shop",
        "namespaces/shop/common-values-shop.yaml",
    )
    assert paths.files(pairs["dev"]) == tuple(sorted(path for path in REFERENCE if "prod" not in path))


def test_the_items_of_one_pair_name_its_folders_and_the_configuration_that_may_come(tmp_path: Path) -> None:
    paths, pairs = read(tmp_path)
    assert paths.items([pairs["dev"]]) == ("/clusters/dev/shop", "/cmp.lock", "/cmp.yaml", "/namespaces/shop")


def test_the_items_of_several_clusters_cover_a_new_cluster_already(tmp_path: Path) -> None:
    paths, pairs = read(tmp_path, {"clusters/dev/shop/files/a.txt": ""})
    assert paths.items([*pairs.values()]) == (
        "/clusters/*/shop/*",
        "/clusters/*/shop/*/*",  # as deep as there are files: a star crosses no slash
        "/cmp.lock",
        "/cmp.yaml",
        "/namespaces/shop",
    )


def test_the_only_folder_of_a_pattern_with_a_star_is_named_as_it_is(tmp_path: Path) -> None:
    layout = "version: 1\nlayout: {instances: 'clusters/*/{cluster}/{app}'}\n"
    paths, pairs = read(tmp_path, {"cmp.yaml": layout, "clusters/eu/dev/shop/x": ""})
    assert "/clusters/eu/dev/shop" in paths.items([pairs["dev"]])


def test_names_of_a_template_take_the_place_of_the_layouts_names(tmp_path: Path) -> None:
    paths, pairs = read(tmp_path)
    names = {"app": "{{.app}}", "cluster": "{{.name}}"}
    assert paths.items([*pairs.values()], names) == (
        "/clusters/{{.name}}/{{.app}}",
        "/cmp.lock",
        "/cmp.yaml",
        "/namespaces/{{.app}}",
    )


def test_a_symlink_and_its_target_are_read_both(tmp_path: Path) -> None:
    _, pairs = read(tmp_path, {"namespaces/shop/files": "-> ../../shared", "shared/more": "-> ../deep", "deep/x": ""})
    assert {"namespaces/shop/files", "shared", "shared/more", "deep"} <= {*pairs["dev"].paths}


def test_a_cycle_of_links_ends(tmp_path: Path) -> None:
    _, pairs = read(tmp_path, {"namespaces/shop/files/up": "-> ../../shop"})
    assert "namespaces/shop" in pairs["dev"].paths


def test_a_pair_that_cannot_be_rendered_raises_its_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no application ghost"):
        read(tmp_path, {"clusters/dev/ghost/x": ""})
