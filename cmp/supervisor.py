"""The two processes of `cmp generate`: a supervisor that waits, and its child, the renderer, that does the work.

When its deadline comes, Argo CD's cmp-server kills the process that it started at once, and sends SIGTERM to the group:
a single process dies before it can clean up (argoproj/argo-cd, cmpserver/plugin/plugin.go).  So the supervisor may be
killed, and the renderer receives the SIGTERM, or the kernel's parent-death signal when the supervisor alone is killed.
When the renderer is killed, by the kernel for want of memory for one, the supervisor cleans up after it; when the
reader of the output has gone, because cmp-server itself was killed, it ends the renderer.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from cmp.system import kernel

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REAP_SECONDS = 2.0  # killed processes end sooner


def supervise(render: Callable[[], int]) -> int:
    """Run `render` in a child; return its exit code, 128 + n when signal n killed it."""
    supervisor = os.getpid()
    renderer = os.fork()
    if renderer == 0:
        kernel.die_with_parent(signal.SIGTERM)
        if os.getppid() != supervisor:  # it died before the line above
            os._exit(128 + signal.SIGTERM)
        return render()
    return _wait_for(renderer)


def _wait_for(renderer: int) -> int:
    def forward(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a handler
        _release(1)  # their reader waits until the last holder has closed them
        _release(2)
        with suppress(ProcessLookupError):
            os.kill(renderer, signum)

    for signum in FORWARDED:
        signal.signal(signum, forward)
    kernel.adopt_orphans()  # processes that the renderer leaves behind are reaped here
    if not _is_read_to_the_end(renderer):
        forward(signal.SIGTERM, None)
    code = os.waitstatus_to_exitcode(os.waitpid(renderer, 0)[1])
    _end_orphans()
    if code >= 0:
        return code
    _say_killed(signal.Signals(-code))
    return 128 - code


def _is_read_to_the_end(renderer: int) -> bool:
    """Wait until the renderer ends or the reader of stdout has gone; tell whether the renderer ended."""
    try:
        renderer_end = kernel.end_of(renderer)
    except OSError:  # another system, or an old kernel: the deadline ends the renderer
        return True
    poll = select.poll()
    poll.register(renderer_end, select.POLLIN)
    poll.register(1, 0)  # the events that are always reported: of a pipe, that its reader has gone
    events = poll.poll()
    os.close(renderer_end)
    return any(descriptor == renderer_end for descriptor, _ in events)


def _end_orphans() -> None:
    """Kill and reap the processes that have lost their parent: the renderer started all that run now."""
    end = time.monotonic() + REAP_SECONDS
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] or time.monotonic() < end:
            for pid in kernel.children(os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)


def _say_killed(signum: signal.Signals) -> None:
    """Report the end of the renderer, and remove the private folder that it left."""
    from cmp import environ  # noqa: PLC0415  # only here: the supervisor is small
    from cmp.errors import KilledError  # noqa: PLC0415
    from cmp.system import workspace  # noqa: PLC0415  # only here: the supervisor is small

    workspace.sweep(environ.current_folders().tmp)
    hint = "the memory limit of the sidecar is the usual reason: raise it, or lower CMP_RENDERS"
    is_sudden = signum == signal.SIGKILL
    error = KilledError(f"the render was killed by {signum.name}", hint=hint if is_sudden else "", is_external=True)
    with suppress(OSError):
        sys.stderr.write("\n".join(error.lines(for_operators=True, is_cached=True)) + "\n")


def _release(descriptor: int) -> None:
    """Put /dev/null in the place of a descriptor."""
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), descriptor)
