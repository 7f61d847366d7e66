"""Applications that are values alone: `chart` of cmp.yaml or cmp-app.yaml names the chart that is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.errors import CmpError
from cmp.model import ChartRef
from cmp.system.tree import WorkTree
from tests.support.trees import CHART, paths, plant, request, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.model import Instance

LAYOUT = """\
version: 1
layout:
  apps: apps/{app}
  instances: clusters/{cluster}/{app}
  values: ["apps/{app}/values*.yaml", "clusters/{cluster}/{app}/values*.yaml"]
"""
WITH_CHART = f"{LAYOUT}  chart: charts/service\n"
INVENTORY = "clusters: {dev: {env: test}, prod: {env: live}}\n"
FILES = {
    "cmp.yaml": WITH_CHART,
    "charts/service/Chart.yaml": CHART,
    "charts/service/values.yaml": "size: 1\n",
    "apps/shop/values.yaml": "size: 2\n",
    "clusters/dev/shop/values.yaml": "size: 3\n",
    "clusters/prod/shop/values.yaml": "size: 4\n",
}
REMOTE = "chart: {repository: https://charts.example.com, name: service, version: ^1.2}\n"


def resolved(tmp_path: Path, files: dict[str, str]) -> Instance:
    return resolve(plant(tmp_path, {**FILES, **files}))


def on_prod(tmp_path: Path) -> Instance:
    """Resolve the application of a planted tree on the other cluster."""
    return resolve(WorkTree(str(tmp_path)), request(cluster="prod"))


def refused(tmp_path: Path, files: dict[str, str]) -> list[str]:
    with pytest.raises(CmpError) as caught:
        resolved(tmp_path, files)
    return caught.value.lines(is_cached=True)


class TestTheChartOfTheLayout:
    def test_it_is_rendered_where_an_application_has_values_alone(self, tmp_path: Path) -> None:
        instance = resolved(tmp_path, {})
        assert (instance.engines, instance.folder, instance.chart_folder) == (("helm",), *["charts/service"] * 2)
        assert (instance.app_folder, instance.instance_folder) == ("apps/shop", "clusters/dev/shop")
        assert (instance.chart_place, instance.chart) == ("cmp.yaml:6:10", None)
        assert paths(instance) == ["apps/shop/values.yaml", "clusters/dev/shop/values.yaml"]
        assert instance.release == "shop"
        assert instance.warnings == ()

    def test_facts_choose_its_folder(self, tmp_path: Path) -> None:
        files = {
            "cmp.yaml": LAYOUT + "  chart: charts/{env}/service\n" + INVENTORY,
            "charts/test/service/Chart.yaml": CHART,
            "charts/live/service/Chart.yaml": CHART,
        }
        assert resolved(tmp_path, files).folder == "charts/test/service"
        assert on_prod(tmp_path).folder == "charts/live/service"

    def test_a_placeholder_that_nothing_fills_is_an_error(self, tmp_path: Path) -> None:
        files = {"cmp.yaml": LAYOUT + "  chart: charts/{team}/service\n" + INVENTORY}
        assert refused(tmp_path, files) == [
            "cmp: nothing fills `{team}`: no cluster has such a fact; known here: app, cluster, env",
            "  where: cmp.yaml:6:10",
        ]

    @pytest.mark.parametrize(
        ("file", "engine"),
        [("Chart.yaml", "helm"), ("kustomization.yaml", "kustomize"), ("helmfile.yaml", "helmfile")],
    )
    def test_a_file_of_an_engine_in_the_applications_folder_wins(self, tmp_path: Path, file: str, engine: str) -> None:
        instance = resolved(tmp_path, {f"apps/shop/{file}": CHART})
        assert (instance.engines, instance.folder, instance.chart_place) == ((engine,), "apps/shop", "")

    def test_manifests_without_values_are_plain(self, tmp_path: Path) -> None:
        instance = resolve(
            plant(
                tmp_path,
                {
                    "cmp.yaml": WITH_CHART,
                    "charts/service/Chart.yaml": CHART,
                    "apps/shop/web.yaml": "apiVersion: v1\nkind: Service\n",
                    "clusters/dev/shop/.keep": "",
                },
            )
        )
        assert (instance.engines, instance.folder) == (("plain",), "apps/shop")

    def test_manifests_beside_values_are_an_error(self, tmp_path: Path) -> None:
        files = {"apps/shop/web.yaml": "apiVersion: v1\nkind: Service\n"}
        assert refused(tmp_path, files) == [
            (
                "cmp: more than one engine fits the folder apps/shop: apps/shop/web.yaml is a plain manifest, and it "
                "has values for the chart charts/service"
            ),
            "  where: application shop, cluster dev, cmp.yaml:6:10",
            (
                "  hint: say which in apps/shop/cmp-app.yaml: `engine: plain` or `engine: helm`; or name the file in "
                "layout.ignore of cmp.yaml"
            ),
        ]
        plain = resolved(tmp_path, {"apps/shop/cmp-app.yaml": "engine: plain\n", "clusters/dev/shop/values.yaml": ""})
        assert plain.engines == ("plain",)
        helm = resolved(tmp_path, {"apps/shop/cmp-app.yaml": "engine: helm\n"})
        assert (helm.engines, helm.folder) == (("helm",), "charts/service")
        assert helm.warnings == (
            "nothing uses the file apps/shop/web.yaml here: no pattern of values files or of layout.ignore matches it",
        )

    def test_an_engine_that_is_asked_for_wins(self, tmp_path: Path) -> None:
        files = {"apps/shop/cmp-app.yaml": "engine: kustomize\n", "apps/shop/kustomization.yaml": ""}
        assert resolved(tmp_path, files).engines == ("kustomize",)

    def test_a_component_is_no_application_of_it(self, tmp_path: Path) -> None:
        files = {"apps/shop/kustomization.yaml": "kind: Component\n", "clusters/dev/shop/kustomization.yaml": ""}
        assert resolved(tmp_path, files).folder == "clusters/dev/shop"


class TestTheChartOfOneApplication:
    def test_it_is_stronger_than_that_of_the_layout(self, tmp_path: Path) -> None:
        files = {"apps/shop/cmp-app.yaml": "chart: charts/job\n", "charts/job/Chart.yaml": CHART}
        instance = resolved(tmp_path, files)
        assert (instance.folder, instance.chart_place) == ("charts/job", "apps/shop/cmp-app.yaml:1:8")

    def test_one_cluster_may_have_another(self, tmp_path: Path) -> None:
        files = {"clusters/prod/shop/cmp-app.yaml": REMOTE}
        assert resolved(tmp_path, files).folder == "charts/service"
        instance = on_prod(tmp_path)
        assert (instance.folder, instance.chart_folder) == ("", "")
        assert instance.chart == ChartRef(
            "https://charts.example.com",
            "service",
            "^1.2",
            "clusters/prod/shop/cmp-app.yaml:1:8",
            may_be_alias=True,
        )

    @pytest.mark.parametrize(("file", "engine"), [("Chart.yaml", "helm"), ("helmfile.yaml", "helmfile")])
    def test_a_file_of_an_engine_beside_it_is_an_error(self, tmp_path: Path, file: str, engine: str) -> None:
        files = {"apps/shop/cmp-app.yaml": REMOTE, f"apps/shop/{file}": CHART}
        assert refused(tmp_path, files) == [
            (
                "cmp: apps/shop is to be rendered by the chart service ^1.2 of https://charts.example.com, and has "
                f"apps/shop/{file} ({engine})"
            ),
            "  where: application shop, cluster dev, apps/shop/cmp-app.yaml:1:8",
            "  hint: remove `chart` or the file",
        ]

    def test_a_kustomization_beside_it_may_patch_it(self, tmp_path: Path) -> None:
        files = {"apps/shop/cmp-app.yaml": "chart: charts/service\n", "apps/shop/kustomization.yaml": ""}
        assert refused(tmp_path, files) == [
            (
                "cmp: apps/shop is to be rendered by the chart charts/service, and has apps/shop/kustomization.yaml "
                "(kustomize)"
            ),
            "  where: application shop, cluster dev, apps/shop/cmp-app.yaml:1:8",
            (
                "  hint: `engine: [helm, kustomize]` in apps/shop/cmp-app.yaml makes the rendered chart one of its "
                "resources; remove `chart` or the file"
            ),
        ]
        both = resolved(tmp_path, {"apps/shop/cmp-app.yaml": "chart: charts/service\nengine: [helm, kustomize]\n"})
        assert (both.engines, both.folder, both.chart_folder) == (("helm", "kustomize"), "apps/shop", "charts/service")

    def test_another_engine_does_not_render_it(self, tmp_path: Path) -> None:
        files = {"apps/shop/cmp-app.yaml": "engine: kustomize\nchart: charts/service\n"}
        assert refused(tmp_path, files) == [
            "cmp: cmp-app.yaml asks for the engine kustomize, which does not render the chart charts/service",
            "  where: application shop, cluster dev, apps/shop/cmp-app.yaml:2:8",
            "  hint: remove `engine` or `chart`, or write `engine: [helm, kustomize]`",
        ]

    def test_a_manifest_beside_it_has_no_use(self, tmp_path: Path) -> None:
        files = {
            "apps/shop/cmp-app.yaml": "chart: charts/service\n",
            "apps/shop/web.yaml": "apiVersion: v1\nkind: Service\n",
            "apps/shop/Chart.lock.yaml": "",
        }
        why = "no pattern of values files or of layout.ignore matches it"
        assert resolved(tmp_path, files).warnings == (
            f"nothing uses the file apps/shop/Chart.lock.yaml here: {why}",
            f"nothing uses the file apps/shop/web.yaml here: {why}",
        )

    def test_values_that_no_pattern_finds_are_told(self, tmp_path: Path) -> None:
        files = {
            "cmp.yaml": WITH_CHART.replace('"apps/{app}/values*.yaml", ', ""),
            "apps/shop/cmp-app.yaml": "chart: charts/service\n",
        }
        (warning,) = resolved(tmp_path, files).warnings
        assert warning.startswith("nothing uses the file apps/shop/values.yaml here")


class TestTheChartOfAnEntry:
    ENTRIES = "applications:\n  - {apps: '*', chart: charts/service}\n  - {apps: shop, chart: charts/job}\n"

    def test_the_last_one_that_names_the_application_counts(self, tmp_path: Path) -> None:
        files = {"cmp.yaml": LAYOUT + self.ENTRIES, "charts/job/Chart.yaml": CHART}
        instance = resolved(tmp_path, files)
        assert (instance.folder, instance.chart_place) == ("charts/job", "cmp.yaml:8:25")

    def test_a_file_of_an_engine_beside_it_is_an_error(self, tmp_path: Path) -> None:
        entry = "applications:\n  - {apps: '*', chart: charts/service}\n"
        assert refused(tmp_path, {"cmp.yaml": LAYOUT + entry, "apps/shop/Chart.yaml": CHART}) == [
            "cmp: apps/shop is to be rendered by the chart charts/service, and has apps/shop/Chart.yaml (helm)",
            "  where: application shop, cluster dev, cmp.yaml:7:24",
            "  hint: let that entry of `applications` name others, or remove the file",
        ]


class TestTheFolderOfTheInstance:
    def test_a_file_of_an_engine_there_is_an_error(self, tmp_path: Path) -> None:
        assert refused(tmp_path, {"clusters/dev/shop/kustomization.yaml": ""}) == [
            (
                "cmp: apps/shop is to be rendered by the chart charts/service, and has "
                "clusters/dev/shop/kustomization.yaml (kustomize)"
            ),
            "  where: application shop, cluster dev, cmp.yaml:6:10",
            (
                "  hint: `engine: [helm, kustomize]` in clusters/dev/shop/cmp-app.yaml makes the rendered chart one of "
                "its resources; `replace: true` in clusters/dev/shop/cmp-app.yaml renders clusters/dev/shop in place "
                "of the chart"
            ),
        ]

    def test_it_may_be_rendered_in_place_of_the_chart(self, tmp_path: Path) -> None:
        files = {"clusters/dev/shop/kustomization.yaml": "", "clusters/dev/shop/cmp-app.yaml": "replace: true\n"}
        instance = resolved(tmp_path, files)
        assert (instance.engines, instance.folder) == (("kustomize",), "clusters/dev/shop")
        assert on_prod(tmp_path).folder == "charts/service"

    def test_its_kustomization_may_patch_the_chart(self, tmp_path: Path) -> None:
        files = {
            "clusters/dev/shop/kustomization.yaml": "",
            "clusters/dev/shop/cmp-app.yaml": "engine: [helm, kustomize]\n",
        }
        instance = resolved(tmp_path, files)
        assert (instance.folder, instance.chart_folder) == ("clusters/dev/shop", "charts/service")

    def test_a_file_that_nothing_uses_is_an_error(self, tmp_path: Path) -> None:
        (what, *_) = refused(tmp_path, {"clusters/dev/shop/size.yaml": "size: 5\n"})
        assert what == "cmp: nothing uses the file clusters/dev/shop/size.yaml"


class TestAFolderThatHasNoChart:
    def test_it_is_missing(self, tmp_path: Path) -> None:
        assert refused(tmp_path, {"cmp.yaml": LAYOUT + "  chart: charts/servic\n"}) == [
            "cmp: `chart` names the folder charts/servic, which is not there",
            "  where: application shop, cluster dev, cmp.yaml:6:10",
            "  hint: the path starts at the root of the repository; did you mean `charts/service`?",
        ]

    def test_it_is_no_chart(self, tmp_path: Path) -> None:
        assert refused(tmp_path, {"cmp.yaml": LAYOUT + "  chart: charts\n"}) == [
            "cmp: `chart` names the folder charts, which has no Chart.yaml",
            "  where: application shop, cluster dev, cmp.yaml:6:10",
            "  hint: name the folder of a chart, from the root of the repository",
        ]

    def test_it_is_a_library(self, tmp_path: Path) -> None:
        assert refused(tmp_path, {"charts/service/Chart.yaml": f"{CHART}type: library\n"}) == [
            "cmp: `chart` names charts/service, a library chart, which renders nothing by itself",
            "  where: application shop, cluster dev, cmp.yaml:6:10",
            "  hint: name an application chart, which may have the library among its dependencies",
        ]

    def test_a_chart_that_only_speaks_of_a_library_is_none(self, tmp_path: Path) -> None:
        chart = f"{CHART}description: uses the library of the team\n"
        assert resolved(tmp_path, {"charts/service/Chart.yaml": chart}).folder == "charts/service"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("charts/*/service", "`charts/*/service` is no folder: a chart is one folder; leave `*` out"),
        ("../charts", "`../charts` is no folder: `..` could leave its folder"),
        ("/charts", "`/charts` is no folder: it is absolute; a path starts below the root, without a `/`"),
        (
            "https://charts.example.com/service",
            (
                "`https://charts.example.com/service` is no folder of the repository; a chart of another place is "
                "written `{repository: …, name: …, version: …}`"
            ),
        ),
        ("{repository: https://charts.example.com, name: service}", "`version` is missing here"),
        (
            "{repository: 'file://../service', name: service, version: 1.0.0}",
            "`file://../service` is no repository: a chart of this tree is written as its folder, `chart: charts/web`",
        ),
        (
            "{repository: charts.example.com, name: service, version: 1.0.0}",
            (
                "`charts.example.com` is no repository; write a URL such as https://… or oci://…, or an alias such as "
                "@name"
            ),
        ),
        (
            "{repository: https://charts.example.com, name: a/b, version: 1.0.0}",
            "`a/b` is no chart's name: it has letters, digits, `.`, `_` and `-`",
        ),
        ("[charts/service]", "expected a folder, or a map with `repository`, `name` and `version`, found a list"),
    ],
)
def test_a_chart_that_is_written_wrongly(tmp_path: Path, written: str, message: str) -> None:
    what, where, *_ = refused(tmp_path, {"cmp.yaml": f"{LAYOUT}  chart: {written}\n"})
    assert (what, where[:17]) == (f"cmp: {message}", "  where: cmp.yaml")
