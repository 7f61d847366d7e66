"""Applications that are values alone, rendered: by a chart of the repository, and by a chart from elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from examples import chartserver
from tests.support.charts import HELM, HELMS, dependency, write_chart
from tests.support.repository import Repository
from tests.support.servers.charts import ChartRepository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.harness import Sandbox

CLUSTERS = ("dev", "prod")
CONFIG = """\
version: 1
layout:
  apps: apps/{app}
  instances: clusters/{cluster}/{app}
  values: ["apps/{app}/values.yaml", "clusters/{cluster}/{app}/values*.yaml", "clusters/{cluster}/{app}/*.secret.yaml"]
"""
TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}
stringData:
  of: {{ .Chart.Name }}-{{ .Chart.Version }}
  size: {{ .Values.size | quote }}
  tier: {{ .Values.tier }}
  password: {{ .Values.password }}
"""
DEFAULTS = "size: 1\ntier: small\npassword: none\n"
TREE = {
    "apps/web/values.yaml": "size: 2\n",
    "apps/db/values.yaml": "size: 3\n",
    **{f"clusters/{cluster}/{app}/values.yaml": f"tier: {cluster}\n" for cluster in CLUSTERS for app in ("web", "db")},
}
SECRETS = {f"clusters/{cluster}/web/values.secret.yaml": f"password: hidden-{cluster}-5b1\n" for cluster in CLUSTERS}
PATCHED = {
    "apps/web/cmp-app.yaml": "engine: [helm, kustomize]\n",
    "apps/web/kustomization.yaml": """\
patches:
- target: {kind: Secret}
  patch: |-
    - {op: add, path: /stringData/patched, value: by-the-folder}
""",
}


def write_service(folder: Path, version: str, dependencies: object = ()) -> Path:
    """Write a chart whose only template prints its values."""
    write_chart(folder, "service", version, dependencies)
    (folder / "templates/map.yaml").write_text(TEMPLATE)
    (folder / "values.yaml").write_text(DEFAULTS)
    return folder


