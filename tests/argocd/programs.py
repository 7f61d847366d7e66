"""Where the programs are that a control plane consists of; scripts/build_argocd.py builds all but Redis and Git."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cmp.versions import numbers
from scripts.build_argocd import folder_in
from tests.support.versions import ARGOCD

if TYPE_CHECKING:
    from typing import Self


class Programs(NamedTuple):
    """A version of Argo CD: paths of its programs, of the folder `manifests` of its source, and of its scripts."""

    version: str
    argocd: Path
    kube_apiserver: Path
    kubectl: Path
    etcd: Path
    caller: Path
    redis_server: Path
    manifests: Path
    wrappers: Path

    @classmethod
    def of(cls, test_tools: str, version: str = ARGOCD[-1]) -> Self:
        """Find them; a missing one is an AssertionError that says what to run."""
        folder = Path(folder_in(test_tools, version))
        found = cls(
            version=version,
            argocd=folder / "argocd",
            kube_apiserver=folder / "kube-apiserver",
            kubectl=folder / "kubectl",
            etcd=folder / "etcd",
            caller=folder / "caller",
            redis_server=Path(shutil.which("redis-server") or "/usr/bin/redis-server"),
            manifests=folder / "manifests",
            wrappers=folder / "wrappers",
        )
        missing = [str(path) for path in found if isinstance(path, Path) and not path.exists()]
        assert not missing, f"`make programs setup` provides {', '.join(missing)}"
        return found

    def is_since(self, version: str) -> bool:
        """Return whether this Argo CD is of that version, or newer."""
        return numbers(self.version) >= numbers(version)
