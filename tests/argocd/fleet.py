"""Many applications of one repository, each with charts, values and a secret of its own, refreshed together."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from examples import chartserver
from tests.argocd.applications import describe, refreshed, synced
from tests.argocd.installation import NAMESPACE
from tests.argocd.sampling import memory_of, sampled
from tests.argocd.trees import CMP
from tests.support.charts import HELM, dependency, write_chart
from tests.support.keys import RECIPIENT, encrypt, sops_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.argocd.git import Repository
    from tests.argocd.kube import Object
    from tests.argocd.sidecar import Sidecar
    from tests.argocd.world import ArgoCD

CHARTS = ("alpha", "beta", "gamma", "delta", "epsilon")
ROUND_SECONDS = 120.0
POLL_SECONDS = 0.5  # each asks the API server for all that it knows of sixty Applications
TEXT = """\
{{{{- define "{name}.text" }}}}
{{{{- range until 20 }}}}{name} {{{{ . }}}} of {{{{ $.Release.Name }}}}, {{{{ end }}}}
{{{{- end }}}}
"""
OWN = """\
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}"}
stringData:
  greeting: {{ .Values.greeting | quote }}
  password: {{ .Values.password | quote }}
"""


def publish(folder: Path, tools_dir: str) -> Path:
    """Return a folder with an index and the archives of CHARTS, to be served."""
    for name in CHARTS:
        write_chart(folder / "charts" / name, name, "1.0.0", **{"map.yaml": "", "_text.tpl": TEXT.format(name=name)})
    return chartserver.package(folder / "charts", folder / "packed", Path(tools_dir, f"helm/{HELM}/helm"))


def seal(folder: Path, tools_dir: str) -> bytes:
    """Return the encrypted layer of each application."""
    return encrypt(sops_tool(tools_dir), folder / "values.secret.yaml", "password: loud\n", "--age", RECIPIENT)


def tree(names: Sequence[str], charts: str, sealed: bytes) -> dict[str, str | bytes]:
    """Return the files of a repository with these applications, whose charts come from the repository `charts`.

    Each is one Secret with texts of one to three charts.
    """
    files: dict[str, str | bytes] = {"cmp.yaml": CMP}
    for number, name in enumerate(names):
        wanted = [CHARTS[(number + each) % len(CHARTS)] for each in range(1 + number % 3)]
        dependencies = [dependency(chart, "1.0.0", charts) for chart in wanted]
        chart = {"apiVersion": "v2", "name": name, "version": "1.0.0", "dependencies": dependencies}
        files |= {
            f"namespaces/{name}/Chart.yaml": json.dumps(chart),
            f"namespaces/{name}/templates/own.yaml": OWN + "".join(map(_use, wanted)),
            f"namespaces/{name}/common-values.yaml": f"greeting: hello {number}\n",
            f"clusters/dev/{name}/dev-values.secret.yaml": sealed,
        }
    return files


def _use(chart: str) -> str:
    return f'  {chart}: {{{{ include "{chart}.text" . | quote }}}}\n'


class Round(NamedTuple):
    """The times and sizes of one round.

    `seconds` until the last was Synced, `peak` MiB of all processes of the sidecar together, `server` MiB of its
    argocd-cmp-server in the end, `helms` at once.
    """

    seconds: float
    peak: float
    server: float
    helms: int

    def __str__(self) -> str:
        """Return the figures in a line."""
        return (
            f"{self.seconds:.1f} s, sidecar at most {self.peak:.0f} MiB, argocd-cmp-server afterwards"
            f" {self.server:.0f} MiB, {self.helms} helm at once"
        )


class Fleet:
    """Applications, all of one repository, that one sidecar renders."""

    def __init__(self, argocd: ArgoCD, sidecar: Sidecar, repository: Repository, apps: Sequence[Object]) -> None:
        self.argocd = argocd
        self.sidecar = sidecar
        self.repository = repository
        self.apps = apps
        self.names = {app["metadata"]["name"] for app in apps}

    def launch(self) -> Round:
        """Apply all Applications at once, and wait until they are Synced."""
        return self._round(lambda: self.argocd.apply(*self.apps))

    def refresh(self) -> Round:
        """Refresh all of them hard at once after a commit, and wait until they are Synced to it."""
        self.repository.commit()
        return self._round(lambda: self.argocd.ask_refresh(*self.names))

    def forget(self) -> None:
        """Make everything cold again: neither archives nor facts are kept."""
        for folder in (self.sidecar.sandbox.cache, self.sidecar.sandbox.state):
            shutil.rmtree(folder, ignore_errors=True)

    def retire(self) -> None:
        """Delete the Applications; what they have made stays."""
        self.argocd.kube.kubectl("delete", "applications", "--namespace", NAMESPACE, *sorted(self.names))

    def _round(self, ask: Callable[[], None]) -> Round:
        pid = self.sidecar.process.pid
        with sampled(pid) as samples:
            began = time.monotonic()
            ask()
            self._wait(self.repository.head, began + ROUND_SECONDS)
            seconds = time.monotonic() - began
        memory, helms = (max(column) for column in zip(*samples, strict=True))
        return Round(seconds, memory, memory_of(pid), int(helms))

    def _wait(self, revision: str, end: float) -> None:
        while late := [app for app in self._now() if not _is_at(revision, app)]:
            assert time.monotonic() < end, "\n".join(map(describe, late))
            time.sleep(POLL_SECONDS)

    def _now(self) -> list[Object]:
        found = self.argocd.kube.list("Application", NAMESPACE)
        return [app for app in found if app["metadata"]["name"] in self.names]


def _is_at(revision: str, app: Object) -> bool:
    return refreshed(app) and synced(app) and app["status"]["sync"]["revision"] == revision
