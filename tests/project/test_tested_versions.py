"""The tested versions stand once in tests/support/versions.py; the set-up and the docs name the same."""

from __future__ import annotations

import re

from tests.support import versions
from tests.support.harness import CHECKOUT

TESTED = {
    "helm": versions.HELM,
    "kustomize": versions.KUSTOMIZE,
    "helmfile": versions.HELMFILE,
    "cue": versions.CUE,
    "sops": versions.SOPS,
}


def test_the_set_up_installs_the_tested_versions_and_no_other() -> None:
    lines = re.findall(r"^(?:SHOWN|TOOLS) := (.*)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    installed = {word for line in lines for word in line.split() if "@" in word}
    assert installed == {f"{tool}@{version}" for tool, tested in TESTED.items() for version in tested}
