"""The stories of `tests/cli/test_diff_scenarios.py`: what happens to a repository, told by topic."""

from tests.support.diff_scenarios import (
    applications,
    charts,
    checks,
    clusters,
    engines,
    failures,
    objects,
    pairs,
    secrets,
    settings,
    values,
)

__all__ = [
    "applications",
    "charts",
    "checks",
    "clusters",
    "engines",
    "failures",
    "objects",
    "pairs",
    "secrets",
    "settings",
    "values",
]
