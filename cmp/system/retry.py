"""How often something is asked again that failed in a way that may pass, and how long we wait in between."""

from __future__ import annotations

import random
import time

TRIES = 3
ATTEMPT_SECONDS = 30.0  # of silence: what says nothing for so long is given up, and asked again
BACKOFF_SECONDS = 0.4  # doubled with each try, and spread, so that replicas do not come back together


def pause(attempt: int, at_most: float) -> None:
    """Wait before an attempt; the first one has the number 0 and waits for nothing."""
    if attempt:
        seconds = BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1)  # noqa: S311  # it may be guessed
        time.sleep(min(seconds, at_most))
