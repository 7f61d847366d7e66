"""The tested versions of the tools, oldest first, as docs/engines.md names them.

`python -m tests.support.versions` prints them as `cmp tools install` takes them: the set-up installs those.
"""

from __future__ import annotations

import sys

HELM = ("3.14.4", "3.18.6", "4.0.0")
DEFAULT_HELM = "3.18.6"
KUSTOMIZE = ("3.8.7", "4.5.7", "5.7.1")
HELMFILE = ("1.1.7",)
HELMS_OF_HELMFILE = ("3.14.4", "3.18.6")  # helmfile 1.1.7 runs no helm 4
CUE = ("0.14.1",)
SOPS = ("3.10.2",)
TESTED = {"helm": HELM, "kustomize": KUSTOMIZE, "helmfile": HELMFILE, "cue": CUE, "sops": SOPS}


if __name__ == "__main__":
    for tool, versions in TESTED.items():
        sys.stdout.writelines(f"{tool}@{version}\n" for version in versions)
