"""The tested versions stand once in tests/support/versions.py: what else names or needs them is equal to that table."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import yaml

from cmp.argocd.settings import BUNDLED
from cmp.repository.config.model import PINS
from tests.support.go_proxy import GoProxy
from tests.support.harness import CHECKOUT
from tests.support.versions import ARGOCD, NEWEST, TESTED

if TYPE_CHECKING:
    from pathlib import Path

SPECS = [f"{tool}@{version}" for tool, versions in TESTED.items() for version in versions]
MAKEFILE = (CHECKOUT / "Makefile").read_text()


def run(module: str, **env: str) -> str:
    argv = [sys.executable, "-m", module]
    done = subprocess.run(argv, cwd=CHECKOUT, env={**os.environ, **env}, capture_output=True, check=True, text=True)
    assert done.stderr == ""
    return done.stdout


def test_the_set_up_installs_the_tested_versions_and_no_other() -> None:
    assert run("tests.support.versions").split() == SPECS
    recipe = re.search(r"^tools: .*\n\t@(.+)\n", MAKEFILE, re.MULTILINE)
    assert recipe
    assert recipe[1].startswith("tools=`$(BIN)/python -m tests.support.versions` && $(BIN)/cmp tools install $$tools ")


def test_the_newest_are_the_shipped_pins_and_those_of_the_example() -> None:
    assert {name: pin.version for name, pin in PINS.items()} == NEWEST
    example = yaml.safe_load((CHECKOUT / "examples/monorepo/cmp.yaml").read_text("utf-8"))
    assert example["tools"] == NEWEST


def test_the_demo_needs_the_newest_helm_and_sops_alone() -> None:
    shown = re.search(r"^SHOWN := (.*)$", MAKEFILE, re.MULTILINE)
    assert shown
    assert shown[1].split() == [f"{tool}@{NEWEST[tool]}" for tool in ("helm", "sops")]


def test_the_table_of_docs_is_this_one() -> None:
    rows = re.findall(r"^\| (\w+) \| (\d[\d., ]+) \|", (CHECKOUT / "docs/engines.md").read_text("utf-8"), re.MULTILINE)
    assert {tool: tuple(versions.split(", ")) for tool, versions in rows} == TESTED


def test_renovate_finds_the_tools_and_says_what_is_tested() -> None:
    preset = json.loads((CHECKOUT / "renovate/default.json").read_text("utf-8"))
    # The manager of charts takes their names from the files.
    named = {manager["depNameTemplate"] for manager in preset["customManagers"] if "depNameTemplate" in manager}
    assert named == TESTED.keys()
    notes = [note for rule in preset["packageRules"] for note in rule.get("prBodyNotes", ())]
    tested = "; ".join(f"{tool} {', '.join(versions)}" for tool, versions in TESTED.items())
    assert f"This release of cmp is tested with {tested}." in notes


def test_the_docs_name_the_argo_cds_that_are_tested_and_cmp_knows_their_tools() -> None:
    names = " and ".join(ARGOCD)
    assert f"tested: Argo CD {names}" in (CHECKOUT / "docs/install.md").read_text()
    assert f"Tested are {names}." in (CHECKOUT / "docs/operations.md").read_text()
    assert {version.rpartition(".")[0] for version in ARGOCD} == {*BUNDLED}


def test_newer_versions_are_told_and_so_is_a_proxy_that_does_not_know(tmp_path: Path) -> None:
    proxy = GoProxy(tmp_path / "proxy")
    for module, versions in {
        "helm.sh/helm/v3": ("v3.9.0", "v3.99.0", "v3.100.0-rc.1"),
        "helm.sh/helm/v4": (f"v{TESTED['helm'][-1]}",),
        "github.com/getsops/sops/v3": ("v3.99.0+incompatible",),
    }.items():
        for version in versions:
            proxy.publish(module, version, f"module {module}\n")
    lines = run("scripts.newest", **proxy.env, GOTOOLCHAIN="local").splitlines()
    assert [line.split()[0] for line in lines] == [
        "cue",
        "gator",
        "helm",
        "helm",
        "helmfile",
        *["kustomize"] * 3,
        "sops",
    ]
    old = ", ".join(version for version in TESTED["helm"] if version.startswith("3."))
    assert lines[2] == f"helm       3.99.0     is not tested; of helm.sh/helm/v3 is {old}"
    assert lines[3] == f"helm       {TESTED['helm'][-1]:<10} is tested"
    assert lines[0].startswith("cue        ?          no answer about cuelang.org/go: ")
    assert lines[-1] == "sops       ?          no version of github.com/getsops/sops/v3 is known"


def test_without_a_proxy_nothing_fails() -> None:
    lines = run("scripts.newest", GOPROXY="off", GOTOOLCHAIN="local").splitlines()
    assert len(lines) == 9
    assert all("no answer about " in line and "GOPROXY=off" in line for line in lines), lines
