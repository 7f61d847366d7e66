"""The measured applications: one of the example monorepo, and one with a megabyte of manifests."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import finish, spawn
from tests.support import versions
from tests.support.bare_tools import AGE_KEY, ByHand

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CLUSTER = "dev-cluster"
HELM, SOPS_VERSION = versions.DEFAULT_HELM, versions.SOPS[-1]
BULK = """\
{{- range $i := until 300 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: worker-{{ $i }}
  labels: {app.kubernetes.io/name: worker-{{ $i }}, app.kubernetes.io/part-of: bulk}
spec:
  replicas: 2
  selector:
    matchLabels: {app.kubernetes.io/name: worker-{{ $i }}}
  template:
    metadata:
      labels: {app.kubernetes.io/name: worker-{{ $i }}}
    spec:
      containers:
        - name: worker
          image: "registry.example.test/bulk/worker:1.{{ $i }}.0"
          resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
          env:
          {{- range $j := until 40 }}
            - name: SETTING_{{ $j }}
              value: "value {{ $j }} of worker {{ $i }}"
          {{- end }}
{{- end }}
"""


class Scenario(NamedTuple):
    """One application, ready to be rendered by cmp and by hand."""

    name: str
    app: str
    helm: str
    by_hand: ByHand
    repository: Path
    env: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """The application's folder, where Argo CD would call us."""
        return self.repository / "namespaces" / self.app

    def ours(self) -> None:
        """Run `cmp generate`."""
        finish(self._in(self.folder, [os.path.join(os.path.dirname(sys.executable), "cmp"), "generate"]))

    def bare(self, *, at_once: bool = False) -> None:
        """Run the least by hand: the `sops decrypt`s, in turn or at once, then `helm template` on vendored charts."""
        plain = [str(self.by_hand.home / f"plain-{number}") for number in range(len(self.secrets))]
        sops = str(self.by_hand.tools / f"sops/{SOPS_VERSION}/sops")
        env = {"HOME": str(self.by_hand.home), "SOPS_AGE_KEY_FILE": str(AGE_KEY)}
        decryptions = [([sops, "decrypt", path], env, out) for path, out in zip(self.secrets, plain, strict=True)]
        if at_once:
            finish(*(spawn(*decryption) for decryption in decryptions))
        else:
            for decryption in decryptions:
                finish(spawn(*decryption))
        values = [argument for path in [*self.clear, *plain] for argument in ("--values", path)]
        chart = str(self.by_hand.root / "namespaces" / self.app)
        argv = [self.by_hand.helm(self.helm), "template", self.app, chart, "--namespace", self.app, "--include-crds"]
        finish(spawn([*argv, "--kube-version", "1.33", *values], env, str(self.by_hand.home / "bare.yaml")))

    def old(self) -> None:
        """Run what the plugin of old ran: an update of the dependencies, in a home that knows no repository, first."""
        home = self.by_hand.home / "fresh"
        home.mkdir()
        argv = [self.by_hand.helm(self.helm), "dependency", "update", str(self.by_hand.root / "namespaces" / self.app)]
        finish(spawn(argv, {"HOME": str(home)}))
        shutil.rmtree(home)
        self.bare()

    @property
    def secrets(self) -> list[str]:
        """The encrypted layers."""
        return [path for path in self._layers() if path.endswith(".secret.yaml")]

    @property
    def clear(self) -> list[str]:
        """The plain layers."""
        return [path for path in self._layers() if not path.endswith(".secret.yaml")]

    def _layers(self) -> list[str]:
        folders = [self.by_hand.root / "namespaces" / self.app, self.by_hand.root / "clusters" / CLUSTER / self.app]
        return [str(path) for folder in folders for path in sorted(folder.glob("*-values*.yaml"))]

    def _in(self, folder: Path, argv: list[str]) -> int:
        os.chdir(folder)
        return spawn(argv, self.env, str(self.by_hand.home / "ours.yaml"))


def add_bulk(root: Path) -> None:
    """Add an application with about 1 MB of manifests, and the dependencies and secrets of namespace-a."""
    chart = root / "namespaces" / "bulk"
    shutil.copytree(root / "namespaces" / "namespace-a", chart)
    (chart / "templates" / "bulk.yaml").write_text(BULK)
    shutil.copytree(root / "clusters" / CLUSTER / "namespace-a", root / "clusters" / CLUSTER / "bulk")
