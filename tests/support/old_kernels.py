"""`cmp` as it runs on a kernel that has less of Landlock, or none: these tests' kernel has all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp.system.sandbox import SCOPES_SINCE

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

NOW, NO_TCP, NONE = SCOPES_SINCE, 3, 0  # versions of Landlock: this kernel's, Linux 5.13 to 6.6 at most, and without it
KERNELS = (NOW, NO_TCP, NONE)
_PROGRAM = """\
from cmp.system import sandbox
real = sandbox.version
sandbox.version = lambda: min({version}, real())
{more}
from cmp.__main__ import entry
entry()
"""


def on(version: int, sandbox: Sandbox, more: str = "") -> Sandbox:
    """Return a sandbox whose runs of cmp find such a kernel; `more` is Python that runs before cmp starts."""
    return replace(sandbox, program=("-c", _PROGRAM.format(version=version, more=more)))
