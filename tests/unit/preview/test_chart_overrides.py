"""The places that set a value of a chart: by layers, parameters, and charts around it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts import Restored
from cmp.engines.protocol import Needs
from cmp.model import Layer, Parameters, RemoteRef
from cmp.preview.bumps.overrides import Override, Settings
from cmp.preview.bumps.uses import ChartUse, bumped, uses
from tests.support.bumped_charts import chart, within
from tests.support.trees import plant, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp.model import Instance
    from cmp.system.tree import Tree

APP = "namespaces/shop"
LAYER = f"{APP}/common-values-shop.yaml"
STRONGER = "clusters/dev/shop/dev-values-shop.yaml"
NEEDS = Needs(tools={}, chart_folders=(APP,))


class Chart:
    """The chart `shop` with the subchart `part`, which has the subchart `deep`, and two layers."""

    def __init__(
        self, tmp_path: Path, values: str = "", weaker: str = "", stronger: str = "", **depend: object
    ) -> None:
        use = {"name": "part", "version": "1.0.0", "import-values": depend.pop("imports", []), **depend}
        files = {
            **within(APP, chart("shop", "1.0.0", values, dependencies=[use])),
            **within(f"{APP}/charts/part", chart("part", "1.0.0", "a: 1\ndeep: {size: 1}\n")),
            **within(f"{APP}/charts/part/charts/deep", chart("deep", "1.0.0", "size: 2\n")),
            LAYER: weaker,
            STRONGER: stronger,
        }
        self.tree = plant(tmp_path, files)
        self.instance = resolve(self.tree)

    def settings(self, *keys: str, **parameters: object) -> Settings:
        instance = self.instance._replace(parameters=Parameters(**parameters))  # type: ignore[arg-type]
        return Settings(use_of(self.tree, instance, *keys), self.tree, instance, NEEDS)

    def places(self, path: str, *keys: str, **parameters: object) -> list[Override]:
        return [*self.settings(*(keys or ("part",)), **parameters).find(tuple(path.split("."))).overrides]


def all_uses(tree: Tree, instance: Instance, restored: tuple[Restored, ...] = ()) -> list[ChartUse]:
    return uses(0, tree, instance, NEEDS, restored=restored, cache=ChartCache("/nowhere"))


def use_of(tree: Tree, instance: Instance, *keys: str) -> ChartUse:
    (found,) = [use for use in all_uses(tree, instance) if use.keys == keys]
    return found


def test_layers_and_the_values_of_the_chart_around_it(tmp_path: Path) -> None:
    of = Chart(tmp_path, "part:\n  a: 2\n", "part: {a: [1]}\n", "\npart: {a: 4}\n")
    assert of.places("a") == [
        Override(f"{STRONGER}:2", "value"),
        Override(f"{LAYER}:1", ""),
        Override(f"{APP}/values.yaml:2", "value"),
    ]
    assert of.places("b") == []


@pytest.mark.parametrize(
    ("layer", "path", "place"),
    [
        ("part: {a: null}", "a", Override(f"{LAYER}:1", "")),
        ("part:\n  a: {b: 1}", "a", Override(f"{LAYER}:2", "map")),
        ("part:\n  a: null", "a.b.c", Override(f"{LAYER}:2", "")),
        ("part: null", "a", Override(f"{LAYER}:1", "")),
        ("part:\n  a: [1]", "a", Override(f"{LAYER}:2", "list")),
        ("part: {a: {b: 1}}", "a.c", None),
        ("a: 1", "a", None),
        ("other: {a: 1}", "a", None),
    ],
    ids=["null", "inside", "null around", "null for the chart", "list", "beside", "of the parent", "of another"],
)
def test_what_counts_as_setting_a_value(tmp_path: Path, layer: str, path: str, place: Override | None) -> None:
    assert Chart(tmp_path, weaker=layer).places(path) == ([place] if place else [])


def test_an_encrypted_value_has_the_shape_of_a_single_one(tmp_path: Path) -> None:
    layer = "part: {a: 'ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]'}\nsops: {mac: x}\n"
    assert Chart(tmp_path, weaker=layer).places("a") == [Override(f"{LAYER}:1", "value")]
    assert Chart(tmp_path / "2", weaker=layer).places("mac", "part") == []


def test_a_global_value_counts_in_every_chart_around(tmp_path: Path) -> None:
    layer = "global: {zone: a}\npart:\n  global: {zone: b}\n  deep: {global: {zone: c}}\n"
    places = Chart(tmp_path, weaker=layer).places("global.zone", "part", "deep")
    assert [place.place for place in places] == [f"{LAYER}:1", f"{LAYER}:3", f"{LAYER}:4"]


def test_parameters(tmp_path: Path) -> None:
    of = Chart(tmp_path)
    set_values = (("part.a", "{1,2}"), ("part.b.c", "x"), ("part.d[0]", "x"), ("part.e", "null"), ("other", "1"))
    shapes = {path: [*of.places(path, set_values=set_values, set_strings=(("part.f", "null"),))] for path in "abdefg"}
    assert shapes == {
        "a": [Override("--set part.a", "list")],
        "b": [Override("--set part.b.c", "map")],
        "d": [Override("--set part.d[0]", "list")],
        "e": [Override("--set part.e", "")],
        "f": [Override("--set-string part.f", "value")],
        "g": [],
    }
    assert of.places("a", values_yaml="part:\n  a: 1\n") == [Override("parameter values-yaml:2", "value")]


def test_values_of_a_web_server_are_said_to_be_unknown(tmp_path: Path) -> None:
    of = Chart(tmp_path)
    remote = Layer(
        "values.yaml",
        is_secret=False,
        source="app.yaml:3",
        remote=RemoteRef("https://a.example/v.yaml", "1", "app.yaml:3"),
    )
    instance = of.instance._replace(layers=(remote,))
    settings = Settings(use_of(of.tree, instance, "part"), of.tree, instance, NEEDS)
    assert settings.remarks == ["which of them `https://a.example/v.yaml` overrides is not known here"]


class TestLeftOut:
    """Helm's rules for conditions and tags."""

    @pytest.mark.parametrize(
        ("layer", "parameter", "is_disabled"),
        [
            ("", (), False),
            ("part: {live: false}", (), True),
            ("part: {live: false}", (("part.live", "true"),), False),
            ("part: {live: 1}", (), False),
            ("part: {live: 1}\nother: false", (), True),
            ("tags: {back: false}", (), True),
            ("tags: {back: false, front: true}", (), False),
            ("tags: {back: false}\npart: {live: true}", (), False),
            ("part: {live: 'ENC[AES256_GCM,data:x,type:bool]'}", (), False),
        ],
    )
    def test_the_strongest_source_decides(
        self, tmp_path: Path, layer: str, parameter: tuple[tuple[str, str], ...], *, is_disabled: bool
    ) -> None:
        of = Chart(tmp_path, weaker=layer, condition="part.live,other", tags=["back", "front"])
        assert of.settings("part", set_values=parameter).is_disabled() is is_disabled
        assert of.settings("part", "deep", set_values=parameter).is_disabled() is is_disabled, "and all below it"

    def test_a_default_of_the_chart_itself_decides_last(self, tmp_path: Path) -> None:
        of = Chart(tmp_path, condition="part.live")
        plant(tmp_path, within(f"{APP}/charts/part", chart("part", "1.0.0", "live: false\n")))
        assert of.settings("part").is_disabled()
        assert not of.settings("part", set_values=(("part.live", "true"),)).is_disabled()

    def test_a_condition_is_read_by_helm(self, tmp_path: Path) -> None:
        settings = Chart(tmp_path, condition="part.live", imports=["data"]).settings("part")
        assert settings.is_read_by_helm(("live",))
        assert settings.is_read_by_helm(("exports", "data", "x"))
        assert not settings.is_read_by_helm(("a",))


