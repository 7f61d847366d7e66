"""One application on one cluster is resolved: from what names it to everything that its render depends on."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from cmp import __version__
from cmp.engines import ENGINES
from cmp.errors import CmpError, ConfigError, UsageError
from cmp.model import BuildEnv, Layer, Parameters, ToolPin
from cmp.repository import instances
from cmp.repository.config.model import PINS
from cmp.repository.instances import Pair, Repository
from cmp.versions import numbers
from tests.support.trees import CHART, REFERENCE, paths, plant, request, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.repository.instances import Request
    from cmp.system.tree import WorkTree

INVENTORY = """
clusters:
  dev: {env: test, region: tokyo, kubeVersion: "1.33", apiVersions: [example.com/v1]}
  prod: {env: live, kubeVersion: "1.30"}
"""


def refusal(tree: WorkTree, asked: Request | None = None) -> list[str]:
    with pytest.raises(CmpError) as caught:
        resolve(tree, asked)
    return caught.value.lines(is_cached=True)


def configured(tmp_path: Path, text: str, files: dict[str, str] = REFERENCE) -> WorkTree:
    return plant(tmp_path, {**files, "cmp.yaml": f"version: 1\n{text}"})


class TestReferenceLayout:
    def test_it_needs_no_configuration(self, tmp_path: Path) -> None:
        instance = resolve(plant(tmp_path, REFERENCE))
        source = "the reference layout"
        assert instance.layers == (
            Layer("namespaces/shop/common-values-shop.yaml", is_secret=False, source=source),
            Layer("namespaces/shop/common-values-shop.secret.yaml", is_secret=True, source=source),
            Layer("clusters/dev/shop/dev-values-shop.yaml", is_secret=False, source=source),
            Layer("clusters/dev/shop/dev-values-shop.secret.yaml", is_secret=True, source=source),
        )
        assert (instance.app, instance.cluster, instance.engines) == ("shop", "dev", ("helm",))
        assert instance.folder == instance.app_folder == "namespaces/shop"
        assert instance.instance_folder == "clusters/dev/shop"
        assert (instance.release, instance.namespace) == ("shop", "shop")
        assert instance.warnings == ()

    def test_its_pairs_are_its_instance_folders(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {**REFERENCE, "clusters/README.md": "", "namespaces/docs/readme.txt": ""})
        assert Repository(tree, ENGINES).pairs() == [
            Pair("shop", "dev", "namespaces/shop", "clusters/dev/shop"),
            Pair("shop", "prod", "namespaces/shop", "clusters/prod/shop"),
        ]

    def test_an_instance_folder_without_application_is_a_pair_that_cannot_be_resolved(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {**REFERENCE, "clusters/dev/shpo/x.txt": ""})
        assert Pair("shpo", "dev", "", "clusters/dev/shpo") in Repository(tree, ENGINES).pairs()
        assert refusal(tree, request("shpo")) == [
            "cmp: there is no application shpo: no folder namespaces/{app} has this name",
            "  where: application shpo, cluster dev",
            "  hint: did you mean `shop`?",
        ]


class TestWhatNamesThem:
    @pytest.mark.parametrize("folder", ["clusters/dev/shop", "clusters/dev/shop/deep/er"])
    def test_an_instance_folder_names_both(self, tmp_path: Path, folder: str) -> None:
        instance = resolve(plant(tmp_path, REFERENCE), request("", "", folder=folder))
        assert (instance.app, instance.cluster) == ("shop", "dev")

    def test_the_application_folder_names_the_application(self, tmp_path: Path) -> None:
        instance = resolve(plant(tmp_path, REFERENCE), request("", "prod", folder="namespaces/shop/templates"))
        assert (instance.app, instance.cluster) == ("shop", "prod")

    @pytest.mark.parametrize(
        "named",
        [
            request(cluster="", parameters=Parameters(cluster="prod")),
            request(cluster="", locked_cluster="prod"),
            request("", "", folder="clusters/prod/shop"),
            request("", "", folder="clusters/prod/shop", parameters=Parameters(cluster="prod"), locked_cluster="prod"),
        ],
    )
    def test_the_cluster_comes_from_anyone_who_knows_it(self, tmp_path: Path, named: Request) -> None:
        assert resolve(plant(tmp_path, REFERENCE), named).cluster == "prod"

    def test_the_namespace_flag_names_the_application_outside_its_folder(self, tmp_path: Path) -> None:
        tree = configured(tmp_path, 'layout: {namespace: "{cluster}-{app}"}\n')
        habit = resolve(tree, request("", flags=Parameters(namespace="shop")))
        assert habit == resolve(tree, request("shop"))
        assert habit.namespace == "dev-shop"

    def test_the_namespace_flag_is_the_namespace_inside_the_folder(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, REFERENCE)
        instance = resolve(tree, request("", folder="namespaces/shop", flags=Parameters(namespace="other")))
        assert (instance.app, instance.namespace) == ("shop", "other")

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            (
                request("", "", folder="clusters/dev/shop", parameters=Parameters(cluster="prod")),
                "two clusters are asked for: prod by the parameter cluster, dev by the folder clusters/dev/shop",
            ),
            (
                request("", "prod", folder="clusters/dev/shop"),
                "two clusters are asked for: prod by the command line, dev by the folder clusters/dev/shop",
            ),
            (
                request("", "", folder="clusters/dev/shop", locked_cluster="prod"),
                "two clusters are asked for: dev by the folder clusters/dev/shop, prod by CMP_CLUSTER",
            ),
            (
                request(cluster="", parameters=Parameters(cluster="dev"), locked_cluster="prod"),
                "two clusters are asked for: dev by the parameter cluster, prod by CMP_CLUSTER",
            ),
            (
                request("till", "dev", folder="namespaces/shop"),
                "two applications are asked for: till by the command line, shop by the folder namespaces/shop",
            ),
        ],
    )
    def test_two_that_disagree_are_an_error(self, tmp_path: Path, asked: Request, message: str) -> None:
        with pytest.raises(ConfigError) as caught:
            resolve(plant(tmp_path, REFERENCE), asked)
        assert caught.value.what == message

    def test_nothing_that_names_an_application_is_a_mistake_of_usage(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError) as caught:
            resolve(plant(tmp_path, REFERENCE), request("", folder="namespaces"))
        assert caught.value.lines() == [
            "cmp: which application?",
            "  hint: name it, as in `cmp render APP --cluster CLUSTER`, or go into its folder",
        ]

    def test_a_source_path_is_the_very_folder(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, REFERENCE)
        asked = request("", "dev", folder="namespaces/shop/templates", in_sidecar=True)
        assert refusal(tree, asked) == [
            "cmp: the source path namespaces/shop/templates is no application's folder",
            "  hint: the layout has them in namespaces/{app} and clusters/{cluster}/{app}",
        ]
        assert resolve(tree, asked._replace(folder="namespaces/shop")).app == "shop"

    @pytest.mark.parametrize("name", ["../shop", "a/b", ".", "..", "a\0b"])
    def test_a_name_is_no_path(self, tmp_path: Path, name: str) -> None:
        tree = plant(tmp_path, REFERENCE)
        assert refusal(tree, request(name, ""))[0].startswith("cmp: there is no application ")
        assert refusal(tree, request(cluster=name))[0].startswith("cmp: the inventory has no cluster ")


class TestClusters:
    def test_an_unknown_cluster_is_compared_with_the_inventory(self, tmp_path: Path) -> None:
        assert refusal(configured(tmp_path, INVENTORY), request(cluster="pord")) == [
            "cmp: the inventory has no cluster pord",
            "  where: application shop, cluster pord",
            "  hint: did you mean `prod`?",
        ]

    def test_without_inventory_the_folders_say_where_it_runs(self, tmp_path: Path) -> None:
        assert refusal(plant(tmp_path, REFERENCE), request(cluster="stage")) == [
            "cmp: application shop does not run on cluster stage: there is no folder clusters/stage/shop",
            "  where: application shop, cluster stage",
            "  hint: known here: dev, prod",
        ]

    def test_when_none_is_named_the_error_says_how(self, tmp_path: Path) -> None:
        assert refusal(plant(tmp_path, REFERENCE), request(cluster="")) == [
            "cmp: which cluster? application shop runs on dev, prod",
            "  where: application shop",
            (
                "  hint: name it by --cluster; in Argo CD by the parameter cluster, a source path such as "
                "clusters/{cluster}/{app}, or CMP_CLUSTER in the sidecar"
            ),
        ]

    def test_an_application_that_runs_nowhere_says_so(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {"namespaces/new/Chart.yaml": CHART})
        assert refusal(tree, request("new", ""))[0] == (
            "cmp: which cluster? application new runs on none: there is no folder clusters/{cluster}/new"
        )

    @pytest.mark.parametrize(
        ("choice", "clusters"),
        [("all", ["dev", "prod"]), ("[prod]", ["prod"]), ("{env: test}", ["dev"]), ("{env: none}", [])],
    )
    def test_cmp_app_yaml_says_it_where_no_folder_does(self, tmp_path: Path, choice: str, clusters: list[str]) -> None:
        files = {"namespaces/shop/Chart.yaml": CHART, "namespaces/shop/cmp-app.yaml": f"clusters: {choice}\n"}
        tree = configured(tmp_path, INVENTORY, files)
        assert Repository(tree, ENGINES).pairs() == [Pair("shop", name, "namespaces/shop", "") for name in clusters]
        for name in clusters:
            assert resolve(tree, request(cluster=name)).instance_folder == ""
        for name in {"dev", "prod"} - set(clusters):
            assert refusal(tree, request(cluster=name))[0] == (
                f"cmp: application shop does not run on cluster {name}: there is no folder clusters/{name}/shop"
            )
        assert refusal(tree, request(cluster=""))[0].startswith("cmp: which cluster? application shop runs on ")

    def test_an_instance_folder_refines_a_cluster_that_cmp_app_yaml_chose(self, tmp_path: Path) -> None:
        tree = configured(tmp_path, INVENTORY, {**REFERENCE, "namespaces/shop/cmp-app.yaml": "clusters: [prod]\n"})
        assert [(pair.cluster, pair.instance_folder) for pair in Repository(tree, ENGINES).pairs()] == [
            ("dev", "clusters/dev/shop"),
            ("prod", "clusters/prod/shop"),
        ]

    def test_a_layout_without_clusters_needs_none(self, tmp_path: Path) -> None:
        files = {"apps/shop/Chart.yaml": CHART, "apps/shop/values-a.yaml": ""}
        text = 'layout: {apps: "apps/{app}", values: ["apps/{app}/values-*.yaml"]}\n'
        tree = configured(tmp_path, text, files)
        assert Repository(tree, ENGINES).pairs() == [Pair("shop", "", "apps/shop", "")]
        assert paths(resolve(tree, request(cluster=""))) == ["apps/shop/values-a.yaml"]

    def test_a_layout_may_keep_applications_in_their_clusters(self, tmp_path: Path) -> None:
        files = {"k8s/dev/shop/Chart.yaml": CHART, "k8s/prod/shop/Chart.yaml": CHART}
        text = 'layout: {apps: "k8s/{cluster}/{app}", values: ["k8s/{cluster}/{app}/*.secret.yaml"]}\n'
        tree = configured(tmp_path, text, files)
        assert Repository(tree, ENGINES).pairs() == [
            Pair("shop", "dev", "k8s/dev/shop", ""),
            Pair("shop", "prod", "k8s/prod/shop", ""),
        ]
        assert resolve(tree).folder == "k8s/dev/shop"
        assert refusal(tree, request(cluster=""))[0] == "cmp: which cluster? application shop runs on dev, prod"

    def test_a_layout_may_keep_instances_in_their_application(self, tmp_path: Path) -> None:
        files = {
            "apps/shop/Chart.yaml": CHART,
            "apps/shop/templates/x.yaml": "",
            "apps/shop/dev/values.yaml": "",
            "apps/shop/prod/values.yaml": "",
        }
        text = (
            'layout: {apps: "apps/{app}", instances: "apps/{app}/{cluster}", '
            f'values: ["apps/{{app}}/{{cluster}}/values.yaml"]}}\n{INVENTORY}'
        )
        tree = configured(tmp_path, text, files)
        assert [pair.cluster for pair in Repository(tree, ENGINES).pairs()] == ["dev", "prod"]
        instance = resolve(tree, request("", "dev", folder="apps/shop/templates"))
        assert (paths(instance), instance.warnings) == (["apps/shop/dev/values.yaml"], ())


class TestApplications:
    def test_a_capture_of_the_folder_fills_the_values(self, tmp_path: Path) -> None:
        files = {
            "apps/red/shop/Chart.yaml": CHART,
            "apps/blue/till/Chart.yaml": CHART,
            "teams/red.yaml": "",
            "clusters/dev/shop/x.txt": "",
        }
        text = 'layout: {apps: "apps/{team}/{app}", values: ["teams/{team}.yaml"], release: "{team}-{app}"}\n'
        instance = resolve(configured(tmp_path, text, files))
        assert (paths(instance), instance.release) == (["teams/red.yaml"], "red-shop")

    LISTS = (
        'layout: {apps: ["system/{app}", "apps/{app}"], instances: ["live/{cluster}/{app}", "test/{cluster}/{app}"], '
        "values: []}\n"
    )

    def test_applications_and_their_clusters_may_lie_under_several_roots(self, tmp_path: Path) -> None:
        files = {
            "system/dns/Chart.yaml": CHART,
            "apps/blog/Chart.yaml": CHART,
            "live/dev/dns/x.txt": "",
            "test/dev/dns/x.txt": "",
            "test/dev/blog/x.txt": "",
        }
        tree = configured(tmp_path, self.LISTS, files)
        assert Repository(tree, ENGINES).pairs() == [
            Pair("blog", "dev", "apps/blog", "test/dev/blog"),
            Pair("dns", "dev", "system/dns", "live/dev/dns"),
        ]
        assert resolve(tree, request("dns")).instance_folder == "live/dev/dns"
        assert resolve(tree, request("", "", folder="test/dev/blog")).folder == "apps/blog"
        assert refusal(tree, request("blgo"))[0] == (
            "cmp: there is no application blgo: no folder system/{app} or apps/{app} has this name"
        )

    def test_applications_of_one_name_are_told_apart_by_their_folders_alone(self, tmp_path: Path) -> None:
        files = {"apps/red/shop/Chart.yaml": CHART, "apps/blue/shop/Chart.yaml": CHART, "apps/red/till/Chart.yaml": ""}
        tree = configured(tmp_path, 'layout: {apps: "apps/{team}/{app}", values: []}\n', files)
        assert refusal(tree) == [
            "cmp: two applications are named shop: apps/blue/shop and apps/red/shop, by the pattern apps/{team}/{app}",
            "  where: application shop, cluster dev",
            (
                "  hint: `name: '{team}-{app}'` in layout gives each a name of its own; "
                "or go into one of the folders, or name it as the source path"
            ),
        ]
        repository = Repository(tree, ENGINES)
        assert [(pair.app, pair.cluster) for pair in repository.pairs()] == [("shop", ""), ("till", "")]
        assert resolve(tree, request("till", "")).folder == "apps/red/till"
        for folder in ("apps/blue/shop", "apps/red/shop/templates"):
            asked = resolve(tree, request("shop", "")._replace(folder=folder))
            assert asked.folder == folder.removesuffix("/templates")


class TestLayers:
    def test_order_is_layout_then_application_then_instance_then_parameters_then_flags(self, tmp_path: Path) -> None:
        extra = {f"namespaces/shop/{name}.yaml": "" for name in ("of-app", "of-instance", "of-parameter", "of-flag")}
        tree = plant(
            tmp_path,
            {
                **REFERENCE,
                **extra,
                "namespaces/shop/cmp-app.yaml": 'values: ["namespaces/{app}/of-app.yaml"]\n',
                "clusters/dev/shop/cmp-app.yaml": 'values: ["namespaces/{app}/of-instance.yaml"]\n',
            },
        )
        asked = request(
            parameters=Parameters(values_files=("namespaces/shop/of-parameter.yaml",)),
            flags=Parameters(values_files=("namespaces/{app}/of-fl*.yaml",)),
        )
        layers = resolve(tree, asked).layers[4:]
        assert [(layer.path, layer.source) for layer in layers] == [
            ("namespaces/shop/of-app.yaml", "namespaces/shop/cmp-app.yaml:1:10"),
            ("namespaces/shop/of-instance.yaml", "clusters/dev/shop/cmp-app.yaml:1:10"),
            ("namespaces/shop/of-parameter.yaml", "parameter values"),
            ("namespaces/shop/of-flag.yaml", "--values"),
        ]

    def values(self, tmp_path: Path, *patterns: str, cluster: str = "dev") -> list[str]:
        files = {f"v/{name}.yaml": "" for name in ("a", "b", "c", "b.secret", "deep/d", "test", "live")}
        files |= {"namespaces/shop/Chart.yaml": CHART, "clusters/dev/shop/x.txt": "", "clusters/prod/shop/x.txt": ""}
        listed = ", ".join(f'"{pattern}"' for pattern in patterns)
        tree = configured(tmp_path, f"layout: {{values: [{listed}]}}\n{INVENTORY}", files)
        return [path.removeprefix("v/") for path in paths(resolve(tree, request(cluster=cluster)))]

    def test_a_fact_fills_a_pattern(self, tmp_path: Path) -> None:
        assert self.values(tmp_path, "v/{env}.yaml") == ["test.yaml"]

    def test_a_fact_that_this_cluster_lacks_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            self.values(tmp_path, "v/{region}.yaml", cluster="prod")
        assert caught.value.lines() == [
            "cmp: the pattern `v/{region}.yaml` needs {region}, which is not known of cluster prod",
            "  where: application shop, cluster prod, cmp.yaml:2:19",
            "  hint: known are app, cluster, env; give the cluster the fact region in the inventory",
        ]

    def test_a_secret_is_matched_only_by_a_pattern_that_ends_in_its_suffix(self, tmp_path: Path) -> None:
        assert self.values(tmp_path, "v/b*") == ["b.yaml"]
        assert self.values(tmp_path / "2", "v/b*.yaml") == ["b.yaml"]
        assert self.values(tmp_path / "3", "v/b*.secret.yaml") == ["b.secret.yaml"]
        assert self.values(tmp_path / "4", "v/b.secret.yaml", "v/b*") == ["b.secret.yaml", "b.yaml"]

    def test_no_file_is_a_layer_twice(self, tmp_path: Path) -> None:
        assert self.values(tmp_path, "v/*.yaml", "v/**/*.yaml", "v/**") == [
            *("a.yaml", "b.yaml", "c.yaml", "live.yaml", "test.yaml"),
            "deep/d.yaml",
        ]

    def test_a_file_stands_where_a_path_without_wildcard_names_it(self, tmp_path: Path) -> None:
        assert self.values(tmp_path, "v/c.yaml", "v/*.yaml", "v/a.yaml", "v/a.yaml", "v/c.yaml") == [
            *("c.yaml", "b.yaml", "live.yaml", "test.yaml"),
            "a.yaml",
        ]

    def test_a_folder_that_a_wildcard_matches_is_no_values_file(self, tmp_path: Path) -> None:
        assert self.values(tmp_path, "v/d*") == []

    def test_an_optional_path_may_be_missing(self, tmp_path: Path) -> None:
        text = "layout: {values: [{path: v/x.yaml, optional: true}]}\n"
        files = {"namespaces/shop/Chart.yaml": CHART, "clusters/dev/shop/x.txt": ""}
        assert paths(resolve(configured(tmp_path, text, files))) == []

    def test_another_secret_suffix_is_honoured(self, tmp_path: Path) -> None:
        text = 'secrets: {suffixes: [.enc.yaml]}\nlayout: {values: ["v/*.yaml", "v/*.enc.yaml"]}\n'
        files = {"namespaces/shop/Chart.yaml": CHART, "clusters/dev/shop/x.txt": "", "v/a.enc.yaml": "", "v/b.yaml": ""}
        layers = resolve(configured(tmp_path, text, files)).layers
        assert [(layer.path, layer.is_secret) for layer in layers] == [("v/b.yaml", False), ("v/a.enc.yaml", True)]


class TestConfinement:
    def allowed(self, tmp_path: Path, pattern: str, files: dict[str, str] | None = None) -> list[str]:
        text = 'layout: {values: ["shared/*.yaml"]}\n'
        here = {"namespaces/shop/Chart.yaml": CHART, "clusters/dev/shop/x.txt": "", "shared/all.yaml": ""}
        here |= {"namespaces/till/secret.yaml": "", "other/x.yaml": ""}
        tree = configured(tmp_path, text, {**here, **(files or {})})
        return paths(resolve(tree, request(parameters=Parameters(values_files=(pattern,)))))[1:]

    def test_an_application_may_name_files_of_its_own_folders(self, tmp_path: Path) -> None:
        own = {"clusters/dev/shop/canary.yaml": "", "namespaces/shop/deep/more.yaml": ""}
        assert self.allowed(
            tmp_path, "clusters/{cluster}/{app}/can*.yaml", own | {"namespaces/shop/deep/more.yaml": ""}
        ) == ["clusters/dev/shop/canary.yaml"]

    def test_and_what_cmp_yaml_names_too(self, tmp_path: Path) -> None:
        assert self.allowed(tmp_path, "shared/all.yaml") == []  # where it stood, it stands: once
        with pytest.raises(ConfigError) as caught:
            self.allowed(tmp_path / "2", "other/x.yaml")
        assert caught.value.lines() == [
            "cmp: the values file other/x.yaml is not in the application's own folders",
            "  where: application shop, cluster dev, parameter values",
            (
                "  hint: those are namespaces/shop and clusters/dev/shop; any other file must be named in cmp.yaml: "
                "layout.shared lets applications name it, layout.values gives it to all of them"
            ),
        ]

    def test_a_wildcard_is_no_way_out(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"namespaces/till/secret\.yaml is not in the application's own folders"):
            self.allowed(tmp_path, "namespaces/*/secret.yaml")

    def test_nor_is_a_link(self, tmp_path: Path) -> None:
        link = {"namespaces/shop/mine.yaml": "-> ../till/secret.yaml"}
        with pytest.raises(ConfigError) as caught:
            self.allowed(tmp_path, "namespaces/shop/mine.yaml", link)
        assert caught.value.what == (
            "the values file namespaces/shop/mine.yaml leads to namespaces/till/secret.yaml, which is not in the "
            "application's own folders"
        )

    def test_nor_a_folder_whose_name_begins_like_its_own(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is not in the application's own folders"):
            self.allowed(tmp_path, "namespaces/shop-2/x.yaml", {"namespaces/shop-2/x.yaml": ""})

    def test_cmp_app_yaml_is_confined_too(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {**REFERENCE, "x.yaml": "", "namespaces/shop/cmp-app.yaml": "values: [x.yaml]\n"})
        assert refusal(tree)[:2] == [
            "cmp: the values file x.yaml is not in the application's own folders",
            "  where: application shop, cluster dev, namespaces/shop/cmp-app.yaml:1:10",
        ]

    def test_an_own_folder_that_is_a_link_is_still_its_own(self, tmp_path: Path) -> None:
        files = {
            "real/Chart.yaml": CHART,
            "real/x.yaml": "",
            "namespaces/shop": "-> ../real",
            "clusters/dev/shop/x": "",
        }
        tree = plant(tmp_path, files)
        assert paths(resolve(tree, request(flags=Parameters(values_files=("namespaces/shop/x.yaml",))))) == [
            "namespaces/shop/x.yaml"
        ]


class TestEngine:
    def test_the_instance_folder_is_built_if_it_holds_an_engines_file(self, tmp_path: Path) -> None:
        instance = resolve(plant(tmp_path, {**REFERENCE, "clusters/dev/shop/Chart.yaml": CHART}))
        assert instance.folder == "clusters/dev/shop"

    def test_cmp_app_yaml_decides_between_two(self, tmp_path: Path) -> None:
        both = {**REFERENCE, "namespaces/shop/kustomization.yaml": ""}
        tree = plant(tmp_path, both)
        assert refusal(tree) == [
            (
                "cmp: more than one engine fits the folder namespaces/shop: Chart.yaml (helm) and kustomization.yaml "
                "(kustomize)"
            ),
            "  where: application shop, cluster dev",
            (
                "  hint: say which in namespaces/shop/cmp-app.yaml: `engine: helm` or `engine: kustomize` or "
                "`engine: [helm, kustomize]`"
            ),
        ]
        plant(tmp_path, {"namespaces/shop/cmp-app.yaml": "engine: helm\n"})
        assert resolve(tree).engines == ("helm",)

    def test_two_engines_run_one_after_the_other(self, tmp_path: Path) -> None:
        files = {**REFERENCE, "namespaces/shop/kustomization.yaml": ""}
        tree = plant(tmp_path, {**files, "namespaces/shop/cmp-app.yaml": "engine: [helm, kustomize]\n"})
        assert resolve(tree).engines == ("helm", "kustomize")

    def test_a_folder_that_replaces_nothing_does_not_say_so(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {**REFERENCE, "clusters/dev/shop/cmp-app.yaml": "replace: true\n"})
        assert refusal(tree) == [
            (
                "cmp: `replace: true` says that clusters/dev/shop is rendered in place of namespaces/shop, but it has "
                "no file of an engine"
            ),
            "  where: application shop, cluster dev, clusters/dev/shop/cmp-app.yaml",
            "  hint: add the file, or remove `replace`",
        ]

    def test_an_application_may_say_for_all_clusters_that_their_folders_replace_its_own(self, tmp_path: Path) -> None:
        own = {"namespaces/shop/cmp-app.yaml": "replace: true\n", "clusters/dev/shop/Chart.yaml": CHART}
        tree = plant(tmp_path, {**REFERENCE, **own})
        assert (resolve(tree).folder, resolve(tree).displaced) == ("clusters/dev/shop", "")
        assert resolve(tree, request(cluster="prod")).folder == "namespaces/shop"

    def test_what_is_no_object_displaces_nothing(self, tmp_path: Path) -> None:
        files = {"namespaces/shop/config.json": "{}", "clusters/dev/shop/kustomization.yaml": ""}
        tree = plant(tmp_path, files)
        assert resolve(tree).displaced == ""
        plant(tmp_path, {"namespaces/shop/more.yaml": "{apiVersion: v1, kind: Secret}"})
        assert resolve(tree).displaced == "namespaces/shop/more.yaml"


COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"


class TestComponents:
    def test_they_are_no_applications(self, tmp_path: Path) -> None:
        files = {
            "cmp.yaml": 'version: 1\nlayout: {apps: "apps/{app}", instances: "", values: []}\nclusters: {dev: {}}\n',
            "apps/shop/kustomization.yaml": "components: [../tls]\n",
            "apps/shop/cmp-app.yaml": "clusters: all\n",
            "apps/tls/kustomization.yml": COMPONENT,
            "apps/tls/cmp-app.yaml": "clusters: all\n",
            "apps/odd/kustomization.yaml": "namePrefix: Component-\n",
            "apps/odd/cmp-app.yaml": "clusters: all\n",
            "apps/bad/kustomization.yaml": "kind: Component: x\n",
            "apps/bad/cmp-app.yaml": "clusters: all\n",
        }
        tree = plant(tmp_path, files)
        assert [pair.app for pair in Repository(tree, ENGINES).pairs()] == ["bad", "odd", "shop"]

    def test_nor_are_they_clusters(self, tmp_path: Path) -> None:
        text = 'version: 1\nlayout: {apps: "apps/{app}", instances: "apps/{app}/{cluster}", values: []}\n'
        files = {
            "cmp.yaml": text,
            "apps/shop/dev/kustomization.yaml": "components: [../tls]\n",
            "apps/shop/tls/kustomization.yaml": COMPONENT,
        }
        tree = plant(tmp_path, files)
        assert [pair.cluster for pair in Repository(tree, ENGINES).pairs()] == ["dev"]

    def test_an_application_may_have_the_name_of_one(self, tmp_path: Path) -> None:
        text = 'version: 1\nlayout: {apps: "{kind}/{app}", instances: "", values: []}\n'
        files = {
            "cmp.yaml": text,
            "components/shop/kustomization.yaml": COMPONENT,
            "services/shop/kustomization.yaml": "",
            "services/tills/kustomization.yaml": "",
            "zone/tills/kustomization.yaml": COMPONENT,
        }
        tree = plant(tmp_path, files)
        found = [(pair.app, pair.app_folder) for pair in Repository(tree, ENGINES).pairs()]
        assert found == [("shop", "services/shop"), ("tills", "services/tills")]
        assert resolve(tree, request(cluster="")).folder == "services/shop"


class TestStrength:
    def test_pins(self, tmp_path: Path) -> None:
        def pin(asked: Request | None = None) -> ToolPin:
            return resolve(tree, asked).pins["helm"]

        tree = plant(tmp_path, REFERENCE)
        assert pin() == PINS["helm"]
        plant(tmp_path, {"cmp.yaml": "version: 1\ntools: {helm: 3.18.1}\n"})
        assert pin() == ToolPin("helm", "3.18.1", "cmp.yaml:2")
        plant(tmp_path, {"namespaces/shop/cmp-app.yaml": "tools: {helm: 3.18.2}\n"})
        assert pin() == ToolPin("helm", "3.18.2", "namespaces/shop/cmp-app.yaml:1")
        plant(tmp_path, {"clusters/dev/shop/cmp-app.yaml": "tools: {helm: 3.18.3}\n"})
        assert pin() == ToolPin("helm", "3.18.3", "clusters/dev/shop/cmp-app.yaml:1")
        parameters, flags = Parameters(tool_versions={"helm": "3.18.4"}), Parameters(tool_versions={"helm": "3.18.5"})
        assert pin(request(parameters=parameters)) == ToolPin("helm", "3.18.4", "parameter helm-version")
        assert pin(request(parameters=parameters, flags=flags)) == ToolPin("helm", "3.18.5", "--helm-version")

    def test_release_and_namespace(self, tmp_path: Path) -> None:
        def names(asked: Request | None = None) -> tuple[str, str]:
            instance = resolve(tree, asked)
            return instance.release, instance.namespace

        tree = plant(tmp_path, REFERENCE)
        argocd = BuildEnv(app_name="team_dev-shop", app_namespace="dest")
        assert names() == ("shop", "shop")
        assert names(request(build_env=argocd)) == ("dev-shop", "dest")
        assert names(request(build_env=BuildEnv(app_name="shop", app_namespace=""))) == ("shop", "shop")
        plant(
            tmp_path, {"cmp.yaml": 'version: 1\nlayout: {release: "{cluster}-{app}", namespace: "{app}-{cluster}"}\n'}
        )
        assert names(request(build_env=argocd)) == ("dev-shop", "shop-dev")
        plant(tmp_path, {"namespaces/shop/cmp-app.yaml": 'release: "app-{cluster}"\nnamespace: of-app\n'})
        assert names(request(build_env=argocd)) == ("app-dev", "of-app")
        plant(tmp_path, {"clusters/dev/shop/cmp-app.yaml": "release: of-instance\n"})
        assert names(request(build_env=argocd)) == ("of-instance", "of-app")
        assert names(request(parameters=Parameters(release="given"))) == ("given", "of-app")
        assert names(request(parameters=Parameters(release="given"), flags=Parameters(release="f", namespace="n"))) == (
            "f",
            "n",
        )

    def test_kube_and_api_versions(self, tmp_path: Path) -> None:
        def versions(asked: Request | None = None) -> tuple[str, tuple[str, ...]]:
            instance = resolve(tree, asked)
            return instance.kube_version, instance.api_versions

        argocd = BuildEnv(kube_version="1.33.4", api_versions=("v1", "example.com/v1"))
        tree = plant(tmp_path, REFERENCE)
        assert versions() == ("", ())
        plant(tmp_path, {"cmp.yaml": f"version: 1\n{INVENTORY}"})
        assert versions() == ("1.33", ("example.com/v1",))
        assert versions(request(build_env=argocd)) == ("1.33.4", ("v1", "example.com/v1"))
        plant(tmp_path, {"namespaces/shop/cmp-app.yaml": "helm: {kubeVersion: 1.30, apiVersions: [a/v1]}\n"})
        assert versions(request(build_env=argocd)) == ("1.30", ("a/v1",))
        assert versions(request(flags=Parameters(kube_version="1.31", api_versions=("b/v1",)))) == ("1.31", ("b/v1",))

    def test_options_and_output(self, tmp_path: Path) -> None:
        tree = configured(tmp_path, "defaults: {helm: {skipCrds: true, skipTests: true}, output: {allowEmpty: true}}\n")
        rewritten = "output: {apiVersions: {apps/v1beta1: apps/v1}}\nhelm: {skipTests: false}\n"
        plant(tmp_path, {"namespaces/shop/cmp-app.yaml": rewritten})
        instance = resolve(tree)
        assert instance.options["helm"] == {"skipCrds": True, "skipTests": False}
        assert instance.output_rules.allow_empty
        assert not instance.output_rules.allow_ciphertext
        assert instance.output_rules.api_versions == {"apps/v1beta1": "apps/v1"}


class TestNames:
    @pytest.mark.parametrize("name", ["a" * 53, "a.b-c.d", "0", "shop-1.x"])
    def test_what_helm_takes_is_a_release_name(self, tmp_path: Path, name: str) -> None:
        assert resolve(plant(tmp_path, REFERENCE), request(flags=Parameters(release=name))).release == name

    @pytest.mark.parametrize("name", ["a" * 54, "Shop", "a_b", "-a", "a-", "a..b", ".a", "a b", "店", "a\n"])
    def test_what_helm_refuses_is_none(self, tmp_path: Path, name: str) -> None:
        lines = refusal(plant(tmp_path, REFERENCE), request(flags=Parameters(release=name)))
        shown = name.replace("\n", "\\n")
        assert lines == [
            (
                f"cmp: `{shown}` is no release name: Helm takes up to 53 lower-case letters, digits, `-` and `.`, "
                "with a letter or digit at both ends"
            ),
            "  where: application shop, cluster dev",
            "  hint: it comes from --release; set layout.release in cmp.yaml or release in cmp-app.yaml",
        ]

    @pytest.mark.parametrize("name", ["a" * 64, "a.b", "Shop", "-a"])
    def test_what_kubernetes_refuses_is_no_namespace(self, tmp_path: Path, name: str) -> None:
        lines = refusal(plant(tmp_path, REFERENCE), request(build_env=BuildEnv(app_namespace=name)))
        assert lines == [
            (
                f"cmp: `{name}` is no namespace: Kubernetes takes up to 63 lower-case letters, digits and `-`, "
                "with a letter or digit at both ends"
            ),
            "  where: application shop, cluster dev",
            "  hint: it comes from ARGOCD_APP_NAMESPACE; set layout.namespace in cmp.yaml or namespace in cmp-app.yaml",
        ]


class TestNotes:
    def test_a_release_name_that_only_argo_cd_knows_is_told(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, REFERENCE)
        env = BuildEnv(app_name="argocd_dev-shop", app_namespace="shop")
        assert resolve(tree, request(build_env=env)).warnings == (
            (
                "the release `dev-shop` is ARGOCD_APP_NAME, which a checkout does not know: `cmp render` without "
                "--application uses `shop`; fix it by layout.release in cmp.yaml or by the parameter release"
            ),
        )
        assert resolve(tree, request(build_env=env._replace(app_name="argocd_shop"))).warnings == ()
        plant(tmp_path, {"cmp.yaml": 'version: 1\nlayout: {release: "{app}"}\n'})
        assert resolve(tree, request(build_env=env)).warnings == ()

    def test_a_namespace_that_only_argo_cd_knows_is_told(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, REFERENCE)
        assert resolve(tree, request(build_env=BuildEnv(app_name="shop", app_namespace="web"))).warnings == (
            (
                "the namespace `web` is ARGOCD_APP_NAMESPACE, which a checkout does not know: `cmp render` without "
                "--application uses `shop`; fix it by layout.namespace in cmp.yaml or by the key namespace of "
                "cmp-app.yaml"
            ),
        )

    def test_inventory_and_argo_cd_may_disagree_but_not_in_silence(self, tmp_path: Path) -> None:
        tree = configured(tmp_path, INVENTORY)
        env = BuildEnv(kube_version="1.34", api_versions=("v1",))
        assert resolve(tree, request(build_env=env)).warnings == (
            "the inventory says Kubernetes 1.33 for cluster dev, Argo CD says 1.34",
            "the inventory lists API versions for cluster dev that Argo CD does not see: example.com/v1",
        )
        agreed = BuildEnv(kube_version="1.33.9", api_versions=("v1", "example.com/v1"))
        assert resolve(tree, request(build_env=agreed)).warnings == ()

    def test_a_yaml_file_of_the_application_that_nothing_uses_is_told(self, tmp_path: Path) -> None:
        files = {
            **REFERENCE,
            "namespaces/shop/common-vals.yml": "",
            "namespaces/shop/notes/x.yaml": "",
            "namespaces/shop/templates/deep/x.yaml": "",
            "namespaces/shop/values.yaml": "",
            "namespaces/shop/.hidden.yaml": "",
            "namespaces/shop/.idea/x.yaml": "",
            "namespaces/shop/cmp-app.yaml": "",
            "namespaces/shop/readme.md": "",
        }
        why = "here: no pattern of values files or of layout.ignore matches it"
        assert resolve(plant(tmp_path, files)).warnings == (
            f"nothing uses the file namespaces/shop/common-vals.yml {why}",
            f"nothing uses the file namespaces/shop/notes/x.yaml {why}",
        )

    def test_so_is_a_secret_that_only_patterns_of_plain_files_match(self, tmp_path: Path) -> None:
        text = 'layout: {values: ["namespaces/{app}/*.yaml"]}\n'
        files = {
            "namespaces/shop/Chart.yaml": CHART,
            "namespaces/shop/a.secret.yaml": "",
            "clusters/dev/shop/x.txt": "",
        }
        assert resolve(configured(tmp_path, text, files)).warnings == (
            (
                "nothing uses the file namespaces/shop/a.secret.yaml here: no pattern of values files or of "
                "layout.ignore matches it"
            ),
        )

    def test_a_layer_of_another_cluster_is_used(self, tmp_path: Path) -> None:
        text = f'layout: {{values: ["namespaces/{{app}}/of-{{env}}.yaml"]}}\n{INVENTORY}'
        files = {
            "namespaces/shop/Chart.yaml": CHART,
            "namespaces/shop/of-test.yaml": "",
            "namespaces/shop/of-live.yaml": "",
            "clusters/dev/shop/x.txt": "",
        }
        instance = resolve(configured(tmp_path, text, files))
        assert (paths(instance), instance.warnings) == (["namespaces/shop/of-test.yaml"], ())


class TestClaims:
    def test_a_yaml_file_of_the_instance_that_nothing_uses_is_an_error(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {**REFERENCE, "clusters/dev/shop/dev-vals.yaml": "", "clusters/dev/shop/a/b.yml": ""})
        assert refusal(tree) == [
            "cmp: nothing uses the files clusters/dev/shop/a/b.yml, clusters/dev/shop/dev-vals.yaml",
            "  where: application shop, cluster dev",
            "  hint: rename it so that a pattern of layout.values matches it, or name it in layout.ignore of cmp.yaml",
        ]

    def test_a_secret_that_no_pattern_names_is_lost_too(self, tmp_path: Path) -> None:
        text = 'layout: {values: ["clusters/{cluster}/{app}/*.yaml"]}\n'
        tree = configured(tmp_path, text, {**REFERENCE, "clusters/dev/shop/dev-values-shop.secret.yaml": ""})
        assert refusal(tree)[0] == "cmp: nothing uses the file clusters/dev/shop/dev-values-shop.secret.yaml"

    @pytest.mark.parametrize(
        "ignore", ["clusters/{cluster}/{app}/docs/**", "clusters/*/*/docs/*.yaml", "**/notes.yaml", "clusters/dev/**"]
    )
    def test_layout_ignore_claims_it(self, tmp_path: Path, ignore: str) -> None:
        tree = configured(
            tmp_path, f'layout: {{ignore: ["{ignore}"]}}\n', REFERENCE | {"clusters/dev/shop/docs/notes.yaml": ""}
        )
        assert resolve(tree).warnings == ()

    def test_so_does_the_engine_where_it_builds_there(self, tmp_path: Path) -> None:
        files = {**REFERENCE, "clusters/dev/shop/templates/x.yaml": ""}
        tree = plant(tmp_path, files)
        assert refusal(tree)[0] == "cmp: nothing uses the file clusters/dev/shop/templates/x.yaml"
        plant(tmp_path, {"clusters/dev/shop/Chart.yaml": CHART})
        assert resolve(tree).folder == "clusters/dev/shop"

    def test_so_do_secret_files_and_the_parameter(self, tmp_path: Path) -> None:
        files = {"clusters/dev/shop/Chart.yaml": CHART, "clusters/dev/shop/k.yaml": "", "clusters/dev/shop/v.yaml": ""}
        tree = plant(tmp_path, {**REFERENCE, **files, "clusters/dev/shop/cmp-app.yaml": "secrets: {files: [k.yaml]}\n"})
        instance = resolve(tree, request(parameters=Parameters(values_files=("clusters/dev/shop/v.yaml",))))
        assert instance.secret_files == ("clusters/dev/shop/k.yaml",)


HINT = (
    "name it in set-template (--set-template) instead; a text that is meant as it is stays so with "
    '`requires: ">=0.2"` in cmp.yaml'
)


HINT = (
    "name it in set-template (--set-template) instead; a text that is meant as it is stays so with "
    '`requires: ">=0.2"` in cmp.yaml'
)


class TestPlaceholders:
    def test_set_template_is_filled_and_helms_lists_stay(self, tmp_path: Path) -> None:
        tree = configured(tmp_path, f'layout: {{release: "r", namespace: "n"}}\n{INVENTORY}')
        templates = (
            ("host", "{app}.{cluster}.{env}"),
            ("list", "{a,b}"),
            ("names", "{release}/{namespace}"),
            ("region", "{region}"),
        )
        found = resolve(tree, request(parameters=Parameters(set_templates=templates))).parameters
        assert dict(found.set_templates) == {
            "host": "shop.dev.test",
            "list": "{a,b}",
            "names": "r/n",
            "region": "tokyo",
        }

    def test_a_fact_that_only_another_cluster_has_is_an_error(self, tmp_path: Path) -> None:
        parameters = Parameters(set_templates=(("region", "{region}"),))
        asked = request(cluster="prod", parameters=parameters)
        assert refusal(configured(tmp_path, INVENTORY), asked) == [
            "cmp: {region} in the value of set-template region is not known of cluster prod",
            "  where: application shop, cluster prod",
            "  hint: known here: app, cluster, env, namespace, release",
        ]

    @pytest.mark.parametrize("requires", ["", 'requires: ">=0.1"\n', 'requires: "<1"\n', 'requires: ">0.1"\n'])
    @pytest.mark.parametrize("name", ["set", "set-string"])
    @pytest.mark.parametrize("cluster", ["dev", "prod"])
    def test_set_with_a_placeholder_is_an_error_where_another_meaning_may_be_known(
        self, requires: str, name: str, cluster: str, tmp_path: Path
    ) -> None:
        pairs = (("at", "in {region}"),)
        given = Parameters(set_values=pairs) if name == "set" else Parameters(set_strings=pairs)
        asked = request(cluster=cluster, parameters=given)
        assert refusal(configured(tmp_path, requires + INVENTORY), asked) == [
            f"cmp: {{region}} in the value of {name} at is a placeholder, and only set-template fills those",
            f"  where: application shop, cluster {cluster}",
            f"  hint: {HINT}",
        ]

    @pytest.mark.parametrize("requires", [">=0.2", ">=0.2.0", ">= 0.2, <1", "==0.2", ">0.1.999999"])
    def test_with_the_new_meaning_known_set_stays_as_it_is(self, requires: str, tmp_path: Path) -> None:
        parameters = Parameters(set_values=(("a", "{app}"),), set_strings=(("b", "{region} {{app}}"),))
        tree = configured(tmp_path, f'requires: "{requires}"\n{INVENTORY}')
        assert resolve(tree, request(parameters=parameters)).parameters == parameters

    def test_the_error_for_the_old_meaning_goes_after_one_minor_release(self) -> None:
        assert numbers(__version__) < (0, 3), "remove `is_set_literal` and what depends on it"

    def test_variables_of_the_application_are_replaced_with_a_warning_in_a_checkout(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, REFERENCE)
        parameters = Parameters(set_values=(("tag", "$ARGOCD_APP_REVISION_SHORT"),))
        env = BuildEnv(app_name="shop", app_namespace="shop", revision="0123456789abcdef")
        found = resolve(tree, request(parameters=parameters, build_env=env))
        assert (found.parameters.set_values, found.warnings) == ((("tag", "0123456"),), ())
        found = resolve(tree, request(parameters=parameters))
        assert found.parameters.set_values == (("tag", "ARGOCD_APP_REVISION_SHORT"),)
        assert found.warnings == (
            "Argo CD replaces $ARGOCD_APP_REVISION_SHORT in set tag; here its name stands for it",
        )


class TestRoot:
    def opened(self, folder: Path) -> tuple[str, str]:
        tree, start = instances.open_repository(str(folder))
        return tree.root, start

    def test_the_nearest_cmp_yaml_upwards_is_the_root(self, tmp_path: Path) -> None:
        plant(tmp_path, {".git/HEAD": "", "cmp.yaml": "", "deploy/cmp.yaml": "", "deploy/namespaces/shop/x": ""})
        assert self.opened(tmp_path / "deploy/namespaces/shop") == (str(tmp_path / "deploy"), "namespaces/shop")
        assert self.opened(tmp_path / "deploy") == (str(tmp_path / "deploy"), "")
        assert self.opened(tmp_path) == (str(tmp_path), "")

    def test_cmp_yaml_goes_before_the_reference_layout(self, tmp_path: Path) -> None:
        plant(tmp_path, {**REFERENCE, "cmp.yaml": "", "x/namespaces/a/y": "", "x/clusters/b": ""})
        assert self.opened(tmp_path / "x/namespaces/a") == (str(tmp_path), "x/namespaces/a")

    def test_without_cmp_yaml_the_reference_layout_is_the_root(self, tmp_path: Path) -> None:
        plant(tmp_path / "deploy", REFERENCE)
        plant(tmp_path, {".git": "gitdir: elsewhere"})
        assert self.opened(tmp_path / "deploy/namespaces/shop") == (str(tmp_path / "deploy"), "namespaces/shop")

    @pytest.mark.parametrize("git", [".git", ".git/HEAD"])
    def test_the_search_ends_at_the_git_root(self, tmp_path: Path, git: str) -> None:
        plant(tmp_path, {"cmp.yaml": "", **REFERENCE, f"inner/{git}": "", "inner/a/b": ""})
        with pytest.raises(ConfigError) as caught:
            self.opened(tmp_path / "inner/a")
        assert caught.value.lines() == [
            (
                "cmp: no repository here: no cmp.yaml and no folders namespaces and clusters in "
                f"{tmp_path}/inner/a or above"
            ),
            "  hint: go into the repository; its root holds cmp.yaml, or the folders of the reference layout",
        ]

    def test_no_source_tree_lies_in_the_folder_of_git(self, tmp_path: Path) -> None:
        plant(tmp_path, {".git/hooks/cmp.yaml": ""})
        with pytest.raises(ConfigError) as caught:
            self.opened(tmp_path / ".git/hooks")
        assert caught.value.lines()[:2] == [
            "cmp: this path leads into .git, the folder of Git itself",
            "  where: .git/hooks",
        ]

    def test_a_linked_working_directory_is_followed(self, tmp_path: Path) -> None:
        plant(tmp_path / "repo", REFERENCE)
        (tmp_path / "link").symlink_to("repo/namespaces/shop")
        assert self.opened(tmp_path / "link") == (str(tmp_path / "repo"), "namespaces/shop")


class TestSidecar:
    def opened(self, cwd: Path, source_path: str) -> tuple[str, str]:
        tree, folder = instances.open_sidecar(str(cwd), BuildEnv(source_path=source_path))
        return tree.root, folder

    @pytest.mark.parametrize("path", ["namespaces/shop", "clusters/dev/shop", "./namespaces/shop/"])
    def test_the_source_path_is_the_end_of_the_working_directory(self, tmp_path: Path, path: str) -> None:
        plant(tmp_path, REFERENCE)
        assert self.opened(tmp_path / path, path) == (str(tmp_path), path.strip("./"))

    def test_the_root_may_lie_below_the_repositorys(self, tmp_path: Path) -> None:
        plant(tmp_path, {"deploy/cmp.yaml": "", "deploy/apps/shop/x": ""})
        assert self.opened(tmp_path / "deploy/apps/shop", "deploy/apps/shop") == (str(tmp_path / "deploy"), "apps/shop")

    def test_the_search_ends_at_the_work_folder(self, tmp_path: Path) -> None:
        plant(tmp_path, {"cmp.yaml": "", "work/namespaces/shop/x": ""})
        with pytest.raises(ConfigError, match="no repository here"):
            self.opened(tmp_path / "work/namespaces/shop", "namespaces/shop")

    def test_a_source_path_through_a_link_is_followed(self, tmp_path: Path) -> None:
        plant(tmp_path, {**REFERENCE, "namespaces/twin": "-> shop"})
        assert self.opened(tmp_path / "namespaces/twin", "namespaces/twin") == (str(tmp_path), "namespaces/twin")

    def test_the_root_itself_may_be_the_source_path(self, tmp_path: Path) -> None:
        plant(tmp_path, {"cmp.yaml": ""})
        assert self.opened(tmp_path, ".") == (str(tmp_path), "")

    @pytest.mark.parametrize(
        ("arrived", "cwd"),
        [("namespaces/shop", "."), ("namespaces", "shop"), ("clusters/dev", "shop")],
    )
    def test_a_part_of_the_repository_is_not_taken_for_the_whole(self, tmp_path: Path, arrived: str, cwd: str) -> None:
        plant(tmp_path / "repo", REFERENCE)
        work = tmp_path / "work"
        os.rename(tmp_path / "repo" / arrived, work)
        path = os.path.normpath(f"{arrived}/{cwd}")
        with pytest.raises(ConfigError) as caught:
            self.opened(work / cwd, path)
        assert caught.value.lines(is_cached=True) == [
            f"cmp: only a part of the repository arrived: the working directory does not end in the source path {path}",
            (
                "  hint: name everything the application uses in the annotation "
                "argocd.argoproj.io/manifest-generate-paths, from the root: /cmp.yaml;/namespaces;/clusters in the "
                "reference layout, or / for everything; Argo CD keeps this error cached until a hard refresh"
            ),
        ]

    @pytest.mark.parametrize("path", ["/namespaces/shop", "../shop", ".."])
    def test_a_source_path_that_is_no_path_of_a_repository_is_refused(self, tmp_path: Path, path: str) -> None:
        plant(tmp_path, REFERENCE)
        with pytest.raises(ConfigError, match="only a part of the repository arrived"):
            self.opened(tmp_path / "namespaces/shop", path)

    def test_outside_the_sidecar_there_is_no_source_path(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            self.opened(tmp_path, "")
        assert caught.value.what == "ARGOCD_APP_SOURCE_PATH is not set"


def test_all_pairs_of_a_large_repository_are_resolved_at_once(tmp_path: Path) -> None:
    clusters = [f"c{number}" for number in range(10)]
    files: dict[str, str] = {}
    for number in range(50):
        app = f"app{number}"
        files |= {f"namespaces/{app}/Chart.yaml": CHART, f"namespaces/{app}/common-values.yaml": ""}
        files |= {f"clusters/{cluster}/{app}/{cluster}-values.yaml": "" for cluster in clusters}
    repository = Repository(plant(tmp_path, files), ENGINES)
    started = time.process_time()
    found = [instances.resolve_in(repository, request(pair.app, pair.cluster)) for pair in repository.pairs()]
    assert len(found) == 500
    assert all(len(instance.layers) == 2 for instance in found)
    assert time.process_time() - started < 2
