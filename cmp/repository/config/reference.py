"""What holds where nothing is configured: the reference layout, and the pins that the package ships."""

from __future__ import annotations

from cmp.model import ToolPin
from cmp.repository.config.values import AppConfig, Config, Layout, ValuesPattern

_PLACE = "the reference layout"
_VERSIONS = {"helm": "3.18.6", "kustomize": "5.7.1", "sops": "3.10.2", "helmfile": "1.1.7", "cue": "0.14.1"}

LAYOUT = Layout(
    apps="namespaces/{app}",
    instances="clusters/{cluster}/{app}",
    values=(
        ValuesPattern("namespaces/{app}/common-values*.yaml", place=_PLACE),
        ValuesPattern("namespaces/{app}/common-values*.secret.yaml", place=_PLACE),
        ValuesPattern("clusters/{cluster}/{app}/*-values*.yaml", place=_PLACE),
        ValuesPattern("clusters/{cluster}/{app}/*-values*.secret.yaml", place=_PLACE),
    ),
)
SOURCE = "the defaults of cmp"
PINS = {name: ToolPin(name, version, SOURCE) for name, version in _VERSIONS.items()}
SUFFIXES = (".secret.yaml",)
CONFIG = Config(LAYOUT, {}, SUFFIXES, AppConfig(tools=PINS), "")
