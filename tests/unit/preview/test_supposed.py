"""The files of a tree with other versions: exactly those that a person would edit, and exactly so."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import pytest

from cmp.errors import ConfigError, UsageError
from cmp.preview.supposed import WhatIf, suppose
from cmp.preview.supposed.asked import scoped
from cmp.repository.git import of_folder
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.context import Context
    from cmp.preview.supposed import Supposed

CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
TREE = {"namespaces/web/Chart.yaml": CHART, "clusters/dev/web/.keep": "", "clusters/prod/web/.keep": ""}
URL = "https://c.test"


class Supposing:
    """A folder as a tree, and what is supposed of it."""

    def __init__(self, root: Path, context: Context) -> None:
        self._root = root
        self._context = context

    def __call__(self, files: dict[str, str], **options: tuple[str, ...]) -> Supposed:
        plant(self._root, files)
        what_if = WhatIf.of(*(options.get(name, ()) for name in ("kube_versions", "pins", "charts")))
        self.tree = of_folder(str(self._root))
        self.found = suppose(self.tree, what_if, self._context)
        return self.found

    def lines(self, files: dict[str, str], **options: tuple[str, ...]) -> list[str]:
        """Return the lines that go and come in all files, each with the path."""
        self(files, **options)
        return [f"{path} {line}" for path in self.found.changed for line in self._differing(path)]

    def _differing(self, path: str) -> list[str]:
        old, new = (
            tree.read(path).decode().splitlines() if tree.kind(path) == "file" else []
            for tree in (self.tree, self.found.tree)
        )
        return [line for line in difflib.ndiff(old, new) if line[0] in "+-"]


@pytest.fixture
def supposing(tmp_path: Path, context: Context) -> Supposing:
    return Supposing(tmp_path, context)


def inventory(text: str) -> dict[str, str]:
    return {**TREE, "cmp.yaml": f"version: 1\nclusters:\n{text}"}


@pytest.mark.parametrize(
    ("asked", "before", "after"),
    [
        ("dev=1.38", '  dev: {kubeVersion: "1.33"}\n', '  dev: {kubeVersion: "1.38"}\n'),
        ("dev=1.38", "  dev: {kubeVersion: 1.33}\n", '  dev: {kubeVersion: "1.38"}\n'),
        ("dev=1.38.0", "  dev: {kubeVersion: v1.33.1}\n", "  dev: {kubeVersion: 1.38.0}\n"),
        ("dev=1.30", "  dev: {env: dev}\n", '  dev: {env: dev, kubeVersion: "1.30"}\n'),
        ("dev=v1.38", "  dev:\n    env: dev  # own\n", '  dev:\n    env: dev  # own\n    kubeVersion: "1.38"\n'),
        ("dev=1.38", "  dev:\n  prod: {}\n", '  dev: {kubeVersion: "1.38"}\n  prod: {}\n'),
    ],
)
def test_a_version_of_kubernetes_in_the_inventory(supposing: Supposing, asked: str, before: str, after: str) -> None:
    found = supposing(inventory(before), kube_versions=(asked,))
    assert found.changed == ("cmp.yaml",)
    assert found.tree.read("cmp.yaml").decode() == inventory(after)["cmp.yaml"]


def test_an_inventory_of_its_own_is_edited_where_it_lies(supposing: Supposing) -> None:
    files = {
        **TREE,
        "cmp.yaml": "version: 1\nclusters: {file: fleet/all.yaml}\n",
        "fleet/all.yaml": "dev: {}\nprod: {}\n",
    }
    assert supposing.lines(files, kube_versions=("prod=1.38",)) == [
        "fleet/all.yaml - prod: {}",
        'fleet/all.yaml + prod: {kubeVersion: "1.38"}',
    ]
    assert supposing.found.suppositions[0].places == ("fleet/all.yaml:2",)


LIKE = """\
  a: {kubeVersion: "1.33", apiVersions: [v1]}
  b: {is: a}
  c: {is: b, kubeVersion: "1.32"}
  d: {is: c}
  e: {}
