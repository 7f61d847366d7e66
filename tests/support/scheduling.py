"""Which worker runs which test: those of a folder that share something large, a control plane or an image, share one.

It stands for `--dist loadgroup`, which pytest-xdist 3.8 does by writing the group into the id of a test, where
pytest 9.2 does not read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

TOGETHER = ("tests/argocd/", "tests/image/")


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist's modules tell no types to mypy
    """Every test goes to whichever worker is free, but those that belong together to one, and first of all."""

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        """Forget what is done: pytest-xdist counts all that a worker has ever got after each test."""
        super().mark_test_complete(node, item_index, duration)
        scope = self._split_scope(self.registered_collections[node][item_index])
        if all(self.assigned_work[node][scope].values()):
            del self.assigned_work[node][scope]

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)
