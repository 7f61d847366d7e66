"""The tested versions of the tools, oldest first, as the set-up installs them and docs/engines.md names them."""

from __future__ import annotations

HELM = ("3.14.4", "3.18.6", "4.0.0")
DEFAULT_HELM = "3.18.6"
KUSTOMIZE = ("3.8.7", "4.5.7", "5.7.1")
HELMFILE = ("1.1.7",)
HELMS_OF_HELMFILE = ("3.14.4", "3.18.6")  # helmfile 1.1.7 runs no helm 4
CUE = ("0.14.1",)
SOPS = ("3.10.2",)
