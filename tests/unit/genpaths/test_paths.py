"""The paths that a render reads get the items of the annotation that cover them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.errors import ConfigError
from cmp.genpaths.annotation import covers
from cmp.genpaths.paths import RenderPaths
from tests.support.trees import CHART, REFERENCE, plant

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


STAGES = "clusters: {live-1: {stage: live}, live-2: {stage: live}, lab: {stage: test}}\n"


def items(root: Path, layout: str, files: dict[str, str], *clusters: str) -> tuple[str, ...]:
    """Return the items for the application shop, of all clusters or some."""
    paths = RenderPaths(plant(root, {"cmp.yaml": f"version: 1\nlayout: {layout}\n{STAGES}", **files}))
    pairs = [pair for pair in paths.repository.pairs() if pair.app == "shop"]
    return paths.items([paths.of(pair) for pair in pairs if not clusters or pair.cluster in clusters])


def test_each_pattern_of_a_list_is_covered_before_it_has_a_folder(tmp_path: Path) -> None:
    layout = (
        "{apps: ['own/{cluster}/{app}', 'apps/{app}'], instances: ['on/{stage}/{cluster}/{app}', 'on/{stage}/{app}'], "
        "values: []}"
    )
    files = {"apps/shop/Chart.yaml": CHART, "on/live/shop/x.txt": ""}
    assert items(tmp_path, layout, files, "live-1") == (
        *("/apps/shop", "/cmp.lock", "/cmp.yaml", "/on/live/live-1/shop", "/on/live/shop", "/own/live-1/shop"),
    )
    assert items(tmp_path, layout, files) == (
        *("/apps/shop", "/cmp.lock", "/cmp.yaml", "/on/live/*/shop/*", "/on/live/shop", "/own/*/shop/*"),
    )


def test_an_instance_that_may_come_for_one_of_several_clusters_is_covered(tmp_path: Path) -> None:
    layout = "{apps: 'apps/{app}', instances: ['on/{stage}/{cluster}/{app}', 'on/{stage}/{app}'], values: []}"
    files = {"apps/shop/Chart.yaml": CHART, "on/live/shop/x.txt": "", "on/live/live-1/shop/x.txt": ""}
    found = items(tmp_path, layout, files)
    assert covers(found, "on/live/live-2/shop/x.txt")
    assert found == ("/apps/shop", "/cmp.lock", "/cmp.yaml", "/on/live/*/shop/*", "/on/live/shop")


def test_a_folder_that_a_fact_chooses_is_named_for_its_clusters(tmp_path: Path) -> None:
    layout = "{apps: 'charts/{stage}/{app}', instances: '', values: []}"
    files = {"charts/live/shop/Chart.yaml": CHART, "charts/test/shop/Chart.yaml": CHART}
    assert items(tmp_path, layout, files, "live-1", "live-2") == ("/charts/live/shop", "/cmp.lock", "/cmp.yaml")
    assert items(tmp_path, layout, files) == ("/charts/*/shop/*", "/cmp.lock", "/cmp.yaml")


def test_files_that_say_where_it_runs_are_covered_for_new_clusters_too(tmp_path: Path) -> None:
    layout = "{apps: 'apps/{app}', instances: 'where/{app}.{cluster}.yaml', values: []}"
    files = {"apps/shop/Chart.yaml": CHART, "where/shop.lab.yaml": "", "where/shop.live-1.yaml": ""}
    assert items(tmp_path, layout, files, "lab") == ("/apps/shop", "/cmp.lock", "/cmp.yaml", "/where/shop.lab.yaml")
    assert items(tmp_path, layout, files) == ("/apps/shop", "/cmp.lock", "/cmp.yaml", "/where/shop.*.yaml")
