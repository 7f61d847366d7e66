"""A layout made of Argo CD's Applications: each generalisation, and a near miss of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.repository.scaffold.applications import propose
from cmp.repository.scaffold.applications.spelling import Spellings, merged, spellings
from cmp.repository.scaffold.wanted import Wanted, WantedChart, WantedPair, WantedValues
from cmp.system.tree import WorkTree
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cmp.repository.scaffold.applications import Proposed
    from cmp.repository.scaffold.proposal import Proposal

OWN = "https://kubernetes.default.svc"
SITES = ("kobe", "nara")


def one(  # the fields of an Application
    application: str,
    cluster: str = "in-cluster",
    path: str = "",
    values: Iterable[str] = (),
    *,
    chart: WantedChart | None = None,
    facts: Mapping[str, str] | None = None,
    place: str = "",
    namespace: str = "",
    release: str = "",
    kind: str = "helm",
    parent: str = "",
    origin: str = "",
) -> WantedPair:
    """Return an Application as `cmp init` reads it."""
    return WantedPair(
        application=application,
        place=place or f"argo/{application}.yaml:1",
        cluster=cluster,
        server=OWN if cluster == "in-cluster" else "",
        path=path,
        chart=chart,
        values=tuple(WantedValues(file) for file in values),
        release=release or application,
        namespace=namespace,
        kind=kind,
        facts=facts or {},
        parent=parent,
        origin=origin,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "tree"


def proposed(root: Path, pairs: Iterable[WantedPair], more: Iterable[str] = (), **known: object) -> Proposed:
    """Return what is proposed for a tree with the folders and values files of these pairs."""
    pairs = tuple(pairs)
    files = {file.path: "a: 1\n" for pair in pairs for file in pair.values} | dict.fromkeys(more, "a: 1\n")
    plant(root, files | {f"{pair.path}/Chart.yaml": CHART for pair in pairs if pair.path})
    found = propose(WorkTree(str(root)), Wanted(pairs, **known))  # type: ignore[arg-type]
    assert found
    return found


def proposal(root: Path, pairs: Iterable[WantedPair], more: Iterable[str] = (), **known: object) -> Proposal:
    return proposed(root, pairs, more, **known).proposal


def values_of(found: Proposal) -> list[str]:
    return [layer.pattern + ("?" if layer.optional else "") for layer in found.values]


class TestFolders:
    def test_the_name_on_the_way_is_the_application(self, root: Path) -> None:
        found = proposal(root, [one(app, path=f"charts/{app}") for app in ("mail", "shop")])
        assert (found.apps, found.instances, found.clusters) == (("charts/{app}",), (), {})

    def test_an_application_of_a_longer_name_is_the_folder(self, root: Path) -> None:
        found = proposed(root, [one(f"team-{app}", path=f"charts/{app}/chart") for app in ("mail", "shop")])
        assert found.proposal.apps == ("charts/{app}/chart",)
        assert {pair.app for pair in found.pairs} == {"mail", "shop"}

    def test_several_roots_are_a_list(self, root: Path) -> None:
        paths = ("apps/mail", "apps/shop", "system/dns")
        found = proposal(root, [one(path.rpartition("/")[2], path=path) for path in paths])
        assert found.apps == ("apps/{app}", "system/{app}")

    def test_many_roots_are_one_with_a_wildcard(self, root: Path) -> None:
        found = proposal(root, [one(f"a{number}", path=f"teams/t{number}/a{number}") for number in range(5)])
        assert found.apps == ("teams/*/{app}",)

    def test_an_overlay_is_the_folder_of_its_cluster(self, root: Path) -> None:
        pairs = [one(f"shop-{site}", site, f"k8s/shop/overlays/{site}", kind="kustomize") for site in SITES]
        found = proposal(root, pairs)
        assert (found.apps, found.instances, found.release) == (("k8s/{app}/overlays/{cluster}",), (), "")

    def test_a_fact_is_known_by_the_parameter_of_a_generator(self, root: Path) -> None:
        stages = {"kobe": "live", "nara": "live", "ise": "trial"}
        pairs = [
            one(f"{app}-{site}", site, f"charts/{stage}/{app}", facts={"stage": stage})
            for app in ("mail", "shop")
            for site, stage in stages.items()
        ]
        found = proposal(root, pairs)
        assert found.apps == ("charts/{stage}/{app}",)
        assert found.clusters == {site: {"stage": stage} for site, stage in sorted(stages.items())}

    def test_two_applications_of_one_folder_and_cluster_are_told(self, root: Path) -> None:
        pairs = [one("shop", "kobe", "apps/shop"), one("mail", "kobe", "apps/mail"), one("old", "nara", "x/shop")]
        again = one("shop-again", "kobe", "other/shop/chart")
        found = proposed(root, [*pairs, again])
        assert [(left.application, reason) for left, reason in found.left] == [
            ("shop-again", "shop is shop on kobe already")
        ]


class TestCharts:
    CHART = WantedChart("https://charts.example.com", "base", "1.2.3")

    def test_a_chart_for_many_is_that_of_the_layout(self, root: Path) -> None:
        pairs = [one(app, path="charts/base", values=[f"apps/{app}/values.yaml"]) for app in ("mail", "shop")]
        found = proposal(root, pairs)
        assert (found.apps, found.chart, values_of(found)) == (
            ("apps/{app}",),
            "charts/base",
            ["apps/{app}/values.yaml"],
        )

    def test_a_chart_of_a_repository_stands_where_its_values_lie(self, root: Path) -> None:
        found = proposal(root, [one("shop", chart=self.CHART, values=["apps/shop/values.yaml"])])
        assert found.chart == {"repository": "https://charts.example.com", "name": "base", "version": "1.2.3"}

    def test_several_charts_are_entries(self, root: Path) -> None:
        other = self.CHART._replace(name="other")
        pairs = [
            one("shop", chart=self.CHART, values=["apps/shop/values.yaml"]),
            one("mail", chart=other, values=["apps/mail/values.yaml"]),
        ]
        found = proposal(root, pairs)
        assert found.chart == ""
        assert [(entry["apps"], entry["chart"]["name"]) for entry in found.applications] == [  # type: ignore[index]
            ("mail", "other"),
            ("shop", "base"),
        ]

    def test_a_chart_without_a_folder_of_its_own_has_no_place(self, root: Path) -> None:
        found = proposed(root, [one("dns", chart=self.CHART), one("shop", path="apps/shop")])
        assert [(left.application, reason) for left, reason in found.left] == [
            ("dns", "no folder of the tree is its own")
        ]


class TestValues:
    def test_the_order_is_that_of_the_applications(self, root: Path) -> None:
        names = ("values.yaml", "zone.yaml", "common.yaml")
        pairs = [
            one(f"{app}-{site}", site, f"apps/{app}", [f"apps/{app}/{name}" for name in names] + [f"sites/{site}.yaml"])
            for app in ("mail", "shop")
            for site in SITES
        ]
        assert values_of(proposal(root, pairs)) == [*(f"apps/{{app}}/{name}" for name in names), "sites/{cluster}.yaml"]

    def test_a_file_that_some_lack_is_optional(self, root: Path) -> None:
        pairs = [one("mail", path="apps/mail"), one("shop", path="apps/shop", values=["apps/shop/extra.yaml"])]
        assert values_of(proposal(root, pairs)) == ["apps/{app}/extra.yaml?"]

    def test_a_file_that_is_there_and_is_not_listed_is_no_layer_of_all(self, root: Path) -> None:
        pairs = [one("mail", path="apps/mail"), one("shop", path="apps/shop", values=["apps/shop/values.yaml"])]
        found = proposal(root, pairs, ["apps/mail/values.yaml"])
        assert values_of(found) == []
        assert found.applications == ({"apps": "shop", "values": ["apps/{app}/values.yaml"]},)

    def test_what_is_stronger_than_the_file_of_some_is_said_for_them_too(self, root: Path) -> None:
        own, shared = "apps/shop/values.yaml", "shared/base.yaml"
        pairs = [
            one("mail", path="apps/mail", values=["apps/mail/values.yaml"]),
            one("shop", path="apps/shop", values=[shared, own]),
        ]
        found = proposal(root, pairs)
        assert values_of(found) == []
        assert [entry["values"] for entry in found.applications] == [
            ["apps/{app}/values.yaml"],
            [shared, "apps/{app}/values.yaml"],
        ]

    def test_a_file_by_a_fact_and_one_by_a_cluster(self, root: Path) -> None:
        stages = {"kobe": "live", "nara": "live", "ise": "trial"}
        pairs = [
            one(
                f"shop-{site}",
                site,
                "apps/shop",
                [f"apps/shop/{stage}.yaml", f"apps/shop/at-{site}.yaml"],
                facts={"stage": stage},
            )
            for site, stage in stages.items()
        ]
        found = proposal(root, pairs)
        assert values_of(found) == ["apps/{app}/{stage}.yaml", "apps/{app}/at-{cluster}.yaml"]

    def test_an_application_named_like_a_common_file_stays_itself(self, root: Path) -> None:
        pairs = [one(app, path=f"apps/{app}", values=["shared/common.yaml"]) for app in ("common", "mail", "shop")]
        assert values_of(proposal(root, pairs)) == ["shared/common.yaml"]


class TestPlaces:
    def test_folders_of_the_pairs_are_instances(self, root: Path) -> None:
        pairs = [
            one(f"{app}-{site}", site, f"apps/{app}", [f"sites/{site}/{app}/values.yaml"])
            for app, site in (("mail", "kobe"), ("shop", "kobe"), ("shop", "nara"))
        ]
        found = proposal(root, pairs)
        assert found.instances == ("sites/{cluster}/{app}",)
        assert found.applications == ()

    def test_a_folder_too_many_makes_the_file_the_instance(self, root: Path) -> None:
        pairs = [one(f"shop-{site}", site, "apps/shop", [f"sites/{site}/shop/values.yaml"]) for site in SITES]
        found = proposal(root, pairs, ["sites/kobe/argo/list.yaml"])
        assert found.instances == ("sites/{cluster}/{app}/values.yaml",)

    def test_a_file_too_many_leaves_it_to_entries(self, root: Path) -> None:
        pairs = [
            one(f"{app}-{site}", site, f"apps/{app}", [f"apps/{app}/values-{site}.yaml"])
            for app, site in (("mail", "kobe"), ("shop", "kobe"), ("shop", "nara"))
        ]
        found = proposal(root, pairs, ["apps/mail/values-nara.yaml"])
        assert found.instances == ()
        assert found.applications == ({"apps": "mail", "clusters": ["kobe"]}, {"apps": "shop", "clusters": "all"})

    def test_a_fact_chooses_the_clusters(self, root: Path) -> None:
        stages = {"kobe": "live", "nara": "live", "ise": "trial"}
        pairs = [one(f"shop-{site}", site, "apps/shop", facts={"stage": stage}) for site, stage in stages.items()]
        pairs += [one(f"mail-{site}", site, "apps/mail", facts={"stage": "live"}) for site in SITES]
        found = proposal(root, pairs)
        assert found.applications == (
            {"apps": "mail", "clusters": {"stage": "live"}},
            {"apps": "shop", "clusters": "all"},
        )

    def test_one_argo_cd_in_each_cluster(self, root: Path) -> None:
        pairs = [
            one(app, path=f"apps/{app}", values=[f"sites/{site}/{app}.yaml"], place=f"sites/{site}/argo/{app}.yaml:1")
            for app in ("mail", "shop")
            for site in SITES
        ]
        found = proposal(root, pairs)
        assert found.clusters == {"kobe": {}, "nara": {}}
        assert found.preview == {
            "argocds": [
                {"name": site, "applications": [f"sites/{site}/argo/*.yaml"], "inCluster": site} for site in SITES
            ]
        }

    def test_a_site_in_an_environment_is_a_cluster_of_both_names(self, root: Path) -> None:
        pairs = [
            one(
                app,
                path=f"charts/{env}/{app}",
                values=[f"places/{env}/{site}/{app}.yaml"],
                place=f"places/{env}/{site}/argo.yaml:1",
            )
            for app in ("mail", "shop")
            for env in ("prod", "test")
            for site in SITES
        ]
        found = proposal(root, pairs)
        assert (found.apps, values_of(found)) == (("charts/{env}/{app}",), ["places/{env}/{site}/{app}.yaml"])
        assert found.clusters["prod-kobe"] == {"env": "prod", "site": "kobe"}

    def test_the_children_of_each_parent_are_on_its_cluster(self, root: Path) -> None:
        pairs = [
            one(
                app,
                path=f"apps/{app}",
                values=[f"sites/{site}/{app}.yaml"],
                place="output of root:3",
                parent="root",
                origin=f"sites/{site}/root.yaml",
            )
            for app in ("mail", "shop")
            for site in SITES
        ]
        assert [*proposal(root, pairs).clusters] == [*SITES]

    def test_an_overlay_beside_a_base_is_an_instance(self, root: Path) -> None:
        pairs = [
            one("mail-dev", path="apps/mail/overlays/dev", kind="kustomize"),
            one("mail-prod", path="apps/mail/overlays/prod", kind="kustomize"),
            one("shop-dev", path="apps/shop/base", kind="kustomize"),
        ]
        found = proposal(root, pairs, ["apps/mail/base/map.yaml"])
        assert (found.apps, found.instances) == (("apps/{app}/base",), ("apps/{app}/overlays/{cluster}",))
        assert {"apps": "shop", "clusters": ["dev"]} in found.applications

    def test_stages_of_one_cluster_are_told_by_the_names(self, root: Path) -> None:
        pairs = [
            one(f"{app}-{stage}", path=f"apps/{app}", values=[f"apps/{app}/{stage}.yaml"])
            for app in ("mail", "shop")
            for stage in ("dev", "prod")
        ]
        found = proposal(root, pairs)
        assert ([*found.clusters], values_of(found), found.release) == (
            ["dev", "prod"],
            ["apps/{app}/{cluster}.yaml"],
            "{app}-{cluster}",
        )

    def test_names_with_a_common_word_are_no_stages(self, root: Path) -> None:
        pairs = [one(f"web-{part}", path=f"apps/web-{part}") for part in ("front", "back")]
        found = proposal(root, pairs)
        assert (found.apps, found.clusters) == (("apps/{app}",), {})

    @pytest.mark.parametrize(("file", "clusters"), [("live.yaml", []), ("values-kobe.yaml", ["kobe"])])
    def test_the_only_cluster_is_known_where_a_path_names_it(self, root: Path, file: str, clusters: list[str]) -> None:
        found = proposal(root, [one(app, "kobe", f"apps/{app}", [f"apps/{app}/{file}"]) for app in ("mail", "shop")])
        assert [*found.clusters] == clusters

    def test_a_parameter_that_names_the_application_is_no_cluster(self, root: Path) -> None:
        pairs = [one(app, path=f"apps/{app}", facts={"name": app}) for app in ("blog", "mail", "shop")]
        pairs.append(one("mail-again", path="apps/mail"))
        found = proposal(root, pairs)
        assert (found.apps, found.clusters) == (("apps/{app}",), {})

    def test_few_names_that_folders_repeat_make_no_clusters_of_these(self, root: Path) -> None:
        pairs = [
            one(app, path=f"apps/{app}", place=f"argo/{app}/one.yaml:1") for app in ("blog", "mail", "news", "shop")
        ]
        pairs += [one("dns", path="apps/dns", place=f"argo/{folder}/two.yaml:1") for folder in ("blog", "mail")]
        assert proposal(root, pairs).clusters == {}

    def test_a_server_has_the_name_that_a_list_gives_it(self, root: Path) -> None:
        pairs = [
            one("shop", f"10.0.0.{number}", "apps/shop", facts={"cluster": site})._replace(
                server=f"https://10.0.0.{number}", application=f"shop-{site}", release=f"shop-{site}"
            )
            for number, site in enumerate(SITES)
        ]
        assert proposal(root, pairs).clusters == {
            "kobe": {"server": "https://10.0.0.0"},
            "nara": {"server": "https://10.0.0.1"},
        }

    def test_a_parent_is_no_application_of_the_layout(self, root: Path) -> None:
        pairs = [
            one("root", path="bootstrap"),
            *(one(app, path=f"apps/{app}", parent="root") for app in ("mail", "shop")),
        ]
        found = proposed(root, pairs)
        assert found.proposal.apps == ("apps/{app}",)
        assert [left.application for left, _ in found.left] == ["root"]


class TestNames:
    def test_one_pattern_for_all(self, root: Path) -> None:
        pairs = [one(f"{app}-{site}", site, f"apps/{app}", namespace=app) for app in ("mail", "shop") for site in SITES]
        found = proposal(root, pairs)
        assert (found.release, found.namespace) == ("{app}-{cluster}", "{app}")

    def test_an_exception_is_an_entry(self, root: Path) -> None:
        apps = ("blog", "mail", "news", "shop")
        found = proposal(
            root,
            [one(app, path=f"apps/{app}", namespace=f"{app}-ns", release=f"my-{app}") for app in apps]
            + [one("dns", path="apps/dns", namespace="kube-system", release="dns")],
        )
        assert (found.release, found.namespace) == ("my-{app}", "{app}-ns")
        assert found.applications == ({"apps": "dns", "release": "{app}", "namespace": "kube-system"},)

    def test_without_a_pattern_argo_cd_says_it(self, root: Path) -> None:
        pairs = [one(app, path=f"apps/{app}", namespace=f"n{index}") for index, app in enumerate("abcdefgh")]
        assert proposal(root, pairs).namespace == ""


def test_every_spelling_of_a_text() -> None:
    assert {*spellings("apps/web/web-kobe.yaml", {"app": "web", "cluster": "kobe"})} >= {
        "apps/web/web-kobe.yaml",
        "apps/{app}/{app}-{cluster}.yaml",
    }
    assert spellings("apps/website", {"app": "web"}) == ["apps/website"]


def test_the_most_common_spelling_wins() -> None:
    votes = Spellings()
    for number, app in enumerate(("web", "mail")):
        votes.add(number, f"apps/{app}/values.yaml", {"app": app, "cluster": "web"})
    assert votes.best("apps/web/values.yaml", {"app": "web", "cluster": "web"}) == "apps/{app}/values.yaml"


def test_orders_are_merged_as_far_as_they_agree() -> None:
    assert merged([("a", "c"), ("a", "b", "c"), ("b", "d")]) == ("a", "b", "c", "d")
    assert {*merged([("a", "b"), ("b", "a")])} == {"a", "b"}
