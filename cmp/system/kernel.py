"""Calls of the kernel that Python's standard library lacks, or has in a module that is slow to import: those of Linux."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38  # linux/prctl.h
AF_UNIX, SOCK_STREAM, SOCK_CLOEXEC = 1, 1, 0o2000000  # linux/socket.h, linux/net.h

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    """Return the result of a call; OSError with its error number when it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def die_with_parent(signum: int) -> None:
    """Let the kernel send this process a signal when its parent dies; nothing on another system.

    The parent may have died before this call, so that the caller compares `os.getppid` afterwards.
    """
    if sys.platform == "linux":
        libc.prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)


def adopt_orphans() -> None:
    """Make this process the parent of each descendant that loses its own (a subreaper); nothing on another system."""
    if sys.platform == "linux":
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def forbid_new_privileges() -> None:
    """Let no program that this process executes gain privileges, as Landlock demands."""
    checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def socket_pair() -> tuple[int, int]:
    """Return the descriptors of two connected stream sockets, closed on exec."""
    ends = (ctypes.c_int * 2)()
    checked(libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
    return ends[0], ends[1]


def children(pid: int) -> list[int]:
    """Return the processes that a process has started; none where it has ended, or the kernel does not tell."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    return found
