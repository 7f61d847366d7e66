"""Versions of charts, without a semver library: an exact one is recognised, a range is helm's business."""

from __future__ import annotations

import re

# The two notations that mean one version and nothing else; anything shorter (`1.2`) is a range to helm.
_EXACT = re.compile(r"v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,249}")


def is_exact(text: str) -> bool:
    """Say whether the text is one version and not a range."""
    return _EXACT.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Say whether the text can name a chart; it becomes part of a path and of helm's arguments."""
    return _NAME.fullmatch(text) is not None


def is_same(asked: str, found: str) -> bool:
    """Say whether a chart that calls itself `found` is the exact version `asked`.

    As helm has it, a leading `v` does not count, and neither does build metadata that nobody asked for.
    """
    asked, found = asked.removeprefix("v"), found.removeprefix("v")
    return asked == (found if "+" in asked else found.partition("+")[0])
