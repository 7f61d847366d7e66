"""`cmp` and `python -m cmp`."""

from __future__ import annotations

import gc
import os
import sys


def entry() -> None:
    """Run as a program, as short as a program can be: nothing is collected, and the interpreter is not taken down."""
    gc.disable()  # a tenth of the start-up otherwise; the largest render leaves some megabytes of garbage
    from cmp.cli import main  # noqa: PLC0415  # after the line above

    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # every resource is a context manager, and closed


if __name__ == "__main__":
    entry()
