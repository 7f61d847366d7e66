"""docs/migrate.md: from `helm install` to an Application that is Synced, by the page's own commands."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import yaml

from tests.argocd.applications import AUTOMATED, sync_status
from tests.argocd.installation import NAMESPACE
from tests.argocd.releases import Reader, account, helm
from tests.argocd.trees import CMP
from tests.support.harness import CHECKOUT, Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.argocd.git import Repository
    from tests.argocd.kube import Object
    from tests.argocd.world import ArgoCD

PAGE = (CHECKOUT / "docs/migrate.md").read_text("utf-8")
APP, CONTEXT = "till", "dev-admin"
TREE: dict[str, str | bytes | None] = {
    "cmp.yaml": CMP,
    f"clusters/dev/{APP}/.keep": "",
    f"namespaces/{APP}/Chart.yaml": f"apiVersion: v2\nname: {APP}\nversion: 1.0.0\n",
    f"namespaces/{APP}/values.yaml": "replicas: 1\n",
    f"namespaces/{APP}/templates/main.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: till}}
  template:
    metadata: {labels: {app: till}}
    spec: {containers: [{name: main, image: example.test/till:1}]}
""",
}


def blocks(kind: str) -> list[str]:
    """Return the code blocks of a kind, without their indentation."""
    fence = re.compile(rf"^ *```{kind}\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
    return [re.sub(r"^   ", "", text, flags=re.MULTILINE) for text in fence.findall(PAGE)]


def commands(program: str) -> list[list[str]]:
    lines = (line.strip() for block in blocks("sh") for line in block.splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"{program} ")]


def test_the_way_is_walked_and_no_workload_changes(
    argocd: ArgoCD, repository: Repository, tools_dir: str, tmp_path: Path
) -> None:
    kube = argocd.kube
    repository.commit(TREE)
    helm(argocd, tools_dir).install(APP, repository.folder / f"namespaces/{APP}", APP, "--set", "replicas=3")
    before = deployment(argocd)
    reader = Reader(Sandbox(tmp_path / "sandbox", tools_dir), kubeconfig(argocd, tmp_path), repository.folder)
    administrator = reader._replace(kubeconfig=kube.config)
    compare, write, table, whole = (argv[1:] for argv in unique(commands("cmp")))

    assert reader.diff(*without_live(compare)).code == 1
    assert reader.diff(*without_live(write)).code == 1
    repository.commit()
    for argv, who in ((compare, reader), (whole, reader), (table, administrator)):
        ran = who.diff(*without_live(argv))
        assert ran.code == 0, ran.stdout + ran.stderr

    (manifest,) = (found for text in blocks("yaml") if (found := yaml.safe_load(text))["kind"] == "Application")
    manifest["spec"]["source"]["repoURL"] = repository.url
    argocd.apply(manifest)
    argocd.wait(APP, lambda app: sync_status(app) == "OutOfSync")
    assert deployment(argocd) == before
    kube.patch("Application", APP, NAMESPACE, {"operation": {"sync": {"prune": False}}})
    argocd.wait(APP)
    kube.patch("Application", APP, NAMESPACE, {"spec": {"syncPolicy": dict(AUTOMATED)}})
    (delete,) = commands("kubectl")
    kube.kubectl(*delete)
    argocd.refresh(APP)
    argocd.wait(APP)

    after = deployment(argocd)
    assert after["spec"] == before["spec"]
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert "argocd.argoproj.io/tracking-id" in after["metadata"]["annotations"]
    assert kube.list("Secret", APP, "owner=helm") == []


def deployment(argocd: ArgoCD) -> Object:
    return argocd.kube.get("Deployment", APP, APP)


def kubeconfig(argocd: ArgoCD, folder: Path) -> Path:
    """Return the kubeconfig of one who reads the releases, with the page's name for the context."""
    file = account(argocd.kube, APP, folder)
    config = json.loads(file.read_text())
    config["contexts"][0]["name"] = config["current-context"] = CONTEXT
    file.write_text(json.dumps(config))
    return file


def unique(found: list[list[str]]) -> list[list[str]]:
    """Return each command once, in the order of the page."""
    return [*{tuple(argv): argv for argv in found}.values()]


def without_live(argv: list[str]) -> list[str]:
    """Return the arguments as `Reader.diff` takes them."""
    assert "--live" in argv
    return [word for word in argv if word != "--live"]