"""


@pytest.mark.parametrize(
    ("asked", "versions", "text"),
    [
        (("1.38",), ["1.38"] * 5, "Kubernetes 1.38 on all 5 clusters of the inventory"),
        (("a=1.38",), ["1.38", "1.38", "1.32", "1.32", ""], "Kubernetes 1.38 on a, and b, which inherits it"),
        (("b=1.38",), ["1.33", "1.38", "1.32", "1.32", ""], "Kubernetes 1.38 on b"),
        (("1.33",), ["1.33"] * 5, "Kubernetes 1.33 on c, d, e"),
        (("d=1.36", "1.38"), ["1.38", "1.38", "1.38", "1.36", "1.38"], "Kubernetes 1.38 on all 5 clusters"),
    ],
)
def test_clusters_that_are_like_another_one(
    supposing: Supposing, asked: tuple[str, ...], versions: list[str], text: str
) -> None:
    from cmp.engines import ENGINES  # noqa: PLC0415
    from cmp.repository.instances import Repository  # noqa: PLC0415

    found = supposing(inventory(LIKE), kube_versions=asked)
    clusters = Repository(found.tree, ENGINES).config.clusters
    assert [cluster.kube_version for cluster in clusters.values()] == versions
    assert found.suppositions[0].text.startswith(text)


def test_api_versions_of_the_present_kubernetes_are_told(supposing: Supposing) -> None:
    found = supposing(inventory(LIKE), kube_versions=("a=1.38",))
    assert found.suppositions[0].remark.startswith(
        "the inventory lists the API versions of a, b, which are still those"
    )
    assert supposing(inventory(LIKE), kube_versions=("e=1.38",)).suppositions[0].remark == ""


PINS = {
    **TREE,
    "cmp.yaml": "version: 1\ntools:\n  helm: 3.18.6  # all\napplications:\n- {apps: web, tools: {helm: 3.14.4}}\n",
    "clusters/prod/web/cmp-app.yaml": "# later\ntools: {sops: 3.10.2}\n",
}


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        ("helm=4.0.0", ["cmp.yaml -   helm: 3.18.6  # all", "cmp.yaml +   helm: 4.0.0  # all"]),
        ("sops=3.13.3", ["cmp.yaml +   sops: 3.13.3"]),
        ("web:helm=4.0.0", ["namespaces/web/cmp-app.yaml + tools:", "namespaces/web/cmp-app.yaml +   helm: 4.0.0"]),
        (
            "web@prod:helm=4.0.0",
            [
                "clusters/prod/web/cmp-app.yaml - tools: {sops: 3.10.2}",
                "clusters/prod/web/cmp-app.yaml + tools: {sops: 3.10.2, helm: 4.0.0}",
            ],
        ),
    ],
)
def test_a_pin_is_where_cmp_pin_would_write_it(supposing: Supposing, asked: str, lines: list[str]) -> None:
    assert supposing.lines(PINS, pins=(asked,)) == lines


def test_a_pin_that_stands_nowhere_is_added(supposing: Supposing) -> None:
    assert supposing.lines(TREE, pins=("helm=4.0.0",)) == ["cmp.yaml + tools:", "cmp.yaml +   helm: 4.0.0"]
    assert supposing.found.suppositions[0].places == ("cmp.yaml:1",)


def test_a_pin_is_not_taken_for_the_tool_of_argo_cd(supposing: Supposing) -> None:
    """Where nobody has a cmp.yaml, every Application is rendered without the plugin."""
    remark = supposing(TREE, pins=("helm=4.0.0",)).suppositions[0].remark
    assert remark.startswith("a pin is for applications that the plugin renders")
    own = {**TREE, "cmp.yaml": "version: 1\npreview: {argocd: {version: '3.6'}}\n"}
    assert supposing(own, pins=("helm=4.0.0",)).suppositions[0].remark == remark
    assert supposing(own, pins=("sops=3.13.3",)).suppositions[0].remark == ""
    assert supposing(PINS, pins=("helm=4.0.0",)).suppositions[0].remark == ""


def test_pins_in_one_file_are_edited_one_after_the_other(supposing: Supposing) -> None:
    assert supposing.lines(PINS, pins=("helm=4.0.0", "cue=0.14.1")) == [
        "cmp.yaml -   helm: 3.18.6  # all",
        "cmp.yaml +   helm: 4.0.0  # all",
        "cmp.yaml +   cue: 0.14.1",
    ]


@pytest.mark.parametrize(
    ("app", "cluster", "text"),
    [("", "", "helm=4.0.0"), ("web", "", "web:helm=4.0.0"), ("web", "prod", "web@prod:helm=4.0.0")],
)
def test_a_pin_is_read_as_it_is_written(app: str, cluster: str, text: str) -> None:
    assert scoped("helm", "4.0.0", app=app, cluster=cluster) == text
    (pin,) = WhatIf.of((), (text,), ()).pins
    assert (pin.app, pin.cluster, pin.tool, pin.version) == (app, cluster, "helm", "4.0.0")


def test_what_links_lead_to_is_edited_and_the_link_stays(supposing: Supposing, tmp_path: Path) -> None:
    plant(tmp_path, {"shared/cmp.yaml": "tools: {helm: 3.18.6}\n"})
    (tmp_path / "cmp.yaml").symlink_to("shared/cmp.yaml")
    found = supposing(TREE, pins=("helm=4.0.0",))
    assert found.changed == ("shared/cmp.yaml",)
    assert found.tree.read("cmp.yaml") == b"tools: {helm: 4.0.0}\n"


DEPENDENCIES = f"""\
dependencies:
- {{name: local, version: 1.0.0, repository: "file://../../charts/local"}}
- name: redis
  version: 1.2.2   # as agreed
  repository: {URL}
