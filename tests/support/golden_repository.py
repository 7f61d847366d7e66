"""A repository whose renders are kept in files: secrets in a Secret, in other objects and in a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.keys import RECIPIENT, encrypt, sops_tool
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

PASSWORD, NUMBER = "correct-horse-battery", "987654321"
FROM_THE_CHART = "never-in-an-encrypted-file"
SECRETS = f"db: {{password: {PASSWORD}, port: {NUMBER}}}\n"
SECRET_FILE = "namespaces/shop/common-values.secret.yaml"
TEMPLATE = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings}}   # as it is written
data:
  replicas: {{{{ .Values.replicas | quote }}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: login}}
data: {{password: {{{{ .Values.db.password | b64enc }}}}, own: {{{{ "{FROM_THE_CHART}" | b64enc }}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: url}}
data: {{url: "postgres://shop:{{{{ .Values.db.password }}}}@db:{{{{ .Values.db.port }}}}/shop"}}
---
# login by {{{{ .Values.db.password }}}}
apiVersion: v1
kind: ConfigMap
metadata: {{name: commented}}
"""
TREE = {
    "namespaces/shop/Chart.yaml": CHART,
    "namespaces/shop/templates/all.yaml": TEMPLATE,
    "namespaces/shop/common-values.yaml": "replicas: 1\n",
    "clusters/dev/shop/dev-values.yaml": "replicas: 2\n",
    "clusters/prod/shop/prod-values.yaml": "replicas: 3\n",
    "namespaces/calm/plain.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: calm}\n",
    "clusters/dev/calm/x": "",
}
SETTINGS = """\
---
# Source: demo/templates/all.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}   # as it is written
data:
  replicas: "%s"

"""
URL = """\
---
apiVersion: v1
data:
  url: "postgres://shop:‹secret db.password›@db:‹secret db.port›/shop"
kind: ConfigMap
metadata:
  name: url
"""
LOGIN = """\
---
apiVersion: v1
data:
  own: "‹secret data.own›"
  password: "‹secret db.password›"
kind: Secret
metadata:
  name: login
"""
COMMENTED = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: commented\n"


def make(root: Path, sandbox: Sandbox, secrets: str = SECRETS) -> Path:
    """Plant the repository below a folder and return its root."""
    repository = root / "repo"
    plant(repository, TREE)
    seal(repository, root, sandbox, secrets)
    return repository


def seal(repository: Path, folder: Path, sandbox: Sandbox, secrets: str, recipients: str = RECIPIENT) -> None:
    """Encrypt the secrets anew, with another data key, for these recipients (separated by commas)."""
    data = encrypt(sops_tool(sandbox.tools_dir), folder / "values.yaml", secrets, "--age", recipients)
    (repository / SECRET_FILE).write_bytes(data)
