"""The entry point of `cmp` and `python -m cmp`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress


def entry() -> None:
    """Run the program without garbage collection, and end it without taking down the interpreter: both cost time."""
    _open_closed_streams()
    gc.disable()  # it takes a tenth of the start-up; the largest render leaves some megabytes of garbage
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl-C before there is a folder to clean up needs no traceback
    if sys.argv[1:2] == ["generate"]:
        from cmp.supervisor import supervise  # noqa: PLC0415  # only where a signal may come too late

        status = supervise(_run)
    else:
        status = _run()
    os._exit(status)  # every resource is a context manager, and closed by now


def _run() -> int:
    from cmp.cli.main import main  # noqa: PLC0415  # in the renderer alone

    status = main(sys.argv[1:])
    with suppress(OSError):  # the status tells of a failed stdout; a failed stderr has no other reader
        sys.stdout.flush()
        sys.stderr.flush()
    return status


def _open_closed_streams() -> None:
    """Open /dev/null in the place of each closed stream, or a pipe with plaintext would get its number."""
    for name, mode, flags in (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:  # a write to stdout must fail, one to stderr may be lost
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode))


if __name__ == "__main__":
    entry()
