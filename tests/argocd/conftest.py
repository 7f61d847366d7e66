"""One Argo CD for all tests of this folder, which therefore run in one worker (tests/support/scheduling.py)."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.argocd.processes import group
from tests.argocd.world import ArgoCD
from tests.support.leaks import processes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.argocd.git import Repository


@pytest.fixture(scope="package")  # it takes half a core, also when nobody asks it anything
def argocd(tmp_path_factory: pytest.TempPathFactory, test_tools_dir: str, tools_dir: str) -> Iterator[ArgoCD]:
    """Return a running Argo CD.  All that it started is gone afterwards."""
    folder = tmp_path_factory.mktemp("argocd")
    try:
        with group() as join:
            yield ArgoCD(folder, test_tools_dir, tools_dir, join)
    finally:
        for pid in processes_of(str(folder)):  # renders of a plugin that a test has left hanging
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def repository(argocd: ArgoCD) -> Repository:
    """Return a new, empty Git repository."""
    return argocd.repository()
