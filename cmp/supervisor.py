"""`cmp generate` is two processes: a leader that waits, and a renderer, its child, that does everything.

Argo CD's cmp-server kills the process that it started at once when its deadline comes, and sends SIGTERM to the group:
a program that is one process dies before it can tidy up (argoproj/argo-cd, cmpserver/plugin/plugin.go).  So it may kill
the leader, and the renderer hears the SIGTERM, or the kernel's in its place when the leader alone is killed.
Should the renderer be killed, by the kernel for want of memory for one, the leader tidies up after it; should nobody
read the answer any more, because cmp-server itself was killed, it ends the renderer.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from cmp.system import linux

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REAP_SECONDS = 2.0  # what was killed is gone sooner


def lead(render: Callable[[], int]) -> int:
    """Run `render` in a child; return its exit code, 128 + n when signal n killed it."""
    leader = os.getpid()
    renderer = os.fork()
    if renderer == 0:
        linux.die_with_parent(signal.SIGTERM)
        if os.getppid() != leader:  # it died before the line above
            os._exit(128 + signal.SIGTERM)
        return render()
    return _wait_for(renderer)


def _wait_for(renderer: int) -> int:
    def forward(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        _let_go_of(1)  # whoever reads them waits until the last holder has closed them
        _let_go_of(2)
        with suppress(ProcessLookupError):
            os.kill(renderer, signum)

    for signum in FORWARDED:
        signal.signal(signum, forward)
    linux.adopt_orphans()  # what the renderer leaves behind becomes ours, to be reaped
    if not _is_read_to_the_end(renderer):
        forward(signal.SIGTERM, None)
    code = os.waitstatus_to_exitcode(os.waitpid(renderer, 0)[1])
    _end_orphans()
    if code >= 0:
        return code
    _say_killed(signal.Signals(-code))
    return 128 - code


def _is_read_to_the_end(renderer: int) -> bool:
    """Wait for the renderer's end, or until the reader of stdout has gone; say whether it was the former."""
    try:
        end = os.pidfd_open(renderer)
    except (AttributeError, OSError):  # another system, or an old kernel: the deadline ends the renderer
        return True
    poll = select.poll()
    poll.register(end, select.POLLIN)
    poll.register(1, 0)  # only what is always reported: of a pipe, that its reader has gone
    events = poll.poll()
    os.close(end)
    return any(descriptor == end for descriptor, _ in events)


def _end_orphans() -> None:
    """Kill and reap what has lost its parent: everything that runs now was started by the renderer."""
    end = time.monotonic() + REAP_SECONDS
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] or time.monotonic() < end:
            for pid in linux.children(os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)


def _say_killed(signum: signal.Signals) -> None:
    """Report what the renderer could not, and sweep what it could not remove."""
    from cmp import environ  # noqa: PLC0415  # only here: the leader is small
    from cmp.errors import KilledError  # noqa: PLC0415
    from cmp.system import workspace  # noqa: PLC0415  # only here: the leader is small

    workspace.sweep(environ.current_folders().tmp)
    hint = "the memory limit of the sidecar is the usual reason: raise it, or lower CMP_RENDERS"
    is_sudden = signum == signal.SIGKILL
    error = KilledError(f"the render was killed by {signum.name}", hint=hint if is_sudden else "", is_external=True)
    with suppress(OSError):
        sys.stderr.write("\n".join(error.lines(for_operators=True)) + "\n")


def _let_go_of(descriptor: int) -> None:
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), descriptor)
