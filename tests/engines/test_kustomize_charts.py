"""Charts of a kustomization: rendered as kustomize renders what it pulls itself, but out of the chart cache."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from cmp.engines.features import HELM_CHARTS, RUNS_HELM_4
from cmp.engines.kustomize.charts import Entry
from cmp.versions import numbers
from examples import chartserver
from tests.support import versions
from tests.support.charts import package, write_chart
from tests.support.keys import SOPS_VERSION
from tests.support.kustomize import CONFIG, NEWEST, VERSIONS, KustomizeRepository, maps, same
from tests.support.leaks import find_plaintext, processes_of, wait_until
from tests.support.repository import FAKES
from tests.support.servers.charts import ChartRepository
from tests.support.servers.git import GitHost
from tests.support.servers.oci import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.harness import Sandbox

KNOWING = tuple(version for version in VERSIONS if numbers(version) >= HELM_CHARTS.since)
WITH_CHARTS = (KNOWING[0], KNOWING[-1])
OLDER_HELM_3, HELM_3, HELM_4 = versions.HELM_LINES
ENABLED = {"enableHelm": True}
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: mine}
data:
  color: {{ .Values.color | quote }}
  size: {{ .Values.size | quote }}
  kube: {{ .Capabilities.KubeVersion.Version | quote }}
  monitored: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | quote }}
"""


class Charts(KustomizeRepository):
    """A repository whose application names charts."""

    def __init__(self, sandbox: Sandbox, repository: ChartRepository) -> None:
        super().__init__(sandbox)
        self.repository = repository
        self.options(ENABLED)

    def options(self, kustomize: Mapping[str, object], **more: object) -> None:
        """Write cmp-app.yaml."""
        self.write({"cmp-app.yaml": json.dumps({"kustomize": kustomize, "tools": {"helm": HELM_3}, **more})})

    def name(self, *charts: Mapping[str, object], **more: object) -> None:
        """Write the application's kustomization; a chart with a version comes from the repository."""
        listed = [{"repo": self.repository.url, **chart} if "version" in chart else dict(chart) for chart in charts]
        self.write({"kustomization.yaml": json.dumps({"helmCharts": listed, **more})})

    def local(self, name: str = "mine", home: str = "charts", **more: object) -> None:
        """Write a chart of the repository."""
        folder = f"namespaces/web/{home}/{name}"
        chart = {"apiVersion": "v2", "name": name, "version": "1.0.0", **more}
        self.write({f"{folder}/Chart.yaml": json.dumps(chart), f"{folder}/templates/map.yaml": TEMPLATE})
        self.write({f"{folder}/values.yaml": "color: own\nsize: 1\n"})

    def pulled_by_hand(self, version: str, helm: str = HELM_3, *flags: str) -> str:
        """Return what kustomize prints for a person, for whom it pulls charts itself."""
        ours = self.by_hand(version=version)
        helm_command = f"{self.sandbox.tools_dir}/helm/{helm}/helm"
        return ours.build("--enable-helm", "--helm-command", helm_command, *flags)


