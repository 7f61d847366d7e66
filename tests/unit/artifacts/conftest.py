"""Fixtures of artifacts that several modules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.servers import authority
from tests.support.servers.releases import ReleaseHost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers.authority import Authority


@pytest.fixture(scope="module")
def private_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return a certificate authority that only this module's clients trust."""
    return authority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def release_host(private_authority: Authority) -> Iterator[ReleaseHost]:
    """Return a host of releases, with TLS."""
    with ReleaseHost(private_authority) as host:
        yield host
