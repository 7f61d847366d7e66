"""The layout says where applications lie and run: facts choose folders, instances fall back, files are instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from cmp.engines import ENGINES
from cmp.errors import CmpError, ConfigError
from cmp.model import Parameters
from cmp.repository.instances import Repository
from cmp.system.tree import WorkTree
from tests.support.trees import CHART, paths, plant, request, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.repository.instances import Request
    from cmp.system.tree import Entry

STAGES = "clusters: {live-1: {stage: live}, live-2: {stage: live}, test-1: {stage: test}, lab: {}}\n"
BY_STAGE = {
    "charts/live/shop/Chart.yaml": CHART,
    "charts/test/shop/Chart.yaml": CHART,
    "charts/test/till/Chart.yaml": CHART,
}


class ListedTree(WorkTree):
    """A tree that notes which folders were listed."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.listed: set[str] = set()

    def entries(self, path: str) -> list[Entry]:
        self.listed.add(path)
        return super().entries(path)


def tree_of(tmp_path: Path, config: str, files: dict[str, str]) -> WorkTree:
    return plant(tmp_path, {"cmp.yaml": f"version: 1\n{config}", **files})


def staged(tmp_path: Path, keys: str = "instances: ''", files: dict[str, str] = BY_STAGE) -> WorkTree:
    return tree_of(tmp_path, f"layout:\n  apps: 'charts/{{stage}}/{{app}}'\n  values: []\n  {keys}\n{STAGES}", files)


def pairs(tree: WorkTree) -> list[tuple[str, ...]]:
    return [tuple(pair) for pair in Repository(tree, ENGINES).pairs()]


def refusal(tree: WorkTree, asked: Request) -> list[str]:
    with pytest.raises(CmpError) as caught:
        resolve(tree, asked)
    return caught.value.lines(is_cached=True)


