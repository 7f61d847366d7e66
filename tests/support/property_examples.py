"""The number of examples that a property is tried with: all of them, or a tenth in `make test-fast`."""

from __future__ import annotations

import os

QUICK = "CMP_TEST_QUICK"
FEWEST = 10


def examples(count: int) -> int:
    """Return how many examples to draw where the whole suite draws `count`."""
    return max(FEWEST, count // 10) if os.environ.get(QUICK) else count
