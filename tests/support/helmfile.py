"""Applications of helmfile in a repository, rendered by cmp and by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cmp.yamldoc import load_all
from tests.support.harness import AGE_KEY_FILE, snapshot
from tests.support.interrupted_render import RECIPIENT
from tests.support.keys import SOPS_VERSION, encrypt, sops_tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.harness import Ran, Sandbox

HELMFILE = "1.1.7"
HELMS = ("3.14.4", "3.18.6")
APP, DEV = "namespaces/shop", "clusters/dev/shop"
INVENTORY = """\
version: 1
clusters: {dev: {kubeVersion: "1.29", apiVersions: [example.com/v1], env: test, zone: a}, prod: {env: live}}
"""
CHART = {
    "Chart.yaml": "apiVersion: v2\nname: web\nversion: 0.1.0\n",
    "values.yaml": "from: chart\n",
    "templates/all.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}"}
data:
  values: {{ omit .Values "global" | toJson | quote }}
  kube: {{ .Capabilities.KubeVersion.Version }}
  has: {{ .Capabilities.APIVersions.Has "example.com/v1" | quote }}
""",
    "templates/test.yaml": """\
apiVersion: v1
kind: Pod
metadata: {name: "{{ .Release.Name }}-test", annotations: {helm.sh/hook: test}}
""",
    "crds/crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b}\n",
}


def chart(folder: str = "charts/web", **more: str) -> dict[str, str]:
    """Return the files of a chart that prints its values; `more` are files of it by name, `__` for a slash."""
    files = {**CHART, **{name.replace("__", "/") + ".yaml": text for name, text in more.items()}}
    return {f"{folder}/{name}": text for name, text in files.items()}


@dataclass
class World:
    """A repository with the reference layout: the application `shop` on the cluster `dev`."""

    sandbox: Sandbox

    def __post_init__(self) -> None:
        self.root = self.sandbox.folder / "repo"
        self.write({".git/HEAD": "", f"{DEV}/.keep": "", "cmp.yaml": INVENTORY})

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, by their paths from the root."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def app(self, files: Mapping[str, str]) -> None:
        """Write files of the application."""
        self.write({f"{APP}/{name}": text for name, text in files.items()})

    def seal(self, files: Mapping[str, str]) -> None:
        """Write encrypted files, by their paths from the root."""
        tool, folder = sops_tool(self.sandbox.tools_dir), self.sandbox.folder / "plain"
        for name, text in files.items():
            folder.mkdir()
            self.write({name: encrypt(tool, folder / Path(name).name, text, "--age", RECIPIENT)})
            shutil.rmtree(folder)

    def allow(self, *features: str) -> None:
        """Mount a policy that allows features of helmfile."""
        policy = self.sandbox.folder / "policy.yaml"
        named = "".join(f"  {feature}: true\n" for feature in features)
        policy.write_text(f"version: 1\nhelmfile:\n{named}")
        self.sandbox.extra["CMP_POLICY"] = str(policy)

    def run(self, *options: str, **env: str) -> Ran:
        """Run `cmp render`; nothing in the repository may change, and nothing may stay."""
        before = snapshot(self.root)
        sandbox = replace(self.sandbox, extra={**self.sandbox.extra, **env})
        ran = sandbox.run("render", "shop", "--cluster", "dev", *options, cwd=self.root)
        assert snapshot(self.root) == before
        assert list(self.sandbox.tmp.iterdir()) == []
        return ran

    def must(self, *options: str, **env: str) -> str:
        """Return what a render prints, which must succeed."""
        ran = self.run(*options, **env)
        assert ran.code == 0, ran.stderr
        return ran.stdout

    def refused(self, *options: str, **env: str) -> list[str]:
        """Return the lines of the error of a render that must fail."""
        ran = self.run(*options, **env)
        assert (ran.code != 0, ran.stdout) == (True, ""), ran.stdout
        return ran.stderr.splitlines()

    def generate(self, *parameters: object) -> Ran:
        """Run `cmp generate` as Argo CD does for the instance folder."""
        argocd = {
            "ARGOCD_APP_NAME": "shop",
            "ARGOCD_APP_NAMESPACE": "shop",
            "ARGOCD_APP_SOURCE_PATH": DEV,
            "ARGOCD_APP_PARAMETERS": json.dumps(parameters),
        }
        sidecar = replace(self.sandbox, extra={**self.sandbox.extra, **argocd})
        return sidecar.run("generate", cwd=self.root / DEV)

    def by_hand(self, *flags: str, helm: str = HELMS[-1], decrypt: tuple[str, ...] = ()) -> str:
        """Return what the bare helmfile prints in a copy of the repository, where some files are decrypted."""
        root, tools = self.sandbox.folder / "by-hand", self.sandbox.tools_dir
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.root, root)
        for name in decrypt:
            bare(f"{tools}/sops/{SOPS_VERSION}/sops", "decrypt", "--in-place", name, cwd=root)
        program = f"{tools}/helmfile/{HELMFILE}/helmfile"
        argv = (program, "--helm-binary", f"{tools}/helm/{helm}/helm", "template", "--include-crds", *flags)
        return bare(*argv, cwd=root / APP)


def bare(*argv: str, cwd: Path) -> str:
    """Run a program as a person does."""
    env = {"HOME": str(cwd), "SOPS_AGE_KEY_FILE": str(AGE_KEY_FILE), "HELMFILE_UPGRADE_NOTICE_DISABLED": "1"}
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def values(stream: str) -> dict[str, object]:
    """Return the values of each release in a stream, by its name."""
    return {one["metadata"]["name"]: json.loads(one["data"]["values"]) for one in config_maps(stream)}


def config_maps(stream: str) -> list[dict[str, dict[str, str]]]:
    """Return what the chart says of each release."""
    return [one for one in load_all(stream.encode()) if isinstance(one, dict) and one["kind"] == "ConfigMap"]


def token(name: str) -> str:
    """Return a secret that nobody else has: the search for what is left also looks into folders that all share."""
    return f"unique-{name}-{os.urandom(6).hex()}"