class TestFacts:
    def test_a_fact_of_the_cluster_chooses_the_folder(self, tmp_path: Path) -> None:
        tree = staged(tmp_path)
        assert pairs(tree) == [
            ("shop", "live-1", "charts/live/shop", ""),
            ("shop", "live-2", "charts/live/shop", ""),
            ("shop", "test-1", "charts/test/shop", ""),
            ("till", "test-1", "charts/test/till", ""),
        ]
        instance = resolve(tree, request(cluster="live-2"))
        assert (instance.app_folder, instance.placeholders["stage"]) == ("charts/live/shop", "live")

    def test_clusters_of_an_inventory_file_have_facts_too(self, tmp_path: Path) -> None:
        files = {**BY_STAGE, "clusters.yaml": "east: {stage: live}\n"}
        tree = tree_of(
            tmp_path,
            "layout: {apps: 'charts/{stage}/{app}', instances: '', values: []}\nclusters: {file: clusters.yaml}\n",
            files,
        )
        assert pairs(tree) == [("shop", "east", "charts/live/shop", "")]

    def test_without_an_inventory_a_capture_is_no_fact(self, tmp_path: Path) -> None:
        config = "layout: {apps: 'charts/{stage}/{app}', instances: '', values: []}\n"
        tree = tree_of(tmp_path, config, BY_STAGE)
        assert pairs(tree) == [("shop", "", "charts/live/shop", ""), ("till", "", "charts/test/till", "")]
        assert refusal(tree, request("shop", ""))[0] == (
            "cmp: two applications are named shop: charts/live/shop and charts/test/shop, by the pattern "
            "charts/{stage}/{app}"
        )

    def test_a_cluster_without_the_fact_says_so(self, tmp_path: Path) -> None:
        assert refusal(staged(tmp_path), request(cluster="lab")) == [
            (
                "cmp: application shop does not run on cluster lab, which has no stage: its folders are "
                "charts/{stage}/{app}"
            ),
            "  where: application shop, cluster lab",
            "  hint: give the cluster the fact stage in the inventory; the application runs on live-1, live-2, test-1",
        ]

    def test_a_cluster_without_a_folder_says_which_is_missing(self, tmp_path: Path) -> None:
        assert refusal(staged(tmp_path), request("till", "live-1")) == [
            "cmp: application till does not run on cluster live-1: there is no folder charts/live/till",
            "  where: application till, cluster live-1",
            "  hint: it runs on test-1",
        ]

    def test_an_unknown_application_is_compared_with_those_of_all_clusters(self, tmp_path: Path) -> None:
        assert refusal(staged(tmp_path), request("tlil", "live-1"))[::2] == [
            "cmp: there is no application tlil: no folder charts/{stage}/{app} has this name",
            "  hint: did you mean `till`?",
        ]

    def test_a_cluster_is_needed_and_those_of_the_folder_are_named(self, tmp_path: Path) -> None:
        tree = staged(tmp_path)
        assert refusal(tree, request("shop", ""))[0] == (
            "cmp: which cluster? application shop runs on live-1, live-2, test-1"
        )
        assert refusal(tree, request("", "", folder="charts/live/shop/templates"))[0] == (
            "cmp: which cluster? application shop runs on live-1, live-2"
        )

    @pytest.mark.parametrize("in_sidecar", [False, True])
    def test_the_folder_and_the_cluster_must_agree(self, tmp_path: Path, in_sidecar: bool) -> None:  # noqa: FBT001
        tree = staged(tmp_path)
        asked = request("", "", folder="charts/live/shop", in_sidecar=in_sidecar)
        agreed = resolve(tree, asked._replace(parameters=Parameters(cluster="live-1")))
        assert agreed.app_folder == "charts/live/shop"
        assert refusal(tree, asked._replace(parameters=Parameters(cluster="test-1"))) == [
            "cmp: the folder charts/live/shop is for clusters with stage live, and cluster test-1 has stage test",
            "  where: application shop, cluster test-1",
            "  hint: they must agree: name another cluster, or go into the folder of this one",
        ]

    @pytest.mark.parametrize(
        ("choice", "clusters"),
        [("all", ["live-1", "live-2"]), ("[live-2]", ["live-2"]), ("{stage: test}", []), ("[lvie-1]", ["lvie-1"])],
    )
    def test_cmp_app_yaml_chooses_among_the_clusters_of_its_folder(
        self, tmp_path: Path, choice: str, clusters: list[str]
    ) -> None:
        files = {"charts/live/shop/Chart.yaml": CHART, "charts/live/shop/cmp-app.yaml": f"clusters: {choice}\n"}
        assert [pair[1] for pair in pairs(staged(tmp_path, files=files))] == clusters

    def test_instances_alone_say_where_it_runs(self, tmp_path: Path) -> None:
        tree = staged(tmp_path, "instances: 'clusters/{cluster}/{app}'", {**BY_STAGE, "clusters/live-1/shop/x": ""})
        assert pairs(tree) == [("shop", "live-1", "charts/live/shop", "clusters/live-1/shop")]
        assert refusal(tree, request(cluster="live-2"))[0] == (
            "cmp: application shop does not run on cluster live-2: there is no folder clusters/live-2/shop"
        )

    def test_the_instances_of_the_reference_layout_count_where_there_is_one(self, tmp_path: Path) -> None:
        layout = "release: '{app}'"  # no key `instances`
        assert len(pairs(staged(tmp_path, layout))) == 4
        tree = staged(tmp_path, layout, {"clusters/test-1/till/x": ""})
        assert pairs(tree) == [("till", "test-1", "charts/test/till", "clusters/test-1/till")]

    def test_a_mistake_in_one_folder_stops_the_pairs_of_that_one(self, tmp_path: Path) -> None:
        tree = staged(tmp_path, files={**BY_STAGE, "charts/live/shop/cmp-app.yaml": "clusterz: all\n"})
        assert [pair[:2] for pair in pairs(tree)] == [
            ("shop", "live-1"),
            ("shop", "live-2"),
            ("shop", "test-1"),
            ("till", "test-1"),
        ]
        assert "clusterz" in refusal(tree, request(cluster="live-1"))[0]
        assert resolve(tree, request(cluster="test-1")).app_folder == "charts/test/shop"

    def test_an_instance_on_a_cluster_without_a_folder_is_a_pair_that_says_so(self, tmp_path: Path) -> None:
        tree = staged(tmp_path, "instances: 'clusters/{cluster}/{app}'", {**BY_STAGE, "clusters/live-1/till/x": ""})
        assert pairs(tree) == [("till", "live-1", "charts/test/till", "clusters/live-1/till")]
        assert refusal(tree, request("till", "live-1"))[0] == (
            "cmp: application till does not run on cluster live-1: there is no folder charts/live/till"
        )

    def test_a_segment_with_several_names_is_split_as_the_clusters_have_it(self, tmp_path: Path) -> None:
        inventory = "clusters: {one: {stage: live}, two: {stage: pre-live}}\n"
        files = {"k8s/shop-api-pre-live/Chart.yaml": CHART, "k8s/shop-live/Chart.yaml": CHART}
        config = "layout: {apps: 'k8s/{app}-{stage}', instances: '', values: []}\n"
        tree = tree_of(tmp_path, config + inventory, files)
        assert [pair[:3] for pair in pairs(tree)] == [
            ("shop", "one", "k8s/shop-live"),
            ("shop-api", "two", "k8s/shop-api-pre-live"),
        ]
        assert resolve(tree, request("", "two", folder="k8s/shop-api-pre-live")).app == "shop-api"
        before = {"apps/shop/Chart.yaml": CHART, "apps/shop-api/Chart.yaml": CHART, "on/pre-live-shop-api.yaml": ""}
        config = "layout: {apps: 'apps/{app}', instances: 'on/{stage}-{app}.yaml', values: []}\n"
        assert ("shop-api", "two") in [pair[:2] for pair in pairs(tree_of(tmp_path / "2", config + inventory, before))]


