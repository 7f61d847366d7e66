"""The example monorepo rendered by hand, with nothing but the bare tools: what `cmp` is measured against."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import yaml

from tests.support import versions
from tests.support.harness import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = CHECKOUT / "examples"
MONOREPO = EXAMPLES / "monorepo"
AGE_KEY = EXAMPLES / "age-demo.key"
REPOSITORY = "http://127.0.0.1:8879/charts"
HELM_VERSIONS = versions.HELM

_SERVICE_MONITOR = "monitoring.coreos.com/v1/ServiceMonitor"


class Cluster(NamedTuple):
    """A cluster of the example's cmp.yaml, written down a second time."""

    env: str
    kube_version: str
    api_versions: tuple[str, ...]


CLUSTERS = {
    "dev-cluster": Cluster("dev", "1.33", ()),
    "staging-cluster": Cluster("stg", "1.33", (_SERVICE_MONITOR,)),
    "prod-cluster": Cluster("prod", "1.32", (_SERVICE_MONITOR,)),
}
# Where cmp-app.yaml differs from cmp.yaml: {(application, cluster or "")}.
PINS = {("payments", ""): "3.14.4", ("edge-proxy", "dev-cluster"): "3.22.0"}
WITH_CRDS = {"edge-proxy"}
ENCRYPTED_FILES = {"reports": ["files/upload.key"]}


def pinned_helm(app: str, cluster: str) -> str:
    """Return the version of helm that the monorepo pins for an application on a cluster."""
    return PINS.get((app, cluster)) or PINS.get((app, "")) or versions.DEFAULT_HELM


OTHERS = {"site": "kustomize", "mailer": "helm + kustomize", "batch": "helmfile", "quotas": "cue", "policies": "plain"}


def instances() -> list[tuple[str, str]]:
    """List (application, cluster) of the monorepo, of those that are charts alone."""
    found = sorted((folder.name, folder.parent.name) for folder in MONOREPO.glob("clusters/*/*"))
    return [instance for instance in found if instance[0] not in OTHERS]


class ByHand(NamedTuple):
    """A copy of the monorepo that may be written to, and the tools."""

    root: Path
    tools: Path
    home: Path

    def run(self, cwd: Path, *argv: str) -> bytes:
        """Run one tool as a person with the demo key would; its failure is an AssertionError with its stderr."""
        env = {"HOME": str(self.home), "SOPS_AGE_KEY_FILE": str(AGE_KEY)}
        done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def helm(self, version: str) -> str:
        """Return the program of one version."""
        return str(self.tools / f"helm/{version}/helm")

    def decrypt(self, path: Path) -> bytes:
        """Return the plaintext of one encrypted file."""
        return self.run(self.root, str(self.tools / f"sops/{versions.SOPS[-1]}/sops"), "decrypt", str(path))

    def render(self, app: str, cluster: str, version: str) -> str:
        """Decrypt by sops, template by helm: the YAML of one application on one cluster."""
        facts = CLUSTERS[cluster]
        argv = [self.helm(version), "template", ".", "--name-template", app, "--namespace", app]
        argv += ["--kube-version", facts.kube_version]
        for layer in self.layers(app, cluster):
            argv += ["--values", str(layer)]
        for api_version in facts.api_versions:
            argv += ["--api-versions", api_version]
        if app in WITH_CRDS:
            argv.append("--include-crds")
        return self.run(self.root / "namespaces" / app, *argv).decode()

    def layers(self, app: str, cluster: str) -> list[Path]:
        """Return the values files, weakest first, as plaintext."""
        environment = self.root / "envs" / CLUSTERS[cluster].env / f"{app}.yaml"
        return [
            *self._folder_layers(self.root / "namespaces" / app, "common-values*"),
            *([environment] if environment.exists() else []),
            *self._folder_layers(self.root / "clusters" / cluster / app, "*-values*"),
        ]

    def _folder_layers(self, folder: Path, pattern: str) -> list[Path]:
        clear = sorted(path for path in folder.glob(f"{pattern}.yaml") if ".secret" not in path.suffixes)
        secret = sorted(folder.glob(f"{pattern}.secret.yaml"))
        return clear + [self._plain(path) for path in secret]

    def _plain(self, path: Path) -> Path:
        plain = self.home / "plain" / path.relative_to(self.root)
        plain.parent.mkdir(parents=True, exist_ok=True)
        plain.write_bytes(self.decrypt(path))
        return plain


def copy_monorepo(target: Path, repository: str) -> Path:
    """Copy the monorepo and let its charts come from `repository`; the locks name the same versions, and fit."""
    shutil.copytree(MONOREPO, target)
    for chart in target.glob("namespaces/*/Chart.yaml"):
        for path in chart, chart.with_suffix(".lock"):
            if path.exists():
                path.write_text(path.read_text("utf-8").replace(REPOSITORY, repository), "utf-8")
    for lock in target.glob("namespaces/*/Chart.lock"):
        written = yaml.safe_load(lock.read_text("utf-8"))
        lock.write_text(json.dumps(written | {"digest": lock_digest(lock)}, default=str), "utf-8")
    return target


def lock_digest(lock: Path) -> str:
    """Compute the digest that helm expects in a Chart.lock, from it and the Chart.yaml beside it.

    Helm hashes Go's JSON of both lists: keys in the order of its struct, then those inside import-values sorted.
    """
    order = ["name", "version", "repository", "condition", "tags", "import-values", "alias"]
    lists = [
        [
            {key: dependency[key] for key in order if key in dependency}
            for dependency in yaml.safe_load(path.read_text("utf-8"))["dependencies"]
        ]
        for path in (lock.with_suffix(".yaml"), lock)
    ]
    text = json.dumps(lists, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&":  # Go's JSON is made to be safe inside HTML
        text = text.replace(character, f"\\u{ord(character):04x}")
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def set_up(folder: Path, tools: Path, repository: str) -> ByHand:
    """Copy the monorepo, decrypt the files of its charts, and let helm fetch their dependencies."""
    by_hand = ByHand(copy_monorepo(folder / "monorepo", repository), tools, folder / "home")
    by_hand.home.mkdir()
    for app, names in ENCRYPTED_FILES.items():
        for name in names:
            path = by_hand.root / "namespaces" / app / name
            path.write_bytes(by_hand.decrypt(path))
    by_hand.run(by_hand.root, by_hand.helm(versions.DEFAULT_HELM), "repo", "add", "example", repository)
    for chart in by_hand.root.glob("namespaces/*/Chart.yaml"):
        by_hand.run(chart.parent, by_hand.helm(versions.DEFAULT_HELM), "dependency", "build", ".")
    return by_hand
