"""Clusters from their Secrets: names, servers and labels, and never what is encrypted or secret in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.argocd.cluster_secrets import clusters_in
from cmp.model import Cluster
from cmp.system.tree import WorkTree
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

LABELS = "labels: {argocd.argoproj.io/secret-type: cluster, zone: west}"
KOBE = Cluster("kobe", server="https://kobe.example.com", labels={"zone": "west"})
SECRETS = {
    "in clear": (
        (
            f"kind: Secret\nmetadata: {{name: a, {LABELS}}}\n"
            "stringData: {name: kobe, server: 'https://kobe.example.com', config: '{\"bearerToken\": \"x\"}'}\n"
        ),
        [KOBE],
    ),
    "in base64": (
        (
            f"kind: Secret\nmetadata: {{name: a, {LABELS}}}\n"
            "data: {name: a29iZQ==, server: aHR0cHM6Ly9rb2JlLmV4YW1wbGUuY29t}\n"
        ),
        [KOBE],
    ),
    "encrypted by sops": (
        f"kind: Secret\nmetadata: {{name: kobe, {LABELS}}}\nstringData: {{name: 'ENC[AES256_GCM,data:x]'}}\n",
        [KOBE._replace(server="")],
    ),
    "made by an ExternalSecret": (
        (
            "kind: ExternalSecret\nmetadata: {name: a}\n"
            f"spec: {{target: {{template: {{metadata: {{{LABELS}}}, "
            "data: {name: kobe, server: '{{ .server }}'}}}}\n"
        ),
        [KOBE._replace(server="")],
    ),
    "made by a SealedSecret": (
        f"kind: SealedSecret\nmetadata: {{name: kobe}}\nspec: {{template: {{metadata: {{{LABELS}}}}}}}\n",
        [KOBE._replace(server="")],
    ),
    "that of a repository": (
        (
            "kind: Secret\nmetadata: {name: a, labels: {argocd.argoproj.io/secret-type: repository}}\n"
            "stringData: {name: kobe}\n"
        ),
        [],
    ),
    "a template": ("kind: Secret\nmetadata: {{ .x }}\n", []),
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_a_cluster(tmp_path: Path, name: str) -> None:
    text, clusters = SECRETS[name]
    plant(tmp_path, {"a.yaml": f"apiVersion: v1\n{text}"})
    assert clusters_in(WorkTree(str(tmp_path)), ["a.yaml"]) == clusters
