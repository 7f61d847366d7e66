"""Fixtures of engines that several modules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.remote_bases import RepositoryWithRemoteBase
from tests.support.servers.git import GitHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.harness import Sandbox


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    """Return a host of Git repositories."""
    with GitHost(tmp_path / "git") as host:
        yield host


@pytest.fixture
def remote(sandbox: Sandbox, host: GitHost) -> RepositoryWithRemoteBase:
    """Return a repository whose application uses a base on that host."""
    sandbox.folder.mkdir(parents=True, exist_ok=True)
    return RepositoryWithRemoteBase(sandbox, host)
