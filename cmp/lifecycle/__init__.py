"""The lifecycle of the versions of the Kubernetes API: since when a kind is served in one, deprecated, and removed.

table.py has the facts.  Releases are minor versions of Kubernetes 1: 29 is 1.29.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from cmp.lifecycle.table import NEWEST, ROWS
from cmp.versions import numbers


class Lifecycle(NamedTuple):
    """The releases in which a version of a kind is first served, deprecated and no longer served (0: in none known).

    `replacement` is the `apiVersion` of the same kind that Kubernetes names for it, empty without one.
    """

    introduced: int
    deprecated: int
    removed: int
    replacement: str

    def is_removed(self, release: int = NEWEST) -> bool:
        """Say whether a release serves it no longer; without a release, whether any that is known does."""
        return 0 < self.removed <= release

    def is_deprecated(self, release: int) -> bool:
        """Say whether it is deprecated in a release."""
        return 0 < self.deprecated <= release


@cache
def _table() -> dict[tuple[str, str], Lifecycle]:
    return {
        (_joined(group, version), kind): Lifecycle(introduced, deprecated, removed, _named(group, replacement))
        for group, version, kind, introduced, deprecated, removed, replacement in ROWS
    }


def _named(group: str, replacement: str) -> str:
    return replacement if "/" in replacement or not replacement else _joined(group, replacement)


def _joined(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version


def lifecycle(api_version: str, kind: str) -> Lifecycle | None:
    """Return the lifecycle of a kind in a version of the API; None where no end of it is known."""
    return _table().get((api_version, kind))


def successor(api_version: str, kind: str, release: int) -> str:
    """Return the newest `apiVersion` that takes the place of one and that a release serves; else an empty text.

    Of several that follow each other it is the last that the release has, so that nobody changes his manifests twice.
    """
    found, best = lifecycle(api_version, kind), ""
    while found and (following := found.replacement):
        found = lifecycle(following, kind)
        if found and found.introduced <= release and not found.is_removed(release):
            best = following
    return best


def release_of(kube_version: str) -> int:
    """Return the minor version of a version of Kubernetes 1 (29 of `v1.29.3+k3s1`); 0 for anything else."""
    major, minor, *_ = (*numbers(kube_version.removeprefix("v")), 0, 0)
    return minor if major == 1 else 0
