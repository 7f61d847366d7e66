"""`cmp` and `python -m cmp`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress


def entry() -> None:
    """Run as a program, as short as a program can be: nothing is collected, and the interpreter is not taken down."""
    _open_closed_streams()
    gc.disable()  # a tenth of the start-up otherwise; the largest render leaves some megabytes of garbage
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl-C before there is anything to clean up needs no traceback
    if sys.argv[1:2] == ["generate"]:
        from cmp.supervisor import lead  # noqa: PLC0415  # only where a signal may not be heard

        status = lead(_run)
    else:
        status = _run()
    os._exit(status)  # every resource is a context manager, and closed


def _run() -> int:
    from cmp.cli.main import main  # noqa: PLC0415  # in the renderer alone

    status = main(sys.argv[1:])
    with suppress(OSError):  # what stdout did not take is in the status, and what stderr does not take is lost
        sys.stdout.flush()
        sys.stderr.flush()
    return status


def _open_closed_streams() -> None:
    """Put something in the place of a stream that is closed, or a pipe with plaintext would get its number."""
    for name, mode, flags in (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:  # what is written to stdout must fail, what is said on stderr need not be heard
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


if __name__ == "__main__":
    entry()
