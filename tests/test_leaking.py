"""No decrypted value is in what a run says, starts or leaves, whatever fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cmp.redact import MASK
from tests.leakworld import (
    EXPRESSIONS,
    HELMS,
    SHAPES,
    LeakWorld,
    needles,
    printed_by_helm,
    seal,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Sandbox


@pytest.fixture(scope="module")
def known(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return needles(printed_by_helm(tmp_path_factory.mktemp("by-hand"), tools_dir))


@pytest.fixture(scope="module")
def sealed(tools_dir: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return seal(tmp_path_factory.mktemp("plain"), tools_dir)


@pytest.fixture
def world(sandbox: Sandbox, sealed: dict[str, bytes], known: dict[str, str]) -> LeakWorld:
    return LeakWorld(sandbox, sealed, known)


EACH = """\
{{{{- $said := "" }}}}
{{{{- range $name, $value := .Values.s }}}}{{{{- with $value }}}}
{{{{- $said = printf "%s\\n%s=[%s]=%s" $said $name ({expression}) $name }}}}
{{{{- end }}}}{{{{- end }}}}
{{{{- fail $said }}}}
"""
NOT_TAKEN = {"a number": {"number", "large", "negative"}}  # int64 of the others is nothing


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_whatever_a_chart_makes_of_a_secret_is_masked(world: LeakWorld, name: str, helm: str) -> None:
    world.template(EACH.format(expression=EXPRESSIONS[name]))
    ran = world.run(helm=helm)
    assert (ran.code, ran.stdout) == (7, "")
    shown = dict(re.findall(r"(?s)\b(\w+)=\[(.*?)\]=\1\b", ran.stderr))
    expected = NOT_TAKEN.get(name, SHAPES.keys())
    assert {shape for shape, text in shown.items() if MASK in text} >= set(expected), ran.stderr
