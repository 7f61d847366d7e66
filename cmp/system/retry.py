"""Retries of what may fail for a moment: the number of attempts, the time of each, and the back-off between them."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.system.process import Deadline

TRIES = 3
ATTEMPT_SECONDS = 30.0  # of silence: what says nothing for so long is given up, and asked again
BACKOFF_SECONDS = 0.4  # doubled with each try, and spread, so that replicas do not come back together


def attempts(deadline: Deadline) -> Iterator[int]:
    """Yield the number of each attempt, from 0, after a pause within the deadline; the first one has none."""
    for attempt in range(TRIES):
        if attempt:
            seconds = BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1)  # noqa: S311  # it may be guessed
            time.sleep(min(seconds, deadline.remaining()))
        yield attempt


def attempt_deadline(deadline: Deadline) -> Deadline:
    """Return the deadline of one attempt; it is the given one where that comes first."""
    return deadline.sooner(ATTEMPT_SECONDS) if deadline.remaining() > ATTEMPT_SECONDS else deadline
