"""Policies of Gatekeeper in `cmp check`, judged by the real gator."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tests.support.harness import Sandbox
from tests.support.policies import LATEST, SECRETS, constraint, template
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "correct-horse-battery"
SHOP = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{password: {PASSWORD}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: "docker.example.com/web:latest"}}]}}
"""
WARN = "{enforcementAction: warn}"
TREE = {
    "cmp.yaml": (
        "version: 1\nlayout: {namespace: '{app}'}\nclusters: {dev: {kubeVersion: '1.34'}}\n"
        "checks: {policies: [policies]}\n"
    ),
    "namespaces/shop/all.yaml": SHOP,
    "clusters/dev/shop/.keep": "",
    "policies/secrets.yaml": f"{template('Secrets', SECRETS)}---\n{constraint('Secrets', 'none')}",
    "policies/latest.yaml": f"{template('Latest', LATEST)}---\n{constraint('Latest', spec=WARN)}",
}


def test_a_violation_is_a_finding_and_a_secret_in_it_is_nowhere(tmp_path: Path, tools_dir: str) -> None:
    plant(tmp_path / "tree", TREE)
    sandbox = Sandbox(tmp_path / "sandbox", tools_dir)
    for style in ("text", "json"):
        ran = sandbox.run("check", "--format", style, cwd=tmp_path / "tree")
        assert ran.code == 1
        assert "policy/Secrets/none" in ran.stdout
        assert "policy/Latest/it" in ran.stdout
        for spelling in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode()):
            assert spelling not in ran.stdout + ran.stderr


def test_a_mistake_in_a_policy_is_one_of_the_configuration(tmp_path: Path, tools_dir: str) -> None:
    broken = {"policies/latest.yaml": template("Latest", 'package a\nviolation[{"msg": m}] { n = 1 }\n')}
    plant(tmp_path / "tree", {**TREE, **broken})
    ran = Sandbox(tmp_path / "sandbox", tools_dir).run("check", cwd=tmp_path / "tree")
    assert (ran.code, ran.stdout) == (3, "")
    assert "policies/latest.yaml:2" in ran.stderr
    assert "m is unsafe" in ran.stderr