class TestSeveralFolders:
    CLOSER = "layout: {apps: ['own/{cluster}/{app}', 'stages/{stage}/{app}', 'all/{app}'], instances: '', values: []}\n"

    def test_the_first_counts_that_captures_more_of_the_cluster(self, tmp_path: Path) -> None:
        files = {
            "own/live-1/shop/Chart.yaml": CHART,
            "stages/live/shop/Chart.yaml": CHART,
            "all/shop/Chart.yaml": CHART,
            "all/shop/cmp-app.yaml": "clusters: all\n",
        }
        tree = tree_of(tmp_path, self.CLOSER + STAGES, files)
        assert pairs(tree) == [
            ("shop", "lab", "all/shop", ""),
            ("shop", "live-1", "own/live-1/shop", ""),
            ("shop", "live-2", "stages/live/shop", ""),
            ("shop", "test-1", "all/shop", ""),
        ]
        for _, cluster, folder, _ in pairs(tree):
            assert resolve(tree, request(cluster=cluster)).folder == folder

    def test_a_wider_folder_is_no_application_without_clusters_beside_closer_ones(self, tmp_path: Path) -> None:
        files = {
            "charts/live/shop/Chart.yaml": CHART,
            "charts/all/shop/Chart.yaml": CHART,
            "charts/all/till/Chart.yaml": CHART,
        }
        config = "layout: {apps: ['charts/{stage}/{app}', 'charts/all/{app}'], instances: '', values: []}\n"
        tree = tree_of(tmp_path, config + STAGES, files)
        assert [pair[:3] for pair in pairs(tree)] == [
            ("shop", "live-1", "charts/live/shop"),
            ("shop", "live-2", "charts/live/shop"),
            ("till", "", "charts/all/till"),
        ]
        assert refusal(tree, request("shop", "lab"))[0].startswith("cmp: application shop does not run on cluster lab")
        plant(tmp_path, {"charts/all/shop/cmp-app.yaml": "clusters: all\n"})
        assert resolve(tree, request("shop", "lab")).folder == "charts/all/shop"
        assert resolve(tree, request("shop", "live-1")).folder == "charts/live/shop"

    def test_two_that_are_equally_good_stop_their_pairs_alone(self, tmp_path: Path) -> None:
        files = {
            "system/shop/Chart.yaml": CHART,
            "apps/shop/Chart.yaml": CHART,
            "apps/till/Chart.yaml": CHART,
        }
        tree = tree_of(tmp_path, "layout: {apps: ['system/{app}', 'apps/{app}'], instances: '', values: []}\n", files)
        assert pairs(tree) == [("shop", "", "system/shop", ""), ("till", "", "apps/till", "")]
        assert refusal(tree, request("shop", "")) == [
            "cmp: two applications are named shop: system/shop (system/{app}) and apps/shop (apps/{app})",
            "  where: application shop",
            "  hint: rename one of them; or go into one of the folders, or name it as the source path",
        ]
        assert resolve(tree, request("till", "")).folder == "apps/till"
        assert resolve(tree, request("", "", folder="apps/shop")).folder == "apps/shop"

    def test_a_closer_one_behind_a_wider_one_is_no_answer(self, tmp_path: Path) -> None:
        files = {"all/shop/Chart.yaml": CHART, "own/lab/shop/Chart.yaml": CHART}
        config = "layout: {apps: ['all/{app}', 'own/{cluster}/{app}'], instances: '', values: []}\n"
        assert refusal(tree_of(tmp_path, config + STAGES, files), request(cluster="lab")) == [
            "cmp: two applications are named shop: all/shop (all/{app}) and own/lab/shop (own/{cluster}/{app})",
            "  where: application shop, cluster lab",
            (
                "  hint: put own/{cluster}/{app} before all/{app} in layout.apps; "
                "or go into one of the folders, or name it as the source path"
            ),
        ]

    def test_a_folder_belongs_to_the_first_pattern_that_a_cluster_fits(self, tmp_path: Path) -> None:
        files = {
            "k8s/live-1/shop/Chart.yaml": CHART,
            "k8s/live/till/Chart.yaml": CHART,
            "k8s/pos/bank/Chart.yaml": CHART,
        }
        config = "layout: {apps: ['k8s/{cluster}/{app}', 'k8s/{stage}/{app}', 'k8s/{team}/{app}'], values: []}\n"
        tree = tree_of(tmp_path, config + STAGES, files)
        assert pairs(tree) == [
            ("bank", "", "k8s/pos/bank", ""),
            ("shop", "live-1", "k8s/live-1/shop", ""),
            ("till", "live-1", "k8s/live/till", ""),
            ("till", "live-2", "k8s/live/till", ""),
        ]
        assert resolve(tree, request("bank", "")).placeholders["team"] == "pos"


