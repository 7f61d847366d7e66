"""`applications` of cmp.yaml says for some applications what a cmp-app.yaml in the folder of each would say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.genpaths.paths import RenderPaths
from cmp.model import Parameters
from cmp.render.tool_usage import written_pins
from cmp.repository.instances import Repository
from tests.support.trees import CHART, paths, plant, request, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.system.tree import WorkTree

HEAD = """\
version: 1
layout: {apps: "apps/{app}", instances: "", values: ["apps/{app}/base.yaml"]}
clusters: {live-1: {env: live}, live-2: {env: live}, test-1: {env: test}}
tools: {helm: 4.3.2}
defaults: {helm: {skipCrds: true, skipTests: true}}
applications:
"""
FILES = {
    "apps/web/Chart.yaml": CHART,
    "apps/web/base.yaml": "",
    "apps/web-2/Chart.yaml": CHART,
    "apps/web-2/base.yaml": "",
    "apps/api/Chart.yaml": CHART,
    "apps/api/base.yaml": "",
}


def tree_of(tmp_path: Path, entries: str, files: dict[str, str] | None = None) -> WorkTree:
    return plant(tmp_path, {**FILES, "cmp.yaml": HEAD + entries, **(files or {})})


def running(tree: WorkTree) -> list[str]:
    return [f"{pair.app} {pair.cluster}" for pair in Repository(tree, ENGINES).pairs()]


class TestWhereApplicationsRun:
    def test_an_entry_says_it_for_all_that_it_names(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, "- {apps: web*, clusters: {env: live}}\n- {apps: [api], clusters: [test-1]}\n")
        assert running(tree) == ["api test-1", "web live-1", "web live-2", "web-2 live-1", "web-2 live-2"]

    def test_a_later_entry_and_the_cmp_app_yaml_are_stronger(self, tmp_path: Path) -> None:
        tree = tree_of(
            tmp_path,
            '- {apps: "*", clusters: all}\n- {apps: web, clusters: [test-1]}\n- {apps: "*", release: x}\n',
            {"apps/api/cmp-app.yaml": "clusters: [live-2]\n"},
        )
        assert [pair for pair in running(tree) if not pair.startswith("web-2")] == ["api live-2", "web test-1"]

    def test_on_others_it_does_not_run_and_the_error_names_the_line(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, '- {apps: "*", clusters: all}\n- {apps: web, clusters: {env: live}}\n')
        with pytest.raises(ConfigError) as caught:
            resolve(tree, request("web", "test-1"))
        assert caught.value.lines() == [
            "cmp: application web does not run on cluster test-1: `clusters` in cmp.yaml:8:25 does not name it",
            "  where: application web, cluster test-1",
            "  hint: it runs on live-1, live-2",
        ]

    def test_a_folder_that_an_entry_names_is_an_application(self, tmp_path: Path) -> None:
        entries = "- {apps: shop, chart: apps/web, values: [apps/blue/shop/own.yaml], clusters: all}\n"
        text = (
            (HEAD + entries).replace("apps/{app}", "apps/{team}/{app}").replace("{app}/base.yaml", "{app}/none*.yaml")
        )
        tree = plant(tmp_path, {**FILES, "apps/blue/shop/own.yaml": "", "apps/blue/docs/x.yaml": "", "cmp.yaml": text})
        assert running(tree) == ["shop live-1", "shop live-2", "shop test-1"]
        instance = resolve(tree, request("shop", "live-1"))
        assert (instance.folder, paths(instance)) == ("apps/web", ["apps/blue/shop/own.yaml"])


class TestStrength:
    ENTRIES = """\
