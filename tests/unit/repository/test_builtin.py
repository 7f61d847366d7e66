"""Sources without a plugin become Instances: what Argo CD's own settings decide, and what only a resolver shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cmp import yamldoc
from cmp.argocd.document import find
from cmp.argocd.settings import NEWEST
from cmp.engines import ENGINES
from cmp.errors import CmpError, ConfigError
from cmp.model import ChartRef, Cluster
from cmp.repository.builtin import Surroundings, resolve, scopes_in, settings_of
from cmp.repository.builtin.patterns import doublestar, gobwas
from cmp.repository.instances import Repository
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.argocd.settings import ArgoCDSettings
    from cmp.model import Instance
    from cmp.system.tree import WorkTree

URL = "https://git.example.com/shop"
CHART = {"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "chart/values.yaml": ""}
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  kustomize.buildOptions: --enable-helm
  kustomize.buildOptions.v5.0.0: --load-restrictor LoadRestrictionsNone
  helm.valuesFileSchemes: https, s3
"""


def instance(
    tree: WorkTree, *sources: dict[str, Any], others: dict[tuple[str, str], WorkTree] | None = None
) -> Instance:
    """Resolve the first source of an Application."""
    repository = Repository(tree, ENGINES)
    spec = {
        "project": "team",
        "destination": {"namespace": "orders"},
        "sources": [{"repoURL": URL, **source} for source in sources],
    }
    value = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web"}, "spec": spec}
    application = find(yamldoc.dump_all([value]), "web.yaml", "")
    surroundings = Surroundings(
        settings=settings_of(repository),
        is_own=lambda url: url == URL,
        cluster=Cluster("prod", kube_version="1.31", api_versions=("v1",)),
        revision="0" * 40,
        others=others or {},
    )
    return resolve(repository, application, application.sources[0], surroundings)


def refusal(tree: WorkTree, *sources: dict[str, Any]) -> str:
    with pytest.raises(CmpError) as caught:
        instance(tree, *sources)
    return caught.value.what


def settings(tmp_path: Path, files: dict[str, str], block: str = "") -> ArgoCDSettings:
    config = {"cmp.yaml": f"version: 1\npreview: {{argocd: {{{block}}}}}\n"} if block else {}
    return settings_of(Repository(plant(tmp_path, {"README": "", **files, **config}), ENGINES))


class TestSettings:
    def test_nothing_says_anything(self, tmp_path: Path) -> None:
        assumed = settings(tmp_path, {})
        assert (assumed.version, assumed.build_options, assumed.schemes) == (NEWEST, "", ("https", "http"))
        assert (assumed.helm.version, assumed.kustomize.version) == ("4.3.1", "5.8.3")
        assert assumed.assumed == (
            "sources without a plugin are rendered as by Argo CD 3.6 with helm 4.3.1 and kustomize 5.8.3 (assumed: "
            "preview.argocd of cmp.yaml names another one); its other settings are the defaults where preview.argocd "
            "says none"
        )

    def test_a_version_brings_its_tools(self, tmp_path: Path) -> None:
        older = settings(tmp_path, {}, 'version: "3.2.6"')
        assert (older.helm.version, older.kustomize.version) == ("3.18.4", "5.7.0")
        assert older.helm.source == "the tools of Argo CD 3.2.6"

    def test_a_tool_of_its_own(self, tmp_path: Path) -> None:
        assert settings(tmp_path, {}, "helm: 3.18.6").helm.source == "cmp.yaml:2"

    def test_the_tools_of_an_unknown_version_must_be_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"the helm that Argo CD 2\.9 bundles is not known here"):
            settings(tmp_path, {}, 'version: "2.9"')
        named = settings(tmp_path, {}, 'version: "2.9", helm: 3.14.4, kustomize: 4.5.7')
        assert (named.helm.version, named.kustomize.version) == ("3.14.4", "4.5.7")

    def test_the_only_config_map_of_the_tree(self, tmp_path: Path) -> None:
        found = settings(tmp_path, {"argocd/cm.yaml": CONFIG_MAP})
        assert (found.build_options, found.schemes) == ("--enable-helm", ("https", "s3"))
        assert found.assumed.endswith("its other settings are those of argocd/cm.yaml")

    def test_one_of_several_is_no_answer(self, tmp_path: Path) -> None:
        found = settings(tmp_path, {"blue/cm.yaml": CONFIG_MAP, "green/cm.yaml": CONFIG_MAP})
        assert found.build_options == ""
        assert found.assumed.endswith("2 files have an argocd-cm, and none of them was read")

    def test_cmp_yaml_is_stronger(self, tmp_path: Path) -> None:
        block = 'buildOptions: "", valuesFileSchemes: [https]'
        found = settings(tmp_path, {"argocd/cm.yaml": CONFIG_MAP}, block)
        assert (found.build_options, found.schemes) == ("", ("https",))

    def test_what_cannot_be_read_is_passed_over(self, tmp_path: Path) -> None:
        files = {"a/template.yaml": "{{ argocd-cm }}", "b/link.yaml": "->/etc/hostname", "c/cm.yaml": CONFIG_MAP}
        assert settings(tmp_path, files).build_options == "--enable-helm"


