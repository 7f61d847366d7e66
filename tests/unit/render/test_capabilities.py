"""The API versions that templates ask for, found in their texts and in packed charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.engines.protocol import Needs
from cmp.render.capabilities import KNOWN, MADE_UP, unknown_apis
from tests.support.remote_schemas import pack
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

POTS = "pots.example.com/v1"


def asked(tmp_path: Path, template: str, *archives: bytes) -> tuple[str, ...]:
    tree = plant(tmp_path, {"web/templates/a.yaml": template, "web/README.md": "{{ .Capabilities.APIVersions }}"})
    return unknown_apis(tree, Needs(tools={}, chart_folders=("web",)), archives)


def packed(**files: bytes) -> bytes:
    return pack({name.replace("__", "/"): content for name, content in files.items()})


@pytest.mark.parametrize(
    "template",
    [
        '{{ if .Capabilities.APIVersions.Has "pots.example.com/v1" }}',
        "{{- if and .Values.a ($.Capabilities.APIVersions.Has `pots.example.com/v1`) -}}",
        '{{ if .Capabilities.APIVersions.Has ( "pots.example.com/v1" ) }}',
        '{{ "pots.example.com/v1" | .Capabilities.APIVersions.Has }}',
        '{{ $c := .Capabilities }}{{ if or ($c.APIVersions.Has "v1") ($c.APIVersions.Has "pots.example.com/v1") }}',
        '{{ if has "pots.example.com/v1" .Capabilities.APIVersions }}',
    ],
)
def test_names_are_found_however_a_template_asks(tmp_path: Path, template: str) -> None:
    assert asked(tmp_path, template) == (POTS,)


@pytest.mark.parametrize(
    "template",
    [
        "{{ .Capabilities.APIVersions.Has .Values.api }}",
        '{{ .Capabilities.APIVersions.Has (printf "%s/v1" .Values.group) }}',
        "{{ range .Capabilities.APIVersions }}",
        '{{ .Capabilities.APIVersions | toString | contains "pots" }}',
    ],
)
def test_what_is_made_up_is_told_without_a_name(tmp_path: Path, template: str) -> None:
    assert asked(tmp_path, template) == (MADE_UP,)


@pytest.mark.parametrize(
    "template",
    [
        '{{/* .Capabilities.APIVersions.Has "pots.example.com/v1" */}}',
        '# .Capabilities.APIVersions.Has "pots.example.com/v1"',
        '{{ .Capabilities.APIVersions.Has "policy/v1beta1" }}',
        "{{ .Capabilities.KubeVersion.Version }}",
    ],
)
def test_what_asks_for_nothing_unknown_is_silent(tmp_path: Path, template: str) -> None:
    assert asked(tmp_path, template) == ()


def test_packed_charts_are_looked_into_and_those_packed_in_them(tmp_path: Path) -> None:
    template = b'{{ .Capabilities.APIVersions.Has "%s" }}'
    inner = packed(part__templates__a=template % b"inner.example.com/v1")
    both = packed(web__templates__a=template % b"outer.example.com/v1", **{"web__charts__part.tgz": inner})
    alone = packed(**{"web__charts__part.tgz": inner})
    assert asked(tmp_path, "", both, b"no archive") == ("inner.example.com/v1", "outer.example.com/v1")
    assert asked(tmp_path, "", alone) == ("inner.example.com/v1",)
    (tmp_path / "web/charts").mkdir()
    (tmp_path / "web/charts/part.tgz").write_bytes(alone)
    assert asked(tmp_path, "") == ("inner.example.com/v1",)


def test_kinds_are_unknown_even_of_known_versions() -> None:
    assert "apps/v1" in KNOWN
    assert not [name for name in KNOWN if name.count("/") > 1]