class TestFallBack:
    LAYOUT = (
        "layout: {apps: 'apps/{app}', instances: ['clusters/{stage}/{cluster}/{app}', 'clusters/{stage}/{app}'], "
        "values: []}\n"
    )
    FILES: ClassVar = {
        "apps/shop/Chart.yaml": CHART,
        "apps/till/Chart.yaml": CHART,
        "clusters/live/live-1/shop/own.txt": "",
        "clusters/live/shop/all.txt": "",
        "clusters/live/till/all.txt": "",
        "clusters/test/test-1/.keep": "",
    }

    def test_the_first_that_exists_is_the_instance(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, self.LAYOUT + STAGES, self.FILES)
        assert pairs(tree) == [
            ("shop", "live-1", "apps/shop", "clusters/live/live-1/shop"),
            ("shop", "live-2", "apps/shop", "clusters/live/shop"),
            ("till", "live-1", "apps/till", "clusters/live/till"),
            ("till", "live-2", "apps/till", "clusters/live/till"),
        ]
        for app, cluster, _, folder in pairs(tree):
            assert resolve(tree, request(app, cluster)).instance_folder == folder
        assert refusal(tree, request("till", "test-1"))[0] == (
            "cmp: application till does not run on cluster test-1: there is no folder clusters/test/test-1/till or "
            "clusters/test/till"
        )

    def test_a_cluster_without_the_fact_has_no_instance(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, self.LAYOUT + STAGES, self.FILES)
        assert refusal(tree, request("till", "lab"))[0] == (
            "cmp: application till does not run on cluster lab: there is no folder clusters/{stage}/lab/till or "
            "clusters/{stage}/till"
        )

    def test_an_application_named_like_a_cluster_has_no_instance_in_that_of_the_cluster(self, tmp_path: Path) -> None:
        files = {**self.FILES, "apps/live-1/Chart.yaml": CHART}
        tree = tree_of(tmp_path, self.LAYOUT + STAGES, files)
        assert [pair[1] for pair in pairs(tree) if pair[0] == "live-1"] == [""]
        assert resolve(tree, request("live-1", "live-2")).instance_folder == ""

    def test_a_folder_of_a_stage_may_hold_those_of_its_clusters(self, tmp_path: Path) -> None:
        files = {
            "apps/shop/Chart.yaml": CHART,
            "apps/shop/live/all.txt": "",
            "apps/shop/live/live-1/own.txt": "",
            "apps/shop/test/test-1/own.txt": "",
        }
        config = (
            "layout: {apps: 'apps/{app}', instances: ['apps/{app}/{stage}/{cluster}', "
            "'apps/{app}/{stage}'], values: []}\n"
        )
        inventory = (
            "clusters: {live-1: {stage: live}, live-2: {stage: live}, test-1: {stage: test}, test-2: {stage: test}}\n"
        )
        tree = tree_of(tmp_path, config + inventory, files)
        assert pairs(tree) == [
            ("shop", "live-1", "apps/shop", "apps/shop/live/live-1"),
            ("shop", "live-2", "apps/shop", "apps/shop/live"),
            ("shop", "test-1", "apps/shop", "apps/shop/test/test-1"),  # test/ itself holds no file: no instance
        ]
        with pytest.raises(ConfigError):
            resolve(tree, request(cluster="test-2"))

    def test_the_folder_names_the_application_and_must_fit_the_cluster(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, self.LAYOUT + STAGES, self.FILES)
        assert resolve(tree, request("", "live-2", folder="clusters/live/till")).app == "till"
        assert resolve(tree, request("", "", folder="clusters/live/live-1/shop")).cluster == "live-1"
        assert refusal(tree, request("", "test-1", folder="clusters/live/till"))[0] == (
            "cmp: the folder clusters/live/till is for clusters with stage live, and cluster test-1 has stage test"
        )

    def test_any_depth_stands_for_folders_between(self, tmp_path: Path) -> None:
        files = {
            "apps/shop/Chart.yaml": CHART,
            "fleet/eu/north/live-1/shop/x.txt": "",
            "fleet/test-1/shop/x.txt": "",
        }
        config = "layout: {apps: 'apps/{app}', instances: 'fleet/**/{cluster}/{app}', values: []}\n"
        files |= {"fleet/us/south/.keep": "", "fleet/test-1/shop/deep/er/x.txt": ""}
        for inventory in (STAGES, ""):
            (tmp_path / f"{len(inventory)}").mkdir()
            tree = tree_of(tmp_path / f"{len(inventory)}", config + inventory, files)
            found = [
                ("shop", "live-1", "apps/shop", "fleet/eu/north/live-1/shop"),
                ("shop", "test-1", "apps/shop", "fleet/test-1/shop"),
            ]
            assert [pair for pair in pairs(tree) if pair[0] == "shop"] == found
            assert resolve(tree, request(cluster="live-1")).instance_folder == "fleet/eu/north/live-1/shop"
            assert inventory == "" or pairs(tree) == found

    def test_several_by_one_pattern_are_an_error(self, tmp_path: Path) -> None:
        files = {"apps/shop/Chart.yaml": CHART, "eu/lab/shop/x.txt": "", "us/lab/shop/x.txt": ""}
        config = "layout: {apps: 'apps/{app}', instances: '*/{cluster}/{app}', values: []}\n"
        assert refusal(tree_of(tmp_path, config + STAGES, files), request(cluster="lab")) == [
            "cmp: application shop has several folders for cluster lab: eu/lab/shop, us/lab/shop",
            "  where: application shop, cluster lab",
            "  hint: all match */{cluster}/{app} of layout.instances: remove all but one",
        ]

    def test_one_pair_is_found_without_a_look_at_the_others(self, tmp_path: Path) -> None:
        others = {f"clusters/{stage}/{name}/x.txt": "" for stage in ("live", "test") for name in ("a", "b", "c")}
        files = {**self.FILES, **BY_STAGE, **others, **{f"charts/live/{name}/Chart.yaml": CHART for name in "abc"}}
        layout = self.LAYOUT.replace("apps/{app}", "charts/{stage}/{app}")
        tree = ListedTree(str(tree_of(tmp_path, layout + STAGES, files).root))
        assert resolve(tree, request(cluster="live-2")).instance_folder == "clusters/live/shop"
        assert sorted(tree.listed) == ["charts/live/shop", "clusters/live/shop"]


