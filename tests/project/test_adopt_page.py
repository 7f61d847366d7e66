"""docs/adopt.md: its way is walked in a repository that has nothing of cmp, and each layout in it reads its tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.git_repository import IDENTITY, Repo
from tests.support.harness import CHECKOUT
from tests.support.operations_page import anchor
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Sandbox

PAGE = (CHECKOUT / "docs/adopt.md").read_text("utf-8")
_FENCE = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| (`.*`) \| `(\{.*\})` \| \[.*\]\(.*\) \|$", re.MULTILINE)
CLUSTERS = {"live-1": {"env": "live"}}
DIFFERS = "cmp diff"  # before the plugin comes, the branch has a change: exit code 1
CLUSTER_NAMES = ("prod", "test")

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: "{{ .Release.Name }}"}}
    spec:
      containers: [{name: main, image: "registry.example/main:{{ .Values.tag }}"}]
"""
APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {app}-{cluster}, namespace: argocd}}
spec:
  project: default
  destination: {{name: {cluster}, namespace: {app}}}
  source:
    repoURL: https://git.example/platform/clusters.git
    path: charts/{app}
    helm:
      releaseName: {app}
      valueFiles: [values.yaml, values-{cluster}.yaml]
  syncPolicy: {{automated: {{}}}}
"""


def _files() -> dict[str, str]:
    files: dict[str, str] = {}
    for app in ("shop", "till"):
        files |= {
            f"charts/{app}/Chart.yaml": f"apiVersion: v2\nname: {app}\nversion: 1.0.0\n",
            f"charts/{app}/templates/deployment.yaml": DEPLOYMENT,
            f"charts/{app}/values.yaml": "replicas: 1\ntag: 1.9.0\n",
            f"charts/{app}/values-prod.yaml": "replicas: 3\n",
            f"charts/{app}/values-test.yaml": "tag: 2.0.0\n",
            **{f"argocd/{app}-{name}.yaml": APPLICATION.format(app=app, cluster=name) for name in CLUSTER_NAMES},
        }
    return files


def _blocks() -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of every code block, in their order."""
    for indent, kind, text in _FENCE.findall(PAGE):
        yield kind, re.sub(f"^{indent}", "", text, flags=re.MULTILINE)


def test_the_tree_is_the_one_that_is_walked() -> None:
    (shown,) = [text for kind, text in _blocks() if kind == "tree"]
    assert {*shown.split()} == {path for path in _files() if "/templates/" not in path}


def test_the_way_can_be_walked(tmp_path: Path, sandbox: Sandbox) -> None:
    repo = Repo(tmp_path / "repo")
    repo.commit(_files())
    repo.branch()
    repo.commit({"charts/shop/values.yaml": "replicas: 1\ntag: 2.0.0\n"})
    env = {**sandbox.env(), **IDENTITY, "PATH": f"{os.path.dirname(sys.executable)}:{sandbox.env()['PATH']}"}
    said: dict[str, str] = {}
    for kind, text in _blocks():
        if kind == "yaml":
            name, _, content = text.partition("\n")
            repo.write({name.removeprefix("# "): content})
        for line in text.splitlines() if kind == "sh" else ():
            ran = subprocess.run(["sh", "-c", line], cwd=repo.folder, env=env, capture_output=True, check=False)
            assert ran.returncode == int(line == DIFFERS), f"{line}\n{ran.stdout.decode()}{ran.stderr.decode()}"
            said[line] = ran.stdout.decode()
    assert "registry.example/main:2.0.0" in said["cmp diff"]
    assert said["cmp diff --against applications"].startswith("Manifest diff: no manifest changes\n")
    assert "4 pairs, no failure" in said["cmp diff --against applications"]
    assert said["cmp diff --base HEAD~1 --exact"].startswith("Manifest diff: no manifest changes\n")
    assert "1 pair, no failure" in said["cmp diff --base HEAD~1 --exact"]
    assert said["cmp paths shop"].split()[-1] in PAGE, "the annotation of the page"
    assert "replicas: 1" in said["cmp render --application argocd/shop-test.yaml"]


@pytest.mark.no_tools
def test_what_init_writes_is_read_and_has_the_pairs_of_the_page(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path / "repo", _files())
    assert sandbox.run("init", cwd=tmp_path / "repo").code == 0
    listed = sandbox.run("apps", cwd=tmp_path / "repo")
    pairs = {tuple(line.split()[:2]) for line in listed.stdout.splitlines()[1:]}
    assert listed.code == 0
    assert pairs == {(app, cluster) for app in ("shop", "till") for cluster in CLUSTER_NAMES}


@pytest.mark.no_tools
@pytest.mark.parametrize(("tree", "lines"), _ROW.findall(PAGE))
def test_each_layout_reads_its_tree(tree: str, lines: str, tmp_path: Path, sandbox: Sandbox) -> None:
    layout: dict[str, Any] = {"instances": "", "values": [], **yaml.safe_load(lines)}
    plant(tmp_path, {path: CHART if path.endswith("Chart.yaml") else "" for path in re.findall(r"`([^`]+)`", tree)})
    (tmp_path / "cmp.yaml").write_text(yaml.safe_dump({"version": 1, "layout": layout, "clusters": CLUSTERS}))
    ran = sandbox.run("apps", cwd=tmp_path)
    assert (ran.code, ran.stderr) == (0, "")
    found = {line.split()[0] for line in ran.stdout.splitlines()[1:]}
    assert found
    assert found <= {"dns", "blog", "web", "blue-cache", "red-cache"}


def test_the_table_names_every_key_of_layouts_page_that_init_may_lack() -> None:
    named = {key for _, lines in _ROW.findall(PAGE) for key in yaml.safe_load(lines)}
    assert named == {"apps", "instances", "name", "values", "shared", "chart"}


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, section = link.partition("#")
        text = (CHECKOUT / "docs" / (file or "adopt.md")).read_text("utf-8")
        assert not section or section in {anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
