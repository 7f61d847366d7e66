"""A generated monorepo: 100 applications on 20 clusters, 1,000 pairs in use, as a Git repository of the real git."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.support.git_repository import Repo
from tests.support.harness import AGE_KEY_FILE
from tests.support.keys import encrypt, sops_tool
from tests.support.versions import DEFAULT_HELM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPS, CLUSTERS, PAIRS = 100, 20, 1000
WIDE = "app-000"  # runs on all clusters
SEALED = tuple(f"app-{number:03}" for number in range(90, 95))  # applications with a secret
HELM, KUBE_VERSION = DEFAULT_HELM, "1.33"
NEXT_TO_LAST = -2

CONFIG = f"""\
version: 1
layout:
  apps: apps/{{app}}
  instances: clusters/{{cluster}}/{{app}}
  values:
    - common/all.yaml
    - common/{{app}}.yaml
    - {{path: "common/{{app}}.secret.yaml", optional: true}}
    - envs/{{env}}.yaml
    - clusters/{{cluster}}/cluster.yaml
    - clusters/{{cluster}}/{{app}}/values.yaml
  release: "{{app}}"
  namespace: "{{app}}"
tools: {{helm: {HELM}, sops: 3.13.3}}
clusters:
"""
CLUSTER = '  {name}: {{kubeVersion: "{version}", env: {env}, apiVersions: [policy/v1/PodDisruptionBudget]}}\n'
CHART = "apiVersion: v2\nname: {app}\nversion: 1.0.0\n"
DEPENDENCY = 'dependencies: [{name: shared, version: 1.0.0, repository: "file://../../charts/shared"}]\n'
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {app: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers:
        - name: web
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          resources: {{ .Values.resources | toJson }}
          env:
          {{- range $name, $value := .Values.env }}
            - {name: {{ $name }}, value: {{ $value | quote }}}
          {{- end }}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{port: {{ .Values.port }}, name: http}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  region: {{ .Values.region }}
  settings.yaml: |
    {{- toYaml .Values.settings | nindent 4 }}
"""
SHARED = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: {{ .Release.Name }}}
spec: {minAvailable: 1, selector: {matchLabels: {app: {{ .Release.Name }}}}}
"""
OF_ALL = """\
# What holds for every application.
replicas: 1
port: 8080
region: none
image: {repository: registry.example.test/shop, tag: 1.0.0}
resources: {requests: {cpu: 50m, memory: 64Mi}}
env: {LOG_LEVEL: info}
settings:
"""


class Shape(NamedTuple):
    """Which applications run on which clusters."""

    app: str
    clusters: tuple[str, ...]


def shapes(apps: int = APPS, clusters: int = CLUSTERS) -> Iterator[Shape]:
    """Yield all applications: one on all clusters, two on a quarter of them, the others on half."""
    names = [f"cluster-{number:02}" for number in range(clusters)]
    for number in range(apps):
        count = {0: clusters, 1: clusters // 4, 2: clusters // 4}.get(number, clusters // 2)
        yield Shape(f"app-{number:03}", tuple(sorted((names[number % clusters :] + names)[:count])))


def layers(app: str, cluster: str) -> tuple[str, ...]:
    """Return the values files of a pair without a secret, weakest first."""
    common = ("common/all.yaml", f"common/{app}.yaml", f"envs/{environment(cluster)}.yaml")
    return (*common, f"clusters/{cluster}/cluster.yaml", f"clusters/{cluster}/{app}/values.yaml")


def environment(cluster: str) -> str:
    """Return the environment of a cluster: the last few are production."""
    return "prod" if int(cluster[NEXT_TO_LAST:]) >= CLUSTERS // 2 else "dev"


def make(folder: Path, tools: Path) -> Repo:
    """Write the monorepo and commit it on `main`."""
    repo = Repo(folder)
    files = dict(files_of(APPS, CLUSTERS))
    assert sum(len(shape.clusters) for shape in shapes()) == PAIRS
    repo.write(files)
    recipient = next(line.split()[-1] for line in AGE_KEY_FILE.read_text().splitlines() if "public key" in line)
    for app in SEALED:
        plain = folder.parent / f"{app}.secret.yaml"
        data = encrypt(sops_tool(str(tools)), plain, "env: {PASSWORD: correct-horse}\n", "--age", recipient)
        repo.write({f"common/{app}.secret.yaml": data})
    repo.commit()
    return repo


def files_of(apps: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield the files of a monorepo of some applications and clusters, but those with secrets."""
    clusters = [f"cluster-{number:02}" for number in range(count)]
    inventory = (CLUSTER.format(name=name, version=KUBE_VERSION, env=environment(name)) for name in clusters)
    yield "cmp.yaml", CONFIG + "".join(inventory)
    yield "docs/notes.md", "# Notes\n"
    yield "charts/shared/Chart.yaml", CHART.format(app="shared")
    yield "charts/shared/templates/budget.yaml", SHARED
    yield "common/all.yaml", OF_ALL + "".join(f"  key-{number:02}: value {number}\n" for number in range(40))
    for name in ("dev", "prod"):
        yield f"envs/{name}.yaml", f"env: {{ENVIRONMENT: {name}}}\n"
    for cluster in clusters:
        yield f"clusters/{cluster}/cluster.yaml", f"region: {cluster}-region\n"
    for number, shape in enumerate(shapes(apps, count)):
        yield from _application(shape, is_shared=number % 2 == 0)


def _application(shape: Shape, *, is_shared: bool) -> Iterator[tuple[str, str]]:
    app = shape.app
    yield f"apps/{app}/Chart.yaml", CHART.format(app=app) + (DEPENDENCY if is_shared else "")
    yield f"apps/{app}/templates/deployment.yaml", DEPLOYMENT
    yield f"apps/{app}/templates/service.yaml", SERVICE
    yield f"common/{app}.yaml", f"# {app}\nreplicas: 2\nimage: {{tag: 1.2.3}}\nenv: {{APP: {app}}}\n"
    for cluster in shape.clusters:
        yield f"clusters/{cluster}/{app}/values.yaml", f"env: {{CLUSTER: {cluster}}}\n"