class TestFiles:
    LAYOUT = (
        "layout: {apps: 'charts/{app}', instances: 'charts/{app}/values-{cluster}.yaml', "
        "values: ['charts/{app}/values-{cluster}.yaml']}\n"
    )
    FILES: ClassVar = {
        "charts/shop/Chart.yaml": CHART,
        "charts/shop/values-live-1.yaml": "a: 1\n",
        "charts/shop/values-common.yaml": "a: 1\n",
        "charts/shop/values-lab.secret.yaml": "a: 1\n",
        "charts/till/Chart.yaml": CHART,
    }

    def test_a_values_file_says_that_it_runs_on_the_cluster(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, self.LAYOUT + STAGES, self.FILES)
        assert pairs(tree) == [("shop", "live-1", "charts/shop", "")]
        instance = resolve(tree, request(cluster="live-1"))
        assert (instance.instance_folder, instance.instance_file) == ("", "charts/shop/values-live-1.yaml")
        assert paths(instance) == ["charts/shop/values-live-1.yaml"]
        assert refusal(tree, request(cluster="live-2")) == [
            "cmp: application shop does not run on cluster live-2: there is no file charts/shop/values-live-2.yaml",
            "  where: application shop, cluster live-2",
            "  hint: it runs on live-1",
        ]
        assert refusal(tree, request("till", "")) == [
            "cmp: which cluster? application till runs on none: there is no file charts/till/values-{cluster}.yaml",
            "  where: application till",
            "  hint: name it by --cluster; in Argo CD by the parameter cluster, or CMP_CLUSTER in the sidecar",
        ]

    def test_without_an_inventory_every_name_is_a_cluster_but_those_of_other_layers(self, tmp_path: Path) -> None:
        common = self.LAYOUT.replace("values: [", "values: ['charts/{app}/values-common.yaml', ")
        tree = tree_of(tmp_path, common, {**self.FILES, "charts/shop/values-any.yaml": ""})
        assert [pair[1] for pair in pairs(tree)] == ["any", "live-1"]

    def test_a_file_of_a_stage_is_for_all_of_its_clusters(self, tmp_path: Path) -> None:
        config = (
            "layout: {apps: 'charts/{app}', instances: ['{cluster}/{app}', 'values/{app}.{stage}.yaml'], values: []}\n"
        )
        files = {
            "charts/shop/Chart.yaml": CHART,
            "values/shop.live.yaml": "",
            "live-2/shop/x.txt": "",
        }
        assert pairs(tree_of(tmp_path, config + STAGES, files)) == [
            ("shop", "live-1", "charts/shop", ""),
            ("shop", "live-2", "charts/shop", "live-2/shop"),
        ]

    BESIDE = (
        "layout: {apps: 'charts/{app}', instances: 'clusters/{cluster}/{app}.yaml', "
        "values: ['clusters/{cluster}/common.yaml', 'clusters/{cluster}/{app}.yaml'], "
        "ignore: ['clusters/*/flux.yaml']}\n"
    )

    def test_a_file_of_no_application_is_an_error_unless_it_is_known_as_another(self, tmp_path: Path) -> None:
        files = {
            "charts/shop/Chart.yaml": CHART,
            "clusters/lab/common.yaml": "",
            "clusters/lab/flux.yaml": "",
            "clusters/lab/shop.yaml": "",
            "clusters/lab/shpo.yaml": "",
        }
        tree = tree_of(tmp_path, self.BESIDE + STAGES, files)
        assert pairs(tree) == [("shop", "lab", "charts/shop", ""), ("shpo", "lab", "", "")]
        assert refusal(tree, request("shpo", "lab")) == [
            (
                "cmp: there is no application shpo, though clusters/lab/shpo.yaml says that it runs on lab: no folder "
                "charts/{app} has this name"
            ),
            "  where: application shpo, cluster lab",
            "  hint: did you mean `shop`?",
        ]

    def test_a_file_whose_values_are_in_no_layer_is_noted_unless_it_is_empty(self, tmp_path: Path) -> None:
        files = {
            "charts/shop/Chart.yaml": CHART,
            "clusters/lab/shop.yaml": "a: 1\n",
            "clusters/live-1/shop.yaml": "# runs here\n",
        }
        config = "layout: {apps: 'charts/{app}', instances: 'clusters/{cluster}/{app}.yaml', values: []}\n"
        tree = tree_of(tmp_path, config + STAGES, files)
        assert resolve(tree, request(cluster="lab")).warnings == (
            (
                "clusters/lab/shop.yaml says that the application runs here, and its content is lost: "
                "no pattern of layout.values matches it"
            ),
        )
        assert resolve(tree, request(cluster="live-1")).warnings == ()

    def test_a_file_beside_plain_manifests_is_none(self, tmp_path: Path) -> None:
        config = "layout: {apps: 'apps/{app}', instances: 'apps/{app}/on-{cluster}.yaml', values: []}\n"
        files = {
            "apps/shop/a.yaml": "apiVersion: v1\nkind: A\n",
            "apps/shop/on-lab.yaml": "",
            "apps/shop/on-live-1.yaml": "",
        }
        tree = tree_of(tmp_path, config + STAGES, files)
        instance = resolve(tree, request(cluster="lab"))
        assert (instance.manifest_files, instance.warnings) == (("apps/shop/a.yaml",), ())


