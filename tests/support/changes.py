"""A miniature monorepo in a real Git repository: a base on main, a change on a branch, and `cmp diff` on both."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tests.support.git_repository import Repo
from tests.support.harness import AGE_KEY_FILE
from tests.support.keys import sealed, sops_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.harness import Ran, Sandbox

    Tell = Callable[["Monorepo"], Iterator[None]]

APP, SECRETS = "namespaces/shop", "namespaces/shop/common-values.secret.yaml"
COMMON = f"{APP}/common-values.yaml"
CLUSTERS = ("dev-1", "stg-1", "prod-tokyo")
CHART = "apiVersion: v2\nname: shop\nversion: 1.4.0\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: {{ .Release.Namespace }}
  labels: {helm.sh/chart: "{{ .Chart.Name }}-{{ .Chart.Version }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {checksum/config: {{ include (print $.Template.BasePath "/config.yaml") . | sha256sum }}}
    spec:
      containers:
      - name: web
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        env:
        {{- range $name, $value := .Values.env }}
        - {name: {{ $name }}, value: {{ $value | quote }}}
        {{- end }}
        envFrom: [{configMapRef: {name: settings}}]
"""
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: {{ .Release.Namespace }}}
data:
  level: {{ .Values.level | quote }}
  host: shop.{{ .Values.domain }}
"""
VALUES = """\
replicas: 3
image:
  repository: registry.example/shop/web
  tag: 8.2.0
env:
  TZ: Asia/Tokyo
level: info
domain: example.com
"""
LOGIN = """\
apiVersion: v1
kind: Secret
metadata: {name: login, namespace: {{ .Release.Namespace }}}
data:
  user: {{ .Values.db.user | b64enc }}
  password: {{ .Values.db.password | b64enc }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: database, namespace: {{ .Release.Namespace }}}
data:
  url: "postgres://{{ .Values.db.user }}:{{ .Values.db.password }}@db:5432/shop"
"""
LOGIN_VALUES = {"user": "shop-owner", "password": "correct-horse-battery"}


class World(NamedTuple):
    """The sandbox of a scenario's runs, and the address of a chart repository on loopback."""

    sandbox: Sandbox
    charts: str


class Monorepo(Repo):
    """A repository whose files a story writes."""

    def __init__(self, world: World) -> None:
        super().__init__(world.sandbox.folder / "repo")
        self.world = world
        self.has_keys = True

    def edit(self, name: str, before: str, after: str) -> None:
        """Replace a text that occurs once in a file."""
        text = (self.folder / name).read_text()
        assert text.count(before) == 1, (name, before)
        self.write({name: text.replace(before, after)})

    def append(self, name: str, text: str) -> None:
        """Add to the end of a file."""
        self.write({name: (self.folder / name).read_text() + text})

    def rename(self, name: str, other: str) -> None:
        """Give a file or folder another name."""
        (self.folder / name).rename(self.folder / other)

    def delete(self, name: str) -> None:
        """Remove a folder."""
        shutil.rmtree(self.folder / name)

    def seal(self, name: str, text: str) -> None:
        """Write an encrypted file; the same text gives other ciphertext each time."""
        self.write({name: sealed(self.world.sandbox.tools_dir, name, text)})

    def seal_login(self, **changed: str) -> None:
        """Write the secrets of the shop."""
        entries = "".join(f"  {name}: {value}\n" for name, value in {**LOGIN_VALUES, **changed}.items())
        self.seal(SECRETS, f"db:\n{entries}")

    def reseal(self, name: str, value: str) -> None:
        """Change one secret of the shop as `sops edit` does: the others keep their ciphertext."""
        argv = (sops_tool(self.world.sandbox.tools_dir).path, "set", SECRETS, f'["db"]["{name}"]', f'"{value}"')
        env = {"HOME": "/nonexistent", "SOPS_AGE_KEY_FILE": str(AGE_KEY_FILE)}
        subprocess.run(argv, cwd=self.folder, env=env, check=True, capture_output=True)

    def tell(self, story: Story) -> tuple[str, str]:
        """Commit what a story says before its change on main, and the change on a branch; return both commits."""
        parts = story.tell(self)
        next(parts)
        base = self.commit()
        self.branch()
        assert next(parts, self) is self, "a story has one change"
        return base, self.commit()

    def run(self, verb: str, *options: str, **env: str) -> Ran:
        """Run cmp on the branch."""
        sandbox = self.world.sandbox
        if not self.has_keys:
            env = {**env, "SOPS_AGE_KEY_FILE": ""}
        return replace(sandbox, extra={**sandbox.extra, **env}).run(verb, *options, cwd=self.folder)


class Story(NamedTuple):
    """A change as it happens to people: before the `yield` what is on main, after it the change."""

    proves: str
    tell: Tell
    options: tuple[str, ...]
    code: int


STORIES: dict[str, Story] = {}


def story(proves: str, *options: str, code: int = 1) -> Callable[[Tell], Tell]:
    """Take a function for a story: what it proves, and the options and the exit code of its `cmp diff`."""

    def taken(tell: Tell) -> Tell:
        name = tell.__name__.replace("_", "-")
        assert name not in STORIES
        STORIES[name] = Story(proves, tell, options, code)
        return tell

    return taken


def inventory(*clusters: str, more: str = "") -> str:
    """Return a cmp.yaml that knows clusters such as `dev-1`, whose fact `env` is `dev`."""
    lines = [
        f'  {name}: {{env: {name.partition("-")[0]}, kubeVersion: "1.33", apiVersions: [v1]}}' for name in clusters
    ]
    return "version: 1\nclusters:\n" + "".join(f"{line}\n" for line in lines) + more


def shop(repo: Monorepo, *clusters: str, more: str = "") -> None:
    """Write a chart that runs on several clusters, each with a domain of its own; `more` ends cmp.yaml."""
    clusters = clusters or CLUSTERS
    repo.write(
        {
            "cmp.yaml": inventory(*clusters, more=more),
            f"{APP}/Chart.yaml": CHART,
            f"{APP}/templates/deployment.yaml": DEPLOYMENT,
            f"{APP}/templates/config.yaml": CONFIG,
            COMMON: VALUES,
            **{own(name): f"domain: {name}.example.com\n" for name in clusters},
        }
    )


def shop_with_secrets(repo: Monorepo, *clusters: str) -> None:
    """Write that chart, and a login that is encrypted."""
    shop(repo, *clusters)
    repo.write({f"{APP}/templates/login.yaml": LOGIN})
    repo.seal_login()


def config_map(name: str, data: str) -> str:
    """Return a ConfigMap with one line of data."""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n"


def own(cluster: str, app: str = "shop") -> str:
    """Return the path of a cluster's own values file."""
    return f"clusters/{cluster}/{app}/own-values.yaml"


def plain(repo: Monorepo, text: str, *clusters: str, more: str = "") -> None:
    """Write an application of plain files, `base`, which starts no program."""
    clusters = clusters or CLUSTERS
    repo.write({"cmp.yaml": inventory(*clusters, more=more), "namespaces/base/all.yaml": text})
    repo.write({f"clusters/{name}/base/.keep": "" for name in clusters})
