"""The package as it is installed: two names of one program, and its licence."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, metadata
from pathlib import Path

import pytest

from cmp import __version__
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
