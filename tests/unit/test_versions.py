"""Versions are in the order of Semantic Versioning, and nobody gets a pre-release unasked."""

from __future__ import annotations

import random

import pytest

from cmp.versions import newest, order

SORTED = [
    *("3.8.7", "3.14.4", "3.18.6", "4.0.0-alpha", "4.0.0-alpha.1", "4.0.0-alpha.beta", "4.0.0-beta.2"),
    *("4.0.0-beta.11", "4.0.0-rc.1", "4.0.0", "4.0.1", "4.10.0"),
]


def test_versions_are_sorted_as_semantic_versioning_says() -> None:
    shuffled = random.Random(1).sample(SORTED, len(SORTED))  # noqa: S311  # no secret
    assert sorted(shuffled, key=order) == SORTED


def test_build_metadata_does_not_count() -> None:
    assert order("4.0.0+one") == order("4.0.0+two-3") == order("4.0.0")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["3.18.6", "4.0.0-rc.1"], "3.18.6"),
        (["4.0.0-rc.1", "4.0.0"], "4.0.0"),
        (["4.0.0-rc.2", "4.0.0-rc.10"], "4.0.0-rc.10"),
    ],
)
def test_the_newest_is_a_release_where_there_is_one(versions: list[str], expected: str) -> None:
    assert newest(versions) == newest(versions[::-1]) == expected
