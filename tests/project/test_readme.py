"""README.md: what its first section shows is what cmp prints in a repository that has nothing of cmp."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.git_repository import Repo
from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

FILES: dict[str, str | bytes | None] = {
    "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "charts/shop/values.yaml": "replicas: 1\nimage: {tag: 1.9.0}\n",
    "charts/shop/values-prod.yaml": "replicas: 3\n",
    "charts/shop/values-test.yaml": "image: {tag: 2.0.0}\n",
    "charts/shop/templates/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers: [{name: shop, image: "registry.example/shop:{{ .Values.image.tag }}"}]
""",
    "argocd/shop.yaml": """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: shop, namespace: argocd}
spec:
  generators: [{list: {elements: [{cluster: test}, {cluster: staging}, {cluster: prod}]}}]
  template:
    metadata: {name: 'shop-{{cluster}}'}
    spec:
      project: default
      destination: {name: '{{cluster}}', namespace: shop}
      source:
        repoURL: https://git.example/platform/shop.git
        path: charts/shop
        helm:
          releaseName: shop
          ignoreMissingValueFiles: true
          valueFiles: [values.yaml, 'values-{{cluster}}.yaml']
      syncPolicy: {automated: {prune: true}}
""",
}


def test_the_report_of_the_first_section_is_printed(tmp_path: Path, sandbox: Sandbox) -> None:
    repo = Repo(tmp_path / "repo")
    repo.commit(FILES)
    repo.branch()
    repo.commit({"charts/shop/values.yaml": "replicas: 1\nimage: {tag: 2.0.0}\n"})
    installed = sandbox.run("tools", "install", cwd=repo.folder)
    assert (installed.code, installed.stderr) == (0, "")
    ran = sandbox.run("diff", cwd=repo.folder, timeout=120)
    (shown,) = re.findall(
        r"^```text\n(.*?)^```$", (CHECKOUT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert ran.stdout.startswith(shown.rstrip("\n")), ran.stdout + ran.stderr