@pytest.fixture(scope="module")
def packed(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder to be served: kustomize renders only charts that have a values.yaml."""
    folder = tmp_path_factory.mktemp("charts")
    for name, version in (("redis", "1.2.2"), ("redis", "1.2.3"), ("redis", "1.3.0"), ("postgresql", "4.1.0")):
        write_chart(folder / "charts" / f"{name}-{version}", name, version)
        (folder / "charts" / f"{name}-{version}" / "values.yaml").write_text("a: b\n")
    return chartserver.package(folder / "charts", folder / "packed", Path(tools_dir, f"helm/{HELM_3}/helm"))


@pytest.fixture
def repository(packed: Path) -> Iterator[ChartRepository]:
    with ChartRepository(packed) as repository:
        yield repository


@pytest.fixture
def world(sandbox: Sandbox, repository: ChartRepository) -> Charts:
    return Charts(sandbox, repository)


def names(stream: str) -> list[str]:
    """Return the names of all objects, sorted."""
    return sorted(one["metadata"]["name"] for one in maps(stream))


@pytest.mark.parametrize("helm", [OLDER_HELM_3, HELM_3])
@pytest.mark.parametrize("version", KNOWING)
def test_charts_are_rendered_as_by_hand(version: str, helm: str, world: Charts) -> None:
    world.options({**ENABLED, "helmVersion": helm})
    redis = {"name": "redis", "version": "1.2.3", "releaseName": "one", "namespace": "x"}
    world.name(redis, {"name": "postgresql", "version": "4.1.0"}, namePrefix="my-")
    ours = world.must(version=version)
    assert same(ours, world.pulled_by_hand(version, helm))
    assert names(ours) == ["my-postgresql-4.1.0", "my-redis-1.2.3"]


@pytest.mark.parametrize("version", WITH_CHARTS)
def test_a_second_render_makes_no_request(version: str, world: Charts) -> None:
    world.name({"name": "redis", "version": "1.2.3"})
    first = world.must(version=version)
    assert world.repository.requests == ["/index.yaml", "/redis-1.2.3.tgz"]
    assert world.must(version=version, CMP_OFFLINE="1") == first
    assert world.repository.requests == ["/index.yaml", "/redis-1.2.3.tgz"]


@pytest.mark.parametrize("version", WITH_CHARTS)
def test_two_versions_of_a_chart(version: str, world: Charts) -> None:
    world.name({"name": "redis", "version": "1.2.3"}, {"name": "redis", "version": "1.3.0"})
    if version == NEWEST:
        assert names(world.must(version=version)) == ["redis-1.2.3", "redis-1.3.0"]
        return
    assert world.refused(version=version) == [
        (f"cmp: redis 1.2.3 and 1.3.0: kustomize {version} has one place for both, and would render one of them twice"),
        "  where: application web, cluster dev, phase kustomize, namespaces/web/kustomization.yaml:1",
        "  hint: pin kustomize 5.1.0 or newer for this application",
    ]
    assert world.repository.requests == []


@pytest.mark.parametrize("version", WITH_CHARTS)
def test_older_forms(version: str, world: Charts) -> None:
    url = world.repository.url
    old = {"chartName": "redis", "chartVersion": "1.2.3", "chartRepoUrl": url, "releaseName": "x", "values": "v.yaml"}
    world.seal({"v.yaml": "a: b\n"})
    world.write({"kustomization.yaml": json.dumps({"helmChartInflationGenerator": [old]})})
    ours = world.must(version=version)
    assert names(ours) == ["redis-1.2.3"]
    plugin = {"apiVersion": "builtin", "kind": "HelmChartInflationGenerator", "metadata": {"name": "x"}}
    plugin |= {"name": "redis", "version": "1.2.2", "repo": url, "valuesFile": "v.yaml"}
    world.write({"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": json.dumps(plugin)})
    assert names(world.must(version=version)) == ["redis-1.2.2"]


class TestWhatFitsTogether:
    @pytest.mark.parametrize("version", ["4.5.7", "5.7.1"])
    def test_helm_4_before_5_8_1(self, version: str, world: Charts) -> None:
        world.options(ENABLED, tools={"helm": HELM_4})
        world.name({"name": "redis", "version": "1.2.3"})
        newer = ".".join(map(str, RUNS_HELM_4["kustomize"]))
        assert world.refused(version=version) == [
            f"cmp: kustomize {version} cannot run helm {HELM_4}",
            "  where: application web, cluster dev",
            f"  hint: pin a helm 3 for it with kustomize.helmVersion, or kustomize {newer} or newer",
        ]
        assert world.repository.requests == []
        world.options({**ENABLED, "helmVersion": OLDER_HELM_3}, tools={"helm": HELM_4})
        ran = world.run("--explain", version=version)
        assert ran.code == 0
        assert f"  helm {OLDER_HELM_3}  (kustomize.helmVersion)  " in ran.stderr

    @pytest.mark.parametrize("version", ["4.5.7", "5.7.1"])
    def test_the_tools_themselves_say_so(self, version: str, world: Charts) -> None:
        world.local()
        world.name({"name": "mine"})
        argv = [f"{world.sandbox.tools_dir}/kustomize/{version}/kustomize", "build", "namespaces/web", "--enable-helm"]
        argv += ["--helm-command", f"{world.sandbox.tools_dir}/helm/{HELM_4}/helm"]
        done = subprocess.run(argv, cwd=world.root, env={"HOME": "/nonexistent"}, capture_output=True, check=False)
        assert done.returncode != 0
        assert b"helm version -c --short" in done.stderr

    @pytest.mark.parametrize("helm", sorted(version for version in versions.HELM if version.startswith("4.")))
    def test_every_helm_4_with_the_newest(self, helm: str, world: Charts) -> None:
        world.options(ENABLED, tools={"helm": helm})
        world.local()
        world.name({"name": "redis", "version": "1.2.3"}, {"name": "mine", "valuesInline": {"color": "inline"}})
        ours = world.must()
        assert same(ours, world.pulled_by_hand(NEWEST, helm))
        assert names(ours) == ["mine", "redis-1.2.3"]

    @pytest.mark.parametrize("form", ["helmCharts", "helmChartInflationGenerator", "plugin"])
    @pytest.mark.parametrize("enabled", [True, False])
    def test_kustomize_3(self, enabled: bool, form: str, world: Charts) -> None:  # noqa: FBT001  # a parameter
        """It would run whatever `helmBin` names."""
        world.options({"enableHelm": enabled})
        evil = {"chartName": "x", "name": "x", "chartHome": ".", "helmBin": "./evil"}
        plugin = {"apiVersion": "builtin", "kind": "HelmChartInflationGenerator", "metadata": {"name": "x"}, **evil}
        world.write(
            {"kustomization.yaml": json.dumps({form: [evil]}), "x/Chart.yaml": "", "g.yaml": json.dumps(plugin)}
        )
        if form == "plugin":
            world.write({"kustomization.yaml": "generators: [g.yaml]\n"})
        mark = world.sandbox.folder / "ran"
        world.write({"evil": f"#!/bin/sh\ntouch {mark}\n"})
        (world.root / "namespaces/web/evil").chmod(0o755)
        assert world.refused(version="3.8.7") == [
            "cmp: kustomize 3.8.7 has no helmCharts",
            "  where: application web, cluster dev",
            "  hint: pin kustomize 4.1.3 or newer for this application, or do without helmCharts",
        ]
        assert not mark.exists()

    @pytest.mark.parametrize("version", WITH_CHARTS)
    def test_it_must_be_enabled(self, version: str, world: Charts) -> None:
        world.options({})
        world.name({"name": "redis", "version": "1.2.3"})
        lines = world.refused(version=version)
        assert lines[0].startswith(f"cmp: kustomize {version}: HelmChartInflationGenerator (")
        assert lines[0].endswith(": must specify --enable-helm")
        assert lines[-1] == (
            "  hint: `kustomize: {enableHelm: true}` in cmp-app.yaml, or among the defaults of cmp.yaml, renders its "
            "charts"
        )
        assert world.repository.requests == []


@pytest.mark.parametrize("version", WITH_CHARTS)
def test_capabilities_reach_versions_that_take_them(version: str, world: Charts) -> None:
    world.options({**ENABLED, "kubeVersion": "1.21", "apiVersions": ["monitoring.coreos.com/v1"]})
    world.local()
    world.name({"name": "mine"})
    [found] = maps(world.must(version=version))
    is_new = version == NEWEST
    assert found["data"]["monitored"] == ("true" if is_new else "false")
    assert (found["data"]["kube"].removesuffix(".0") == "v1.21") is is_new


@pytest.mark.parametrize("version", WITH_CHARTS)
class TestChartsOfTheTree:
    def test_they_are_taken_as_they_are(self, version: str, world: Charts) -> None:
        world.local()
        world.name({"name": "mine", "valuesInline": {"color": "inline"}})
        ours = world.must(version=version)
        assert same(ours, world.pulled_by_hand(version))
        assert maps(ours)[0]["data"]["color"] == "inline"

    def test_their_dependencies_are_restored(self, version: str, world: Charts) -> None:
        redis = {"name": "redis", "version": "1.2.3", "repository": world.repository.url}
        world.local(dependencies=[redis])
        world.name({"name": "mine"})
        assert names(world.must(version=version)) == ["mine", "redis-1.2.3"]
        assert world.repository.requests == ["/index.yaml", "/redis-1.2.3.tgz"]
        world.must(version=version, CMP_OFFLINE="1")

    def test_a_chart_that_was_pulled_into_git_is_not_fetched(self, version: str, world: Charts, packed: Path) -> None:
        home = "charts/redis-1.2.3" if version == NEWEST else "charts"
        target = world.root / "namespaces/web" / home
        shutil.unpack_archive(packed / "redis-1.2.3.tgz", target, filter="data")
        world.name({"name": "redis", "version": "1.2.3"})
        assert len(maps(world.must(version=version))) == 1
        assert world.repository.requests == []

    def test_packed_charts_in_them_are_looked_into(self, version: str, world: Charts) -> None:
        world.local()
        (world.root / "namespaces/web/charts/mine/charts").mkdir()
        (world.root / "namespaces/web/charts/mine/charts/x.tgz").write_bytes(b"hello")
        world.name({"name": "mine"})
        ran = world.run(version=version)
        what = "namespaces/web/charts/mine/charts/x.tgz: this is not a chart archive (Not a gzipped file (b'he'))"
        assert (ran.code, ran.first_line) == (5, f"cmp: {what}")

    def test_another_home(self, version: str, world: Charts) -> None:
        world.local(home="deep/er")
        world.name({"name": "mine"}, {"name": "redis", "version": "1.2.3"}, helmGlobals={"chartHome": "deep/er"})
        assert len(maps(world.must(version=version))) == 2


def test_a_chart_of_a_registry(world: Charts, packed: Path, test_tools_dir: str) -> None:
    folder, program = world.sandbox.folder, Path(test_tools_dir, "registry/3.0.0/registry")
    with Registry(program, folder / "registry", credentials=("user", "pass-word")) as registry:
        config = str(registry.write_config(folder / "config.json"))
        argv = [f"{world.sandbox.tools_dir}/helm/{HELM_3}/helm", "push", str(packed / "redis-1.2.3.tgz"), registry.url]
        env = {"HOME": str(folder), "HELM_REGISTRY_CONFIG": config}
        subprocess.run([*argv, "--plain-http"], env=env, capture_output=True, check=True)
        world.name({"name": "redis", "version": "1.2.3", "repo": registry.url})
        assert names(world.must(HELM_REGISTRY_CONFIG=config)) == ["redis-1.2.3"]
        before = len(registry.requests)
        for version in WITH_CHARTS:
            assert names(world.must(version=version, CMP_OFFLINE="1")) == ["redis-1.2.3"]
        assert len(registry.requests) == before


def test_a_home_in_a_folder_beside(world: Charts) -> None:
    """It is a private copy, and its files are not the tree's."""
    world.write({"namespaces/shared/readme.txt": "charts come here\n", "values.yaml": "a: b\n"})
    chart = {"name": "redis", "version": "1.2.3", "valuesFile": "values.yaml"}
    world.name(chart, helmGlobals={"chartHome": "../shared/charts"})
    assert names(world.must()) == ["redis-1.2.3"]


@pytest.mark.parametrize(
    ("kustomize", "with_repository", "without"),
    [
        ("4.5.7", "charts/x", "charts/x"),
        ("5.0.3", "charts/x", "charts/x"),
        ("5.1.1", "charts/x-1/x", "charts/x-1/x"),
        ("5.2.1", "charts/x-1/x", "charts/x"),
        ("5.7.1", "charts/x-1/x", "charts/x"),
    ],
)
def test_where_a_version_looks_for_a_chart(kustomize: str, with_repository: str, without: str) -> None:
    """The first versions that do so are not installed here; the sources of 5.1's and of the others say it."""
    entry = Entry("x", "1", "https://charts.example", "charts", "")
    assert entry.folder(kustomize) == with_repository
    assert entry._replace(repository="").folder(kustomize) == without
    assert entry._replace(version="").folder(kustomize) == "charts/x"


@pytest.mark.parametrize("version", WITH_CHARTS)
class TestSecrets:
    SECRET = "correct-horse-battery"  # of the test

    def plant(self, world: Charts, text: str = "color: {}\n") -> None:
        world.local()
        world.seal({"secret.yaml": text.format(self.SECRET)})
        world.name({"name": "mine", "valuesFile": "secret.yaml"})

    def test_encrypted_values_are_decrypted(self, version: str, world: Charts) -> None:
        self.plant(world)
        assert maps(world.must(version=version))[0]["data"]["color"] == self.SECRET
        assert find_plaintext([world.sandbox.folder, "/dev/shm"], [self.SECRET]) == []  # noqa: S108  # looked into

    def test_more_values_too(self, version: str, world: Charts) -> None:
        self.plant(world)
        world.write({"plain.yaml": "size: 7\n"})
        world.name({"name": "mine", "valuesFile": "plain.yaml", "additionalValuesFiles": ["secret.yaml"]})
        if version == NEWEST:
            data = maps(world.must(version=version))[0]["data"]
            assert (data["color"], data["size"]) == (self.SECRET, "7")
        else:
            assert 'unknown field "additionalValuesFiles"' in world.refused(version=version)[0]

    def test_an_error_does_not_quote_them(self, version: str, world: Charts) -> None:
        self.plant(world)
        world.write({"namespaces/web/charts/mine/templates/map.yaml": "{{ fail .Values.color }}"})
        lines = world.refused(version=version)
        assert lines[0].startswith(
            f"cmp: kustomize {version}: helm: execution error at (mine/templates/map.yaml:1:3): "
        )
        assert self.SECRET not in "".join(lines)
        assert "/argocd-cmp-" not in "".join(lines)

    def test_values_that_are_no_yaml(self, version: str, world: Charts) -> None:
        self.plant(world)
        world.write({"secret.yaml": "x: {{\n"})
        assert world.refused(version=version)[0].startswith(
            f"cmp: kustomize {version}: helm: failed to parse the values of mine: "
        )


@pytest.mark.parametrize("version", ["5.7.1", NEWEST])
def test_a_helm_that_somebody_else_ended_is_told_apart_from_a_wrong_chart(version: str, world: Charts) -> None:
    """The older kustomize leaves out what helm says before its manifests, which are whole."""
    world.local()
    world.name({"name": "mine"})
    fake = (FAKES / "is-told-to-end").read_text()
    told = fake.replace("#!/bin/sh\n", f'#!/bin/sh\n[ "$1" = version ] && {{ echo v{HELM_3}; exit; }}\n', 1)
    world.use_tools({"kustomize": version, "helm": HELM_3, "sops": SOPS_VERSION}).replace_tool("helm", HELM_3, told)
    assert world.refused(version=version) == [
        f"cmp: kustomize {version}: could not parse rnode slice into resource map: missing Resource metadata",
        "  where: application web, cluster dev, phase kustomize, namespaces/web/kustomization.yaml",
        (
            "  hint: what helm printed of a chart is no manifests: `helm template` shows it; it also is `Release … has "
            "been cancelled` where helm got a signal from outside, as from a Pod that stops, and then nothing is wrong "
            "with the repository"
        ),
    ]


def test_a_remote_base_may_name_charts(world: Charts, tmp_path: Path) -> None:
    chart = {"name": "redis", "version": "1.2.3", "repo": world.repository.url}
    with GitHost(tmp_path / "git") as host:
        host.repository("o/r").commit({"b/kustomization.yaml": json.dumps({"helmCharts": [chart]})}, "v1")
        policy = tmp_path / "policy.yaml"
        policy.write_text(f"version: 1\nkustomize: {{hosts: ['{host.host}']}}\n")
        world.write({"kustomization.yaml": f"resources: ['{host.url}/o/r//b?ref=v1']\n"})
        world.sandbox.extra["CMP_POLICY"] = str(policy)
        (world.root / "cmp.yaml").write_text(f"version: 1\ntools: {{kustomize: {NEWEST}}}\n")
        ran = world.sandbox.run("lock", cwd=world.root)
        assert ran.code == 0, ran.stderr
        locked = yaml.safe_load((world.root / "cmp.lock").read_text())["charts"]
        assert [(one["name"], one["constraint"], one["version"]) for one in locked] == [("redis", "1.2.3", "1.2.3")]
        before = host.requests, world.repository.requests
        assert names(world.must(CMP_OFFLINE="1")) == ["redis-1.2.3"]
        assert (host.requests, world.repository.requests) == before


def test_cache_and_lock_know_the_charts(world: Charts) -> None:
    world.name({"name": "redis", "version": "1.2.x"}, {"name": "postgresql", "version": "4.1.0"})
    (world.root / "cmp.yaml").write_text(f"version: 1\ntools: {{kustomize: {NEWEST}}}\n")
    ran = world.sandbox.run("cache", "warm", cwd=world.root)
    assert ran.stdout == f"2 archives in {world.sandbox.cache}, 2 of them new\n", ran.stderr
    ran = world.sandbox.run("lock", cwd=world.root)
    assert ran.stdout.startswith("cmp.lock: 2 charts, "), ran.stderr
    before = world.repository.requests
    assert names(world.must(CMP_OFFLINE="1")) == ["postgresql-4.1.0", "redis-1.2.3"]
    assert world.repository.requests == before
    world.name({"name": "redis", "version": "1.3.0"})
    assert "cmp.lock has no entry for it" in world.refused()[0]


def test_the_newest_version_is_taken_and_reported(world: Charts) -> None:
    world.write({"kustomization.yaml": json.dumps({"helmCharts": [{"name": "redis", "repo": world.repository.url}]})})
    ran = world.run()
    assert names(ran.stdout) == ["redis-1.3.0"]
    assert "redis * is 1.3.0 for now, and may be another within the hour" in ran.stderr


def test_the_policy_is_asked_for_the_host_of_a_chart(world: Charts, tmp_path: Path) -> None:
    world.name({"name": "redis", "version": "1.2.3"})
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\ncharts: {hosts: [charts.example.com]}\n")
    assert (
        "may not be used: the administrator's policy does not list its host" in world.refused(CMP_POLICY=str(policy))[0]
    )
    assert world.repository.requests == []


def test_beside_helm_in_one_application(world: Charts) -> None:
    """Each helm is the one that is pinned for it."""
    world.options({**ENABLED, "helmVersion": OLDER_HELM_3}, engine=["helm", "kustomize"], tools={"helm": HELM_4})
    world.name({"name": "redis", "version": "1.2.3"})
    world.write(
        {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "namespaces/web/templates/c.yaml": CONFIG}
    )
    ran = world.run("--explain")
    assert ran.code == 0, ran.stderr
    assert names(ran.stdout) == ["config", "redis-1.2.3"]
    assert f"  helm {OLDER_HELM_3}  (kustomize.helmVersion)  " in ran.stderr
    assert f"  helm {HELM_4}  (namespaces/web/cmp-app.yaml" in ran.stderr


MISTAKES: dict[str, tuple[dict[str, object], str]] = {
    "a path as a name": ({"helmCharts": [{"name": "../x", "version": "1"}]}, "no chart can be called '../x'"),
    "a path as a version": ({"helmCharts": [{"name": "x", "version": "1/../.."}]}, "have the version '1/../..'"),
    "a home outside": (
        {"helmCharts": [{"name": "x"}], "helmGlobals": {"chartHome": "../../../x"}},
        "chartHome ../../../x leads outside the source tree",
    ),
    "a configuration for helm": (
        {"helmCharts": [{"name": "x"}], "helmGlobals": {"configHome": "plugins"}},
        "configHome is not supported: helm gets a private, empty folder for its configuration",
    ),
    "a password": (
        {"helmCharts": [{"name": "x", "version": "1.0.0", "repo": "https://u:hunter2@h.example"}]},
        "the repository of x has credentials in its URL: https://h.example",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place(name: str, world: Charts) -> None:
    kustomization, said = MISTAKES[name]
    world.write({"kustomization.yaml": json.dumps(kustomization)})
    lines = world.refused()
    assert said in lines[0]
    assert "namespaces/web/kustomization.yaml:1" in lines[1]
    assert "hunter2" not in "".join(lines)


def test_helm_cannot_reach_the_network_or_the_machine(world: Charts, tmp_path: Path) -> None:
    """A chart that was unpacked is rendered behind the same wall as the kustomization."""
    chart = write_chart(tmp_path / "c", "mine", "1.0.0", **{"x.yaml": '# {{ .Files.Get "/etc/passwd" }}'})
    helm = f"{world.sandbox.tools_dir}/helm/{HELM_3}/helm"
    archive = package(helm, chart, tmp_path)
    shutil.unpack_archive(archive, world.root / "namespaces/web/charts", "gztar", filter="data")
    world.write({"namespaces/web/charts/mine/values.yaml": ""})
    world.name({"name": "mine"})
    assert "root:" not in world.must()


def endless(world: Charts) -> None:
    """Write a chart that helm, whom kustomize runs, renders for ever."""
    world.local()
    world.write({"namespaces/web/charts/mine/templates/map.yaml": "{{ range until 2000000000 }}{{ end }}"})
    world.name({"name": "mine"})


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_helm_does_not_outlive_a_render(signum: signal.Signals, world: Charts) -> None:
    endless(world)
    marker, argv = str(world.sandbox.folder), world.sandbox.command("render", "web", "--cluster", "dev")
    with subprocess.Popen(argv, cwd=world.root, env=world.sandbox.env(), stderr=subprocess.PIPE) as process:
        wait_until(lambda: any("helm template" in text for text in processes_of(marker).values()))
        process.send_signal(signum)
        process.communicate(timeout=120)
    wait_until(lambda: not processes_of(marker))
    assert [*world.sandbox.tmp.iterdir()] == []


def test_a_chart_that_never_ends_is_ended(world: Charts) -> None:
    endless(world)
    (world.root / "cmp.yaml").write_text(f"version: 1\ntools: {{kustomize: {NEWEST}}}\n")
    ran = world.generate(CMP_DEADLINE="3")
    assert ran.code == 9, ran.stderr
    wait_until(lambda: not processes_of(str(world.sandbox.folder)))
    assert [*world.sandbox.tmp.iterdir()] == []