- {{name: redis, version: ^1, repository: {URL}/other, alias: cache}}
- {{name: queue, version: 1.0.0, repository: {URL}}}
"""
APPLICATIONS = f"""\
# two of them
---
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: one}}
spec:
  source: {{repoURL: {URL}, chart: redis, targetRevision: 1.2.2}}
---
apiVersion: v1
kind: List
items:
- apiVersion: argoproj.io/v1alpha1
  kind: ApplicationSet
  metadata: {{name: two}}
  spec:
    template:
      spec:
        sources:
        - {{repoURL: https://git.example.test/x.git, path: charts/redis, targetRevision: main}}
        - repoURL: {URL}
          chart: redis
          targetRevision: 1.2.2
        - {{repoURL: {URL}, chart: redis, targetRevision: "{{{{version}}}}"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: redis}}
data: {{repoURL: x, chart: redis, targetRevision: 1.2.2}}
"""
EVERYWHERE = {
    **TREE,
    "cmp.yaml": "version: 1\npreview: {applications: [argocd/*.yaml]}\nlayout:\n"
    f"  chart: {{repository: {URL}, name: redis, version: 1.2.2}}\n",
    "namespaces/web/Chart.yaml": f"{CHART}{DEPENDENCIES}",
    "namespaces/old/requirements.yaml": f"dependencies: [{{name: redis, version: 1.2.2, repository: {URL}}}]\n",
    "namespaces/old/Chart.yaml": CHART,
    "namespaces/web/charts/inner/Chart.yaml": f"{CHART}{DEPENDENCIES}",
    "namespaces/values/cmp-app.yaml": f"chart:\n  repository: {URL}\n  name: redis\n  version: 1.2.2\n",
    "namespaces/site/kustomization.yaml": f"helmCharts:\n- {{name: queue, version: 1.0.0, repo: {URL}}}\n"
    f"- {{name: redis, version: 1.2.2, repo: {URL}}}\n- {{name: redis, version: 1.2.2}}\n",
    "argocd/all.yaml": APPLICATIONS,
    "elsewhere/all.yaml": APPLICATIONS,
}


def test_a_chart_wherever_a_file_names_it(supposing: Supposing) -> None:
    lines = supposing.lines(EVERYWHERE, charts=("redis=1.3.0",))
    assert [line for line in lines if " + " in line] == [
        "argocd/all.yaml +   source: {repoURL: https://c.test, chart: redis, targetRevision: 1.3.0}",
        "argocd/all.yaml +           targetRevision: 1.3.0",
        "cmp.yaml +   chart: {repository: https://c.test, name: redis, version: 1.3.0}",
        "namespaces/old/requirements.yaml + dependencies: [{name: redis, version: 1.3.0, repository: https://c.test}]",
        "namespaces/site/kustomization.yaml + - {name: redis, version: 1.3.0, repo: https://c.test}",
        "namespaces/values/cmp-app.yaml +   version: 1.3.0",
        "namespaces/web/Chart.yaml +   version: 1.3.0   # as agreed",
        "namespaces/web/Chart.yaml + - {name: redis, version: 1.3.0, repository: https://c.test/other, alias: cache}",
    ]
    assert len(lines) == 2 * 8, "nothing else goes"
    (supposition,) = supposing.found.suppositions
    assert supposition.places == (
        "argocd/all.yaml:8",
        "argocd/all.yaml:23",
        "cmp.yaml:4",
        "namespaces/old/requirements.yaml:1",
        "namespaces/site/kustomization.yaml:3",
        "namespaces/values/cmp-app.yaml:4",
        "namespaces/web/Chart.yaml:7",
        "namespaces/web/Chart.yaml:9",
    )


def test_two_charts_of_one_file(supposing: Supposing) -> None:
    supposing(EVERYWHERE, charts=("redis=1.3.0", "queue=2.0.0"))
    text = supposing.found.tree.read("namespaces/web/Chart.yaml").decode()
    assert "version: 1.3.0   # as agreed" in text
    assert "name: queue, version: 2.0.0" in text


def test_a_vendored_folder_goes_with_all_below(supposing: Supposing) -> None:
    files = {
        "namespaces/web/Chart.yaml": f"{CHART}{DEPENDENCIES}",
        "namespaces/web/charts/redis/Chart.yaml": "apiVersion: v2\nname: redis\nversion: 1.2.2\n",
        "namespaces/web/charts/redis/templates/a.yaml": "a: 1\n",
        "namespaces/web/charts/redisx/Chart.yaml": "apiVersion: v2\nname: redisx\nversion: 1.2.2\n",
    }
    found = supposing(files, charts=("redis=1.3.0",))
    assert [entry.name for entry in found.tree.entries("namespaces/web/charts")] == ["redisx"]
    assert [path for path in found.changed if "charts/" in path] == [
        "namespaces/web/charts/redis/Chart.yaml",
        "namespaces/web/charts/redis/templates/a.yaml",
    ]


def test_a_stale_lock_stays_as_it_is(supposing: Supposing) -> None:
    lock = f"dependencies:\n- {{name: redis, repository: {URL}, version: 1.2.2}}\ndigest: sha256:00\ngenerated: x\n"
    files = {**TREE, "namespaces/web/Chart.yaml": f"{CHART}{DEPENDENCIES}", "namespaces/web/Chart.lock": lock}
    assert supposing(files, charts=("redis=1.3.0",)).changed == ("namespaces/web/Chart.yaml",)


def test_a_file_that_cannot_be_edited_is_named(supposing: Supposing) -> None:
    chart = f"{CHART}x: &v 1.2.2\ndependencies:\n- {{name: redis, version: *v, repository: {URL}}}\n"
    with pytest.raises(ConfigError) as error:
        supposing({**TREE, "namespaces/web/Chart.yaml": chart}, charts=("redis=1.3.0",))
    assert error.value.lines() == [
        "cmp: cannot set dependencies.0.version without a change of something else in this file",
        "  where: namespaces/web/Chart.yaml",
        "  hint: write 1.3.0 there by hand",
    ]


def test_a_chart_in_the_tree_has_no_other_version(supposing: Supposing) -> None:
    with pytest.raises(UsageError, match="no file names a chart local of a repository"):
        supposing(EVERYWHERE, charts=("local=2.0.0",))
