"""The package as it is installed: two names of one program, and its licence."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, metadata
from pathlib import Path

import pytest
import yaml

from cmp import __version__
from scripts import pythons
from tests.support.harness import CHECKOUT


@pytest.mark.parametrize("name", ["cmp", "argocd-cmp"])
def test_the_program_has_two_names(name: str) -> None:
    (script,) = entry_points(group="console_scripts", name=name)
    assert script.value == "cmp.__main__:entry"
    done = subprocess.run([Path(sys.executable).with_name(name), "--version"], capture_output=True, check=True)
    assert done.stdout.decode() == f"cmp {__version__}\n"


def test_the_licence_is_that_of_argo_cd() -> None:
    assert metadata("argocd-cmp")["License-Expression"] == "Apache-2.0"
    assert (CHECKOUT / "LICENSE").read_text().lstrip().startswith("Apache License\n")


def test_the_pythons_that_are_named_are_tested() -> None:
    described = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(r"Python :: (3\.\d+)$", "\n".join(described["classifiers"]), re.MULTILINE)
    assert described["requires-python"] == f">={named[0]}"
    workflow = yaml.safe_load((CHECKOUT / ".github/workflows/test.yml").read_text("utf-8"))
    assert workflow["jobs"]["pythons"]["strategy"]["matrix"]["python"] == named
    assert {*pythons.VERSIONS} <= {*named}
