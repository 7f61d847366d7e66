"""docs/check.md: its commands work, and what it shows is what cmp prints."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from cmp.report.findings import FORMATS
from cmp.report.findings.result import RULES
from tests.support.harness import CHECKOUT
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

PAGE = (CHECKOUT / "docs/check.md").read_text("utf-8")
CONFIG = """\
version: 1
layout: {apps: "apps/{app}", instances: "clusters/{cluster}/{app}"}
clusters: {%s: {kubeVersion: "1.33"}, %s: {kubeVersion: "1.32"}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %s
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1"}]}
"""

pytestmark = pytest.mark.no_tools


def _blocks(kind: str) -> list[str]:
    """Return the fenced blocks of a kind: fences take turns at being the first and the last line of one."""
    parts = re.split(r"^```(\w*)\n", PAGE, flags=re.MULTILINE)
    return [text for name, text in zip(parts[1::4], parts[2::4], strict=True) if name == kind]


def _commands() -> list[str]:
    lines = (line.partition("  #")[0].strip() for block in _blocks("") for line in block.splitlines())
    return [line for line in lines if re.match(r"(cmp|cat) ", line)]


def test_the_commands_work(sandbox: Sandbox, tmp_path: Path) -> None:
    root, tools = tmp_path / "repository", tmp_path / "bin"
    instances = {f"clusters/{name}-cluster/payments/.gitkeep": "" for name in ("dev", "prod")}
    config = CONFIG % ("dev-cluster", "prod-cluster")
    plant(root, {"cmp.yaml": config, "apps/payments/all.yaml": DEPLOYMENT % 2, **instances})
    plant(tools, {"cmp": f'#!/bin/sh\nexec {" ".join(sandbox.command())} "$@"\n'})
    (tools / "cmp").chmod(0o755)
    assert len(_commands()) >= 8
    env = {**sandbox.env(), "PATH": f"{tools}:/usr/bin:/bin"}
    for line in _commands():
        done = subprocess.run(["sh", "-c", line], cwd=root, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    assert (root / "findings.sarif").exists()
    assert (root / "findings.xml").exists()


def test_the_finding_that_it_shows_is_printed(sandbox: Sandbox, tmp_path: Path) -> None:
    instances = {f"clusters/{name}/shop/.gitkeep": "" for name in ("dev", "prod")}
    plant(
        tmp_path / "repository",
        {"cmp.yaml": CONFIG % ("dev", "prod"), "apps/shop/all.yaml": DEPLOYMENT % '"two"', **instances},
    )
    (shown,) = _blocks("text")
    ran = sandbox.run("check", cwd=tmp_path / "repository")
    assert (ran.code, ran.stdout) == (1, shown)


def test_every_rule_and_every_format_is_named() -> None:
    assert [rule for rule in RULES if f"`{rule}" not in PAGE] == []
    assert [kind for kind in FORMATS if f"`{kind}`" not in PAGE] == []