class TestHelm:
    def test_everything_is_filled_in(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {**CHART, "chart/dev.yaml": ""})
        made = instance(tree, {"path": "chart", "helm": {"valueFiles": ["dev.yaml"], "values": "a: 1\n"}})
        assert (made.app, made.cluster, made.folder, made.engines) == ("web", "prod", "chart", ("helm",))
        assert (made.release, made.namespace, made.kube_version) == ("web", "orders", "1.31")
        assert [(layer.path, layer.data) for layer in made.layers] == [
            ("chart/dev.yaml", None),
            ("helm.values", b"a: 1\n"),
        ]
        assert made.is_builtin
        assert made.pins["helm"].version == "4.3.1"

    def test_a_file_of_another_repository_has_its_content(self, tmp_path: Path) -> None:
        other = plant(tmp_path / "other", {"envs/dev.yaml": "a: 1\n"})
        tree = plant(tmp_path / "own", CHART)
        made = instance(
            tree,
            {"path": "chart", "helm": {"valueFiles": ["$envs/envs/dev.yaml"]}},
            {"ref": "envs", "repoURL": "https://git.example.com/envs"},
            others={("https://git.example.com/envs", ""): other},
        )
        (layer,) = made.layers
        assert (layer.path, layer.data) == ("$envs/envs/dev.yaml", b"a: 1\n")

    @pytest.mark.parametrize(
        ("source", "chart"),
        [
            (
                {"repoURL": "https://charts.example.com", "chart": "web", "targetRevision": "1.2.3"},
                ("https://charts.example.com", "web", "1.2.3"),
            ),
            (
                {"repoURL": "registry.example.com/charts", "chart": "web", "targetRevision": "~1"},
                ("oci://registry.example.com/charts", "web", "~1"),
            ),
            (
                {"repoURL": "oci://registry.example.com/charts/web", "path": ".", "targetRevision": "1.2.3"},
                ("oci://registry.example.com/charts", "web", "1.2.3"),
            ),
        ],
        ids=["a web server", "a registry", "an artifact of a registry"],
    )
    def test_a_chart_of_a_repository(self, tmp_path: Path, source: dict[str, Any], chart: tuple[str, str, str]) -> None:
        made = instance(plant(tmp_path, CHART), {**source, "helm": {"valueFiles": ["values-*.yaml"]}})
        assert made.chart == ChartRef(*chart, place="web.yaml:11")
        assert [(layer.path, layer.in_chart) for layer in made.layers] == [("values-*.yaml", True)]

    def test_a_password_in_the_url_of_a_values_file_is_refused(self, tmp_path: Path) -> None:
        source = {"path": "chart", "helm": {"valueFiles": ["https://robot:hunter2@files.example.com/a.yaml"]}}
        assert refusal(plant(tmp_path, CHART), source) == (
            "the URL of a values file holds a name or a password, which would stand in every message"
        )

    def test_a_folder_of_an_artifact_is_not_compared(self, tmp_path: Path) -> None:
        source = {"repoURL": "oci://registry.example.com/manifests", "path": "prod"}
        assert "the folder prod of an artifact of a registry" in refusal(plant(tmp_path, CHART), source)