@pytest.fixture(scope="module")
def packed(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an index and archives: several versions of the chart, and one of a part of it."""
    folder = tmp_path_factory.mktemp("packed")
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        write_service(folder / f"charts/service-{version}", version)
    write_chart(folder / "charts/part", "part", "1.0.0")
    library = write_chart(folder / "charts/library", "library", "1.0.0") / "Chart.yaml"
    library.write_text(library.read_text().replace('"v2"', '"v2", "type": "library"'))
    return chartserver.package(folder / "charts", folder / "packed", Path(tools_dir, f"helm/{HELM}/helm"))


@pytest.fixture
def server(packed: Path) -> Iterator[ChartRepository]:
    with ChartRepository(packed) as server:
        yield server


@pytest.fixture
def repository(sandbox: Sandbox) -> Repository:
    return Repository(sandbox, app="web", cluster="dev").write(TREE).seal(SECRETS)


def of_folder(repository: Repository, server: ChartRepository) -> Repository:
    write_service(repository.root / "charts/service", "1.0.0", [dependency("part", "1.0.0", server.url)])
    return repository.write({"cmp.yaml": f"{CONFIG}  chart: charts/service\n"})


def of_server(repository: Repository, url: str, version: str = "1.0.0") -> Repository:
    chart = f"  chart: {{repository: '{url}', name: service, version: {version}}}\n"
    return repository.write({"cmp.yaml": CONFIG + chart})


@pytest.mark.parametrize("helm", HELMS)
def test_the_bare_helm_makes_the_same_of_a_chart_of_the_repository(
    repository: Repository, server: ChartRepository, helm: str
) -> None:
    of_folder(repository, server)
    program = [repository.sandbox.tools_dir + f"/helm/{helm}/helm"]
    chart, plain = repository.root / "charts/service", repository.sandbox.folder / "plain.yaml"
    by_cmp = repository.must("--helm-version", helm)
    plain.write_text("password: hidden-dev-5b1\n")
    home = {"HOME": str(repository.sandbox.folder / "by-hand")}
    subprocess.run([*program, "dependency", "update", chart], env=home, capture_output=True, check=True)
    values = [repository.root / "apps/web/values.yaml", repository.root / "clusters/dev/web/values.yaml", plain]
    flags = [flag for path in values for flag in ("--values", path)]
    argv = [*program, "template", "web", chart, "--namespace", "web", "--include-crds", *flags]
    by_helm = subprocess.run(argv, env=home, capture_output=True, check=True, text=True).stdout
    assert by_cmp == by_helm
    assert "part-1.0.0" in by_cmp


def test_applications_and_clusters_share_it(repository: Repository, server: ChartRepository) -> None:
    of_folder(repository, server)
    printed = {
        (app, cluster): repository.cmp("render", app, "--cluster", cluster).stdout
        for app in ("web", "db")
        for cluster in CLUSTERS
    }
    for (app, cluster), text in printed.items():
        assert f"name: {app}" in text
        assert f'size: "{2 if app == "web" else 3}"' in text
        assert f"tier: {cluster}" in text
        assert f"password: {f'hidden-{cluster}-5b1' if app == 'web' else 'none'}" in text
    assert server.counts() == {"/index.yaml": 1, "/part-1.0.0.tgz": 1}


class TestOfARepository:
    def test_it_is_fetched_once_and_then_needs_no_network(
        self, repository: Repository, server: ChartRepository
    ) -> None:
        of_server(repository, server.url)
        cold = repository.must()
        assert "of: service-1.0.0" in cold
        assert ('size: "2"' in cold, "tier: dev" in cold, "hidden-dev-5b1" in cold) == (True, True, True)
        assert server.counts() == {"/index.yaml": 1, "/service-1.0.0.tgz": 1}
        warm = repository.run(CMP_OFFLINE="1")
        assert (warm.stdout, "charts 1/1 without network" in warm.stderr) == (cold, True)
        assert len(server.requests) == 2

    def test_offline_it_must_be_in_the_cache(self, repository: Repository, server: ChartRepository) -> None:
        assert of_server(repository, server.url).refused(CMP_OFFLINE="1")[:2] == [
            f"cmp: chart service 1.0.0 of {server.url} is not in the cache, and CMP_OFFLINE forbids to fetch it",
            "  where: application web, cluster dev, phase charts, cmp.yaml:6:10",
        ]
        assert server.requests == []

    def test_a_range_keeps_its_version(self, repository: Repository, server: ChartRepository) -> None:
        of_server(repository, server.url, "^1.0")
        ran = repository.run()
        assert "of: service-1.1.0" in ran.stdout
        assert "cmp.yaml:6:10: service ^1.0 is 1.1.0 for now, and may be another within the hour" in ran.stderr
        before = len(server.requests)
        assert repository.must() == ran.stdout
        assert len(server.requests) == before

    def test_one_cluster_may_have_another_version(self, repository: Repository, server: ChartRepository) -> None:
        of_server(repository, server.url)
        chart = f"chart: {{repository: '{server.url}', name: service, version: 2.0.0}}\n"
        repository.write({"clusters/prod/web/cmp-app.yaml": chart})
        assert "of: service-1.0.0" in repository.must()
        assert "of: service-2.0.0" in repository.cmp("render", "web", "--cluster", "prod").stdout

    def test_a_kustomization_may_patch_it(self, repository: Repository, server: ChartRepository) -> None:
        of_server(repository, server.url)
        repository.write(PATCHED)
        printed = repository.must()
        assert ("of: service-1.0.0" in printed, "patched: by-the-folder" in printed) == (True, True)
        assert ("tier: dev" in printed, "hidden-dev-5b1" in printed) == (True, True)

    def test_an_alias_stands_for_its_repository(self, repository: Repository, packed: Path) -> None:
        with ChartRepository(packed, credentials=("robot", "pass-4c1")) as server:
            config = server.write_repositories(repository.sandbox.folder / "repositories.yaml")
            of_server(repository, "@example")
            assert repository.refused()[0] == "cmp: nobody defines the repository @example of service"
            assert "of: service-1.0.0" in repository.must(HELM_REPOSITORY_CONFIG=str(config))

    def test_the_lock_has_it(self, repository: Repository, server: ChartRepository) -> None:
        of_server(repository, server.url, "^1.0")
        assert repository.cmp("lock").code == 0
        lock = (repository.root / "cmp.lock").read_text()
        (entry,) = yaml.safe_load(lock)["charts"]
        assert (entry["name"], entry["constraint"], entry["version"]) == ("service", "^1.0", "1.1.0")
        ran = repository.run()
        assert ("of: service-1.1.0" in ran.stdout, "for now" in ran.stderr) == (True, False)
        of_server(repository, server.url, "^2.0")
        assert repository.refused() == [
            f"cmp: chart service ^2.0 of {server.url}: cmp.lock has no entry for it",
            "  where: application web, cluster dev, phase charts, cmp.yaml:6:10",
            "  hint: run `cmp lock` and commit the file",
        ]

    def test_the_cache_is_warmed_for_it(self, repository: Repository, server: ChartRepository) -> None:
        of_server(repository, server.url)
        ran = repository.cmp("cache", "warm")
        assert (ran.code, ran.stdout.partition(" ")[0]) == (0, "1"), ran.stderr
        assert "of: service-1.0.0" in repository.must(CMP_OFFLINE="1")

    def test_its_defaults_are_the_weakest_values(self, repository: Repository, server: ChartRepository) -> None:
        of_server(repository, server.url)
        ran = repository.cmp("values", "db", "--cluster", "dev", "--explain")
        assert ran.stdout.splitlines() == [
            'password: "none"  # service-1.0.0/values.yaml:3',
            "size: 3  # apps/db/values.yaml:1 (overrides service-1.0.0/values.yaml:1)",
            'tier: "dev"  # clusters/dev/db/values.yaml:1 (overrides service-1.0.0/values.yaml:2)',
        ]
        secret = repository.cmp("values", "web", "--cluster", "dev", "--explain").stdout.splitlines()[0]
        assert secret == (
            'password: "‹secret›"  # clusters/dev/web/values.secret.yaml:1 (overrides service-1.0.0/values.yaml:3)'
        )

    def test_a_version_that_nobody_has(self, repository: Repository, server: ChartRepository) -> None:
        lines = of_server(repository, server.url, "9.9.9").refused()
        assert lines == [
            (
                f"cmp: chart service 9.9.9 of {server.url}: it has no such chart or version: no chart version found "
                "for service-9.9.9"
            ),
            "  where: application web, cluster dev, phase charts, cmp.yaml:6:10",
            "  hint: check name and version",
        ]

    def test_a_host_that_does_not_answer(self, repository: Repository) -> None:
        lines = of_server(repository, "http://127.0.0.1:9/charts").refused()
        assert lines[:2] == [
            (
                "cmp: chart service 1.0.0 of http://127.0.0.1:9/charts: cannot fetch the index: no connection (3 "
                "tries): 127.0.0.1:9 cannot be reached: Connection refused"
            ),
            "  where: application web, cluster dev, phase charts, cmp.yaml:6:10",
        ]

    def test_without_a_key_it_has_placeholders(self, repository: Repository, server: ChartRepository) -> None:
        of_server(repository, server.url)
        ran = repository.cmp("render", "web", "--cluster", "dev", "--keyless", SOPS_AGE_KEY_FILE="/nonexistent")
        assert (ran.code, "of: service-1.0.0" in ran.stdout, "hidden" in ran.stdout) == (0, True, False)

    def test_a_file_of_it_cannot_be_listed(self, repository: Repository, server: ChartRepository) -> None:
        of_server(repository, server.url)
        repository.write({"apps/web/cmp-app.yaml": "secrets: {files: [files/key]}\n"})
        assert repository.refused() == [
            "cmp: secrets.files names files/key, and the chart is one of a repository: no file of it lies here",
            "  where: application web, cluster dev, phase layout, apps/web/cmp-app.yaml:1:18",
            "  hint: encrypted values files need no list: their names, or sops' metadata in them, say so",
        ]


def test_a_kustomization_may_patch_a_chart_of_the_repository(repository: Repository, server: ChartRepository) -> None:
    of_folder(repository, server).write(PATCHED)
    printed = repository.must()
    assert ("of: service-1.0.0" in printed, "patched: by-the-folder" in printed) == (True, True)
    assert ("part-1.0.0" in printed, "hidden-dev-5b1" in printed) == (True, True)


def test_its_own_defaults_are_the_weakest_values(repository: Repository, server: ChartRepository) -> None:
    of_folder(repository, server)
    ran = repository.cmp("values", "db", "--cluster", "prod", "--explain")
    assert ran.stdout.splitlines() == [
        "part.global: {}  # made by Helm",
        'password: "none"  # charts/service/values.yaml:3',
        "size: 3  # apps/db/values.yaml:1 (overrides charts/service/values.yaml:1)",
        'tier: "prod"  # clusters/prod/db/values.yaml:1 (overrides charts/service/values.yaml:2)',
    ]


def test_the_list_shows_folder_and_chart(repository: Repository, server: ChartRepository) -> None:
    of_folder(repository, server)
    chart = f"chart: {{repository: '{server.url}', name: service, version: 2.0.0}}\n"
    repository.write({"clusters/prod/web/cmp-app.yaml": chart})
    rows = [re.split("  +", line) for line in repository.cmp("apps").stdout.splitlines()]
    assert [row[:5] for row in rows[1:]] == [
        ["db", "dev", f"helm {HELM}", "apps/db, chart charts/service", "2"],
        ["db", "prod", f"helm {HELM}", "apps/db, chart charts/service", "2"],
        ["web", "dev", f"helm {HELM}", "apps/web, chart charts/service", "3"],
        ["web", "prod", f"helm {HELM}", "apps/web, chart service 2.0.0", "3"],
    ]
    listed = json.loads(repository.cmp("apps", "--format", "json").stdout)
    assert {(pair["folder"], pair["chart"]) for pair in listed} == {
        ("apps/db", "charts/service"),
        ("apps/web", "charts/service"),
        ("apps/web", "service 2.0.0"),
    }
    explained = repository.run("--explain").stderr.splitlines()
    assert "application web, cluster dev, folder apps/web, chart charts/service" in explained
    assert "the chart is named by cmp.yaml:6:10" in explained


def test_the_annotation_brings_the_chart(repository: Repository, server: ChartRepository) -> None:
    of_folder(repository, server)
    assert repository.cmp("paths").stdout.splitlines() == [
        "db  /apps/db;/charts/service;/clusters/*/db/*;/cmp.lock;/cmp.yaml",
        "web  /apps/web;/charts/service;/clusters/*/web/*;/cmp.lock;/cmp.yaml",
    ]


def test_a_chart_that_does_not_arrive_in_the_sidecar(repository: Repository, server: ChartRepository) -> None:
    of_folder(repository, server)
    assert repository.generate().code == 0
    shutil.rmtree(repository.root / "charts")
    assert repository.generate().stderr.splitlines() == [
        "cmp: `chart` names the folder charts/service, which is not there",
        "  where: application web, cluster dev, phase layout, cmp.yaml:6:10",
        (
            "  hint: the path starts at the root of the repository; to a repo-server that sends plugins only what the "
            "annotation argocd.argoproj.io/manifest-generate-paths names, that must have /charts/service, as `cmp "
            "paths` prints it; see operations.md#configuration"
        ),
    ]


def test_the_policy_must_let_the_project_use_it(repository: Repository, server: ChartRepository) -> None:
    of_folder(repository, server)
    rule = "applications:\n- {projects: [web], namespaces: ['*'], folders: [%s]}\n"
    repository.mount_policy(rule % "apps/web, clusters/*/web")
    refused = repository.generate(ARGOCD_APP_PROJECT_NAME="web")
    assert (refused.code, refused.stderr.splitlines()[:2]) == (
        3,
        [
            "cmp: AppProject web may not use the chart charts/service",
            "  where: application web, cluster dev, phase policy, cmp.yaml:6:10",
        ],
    )
    repository.mount_policy(rule % "apps/web, clusters/*/web, charts/service")
    assert repository.generate(ARGOCD_APP_PROJECT_NAME="web").code == 0


def test_the_policy_must_list_its_host(repository: Repository, server: ChartRepository) -> None:
    of_server(repository, server.url)
    repository.mount_policy("charts: {hosts: [charts.example.com]}\n")
    assert repository.refused()[:2] == [
        (
            f"cmp: chart service 1.0.0 of {server.url} may not be used: the administrator's policy does not list its "
            f"host {server.url.split('/')[2]}"
        ),
        "  where: application web, cluster dev, phase charts, cmp.yaml:6:10",
    ]
    assert server.requests == []


def test_every_pair_is_rendered_and_kept(repository: Repository, server: ChartRepository) -> None:
    of_server(repository, server.url)
    folder = str(repository.sandbox.folder / "all")
    ran = repository.cmp("render", "--all", "--secrets", "mask", "--output-dir", folder)
    assert ran.code == 0, ran.stderr
    files = sorted(path for path in (repository.sandbox.folder / "all").rglob("*.yaml"))
    assert len(files) == 4
    assert all("kind: Secret" in path.read_text() and "hidden" not in path.read_text() for path in files)
    assert server.counts()["/service-1.0.0.tgz"] == 1


def test_a_library_of_a_repository(repository: Repository, server: ChartRepository) -> None:
    chart = f"chart: {{repository: '{server.url}', name: library, version: 1.0.0}}\n"
    of_server(repository, server.url).write({"apps/web/cmp-app.yaml": chart})
    assert repository.refused() == [
        f"cmp: helm {HELM}: library charts are not installable",
        "  where: application web, cluster dev, phase helm, apps/web/cmp-app.yaml:1:8",
        "  hint: name a chart of type application, which may have the library among its dependencies",
    ]
