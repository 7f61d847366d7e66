"""Exact versions, in the order of Semantic Versioning: a pre-release comes before its release.

No semver library is needed: this module recognises exact versions, and helm resolves the ranges of charts.
"""

from __future__ import annotations

import re

Order = tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]

# The two notations of a single version; a shorter text (`1.2`) is a range to helm.
_EXACT = re.compile(r"v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_NUMBERS = re.compile(r"\s*([0-9]+(?:\.[0-9]+)*)")
# Go's name for a commit that is not a release (golang.org/ref/mod, "Pseudo-versions"): it could build any branch.
PSEUDO_VERSION = r"[.-][0-9]{14}-[0-9A-Za-z]+(?:\+|$)"


def is_exact(version: str) -> bool:
    """Tell whether a text is a single version, with or without a leading `v`, and not a range."""
    return _EXACT.fullmatch(version) is not None


def is_same(wanted: str, version: str) -> bool:
    """Tell whether a version is the exact version `wanted`.

    As in helm, a leading `v` does not count, and neither does build metadata without any in `wanted`.
    """
    wanted, version = wanted.removeprefix("v"), version.removeprefix("v")
    return wanted == (version if "+" in wanted else version.partition("+")[0])


def is_release(version: str) -> bool:
    """Tell whether a version is not a pre-release: cmp runs a pre-release only where it is pinned."""
    return "-" not in version.partition("+")[0]


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that a version begins with: 4.0.0 for 4.0.0-rc.1, and 0.3.0 for Python's 0.3.0.dev1."""
    match = _NUMBERS.match(version)
    return tuple(int(number) for number in match[1].split(".")) if match else ()


def order(version: str) -> Order:
    """Return the sort key of an exact version; build metadata does not count."""
    suffix = version.partition("+")[0].partition("-")[2]
    parts = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in suffix.split(".") if suffix)
    return numbers(version), is_release(version), parts


def newest(versions: list[str]) -> str:
    """Return the newest release; the newest pre-release where there is no release."""
    return max(versions, key=lambda version: (is_release(version), order(version)))
