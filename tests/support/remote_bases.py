"""A repository whose application uses another one, on a host that the policy lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.kustomize import CONFIG, KustomizeRepository

if TYPE_CHECKING:
    from tests.support.harness import Sandbox
    from tests.support.servers.git import GitHost

BASE = {
    "base/kustomization.yaml": "resources: [config.yaml, ../more]\ncommonLabels: {from: remote}\n",
    "base/config.yaml": CONFIG,
    "more/kustomization.yaml": "configMapGenerator: [{name: text, files: [a.txt]}]\n",
    "more/a.txt": "日本語\n",
    ".gitattributes": "more export-ignore\na.txt export-subst\n",
}
FULL = "0123456789abcdef0123456789abcdef01234567"


class RepositoryWithRemoteBase(KustomizeRepository):
    """A repository whose application uses another one, on a host that the policy lists."""

    def __init__(self, sandbox: Sandbox, host: GitHost) -> None:
        super().__init__(sandbox)
        self.host = host
        self.addons = host.repository("org/addons")
        self.commit = self.addons.commit(BASE, "v1.0.0")
        self.url = f"{host.url}/org/addons"
        self.allow(host.host)

    def allow(self, *hosts: str) -> None:
        """Let the policy list hosts, or, without any, let there be none."""
        self.mount_policy(f"kustomize: {{hosts: {json.dumps(hosts)}}}\n")

    def use(self, *references: str, key: str = "resources", more: str = "") -> None:
        """Write the application's kustomization."""
        self.write({"kustomization.yaml": f"{key}: {json.dumps(references)}\n{more}"})
