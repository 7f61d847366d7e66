"""The values of a valid configuration, and the defaults without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.model import Cluster, Option, ToolPin
from cmp.repository import config
from cmp.repository.config import AppConfig, ClusterChoice, ValuesPattern
from cmp.repository.config.check import refuse_foreign
from cmp.repository.config.model import PINS
from cmp.system.tree import WorkTree
from cmp.yamldoc.nodes import compose

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.repository.config import Config

SPECIFICATIONS = {name: facts.options for name, facts in ENGINES.items()}
CHECKOUT = Path(__file__).parents[3]
HELM_ONLY = {
    "helm": (Option("kubeVersion", "text", ""), Option("apiVersions", "texts", ""), Option("skipCrds", "flag", ""))
}


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Config]:
    """Return a function that loads a tree with this cmp.yaml and these other files."""

    def loaded(text: str, **others: str) -> Config:
        for name, content in {"cmp": text, **others}.items():
            (tmp_path / f"{name}.yaml").write_text(content)
        return config.load(WorkTree(str(tmp_path)), HELM_ONLY)

    return loaded


@pytest.fixture
def load_app(tmp_path: Path) -> Callable[[str], AppConfig]:
    """Return a function that loads the cmp-app.yaml of the folder `web`."""

    def loaded(text: str) -> AppConfig:
        (tmp_path / "web").mkdir(exist_ok=True)
        (tmp_path / "web" / "cmp-app.yaml").write_text(text)
        return config.load_app(WorkTree(str(tmp_path)), "web", HELM_ONLY)

    return loaded


def test_without_cmp_yaml_the_reference_layout_holds(tmp_path: Path) -> None:
    found = config.load(WorkTree(str(tmp_path)), SPECIFICATIONS)

    assert found.source == ""
    assert (found.layout.apps, found.layout.instances) == (("namespaces/{app}",), ("clusters/{cluster}/{app}",))
    assert [value.pattern for value in found.layout.values] == [
        "namespaces/{app}/common-values*.yaml",
        "namespaces/{app}/common-values*.secret.yaml",
        "clusters/{cluster}/{app}/*-values*.yaml",
        "clusters/{cluster}/{app}/*-values*.secret.yaml",
    ]
    assert (found.layout.release, found.layout.namespace, found.layout.ignore) == ("", "", ())
    assert (found.clusters, found.secret_suffixes) == ({}, (".secret.yaml",))
    assert found.defaults == AppConfig(tools=PINS)
    assert {(name, pin.name, pin.source) for name, pin in PINS.items()} == {
        (tool, tool, "the defaults of cmp") for tool in ("helm", "kustomize", "sops", "helmfile", "cue", "gator")
    }


@pytest.mark.parametrize(
    "text", ["", "# later\n", "---\n", "---\n...\n", "{}\n", "~\n", "layout:\nclusters:\ntools:\ndefaults:\n"]
)
def test_a_file_that_says_nothing_changes_nothing(text: str, load: Callable[..., Config], tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()

    assert load(text)._replace(source="") == config.load(WorkTree(str(tmp_path / "bare")), SPECIFICATIONS)


def test_keys_that_are_left_out_are_as_in_the_reference_layout(load: Callable[..., Config]) -> None:
    found = load("layout: {apps: 'apps/{app}'}\ntools: {helm: 3.14.4}\n")

    assert found.source == "cmp.yaml"
    assert found.layout.apps == ("apps/{app}",)
    assert found.layout.instances == ("clusters/{cluster}/{app}",)
    assert len(found.layout.values) == 4
    assert found.defaults.tools["helm"] == ToolPin("helm", "3.14.4", "cmp.yaml:2")
    assert found.defaults.tools["sops"] == PINS["sops"]


def test_the_example_monorepo_is_read_whole() -> None:
    found = config.load(WorkTree(str(CHECKOUT / "examples" / "monorepo")), SPECIFICATIONS)

    assert found.layout.values[2] == ValuesPattern("envs/{env}/{app}.yaml", optional=True, place="cmp.yaml:12:13")
    assert found.layout.release == "{app}"
    assert found.clusters["prod-cluster"] == Cluster(
        name="prod-cluster",
        kube_version="1.32",
        api_versions=("monitoring.coreos.com/v1/ServiceMonitor",),
        server="https://prod.k8s.midori-shoten.example:6443",
        labels={"tier": "prod"},
        annotations={"contact": "platform@midori-shoten.example"},
        facts={"env": "prod", "region": "osaka"},
    )
    assert found.defaults.options == {"helm": {"skipCrds": True}}


def test_facts_and_versions_are_text_as_written(load: Callable[..., Config]) -> None:
    found = load(
        "clusters:\n"
        "  dev: {kubeVersion: 1.30, apiVersions: [1.0, v1], a: 007, b: yes, c: 1e3, d: 2024-01-01, e: True, f: ''}\n"
        "defaults:\n  helm: {kubeVersion: 1.30, apiVersions: [1.0]}\n"
    )

    dev = found.clusters["dev"]
    assert (dev.kube_version, dev.api_versions) == ("1.30", ("1.0", "v1"))
    assert dev.facts == {"a": "007", "b": "yes", "c": "1e3", "d": "2024-01-01", "e": "True", "f": ""}
    assert found.defaults.options == {"helm": {"kubeVersion": "1.30", "apiVersions": ("1.0",)}}


def test_the_inventory_may_lie_in_a_file(load: Callable[..., Config]) -> None:
    found = load("clusters: {file: facts.yaml}\n", facts="dev: {env: dev}\nprod:\n")

    assert found.clusters == {"dev": Cluster("dev", facts={"env": "dev"}), "prod": Cluster("prod")}


def test_anchors_aliases_and_merges_are_followed(load: Callable[..., Config]) -> None:
    found = load(
        "clusters:\n"
        "  dev: &dev {env: dev, region: tokyo}\n"
        "  dev-2: *dev\n"
        "  test: {region: osaka, <<: *dev}\n"
        "  prod:\n"
        "    <<: [{env: prod}, *dev]\n"
    )

    assert {name: cluster.facts for name, cluster in found.clusters.items()} == {
        "dev": {"env": "dev", "region": "tokyo"},
        "dev-2": {"env": "dev", "region": "tokyo"},
        "test": {"env": "dev", "region": "osaka"},
        "prod": {"env": "prod", "region": "tokyo"},
    }


@pytest.mark.parametrize("none", ["''", "[]"])
def test_there_may_be_no_instance_folders(load: Callable[..., Config], none: str) -> None:
    assert load(f"layout: {{instances: {none}}}\n").layout.instances == ()


def test_applications_and_instances_may_lie_in_several_places(load: Callable[..., Config]) -> None:
    found = load(
        "layout:\n  apps: ['system/{app}', 'teams/{team}/{app}']\n"
        "  instances: ['live/{zone}/{cluster}/{app}', '{cluster}/{app}']\n"
        "  values: ['{team}.yaml', '{zone}.yaml']\n"
    )

    assert found.layout.apps == ("system/{app}", "teams/{team}/{app}")
    assert found.layout.instances == ("live/{zone}/{cluster}/{app}", "{cluster}/{app}")


def test_patterns_may_use_captures_and_facts_that_only_some_clusters_have(load: Callable[..., Config]) -> None:
    found = load(
        "layout:\n"
        "  apps: teams/{team}/{app}\n"
        "  instances: clusters/{region}/{cluster}/{app}\n"
        "  values: ['teams/{team}/{app}/**/values-{env}*.yaml', 'regions/{region}.yaml']\n"
        "  ignore: ['clusters/**/README.yaml']\n"
        "  release: '{cluster}-{app}'\n"
        "clusters: {dev: {env: dev}, prod: {}}\n"
    )

    assert [value.place for value in found.layout.values] == ["cmp.yaml:4:12", "cmp.yaml:4:56"]
    assert found.layout.ignore == ("clusters/**/README.yaml",)


def test_an_application_without_a_file_says_nothing(tmp_path: Path) -> None:
    assert config.load_app(WorkTree(str(tmp_path)), "web", SPECIFICATIONS) == AppConfig()


def test_an_application_says_what_is_different(load_app: Callable[[str], AppConfig]) -> None:
    found = load_app(
        "engine: helm\n"
        "tools: {helm: 4.0.0-rc.1+build.5}\n"
        "release: '{cluster}-web'\n"
        "namespace: web\n"
        "clusters: {env: prod}\n"
        "values: [web/extra*.yaml, {path: web/maybe.yaml, optional: true}]\n"
        "helm: {skipCrds: false}\n"
        "output: {allowEmpty: true, apiVersions: {extensions/v1beta1: networking.k8s.io/v1}}\n"
        "secrets: {files: [files/upload.key]}\n"
    )

    file = "web/cmp-app.yaml"
    assert (found.places["release"], found.places["clusters.env"]) == (f"{file}:3:10", f"{file}:5:17")
    assert found._replace(places=AppConfig().places) == AppConfig(
        engines=("helm",),
        tools={"helm": ToolPin("helm", "4.0.0-rc.1+build.5", f"{file}:2")},
        release="{cluster}-web",
        namespace="web",
        clusters=ClusterChoice(selector={"env": "prod"}, place=f"{file}:5:11"),
        values=(
            ValuesPattern("web/extra*.yaml", place=f"{file}:6:10"),
            ValuesPattern("web/maybe.yaml", optional=True, place=f"{file}:6:34"),
        ),
        options={"helm": {"skipCrds": False}},
        output={"allowEmpty": True, "apiVersions": {"extensions/v1beta1": "networking.k8s.io/v1"}},
        secret_files=("files/upload.key",),
    )


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("all", ["dev", "prod"]),
        ("[prod]", ["prod"]),
        ("[]", []),
        ("{env: dev}", ["dev"]),
        ("{env: dev, region: osaka}", []),
    ],
)
def test_clusters_are_chosen_by_name_or_by_facts(
    text: str, covered: list[str], load_app: Callable[[str], AppConfig]
) -> None:
    clusters = [
        Cluster("dev", facts={"env": "dev", "region": "tokyo"}),
        Cluster("prod", facts={"env": "prod", "region": "osaka"}),
    ]

    choice = load_app(f"clusters: {text}\n").clusters

    assert choice is not None
    assert [cluster.name for cluster in clusters if choice.covers(cluster)] == covered


def test_the_stronger_configuration_replaces_merges_and_appends(load_app: Callable[[str], AppConfig]) -> None:
    weaker = load_app(
        "engine: helm\ntools: {helm: 3.14.4, sops: 3.10.2}\nrelease: a\nnamespace: b\nclusters: all\nvalues: [x.yaml]\n"
        "helm: {skipCrds: true, apiVersions: [a, b]}\n"
        "output: {allowEmpty: true, apiVersions: {a/v1: b/v1, c/v1: d/v1}}\n"
        "secrets: {files: [x.key]}\n"
    )
    stronger = load_app(
        "tools: {helm: 4.0.0}\nrelease: c\nclusters: [dev]\nvalues: [y.yaml]\n"
        "helm: {kubeVersion: 1.30, apiVersions: []}\noutput: {apiVersions: {a/v1: e/v1}}\nsecrets: {files: [y.key]}\n"
    )

    merged = config.merge(weaker, stronger)

    assert merged.engines == ("helm",)
    assert {name: pin.version for name, pin in merged.tools.items()} == {"helm": "4.0.0", "sops": "3.10.2"}
    assert (merged.release, merged.namespace) == ("c", "b")
    assert merged.clusters == stronger.clusters
    assert [value.pattern for value in merged.values] == ["x.yaml", "y.yaml"]
    assert merged.options == {"helm": {"skipCrds": True, "kubeVersion": "1.30", "apiVersions": ()}}
    assert merged.output == {"allowEmpty": True, "apiVersions": {"a/v1": "e/v1", "c/v1": "d/v1"}}
    assert merged.secret_files == ("y.key",)
    assert config.merge(weaker, AppConfig()) == config.merge(AppConfig(), weaker) == weaker


@pytest.mark.parametrize(
    "required", [">=0.3", ">=0.3,<1", "== 0.3.0", "==0.3", "!=0.2", ">0.2.9", "<=0.3.0.0", "<0.10"]
)
def test_a_requirement_that_is_fulfilled(required: str) -> None:
    root = compose(f"requires: '{required}'\nunknown: 1\n".encode()).root

    assert root
    refuse_foreign(root, own="0.3.0.dev1")


@pytest.mark.parametrize("required", [">=0.3.1", ">=0.2,<0.3", "==0.3.1", "!=0.3", ">0.3", "<0.3", "<=0.2.9", ">=0.10"])
def test_a_requirement_that_is_not_fulfilled(required: str) -> None:
    root = compose(f"requires: '{required}'\n".encode()).root

    assert root
    with pytest.raises(ConfigError) as caught:
        refuse_foreign(root, own="0.3.0")
    assert caught.value.what == f"this repository requires cmp {required}, this is 0.3.0"


def test_the_loader_imports_neither_the_schema_nor_what_only_mistakes_need() -> None:
    monorepo = CHECKOUT / "examples" / "monorepo"
    program = (
        "import sys; from cmp.repository import config; from cmp.system.tree import WorkTree; "
        "from cmp.model import Option; engines = {'helm': (Option('skipCrds', 'flag', ''),)}; "
        f"tree = WorkTree({str(monorepo)!r}); "
        "config.load(tree, engines); config.load_app(tree, 'namespaces/payments', engines); print(*sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert "cmp.yamldoc.nodes" in loaded
    assert not loaded & {
        "cmp.schema.jsonschema",
        "difflib",
        "json",
        "dataclasses",
        "pathlib",
        "ruamel",
        "jsonschema",
    }
