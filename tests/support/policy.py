"""A repository of two teams, the administrator's policy beside it, and Applications that want more than they may."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.interrupted_render import VERSIONS
from tests.support.keys import RECIPIENT, encrypt, sops_tool
from tests.support.repository import Repository
from tests.support.trees import plant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.harness import Ran, Sandbox

CHART = "apiVersion: v2\nname: {name}\nversion: 1.0.0\n"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: all}
data:
  values: {{ omit .Values "global" | toJson | quote }}
"""
HOOK = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
"""
SHOP, BANK = "namespaces/team-a-shop", "namespaces/team-b-bank"
SHOP_ON_DEV, BANK_ON_DEV = "clusters/dev/team-a-shop", "clusters/dev/team-b-bank"
OWN, FOREIGN, COMMON = f"{SHOP}/common-values.secret.yaml", f"{BANK}/common-values.secret.yaml", "envs/all.secret.yaml"
SECRETS = {OWN: "own: secret-of-team-a\n", FOREIGN: "foreign: secret-of-team-b\n", COMMON: "all: secret-of-all\n"}
POLICY = """\
version: 1
applications:
  - projects: [team-a]
    namespaces: [team-a, team-a-*]
    folders: [namespaces/team-a-*, clusters/*/team-a-*]
  - projects: [team-b]
    folders: [namespaces/team-b-*, clusters/*/team-b-*]
"""
EVERYBODY = '  - {projects: ["*"], folders: [envs, charts]}\n'


def seal(folder: Path, tools_dir: str) -> dict[str, bytes]:
    """Return the encrypted files by path."""
    tool = sops_tool(tools_dir)
    return {path: encrypt(tool, folder / "values.yaml", text, "--age", RECIPIENT) for path, text in SECRETS.items()}


class RepositoryOfTeams(Repository):
    """The repository, and the sidecar's call for one Application of it."""

    def __init__(self, sandbox: Sandbox, sealed: Mapping[str, bytes]) -> None:
        super().__init__(sandbox, app="team-a-shop")
        self.policy = sandbox.folder / "policy.yaml"
        for folder in (SHOP, BANK):
            plant(
                self.root / folder, {"Chart.yaml": CHART.format(name=Path(folder).name), "templates/all.yaml": TEMPLATE}
            )
        plant(self.root, {f"{SHOP_ON_DEV}/dev-values.yaml": "a: 1\n", f"{BANK_ON_DEV}/dev-values.yaml": "b: 1\n"})
        self.write(sealed)
        self.allow(POLICY)

    def allow(self, text: str) -> None:
        """Write the policy and mount it."""
        self.policy.write_text(text)
        self.sandbox.extra["CMP_POLICY"] = str(self.policy)

    def without_sops(self) -> None:
        """Use a store in which nothing can be decrypted: whoever comes so far fails with exit code 4."""
        store = self.sandbox.folder / "store"
        shutil.copytree(Path(self.sandbox.tools_dir, "helm", VERSIONS["helm"]), store / "helm" / VERSIONS["helm"])
        self.sandbox.tools_dir = str(store)

    def generate_from(
        self, path: str = SHOP_ON_DEV, project: str = "team-a", namespace: str = "team-a", **env: str
    ) -> Ran:
        """Render an Application with this source path as Argo CD asks for it."""
        argocd = {
            "ARGOCD_APP_NAME": "shop",
            "ARGOCD_APP_NAMESPACE": namespace,
            "ARGOCD_APP_PROJECT_NAME": project,
            "ARGOCD_APP_SOURCE_PATH": path,
        }
        return self.cmp("generate", cwd=path, **{**argocd, **env})