class TestKustomize:
    TREE = {"k/kustomization.yaml": "resources: [map.yaml]\n", "k/map.yaml": ""}  # noqa: RUF012

    def test_variables_are_replaced_once(self, tmp_path: Path) -> None:
        block = {"images": ["a=b:$ARGOCD_APP_NAME"], "commonLabels": {"a": "$$x $NOT_KNOWN"}}
        options = instance(plant(tmp_path, self.TREE), {"path": "k", "kustomize": block}).options["kustomize"]
        assert (options["images"], options["commonLabels"]) == (("a=b:web",), {"a": "$$x "})

    def test_a_version_of_its_own(self, tmp_path: Path) -> None:
        made = instance(plant(tmp_path, self.TREE), {"path": "k", "kustomize": {"version": "v5.0.0"}})
        assert made.pins["kustomize"].version == "5.0.0"

    def test_settings_say_flags(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {**self.TREE, "argocd/cm.yaml": CONFIG_MAP})
        assert instance(tree, {"path": "k"}).options["kustomize"]["enableHelm"] is True

    def test_a_flag_may_have_its_value_apart(self, tmp_path: Path) -> None:
        config = (
            "version: 1\npreview: {argocd: {buildOptions: --reorder none --load-restrictor=LoadRestrictionsNone}}\n"
        )
        options = instance(plant(tmp_path, {**self.TREE, "cmp.yaml": config}), {"path": "k"}).options["kustomize"]
        assert options["enableHelm"] is False
        assert options["buildOptions"] == ("--reorder=none", "--load-restrictor=LoadRestrictionsNone")

    def test_what_settings_say_of_one_version_has_no_effect(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {**self.TREE, "argocd/cm.yaml": CONFIG_MAP})
        options = instance(tree, {"path": "k", "kustomize": {"version": "v5.0.0"}}).options["kustomize"]
        assert (options["enableHelm"], options["buildOptions"]) == (True, ())

    def test_a_flag_that_lets_programs_run_is_followed_by_nobody(self, tmp_path: Path) -> None:
        config = "version: 1\npreview: {argocd: {buildOptions: --enable-alpha-plugins --enable-exec}}\n"
        tree = plant(tmp_path, {**self.TREE, "cmp.yaml": config})
        assert refusal(tree, {"path": "k"}) == (
            "Argo CD's kustomize gets the flag --enable-alpha-plugins, which no render here takes"
        )


def test_a_source_names_a_folder_or_a_chart(tmp_path: Path) -> None:
    assert refusal(plant(tmp_path, CHART), {"repoURL": URL}) == "the source has neither a path nor a chart"


def test_a_password_in_a_url_is_not_told(tmp_path: Path) -> None:
    source = {"repoURL": "https://robot:hunter2@git.example.com/other", "path": "chart"}
    with pytest.raises(ConfigError) as caught:
        instance(plant(tmp_path, CHART), source)
    assert caught.value.what == "the source is in another repository, https://git.example.com/other, which is not here"
    assert caught.value.hint == "--repository https://git.example.com/other=FOLDER names a clone of it"


def test_files_of_git_may_not_bring_a_plugin_along(tmp_path: Path) -> None:
    tree = plant(tmp_path, {**CHART, "chart/.argocd-source.yaml": "plugin: {name: cmp}\n"})
    assert refusal(tree, {"path": "chart"}) == "the source gets a plugin from Git"


def test_crds_of_the_tree(tmp_path: Path) -> None:
    crd = "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nspec: {group: a.b, names: {kind: C}}\n"
    files = {"crds/c.yaml": crd, "templates/d.yaml": "{{ CustomResourceDefinition }}"}
    assert scopes_in(plant(tmp_path, files)) == {("a.b", "C"): True}


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "text"),
        [
            ("*.yaml", "a/b.yaml"),
            ("{a,b/*}.yaml", "b/c/d.yaml"),
            ("{a{1,2},b}.yaml", "a2.yaml"),
            ("[!a]?.[a-z]aml", "bc.yaml"),
            (r"\*.yaml", "*.yaml"),
            ("**", "a/b"),
        ],
    )
    def test_gobwas(self, pattern: str, text: str) -> None:
        assert gobwas(pattern, text)

    @pytest.mark.parametrize(
        ("pattern", "text"), [("*.yaml", "a.yml"), ("{a", "{a"), ("[a", "[a"), ("[!a]", "a"), ("a", "A"), ("", "a")]
    )
    def test_gobwas_does_not_match(self, pattern: str, text: str) -> None:
        assert not gobwas(pattern, text)

    def test_braces_cannot_stand_for_too_much(self) -> None:
        assert not gobwas("{a,b}" * 30, "a" * 30)

    def test_doublestar_has_a_folder_before_those_below(self, tmp_path: Path) -> None:
        tree = plant(tmp_path, {"b.yaml": "", "a/z.yaml": "", "a/c/y.yaml": "", "d/e.yml": ""})
        assert doublestar(tree, "**/*.yaml") == ["b.yaml", "a/z.yaml", "a/c/y.yaml"]
        assert doublestar(tree, "a/*.yaml") == ["a/z.yaml"]
        assert doublestar(tree, "{d,a}/[ez].y*ml") == ["a/z.yaml", "d/e.yml"]
        assert doublestar(tree, "a/**") == ["a", "a/c", "a/c/y.yaml", "a/z.yaml"]
