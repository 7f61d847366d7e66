"""Applications that are values alone, rendered: by a chart of the repository, and by a chart from elsewhere."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
