"""Fixtures of commands that several modules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.policy import RepositoryOfTeams, seal

if TYPE_CHECKING:
    from tests.support.harness import Sandbox


@pytest.fixture(scope="module")
def sealed_by_teams(tmp_path_factory: pytest.TempPathFactory, tools_dir: str) -> dict[str, bytes]:
    """Return the encrypted files of two teams, by path."""
    return seal(tmp_path_factory.mktemp("sealed"), tools_dir)


@pytest.fixture
def teams(sandbox: Sandbox, sealed_by_teams: dict[str, bytes]) -> RepositoryOfTeams:
    """Return the repository of two teams, with the policy that keeps them apart."""
    return RepositoryOfTeams(sandbox, sealed_by_teams)
