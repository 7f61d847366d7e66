"""Where the programs are that the control plane consists of; scripts/build_argocd.py builds all but Redis and Git."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.build_argocd import folder_in

if TYPE_CHECKING:
    from typing import Self


class Programs(NamedTuple):
    """Paths of programs, and of the folder `manifests` of Argo CD's source."""

    argocd: Path
    kube_apiserver: Path
    kubectl: Path
    etcd: Path
    caller: Path
    redis_server: Path
    manifests: Path

    @classmethod
    def of(cls, test_tools: str) -> Self:
        """Find them; a missing one is an AssertionError that says what to run."""
        folder = Path(folder_in(test_tools))
        found = cls(
            argocd=folder / "argocd",
            kube_apiserver=folder / "kube-apiserver",
            kubectl=folder / "kubectl",
            etcd=folder / "etcd",
            caller=folder / "caller",
            redis_server=Path(shutil.which("redis-server") or "/usr/bin/redis-server"),
            manifests=folder / "manifests",
        )
        missing = [str(path) for path in found if not path.exists()]
        assert not missing, f"`make programs setup` provides {', '.join(missing)}"
        return found
