"""docs/upgrade.md: its way is walked by twenty clusters, and each command says there what the page says of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.charts import dependency
from tests.support.git_repository import IDENTITY, Repo
from tests.support.harness import CHECKOUT
from tests.support.operations_page import anchor
from tests.support.servers.charts import ChartRepository
from tests.support.versions import DEFAULT_HELM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.harness import Sandbox

PAGE = (CHECKOUT / "docs/upgrade.md").read_text("utf-8")
_FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEST = [f"test-{number}" for number in range(1, 5)]
CLUSTERS = [*TEST, *(f"prod-{number}" for number in range(1, 17))]
DASHBOARD = """\
apiVersion: v1
kind: Service
metadata: {name: dashboard}
spec:
  selector: {app: dashboard}
  ports: [{port: 80}]
  {{- if semverCompare ">=1.38-0" .Capabilities.KubeVersion.Version }}
  trafficDistribution: PreferSameZone
  {{- end }}
"""
CLAIM = """\
apiVersion: resource.k8s.io/{api}
kind: ResourceClaimTemplate
metadata: {{name: accelerator}}
spec: {{spec: {{devices: {{requests: [{request}]}}}}}}
"""
REQUESTS = {
    "v1beta1": "{name: gpu, deviceClassName: gpu.example.com}",
    "v1": "{name: gpu, exactly: {deviceClassName: gpu.example.com}}",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> Iterator[ChartRepository]:
    from examples import chartserver  # noqa: PLC0415  # `loaded_modules` looks for modules that it imports

    folder = tmp_path_factory.mktemp("charts")
    for version, api in (("1.4.0", "v1beta1"), ("2.0.0", "v1")):
        chart = folder / "charts" / version
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: accelerators\nversion: {version}\n")
        (chart / "templates/claim.yaml").write_text(CLAIM.format(api=api, request=REQUESTS[api]))
    packed = chartserver.package(folder / "charts", folder / "packed", Path(tools_dir, f"helm/{DEFAULT_HELM}/helm"))
    with ChartRepository(packed) as charts:
        yield charts


def fleet(url: str) -> dict[str, str | bytes | None]:
    """Return the files of the page's repository."""
    trainer = {"apiVersion": "v2", "name": "trainer", "version": "1.0.0"}
    depending = {**trainer, "dependencies": [dependency("accelerators", "1.4.0", url)]}
    inventory = "".join(f'  {name}: {{kubeVersion: "1.37"}}\n' for name in CLUSTERS)
    return {
        "cmp.yaml": "version: 1\nlayout:\n  apps: apps/{app}\n  instances: clusters/{cluster}/{app}\n"
        f"clusters:\n{inventory}tools: {{helm: {DEFAULT_HELM}}}\n",
        "apps/dashboard/Chart.yaml": "apiVersion: v2\nname: dashboard\nversion: 1.0.0\n",
        "apps/dashboard/templates/service.yaml": DASHBOARD,
        "apps/trainer/Chart.yaml": json.dumps(depending, indent=1),
        **{f"clusters/{cluster}/dashboard/.keep": "" for cluster in CLUSTERS},
        **{f"clusters/{cluster}/trainer/.keep": "" for cluster in TEST},
    }


class Walk:
    """The commands of the page, one after the other, in its repository."""

    def __init__(self, repo: Repo, sandbox: Sandbox) -> None:
        self._repo = repo
        self._env = {**sandbox.env(), **IDENTITY, "PATH": f"{os.path.dirname(sys.executable)}:{sandbox.env()['PATH']}"}
        self.lines = [line for block in _FENCE.findall(PAGE) for line in block.splitlines()]
        self._next = 0

    def __call__(self, line: str, code: int) -> str:
        """Run the page up to its next such line, and return what that prints; it ends with the code."""
        while True:
            current = self.lines[self._next]
            self._next += 1
            ran = subprocess.run(
                ["sh", "-c", current], cwd=self._repo.folder, env=self._env, capture_output=True, check=False
            )
            assert current == line or not current.startswith("cmp "), f"the page runs {current} before {line}"
            wanted = code if current == line else 0
            assert ran.returncode == wanted, f"{current}\n{ran.stdout.decode()}{ran.stderr.decode()}"
            if current == line:
                return ran.stdout.decode()

    @property
    def is_done(self) -> bool:
        return not any(line.startswith("cmp ") for line in self.lines[self._next :])


def test_the_way_is_walked(tmp_path: Path, sandbox: Sandbox, server: ChartRepository) -> None:
    repo = Repo(tmp_path / "repo")
    repo.commit(fleet(server.url))
    walk = Walk(repo, sandbox)

    refused = walk("cmp check --kube-version 1.38", 1)
    assert "resource.k8s.io/v1beta1" in refused
    supposed = walk("cmp diff --chart accelerators=2.0.0", 1)
    assert "What if:          chart accelerators 2.0.0 (apps/trainer/Chart.yaml:8)" in supposed
    assert "4 of 20 clusters" in supposed.splitlines()[0]
    real = walk("cmp diff", 1)
    assert changes(real) == changes(supposed) != [], "the report is that of the edit which nobody has made yet"
    assert "resource.k8s.io/v1beta1" not in walk("cmp check --kube-version 1.38", 0)

    everywhere = walk("cmp diff --kube-version 1.38", 1)
    assert "20 of 20 clusters, 1 app, 1 distinct change" in everywhere.splitlines()[0]
    assert "trafficDistribution: PreferSameZone" in everywhere
    walk("cmp diff --kube-version 1.38 --exit-zero --output html=upgrade.html", 0)
    assert "PreferSameZone" in (repo.folder / "upgrade.html").read_text("utf-8")

    supposed = walk("cmp diff --kube-version test-1=1.38", 1)
    assert "1 of 20 clusters, 1 app, 1 distinct change" in supposed.splitlines()[0]
    real = walk("cmp diff", 1)
    assert changes(real) == changes(supposed) != []

    wave = walk("cmp diff --kube-version test-2=1.38 --kube-version test-3=1.38 --kube-version test-4=1.38", 1)
    assert "3 of 20 clusters, 1 app, 1 distinct change" in wave.splitlines()[0]
    gated = "--fail-on data-removed,workload-removed,immutable-field"
    assert "1 of 20 clusters" in walk(f"cmp diff --kube-version prod-1=1.38 {gated}", 1)
    assert walk.is_done


def changes(report: str) -> list[str]:
    """Return the headings of the changes in a report, and their lines."""
    shown = report.partition("\n\nAbout this report")[0]
    return [line for line in shown.splitlines() if re.match(r"[A-Z] · |  [-+]", line)]


@pytest.mark.no_tools
def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, section = link.partition("#")
        text = (CHECKOUT / "docs" / (file or "upgrade.md")).read_text("utf-8")
        assert not section or section in {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
