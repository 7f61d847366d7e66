"""The table of the tested versions of the tools, oldest first: the one place where they stand.

The set-up installs them, docs/engines.md and Renovate's preset name them, the newest of each are the shipped pins, and
`make newest` compares them with the world; tests/project/test_tested_versions.py holds those to it.

The oldest and the newest of a tool run every test; those between run parity with the bare tool and the texts of errors.
`python -m tests.support.versions` prints all as `cmp tools install` takes them.
"""

from __future__ import annotations

import sys

TESTED = {
    "helm": ("3.14.4", "3.18.6", "3.22.0", "4.0.0", "4.3.1", "4.3.2"),
    "kustomize": ("3.8.7", "4.5.7", "5.7.1", "5.8.2"),
    "helmfile": ("1.1.7", "1.8.0"),
    "cue": ("0.14.1", "0.17.1"),
    "sops": ("3.10.2", "3.13.3"),
    "gator": ("3.23.1",),
}


NEWEST = {tool: versions[-1] for tool, versions in TESTED.items()}


def ends(tool: str) -> tuple[str, ...]:
    """Return the oldest and the newest tested version of a tool, which are one where a single version is tested."""
    return tuple(dict.fromkeys((TESTED[tool][0], NEWEST[tool])))


HELM, KUSTOMIZE, HELMFILE, CUE, SOPS = (TESTED[tool] for tool in ("helm", "kustomize", "helmfile", "cue", "sops"))
GATOR = NEWEST["gator"]
HELM_ENDS = ends("helm")
KUSTOMIZE_ENDS = ends("kustomize")
NEWEST_HELM_3 = [version for version in HELM if version.startswith("3.")][-1]
HELM_LINES = (HELM[0], NEWEST_HELM_3, HELM[-1])  # for tests of a thing that differs within or between the majors
ARGOCD = ("3.2.6", "3.6.1")  # the tests build and run these; `cmp` installs none
DEFAULT_HELM = NEWEST["helm"]
HELMFILES_WITH_HELM = (  # helmfile 1.1.7 runs no helm 4
    (HELMFILE[0], HELM[0]),
    (HELMFILE[-1], NEWEST_HELM_3),
    (HELMFILE[-1], HELM[-1]),
)


if __name__ == "__main__":
    for name, tested in TESTED.items():
        sys.stdout.writelines(f"{name}@{version}\n" for version in tested)