class TestWildcards:
    FILES: ClassVar = {
        "apps/red/shop/Chart.yaml": CHART,
        "apps/red/notes/README.md": "",
        "apps/blue/till/a.yaml": "apiVersion: v1\nkind: ConfigMap\n",
        "apps/blue/values/a.yaml": "a: 1\n",
        "apps/blue/says/cmp-app.yaml": "release: x\n",
        "apps/blue/shared/kustomization.yaml": "kind: Component\n",
    }

    @pytest.mark.parametrize("pattern", ["apps/{team}/{app}", "apps/*/{app}", "apps/**/{app}"])
    def test_a_folder_without_an_engines_file_is_no_application(self, tmp_path: Path, pattern: str) -> None:
        config = f"layout: {{apps: '{pattern}', instances: '', values: []}}\n"
        tree = tree_of(tmp_path, config, self.FILES)
        assert [pair[0] for pair in pairs(tree)] == ["says", "shop", "till"]
        assert resolve(tree, request("", "", folder="apps/red/shop/templates/deep")).app == "shop"
        assert refusal(tree, request("notes", "")) == [
            "cmp: there is no application notes: apps/red/notes has no file of an engine",
            "  where: application notes",
            (
                "  hint: the engines are helm (Chart.yaml), kustomize (kustomization.yaml or kustomization.yml or "
                "Kustomization), helmfile (helmfile.yaml or helmfile.yaml.gotmpl or helmfile.d), cue (*.cue), plain "
                "(*.yaml or *.yml or *.json)"
            ),
        ]

    def test_the_source_path_of_such_a_folder_is_no_applications(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, "layout: {apps: 'apps/{team}/{app}', instances: '', values: []}\n", self.FILES)
        assert refusal(tree, request("", "", folder="apps/red/notes", in_sidecar=True))[0] == (
            "cmp: the source path apps/red/notes is no application's folder"
        )

    def test_without_a_wildcard_it_is_an_application_with_an_error(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, "layout: {apps: 'apps/red/{app}', instances: '', values: []}\n", self.FILES)
        assert [pair[0] for pair in pairs(tree)] == ["notes", "shop"]
        assert refusal(tree, request("notes", ""))[0] == "cmp: the folder apps/red/notes has no file of an engine"

    @pytest.mark.parametrize(
        ("defaults", "apps"),
        [
            ("", []),
            ("defaults: {plain: {recurse: true}}\n", ["deep"]),
            ("defaults: {helmfile: {file: '{app}.yaml'}}\n", ["named"]),
        ],
    )
    def test_options_of_all_applications_say_what_an_engines_file_is(
        self, tmp_path: Path, defaults: str, apps: list[str]
    ) -> None:
        files = {"x/deep/below/a.yaml": "apiVersion: v1\nkind: A\n", "x/named/named.yaml": "releases: []\n"}
        tree = tree_of(tmp_path, f"layout: {{apps: '*/{{app}}', instances: '', values: []}}\n{defaults}", files)
        assert [pair[0] for pair in pairs(tree)] == apps

    def test_an_instance_makes_an_application_of_a_folder(self, tmp_path: Path) -> None:
        files = {
            "apps/red/shop/.keep": "",
            "clusters/lab/shop/Chart.yaml": CHART,
            "apps/red/notes/img/a.png": "",
            "apps/red/notes/.keep": "",
        }
        config = "layout: {apps: 'apps/*/{app}', instances: 'clusters/{cluster}/{app}', values: []}\n"
        assert pairs(tree_of(tmp_path, config, files)) == [("shop", "lab", "apps/red/shop", "clusters/lab/shop")]
        beside = "layout: {apps: 'apps/*/{app}', instances: 'apps/*/{app}/{cluster}', values: []}\n"
        assert pairs(tree_of(tmp_path, beside, {"apps/red/till/lab/Chart.yaml": CHART})) == [
            ("till", "lab", "apps/red/till", "apps/red/till/lab")
        ]

    def test_one_of_two_folders_of_a_name_may_be_no_application(self, tmp_path: Path) -> None:
        tree = tree_of(
            tmp_path,
            "layout: {apps: '{kind}/{app}', instances: '', values: []}\n",
            {"charts/shop/Chart.yaml": CHART, "docs/shop/README.md": ""},
        )
        assert resolve(tree, request("shop", "")).folder == "charts/shop"

    def test_a_folder_of_a_group_above_applications_is_none(self, tmp_path: Path) -> None:
        files = {"apps/dns/Chart.yaml": CHART, "apps/red/shop/Chart.yaml": CHART}
        tree = tree_of(
            tmp_path, "layout: {apps: ['apps/{app}', 'apps/{team}/{app}'], instances: '', values: []}\n", files
        )
        assert [pair[0] for pair in pairs(tree)] == ["dns", "shop"]

    def test_a_star_behind_the_name_takes_nothing_of_it(self, tmp_path: Path) -> None:
        files = {f"{name}/Chart.yaml": CHART for name in ("shop", "shop-api")} | {
            "docs/README.md": "",
            "tools/x.sh": "",
        }
        tree = tree_of(tmp_path, "layout: {apps: '{app}*', instances: '', values: []}\n", files)
        assert [pair[0] for pair in pairs(tree)] == ["shop", "shop-api"]
        assert resolve(tree, request("shop", "")).folder == "shop"
        assert (
            refusal(tree, request("sho", ""))[0] == "cmp: there is no application sho: no folder {app}* has this name"
        )

    def test_a_folder_that_only_holds_those_of_another_pattern_is_none(self, tmp_path: Path) -> None:
        files = {"apps/shop/base/Chart.yaml": CHART, "apps/till/Chart.yaml": CHART}
        config = "layout: {apps: ['apps/{app}/base', 'apps/{app}'], instances: '', values: []}\n"
        tree = tree_of(tmp_path, config, files)
        assert [pair[2] for pair in pairs(tree)] == ["apps/shop/base", "apps/till"]
        assert refusal(plant(tmp_path, {"apps/shop/Chart.yaml": CHART}), request("shop", ""))[0] == (
            "cmp: two applications are named shop: apps/shop/base (apps/{app}/base) and apps/shop (apps/{app})"
        )

    def test_of_several_patterns_a_folder_of_an_unknown_cluster_needs_an_engines_file(self, tmp_path: Path) -> None:
        files = {
            "shop/overlays/live/live-1/Chart.yaml": CHART,
            "shop/overlays/lab/Chart.yaml": CHART,
            "shop/overlays/old/Chart.yaml": CHART,
        }
        config = (
            "layout: {apps: ['{app}/overlays/*/{cluster}', '{app}/overlays/{cluster}'], instances: '', values: []}\n"
        )
        tree = tree_of(tmp_path, config + STAGES, files)
        assert [pair[1:3] for pair in pairs(tree)] == [
            ("lab", "shop/overlays/lab"),
            ("live-1", "shop/overlays/live/live-1"),
            ("old", "shop/overlays/old"),
        ]

    def test_a_chart_of_the_layout_makes_applications_of_folders_with_values(self, tmp_path: Path) -> None:
        config = (
            "layout: {apps: 'teams/*/{app}', instances: '', chart: charts/web, "
            "values: ['teams/*/{app}/values.yaml', {path: 'all/{app}.yaml', optional: true}]}\n"
        )
        files = {
            "charts/web/Chart.yaml": CHART,
            "teams/red/shop/values.yaml": "a: 1\n",
            "teams/red/till/x.txt": "",
            "all/till.yaml": "a: 1\n",
            "teams/red/docs/x.txt": "",
        }
        assert [pair[0] for pair in pairs(tree_of(tmp_path, config, files))] == ["shop", "till"]

    def test_a_chart_that_cmp_yaml_names_for_one_makes_an_application_of_its_folder(self, tmp_path: Path) -> None:
        config = (
            "layout: {apps: 'teams/*/{app}', instances: '', values: []}\n"
            "applications: [{apps: shop, chart: charts/web, values: ['teams/*/{app}/values.yaml']}]\n"
        )
        files = {
            "charts/web/Chart.yaml": CHART,
            "teams/red/shop/values.yaml": "a: 1\n",
            "teams/red/till/values.yaml": "a: 1\n",
        }
        assert [pair[0] for pair in pairs(tree_of(tmp_path, config, files))] == ["shop"]


