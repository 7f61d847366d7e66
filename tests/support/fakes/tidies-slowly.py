"""Run cmp, and let its clean-up wait until something is written to a named pipe: `tidies-slowly.py PIPE argv…`."""

import sys

from cmp.__main__ import entry
from cmp.system import workspace

GATE, *ARGV = sys.argv[1:]
remove = workspace._remove_at_last  # noqa: SLF001


def remove_later(folder: str) -> bool:
    """Wait, then do it."""
    with open(GATE, "rb") as gate:
        gate.read()
    return remove(folder)


workspace._remove_at_last = remove_later  # noqa: SLF001
sys.argv = ["cmp", *ARGV]
entry()
