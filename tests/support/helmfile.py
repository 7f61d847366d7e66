"""Applications of helmfile in a repository, rendered by cmp and by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Self

from cmp.yamldoc import load_all
from tests.support import versions
from tests.support.harness import AGE_KEY_FILE
from tests.support.keys import SOPS_VERSION
from tests.support.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

HELMFILES = versions.HELMFILE
HELMFILE, HELM = HELMFILES[-1], versions.DEFAULT_HELM
WITH_HELM = versions.HELMFILES_WITH_HELM
ENDS = (WITH_HELM[0], WITH_HELM[-1])
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


class HelmfileRepository(Repository):
    """A repository with an inventory and the application `shop` on the cluster `dev`; the tools are the defaults."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.helmfile, self.helm = HELMFILE, HELM
        self.write({"cmp.yaml": INVENTORY})

    def pin(self, helmfile: str, helm: str) -> Self:
        """Pin the tools."""
        self.helmfile, self.helm = helmfile, helm
        return self.write({"cmp.yaml": f"{INVENTORY}tools: {{helmfile: {helmfile}, helm: {helm}}}\n"})

    def allow(self, *features: str) -> None:
        """Mount a policy that allows features of helmfile."""
        self.mount_policy("helmfile:\n" + "".join(f"  {feature}: true\n" for feature in features))

    def by_hand(self, *flags: str, helm: str = "", decrypt: tuple[str, ...] = ()) -> str:
        """Return what the bare helmfile prints in a copy of the repository, where some files are decrypted."""
        root, tools = self.sandbox.folder / "by-hand", self.sandbox.tools_dir
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.root, root)
        for name in decrypt:
            bare(f"{tools}/sops/{SOPS_VERSION}/sops", "decrypt", "--in-place", name, cwd=root)
        program = f"{tools}/helmfile/{self.helmfile}/helmfile"
        helm_binary = f"{tools}/helm/{helm or self.helm}/helm"
        in_order = ("--sequential-helmfiles",) if self.helmfile != HELMFILES[0] else ()
        argv = (program, "--helm-binary", helm_binary, *in_order, "template", "--include-crds", *flags)
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