class TestNames:
    LAYOUT = "layout: {apps: 'teams/{team}/{app}', instances: '', name: '{team}-{app}', values: []}\n"
    FILES: ClassVar = {
        "teams/red/shop/Chart.yaml": CHART,
        "teams/blue/shop/Chart.yaml": CHART,
        "teams/red/docs/x.txt": "",
    }

    def test_it_is_the_name_everywhere(self, tmp_path: Path) -> None:
        tree = tree_of(tmp_path, self.LAYOUT, self.FILES)
        assert pairs(tree) == [("blue-shop", "", "teams/blue/shop", ""), ("red-shop", "", "teams/red/shop", "")]
        instance = resolve(tree, request("red-shop", ""))
        assert (instance.app, instance.folder) == ("red-shop", "teams/red/shop")
        assert (instance.release, instance.namespace) == ("red-shop", "red-shop")
        known = instance.placeholders
        assert (known["name"], known["app"], known["team"]) == ("red-shop", "shop", "red")
        assert resolve(tree, request("", "", folder="teams/blue/shop")).app == "blue-shop"
        assert refusal(tree, request("rde-shop", ""))[::2] == [
            "cmp: there is no application rde-shop: no folder teams/{team}/{app} has this name",
            "  hint: did you mean `red-shop`?",
        ]
        assert refusal(tree, request("red-docs", ""))[0] == (
            "cmp: there is no application red-docs: teams/red/docs has no file of an engine"
        )

    def test_patterns_take_the_captured_text_or_the_name(self, tmp_path: Path) -> None:
        config = (
            "layout:\n  apps: 'teams/{team}/{app}'\n  instances: 'clusters/{cluster}/{name}'\n  name: '{team}-{app}'\n"
            "  values: ['v/{name}.yaml', 'v/{app}.yaml', 'v/{cluster}*.yaml']\n"
            "  release: '{app}'\n  namespace: 'ns-{name}'\n"
        )
        files = {**self.FILES, "clusters/lab/red-shop/x.txt": "", "v/shop.yaml": "", "v/red-shop.yaml": ""}
        tree = tree_of(tmp_path, config + STAGES, files)
        assert pairs(tree) == [("red-shop", "lab", "teams/red/shop", "clusters/lab/red-shop")]
        instance = resolve(tree, request("", "", folder="clusters/lab/red-shop"))
        assert (instance.app, instance.release, instance.namespace) == ("red-shop", "shop", "ns-red-shop")
        assert paths(instance) == ["v/red-shop.yaml", "v/shop.yaml"]

    def test_an_instance_of_a_name_that_no_application_has_is_a_pair_that_says_so(self, tmp_path: Path) -> None:
        config = self.LAYOUT.replace("instances: ''", "instances: 'clusters/{cluster}/{name}'")
        tree = tree_of(tmp_path, config + STAGES, {**self.FILES, "clusters/lab/rde-shop/x.txt": ""})
        assert ("rde-shop", "lab", "", "clusters/lab/rde-shop") in pairs(tree)
        assert refusal(tree, request("rde-shop", "lab"))[2] == "  hint: did you mean `red-shop`?"

    def test_an_instance_that_captures_less_is_that_of_each_application(self, tmp_path: Path) -> None:
        config = self.LAYOUT.replace("instances: ''", "instances: 'clusters/{cluster}/{app}'")
        files = {**self.FILES, "clusters/lab/shop/x.txt": ""}
        tree = tree_of(tmp_path, config + STAGES, files)
        assert [pair[:2] for pair in pairs(tree)] == [("blue-shop", "lab"), ("red-shop", "lab")]
        assert refusal(tree, request("", "", folder="clusters/lab/shop")) == [
            "cmp: which application? the folder clusters/lab/shop is of blue-shop and red-shop",
            "  hint: name one; in Argo CD by a source path that is the application's own folder",
        ]
        assert resolve(tree, request("red-shop", "", folder="clusters/lab/shop")).cluster == "lab"

    def test_names_that_are_still_the_same_stop_their_pairs_alone(self, tmp_path: Path) -> None:
        files = {"teams/a/b-c/Chart.yaml": CHART, "teams/a-b/c/Chart.yaml": CHART, **self.FILES}
        tree = tree_of(tmp_path, self.LAYOUT, files)
        assert [pair[0] for pair in pairs(tree)] == ["a-b-c", "blue-shop", "red-shop"]
        assert refusal(tree, request("a-b-c", ""))[0] == (
            "cmp: two applications are named a-b-c: teams/a-b/c and teams/a/b-c, by the pattern teams/{team}/{app}"
        )