class TestBumped:
    """The uses of a chart on both sides that belong together."""

    @staticmethod
    def uses(tmp_path: Path, name: str, files: Mapping[str, str], *depend: Mapping[str, object]) -> list[ChartUse]:
        tree = plant(
            tmp_path / name, {**within(APP, chart("shop", "1.0.0", dependencies=depend)), **files, STRONGER: ""}
        )
        return all_uses(tree, resolve(tree))

    @staticmethod
    def vendored(name: str, version: str, folder: str = "x") -> dict[str, str]:
        return within(f"{APP}/charts/{folder}", chart(name, version))

    def told(self, before: list[ChartUse], after: list[ChartUse]) -> list[tuple[str, ...]]:
        return [(".".join(now.keys), was.version, now.version) for was, now in bumped(before, after)]

    def test_two_aliases_of_one_chart(self, tmp_path: Path) -> None:
        sides = [
            self.uses(
                tmp_path,
                version,
                self.vendored("part", version),
                {"name": "part", "version": version, "alias": "one"},
                {"name": "part", "version": version, "alias": "two"},
            )
            for version in ("1.0.0", "2.0.0")
        ]
        assert self.told(*sides) == [("one", "1.0.0", "2.0.0"), ("two", "1.0.0", "2.0.0")]

    def test_another_alias(self, tmp_path: Path) -> None:
        before = self.uses(tmp_path, "a", self.vendored("part", "1.0.0"), {"name": "part", "alias": "one"})
        after = self.uses(tmp_path, "b", self.vendored("part", "1.1.0"), {"name": "part", "alias": "two"})
        assert self.told(before, after) == [("two", "1.0.0", "1.1.0")]

    def test_another_chart_in_the_same_place_is_no_bump(self, tmp_path: Path) -> None:
        before = self.uses(tmp_path, "a", self.vendored("part", "1.0.0"), {"name": "part", "alias": "one"})
        after = self.uses(tmp_path, "b", self.vendored("other", "1.1.0"), {"name": "other", "alias": "one"})
        assert self.told(before, after) == []

    def test_one_that_is_there_once_more_has_no_version_before(self, tmp_path: Path) -> None:
        before = self.uses(tmp_path, "a", self.vendored("part", "1.0.0"))
        more = {**self.vendored("part", "1.0.0"), **self.vendored("part", "2.0.0", "y")}
        uses_of = {"name": "part", "version": "2.0.0", "alias": "two"}, {"name": "part", "version": "1.0.0"}
        assert self.told(before, self.uses(tmp_path, "b", more, *uses_of)) == []

    def test_an_archive_that_is_not_in_the_cache(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {f"{APP}/Chart.yaml": json.dumps({"name": "shop", "version": "1.0.0"}), STRONGER: ""})
        gone = Restored("part", "1.0.0", "https://charts.example", sha256="0" * 64, how="cache")
        found = all_uses(tree, resolve(tree), (gone, gone._replace(name="base", version="v1 = 0a1b")))
        assert [(use.name, use.chart is None) for use in found] == [("shop", False), ("part", True)]