- {apps: "*", clusters: all, tools: {helm: 3.22.0}, release: "{app}-{env}"}
- {apps: web, where: {env: live}, tools: {helm: 3.18.6}, namespace: shops}
- {apps: web, where: [live-2], namespace: shops-2}
- {apps: "*", helm: {skipTests: false, skipSchemaValidation: true}}
"""

    def test_defaults_then_entries_in_order_then_the_application_then_parameters(self, tmp_path: Path) -> None:
        own = {"apps/web/cmp-app.yaml": "helm: {skipSchemaValidation: false}\n"}
        tree = tree_of(tmp_path, self.ENTRIES, own)
        one, two, test = (resolve(tree, request("web", cluster)) for cluster in ("live-1", "live-2", "test-1"))
        assert [instance.pins["helm"].source for instance in (one, two, test)] == ["cmp.yaml:8"] * 2 + ["cmp.yaml:7"]
        assert [instance.namespace for instance in (one, two, test)] == ["shops", "shops-2", "web"]
        assert [instance.release for instance in (one, two, test)] == ["web-live", "web-live", "web-test"]
        assert one.options["helm"] == {"skipCrds": True, "skipTests": False, "skipSchemaValidation": False}
        flags = Parameters(tool_versions={"helm": "4.0.0"}, namespace="mine")
        asked = resolve(tree, request("web", "live-1", flags=flags))
        assert (asked.pins["helm"].source, asked.namespace) == ("--helm-version", "mine")

    def test_a_pin_of_several_is_compared_with_that_of_each(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, self.ENTRIES.replace("3.22.0", "3.18.6"))
        written = {
            (pin.source, pin.version, weaker.source if weaker else "")
            for pin, weaker in written_pins(Repository(tree, ENGINES))
            if pin.name == "helm"
        }
        assert written == {
            ("cmp.yaml:7", "3.18.6", "cmp.yaml:4"),
            ("cmp.yaml:8", "3.18.6", "cmp.yaml:7"),
        } | {entry for entry in written if entry[0] == "cmp.yaml:4"}


class TestValues:
    def test_they_may_be_any_file_and_stand_between_the_layout_and_the_application(self, tmp_path: Path) -> None:
        tree = tree_of(
            tmp_path,
            '- {apps: "*", clusters: all, values: ["sites/{cluster}/{app}.yaml", apps/api/base.yaml]}\n',
            {
                "sites/live-1/web.yaml": "",
                "apps/web/cmp-app.yaml": "values: [apps/web/own.yaml]\n",
                "apps/web/own.yaml": "",
            },
        )
        instance = resolve(tree, request("web", "live-1"))
        assert paths(instance) == [
            "apps/web/base.yaml",
            "sites/live-1/web.yaml",
            "apps/api/base.yaml",
            "apps/web/own.yaml",
        ]
        assert [layer.source for layer in instance.layers][1:] == [
            "cmp.yaml:7:39",
            "cmp.yaml:7:69",
            "apps/web/cmp-app.yaml:1:10",
        ]

    def test_what_an_entry_names_a_parameter_may_name(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, '- {apps: web, clusters: all, values: ["sites/*.yaml"]}\n', {"sites/a.yaml": ""})
        given = Parameters(values_files=("sites/a.yaml",))
        assert paths(resolve(tree, request("web", "live-1", parameters=given)))[1:] == ["sites/a.yaml"]

    def test_a_file_for_some_clusters_is_used_on_the_others_too(self, tmp_path: Path) -> None:
        tree = tree_of(
            tmp_path,
            '- {apps: "*", clusters: all}\n- {apps: web, where: {env: live}, values: [apps/web/live.yaml]}\n',
            {"apps/web/live.yaml": ""},
        )
        live, test = (resolve(tree, request("web", cluster)) for cluster in ("live-1", "test-1"))
        assert (paths(live)[1:], paths(test)[1:]) == (["apps/web/live.yaml"], [])
        assert live.warnings == test.warnings == ()

    def test_they_are_paths_of_the_pairs_that_get_them(self, tmp_path: Path) -> None:
        tree = tree_of(
            tmp_path,
            '- {apps: "*", clusters: all}\n- {apps: web, where: {env: live}, values: [sites/live.yaml]}\n',
            {"sites/live.yaml": ""},
        )
        renders = RenderPaths(tree)
        of = {(pair.app, pair.cluster): renders.items([renders.of(pair)]) for pair in renders.repository.pairs()}
        has = [pair for pair, items in of.items() if "/sites/live.yaml" in items]
        assert has == [("web", "live-1"), ("web", "live-2")]


class TestErrors:
    @pytest.mark.parametrize(
        ("entry", "lines"),
        [
            (
                "engine: kustomize",
                [
                    (
                        "cmp: cmp.yaml asks for the engine kustomize, but the folder apps/web has no "
                        "kustomization.yaml or kustomization.yml or Kustomization"
                    ),
                    "  where: application web, cluster live-1, cmp.yaml:8:23",
                    "  hint: add the file, or correct `engine`",
                ],
            ),
            (
                "release: '{cluster}.-x'",
                [
                    (
                        "cmp: `live-1.-x` is no release name: Helm takes up to 53 lower-case letters, digits, `-` and "
                        "`.`, with a letter or digit at both ends"
                    ),
                    "  where: application web, cluster live-1",
                    "  hint: it comes from cmp.yaml:8:24; set layout.release in cmp.yaml or release in cmp-app.yaml",
                ],
            ),
            (
                "secrets: {files: [templates/a.yaml]}",
                [
                    "cmp: secrets.files names templates/a.yaml, but there is no file apps/web/templates/a.yaml",
                    "  where: application web, cluster live-1, cmp.yaml:8:32",
                    "  hint: its paths start in the folder that is rendered, apps/web",
                ],
            ),
            (
                "values: [sites/a.yaml]",
                [
                    "cmp: the values file sites/a.yaml does not exist",
                    "  where: application web, cluster live-1, cmp.yaml:8:24",
                    "  hint: if it may be missing, write {path: 'sites/a.yaml', optional: true}",
                ],
            ),
        ],
    )
    def test_an_error_names_the_line_that_asks(self, entry: str, lines: list[str], tmp_path: Path) -> None:
        tree = tree_of(tmp_path, f'- {{apps: "*", clusters: all}}\n- {{apps: web, {entry}}}\n')
        with pytest.raises(ConfigError) as caught:
            resolve(tree, request("web", "live-1"))
        assert caught.value.lines() == lines
        assert resolve(tree, request("api", "live-1")).app == "api"


class TestMisfits:
    def told(self, tmp_path: Path, entries: str) -> list[tuple[str, str, str]]:
        return [(one.message, one.place, one.hint) for one in Repository(tree_of(tmp_path, entries), ENGINES).misfits()]

    def test_what_fits_is_not_told(self, tmp_path: Path) -> None:
        assert self.told(tmp_path, '- {apps: [web, "a*"], clusters: all}\n- {apps: web-2, where: {env: live}}\n') == []

    def test_a_name_that_is_none_is_an_error_and_a_pattern_a_warning(self, tmp_path: Path) -> None:
        assert self.told(tmp_path, '- {apps: [web, appi, "x*"], clusters: all}\n') == [
            ("`applications` names appi, and there is none", "cmp.yaml:7:16", "did you mean `api`?"),
            ("`applications` has settings for x*, and no application has such a name", "cmp.yaml:7:22", ""),
        ]

    def test_a_choice_of_clusters_on_which_they_do_not_run_is_a_warning(self, tmp_path: Path) -> None:
        entries = "- {apps: [web, api], clusters: {env: live}}\n- {apps: web, where: {env: test}, release: x}\n"
        assert self.told(tmp_path, entries) == [
            ("`where` fits no cluster on which its applications run", "cmp.yaml:8:22", "")
        ]
