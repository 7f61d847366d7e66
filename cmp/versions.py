"""Versions of tools, in the order of Semantic Versioning: a pre-release comes before its release."""

from __future__ import annotations

import re

Order = tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]


def order(version: str) -> Order:
    """Return what exact versions are sorted by; build metadata does not count."""
    core, _, suffix = version.partition("+")[0].partition("-")
    numbers = tuple(int(digits) for digits in re.findall(r"\d+", core))
    parts = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in suffix.split(".") if suffix)
    return numbers, is_release(version), parts


def is_release(version: str) -> bool:
    """Whether a version is no pre-release: nobody runs one of those without having asked for it."""
    return "-" not in version.partition("+")[0]


def newest(versions: list[str]) -> str:
    """Return the newest release; the newest pre-release where there is nothing else."""
    return max(versions, key=lambda version: (is_release(version), order(version)))


def numbers(version: str) -> tuple[int, ...]:
    """Return the numeric parts of an exact version; a pre-release suffix does not count."""
    core = version.partition("-")[0].partition("+")[0]
    return tuple(int(part) for part in core.split(".") if part.isdigit())
