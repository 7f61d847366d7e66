"""Values files outside of an application's folders: `layout.shared` of cmp.yaml says which an application may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.errors import ConfigError
from cmp.genpaths.paths import RenderPaths
from cmp.model import Parameters
from tests.support.trees import CHART, paths, plant, request, resolve

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
version: 1
layout:
  apps: charts/{app}
  instances: ""
  values: []
  shared:
    - sites/{cluster}/platform*.yaml
    - regions/{region}/*.yaml
    - common/**
    - keys/*.secret.yaml
clusters: {blue: {region: tokyo}, green: {}}
"""
FILES = {
    "cmp.yaml": CONFIG,
    "charts/shop/Chart.yaml": CHART,
    "charts/shop/cmp-app.yaml": "clusters: all\n",
    "charts/till/Chart.yaml": CHART,
    "charts/till/cmp-app.yaml": "clusters: all\n",
    "charts/till/own.yaml": "",
    "sites/blue/platform-values.yaml": "",
    "sites/green/platform-values.yaml": "",
    "regions/tokyo/all.yaml": "",
    "regions/paris/all.yaml": "",
    "common/deep/er/all.yaml": "",
    "keys/all.secret.yaml": "",
    "common/all.secret.yaml": "",
}
BLUE = request("shop", "blue")


def layers_of(tmp_path: Path, names: str, cluster: str = "blue", **files: str) -> list[str]:
    """Return the layers of an application whose cmp-app.yaml names these values files."""
    own = {"charts/shop/cmp-app.yaml": f"clusters: all\nvalues: [{names}]\n"}
    return paths(resolve(plant(tmp_path, {**FILES, **own, **files}), request("shop", cluster)))


class TestWhatIsShared:
    @pytest.mark.parametrize(
        "name",
        [
            "sites/{cluster}/platform-values.yaml",
            "sites/blue/platform-values.yaml",
            "sites/blue/*.yaml",
            "regions/tokyo/all.yaml",
            "common/deep/er/all.yaml",
            "keys/all.secret.yaml",
        ],
    )
    def test_an_application_that_names_it_has_it_as_a_layer(self, name: str, tmp_path: Path) -> None:
        assert layers_of(tmp_path, f'"{name}"') == [name.replace("{cluster}", "blue").replace("*", "platform-values")]

    def test_one_that_does_not_name_it_has_no_layer_and_no_warning(self, tmp_path: Path) -> None:
        inside = {"charts/till/shared.yaml": "", "cmp.yaml": CONFIG.replace("common/**", "charts/*/shared.yaml")}
        instance = resolve(plant(tmp_path, {**FILES, **inside, "charts/till/own.yaml": ""}), request("till", "blue"))
        assert paths(instance) == []
        assert [warning for warning in instance.warnings if "shared.yaml" in warning] == []
        assert len(instance.warnings) == 1  # own.yaml, which nothing uses

    def test_parameters_and_command_line_may_name_it(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, FILES)
        given = Parameters(values_files=("sites/{cluster}/platform-values.yaml",))
        for asked in (BLUE._replace(parameters=given), BLUE._replace(flags=given)):
            assert paths(resolve(tree, asked)) == ["sites/blue/platform-values.yaml"]

    def test_a_link_in_an_own_folder_that_leads_there_names_it(self, tmp_path: Path) -> None:
        link = {"charts/shop/site.yaml": "-> ../../sites/blue/platform-values.yaml"}
        assert layers_of(tmp_path, "charts/shop/site.yaml", **link) == ["charts/shop/site.yaml"]

    def test_so_does_a_link_to_what_is_a_layer_of_the_layout(self, tmp_path: Path) -> None:
        link = {
            "cmp.yaml": CONFIG.replace("values: []", "values: [envs/all.yaml]"),
            "envs/all.yaml": "",
            "charts/shop/again.yaml": "-> ../../envs/all.yaml",
        }
        assert layers_of(tmp_path, "charts/shop/again.yaml", **link) == ["envs/all.yaml", "charts/shop/again.yaml"]


class TestWhatIsNot:
    @pytest.mark.parametrize(
        ("name", "cluster"),
        [
            ("sites/green/platform-values.yaml", "blue"),  # {cluster} is the pair's own
            ("regions/paris/all.yaml", "blue"),  # and so is a fact
            ("regions/tokyo/all.yaml", "green"),  # which this cluster lacks
            ("common/all.secret.yaml", "blue"),  # a secret needs a pattern that ends in its suffix
            ("charts/till/own.yaml", "blue"),
        ],
    )
    def test_it_is_refused_as_ever(self, name: str, cluster: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            layers_of(tmp_path, name, cluster)
        assert caught.value.lines() == [
            f"cmp: the values file {name} is not in the application's own folders",
            f"  where: application shop, cluster {cluster}, charts/shop/cmp-app.yaml:2:10",
            (
                "  hint: those are charts/shop; any other file must be named in cmp.yaml: layout.shared lets "
                "applications name it, layout.values gives it to all of them"
            ),
        ]

    def test_a_shared_link_is_no_way_into_another_applications_folder(self, tmp_path: Path) -> None:
        link = {"common/till.yaml": "-> ../charts/till/own.yaml"}
        with pytest.raises(ConfigError, match=r"common/till\.yaml leads to charts/till/own\.yaml, which is not in"):
            layers_of(tmp_path, "common/till.yaml", **link)

    def test_a_link_out_of_the_root_is_none_at_all(self, tmp_path: Path) -> None:
        (tmp_path / "outside.yaml").write_text("")
        link = {"common/out.yaml": "-> ../../outside.yaml"}
        with pytest.raises(ConfigError, match="leads outside the source tree"):
            layers_of(tmp_path / "root", "common/out.yaml", **link)


def test_a_placeholder_that_no_cluster_fills_is_a_mistake_of_the_file(tmp_path: Path) -> None:
    tree = plant(tmp_path, {**FILES, "cmp.yaml": CONFIG.replace("{region}", "{regoin}")})
    with pytest.raises(ConfigError) as caught:
        resolve(tree, BLUE)
    assert caught.value.lines()[:2] == [
        "cmp: nothing fills `{regoin}`: no cluster has such a fact; did you mean `region`?",
        "  where: cmp.yaml:9:7",
    ]


def test_the_paths_of_a_pair_have_what_its_parameters_name(tmp_path: Path) -> None:
    asked = BLUE._replace(parameters=Parameters(values_files=("common/deep/er/all.yaml",)))
    tree = plant(tmp_path, {**FILES, "charts/shop/cmp-app.yaml": "clusters: all\nvalues: [sites/blue/*.yaml]\n"})
    renders = RenderPaths(tree)
    items = renders.items([renders.of_instance(resolve(tree, asked))])
    assert "/common/deep/er/all.yaml" in items
    assert "/sites/blue/*.yaml" in items
    assert "/sites/blue/platform-values.yaml" not in items
