"""One Argo CD at a time for all tests of this folder, which therefore run in one worker (tests/support/scheduling.py).

They run on the newest tested version, and those with the marker `every_argocd` on each, the newest first.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.argocd.processes import group
from tests.argocd.programs import Programs
from tests.argocd.world import ArgoCD
from tests.support.leaks import processes_of
from tests.support.versions import ARGOCD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.argocd.git import Repository


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "every_argocd: it runs on every tested version of Argo CD, not only the newest")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "argocd" in metafunc.fixturenames:
        is_of_every = metafunc.definition.get_closest_marker("every_argocd") is not None
        chosen = metafunc.config.getoption("--argocd")
        versions = [chosen] if chosen else list(reversed(ARGOCD)) if is_of_every else [ARGOCD[-1]]
        metafunc.parametrize("argocd", versions, indirect=True)


@pytest.fixture(scope="package")  # it takes half a core, also when nobody asks it anything
def argocd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, test_tools_dir: str, tools_dir: str
) -> Iterator[ArgoCD]:
    """Return a running Argo CD of the version that the test is for.  All that it started is gone afterwards."""
    folder = tmp_path_factory.mktemp("argocd")
    try:
        with group() as join:
            yield ArgoCD(folder, Programs.of(test_tools_dir, request.param), tools_dir, join)
    finally:
        for pid in processes_of(str(folder)):  # renders of a plugin that a test has left hanging
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def repository(argocd: ArgoCD) -> Repository:
    """Return a new, empty Git repository."""
    return argocd.repository()
