"""Run cmp, and let it stay in the phase that the first argument names, once the file of the second says so."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmp.__main__ import entry
from cmp.phases import Phases

PHASE, MARKER, *ARGV = sys.argv[1:]
MEASURED = Phases.phase


@contextmanager
def phase(phases: Phases, name: str) -> Iterator[None]:
    """Measure a phase; stay in the one that was named."""
    with MEASURED(phases, name):
        if name == PHASE:
            Path(MARKER).touch()
            time.sleep(600)
        yield


Phases.phase = phase  # type: ignore[method-assign]
sys.argv = ["cmp", *ARGV]
entry()
