"""Calls that Linux alone has, and what takes their place on another POSIX system, such as macOS.

No other module asks which system this is.  Elsewhere the same bytes are rendered, and less is kept apart: `cmp doctor`
(cmp/doctor/protection.py) says what.  Calls of Linux go through ctypes where Python's standard library lacks them, or
has them in a module that is slow to import.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys
from contextlib import suppress

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38  # linux/prctl.h
AF_UNIX, SOCK_STREAM, SOCK_CLOEXEC = 1, 1, 0o2000000  # linux/socket.h, linux/net.h
MFD_NOEXEC_SEAL = 8  # linux/memfd.h, Linux 6.3: a setting of the kernel may demand it

MEMORY = "/dev/shm"  # noqa: S108  # a file system in memory; private folders are made in it
OWN_MEMORY = (b"RssAnon:", b"RssShmem:", b"VmSwap:")  # lines of /proc/PID/status, in KiB

libc = ctypes.CDLL(None, use_errno=True)


def is_linux() -> bool:
    """Tell whether this system has the calls of Linux."""
    return sys.platform == "linux"


def checked(result: int) -> int:
    """Return the result of a call; OSError with its error number when it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def memory_file(folder: str, name: str) -> tuple[int, int]:
    """Return the descriptors to read and to write a new file that has no name.

    On Linux it lies in memory.  Elsewhere it lies in `folder`, on a disk maybe, and has the name there only while it is
    empty: whatever ends this process, no file with content is left behind.
    """
    if sys.platform == "linux":
        allow = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
        try:
            reader = os.memfd_create("cmp", allow | MFD_NOEXEC_SEAL)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            reader = os.memfd_create("cmp", allow)
        return reader, os.dup(reader)
    else:  # noqa: RET505  # mypy takes a branch, and no other code, for that of another system
        path = os.path.join(folder, name)
        writer = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), writer
        except OSError:
            os.close(writer)
            raise
        finally:
            os.unlink(path)


def seal(writer: int) -> None:
    """Let nobody change a memory file any more; nothing on another system, where only its reader can open it."""
    if sys.platform == "linux":
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(writer, fcntl.F_ADD_SEALS, seals)


def socket_pair() -> tuple[int, int]:
    """Return the descriptors of two connected stream sockets, closed on exec."""
    if sys.platform == "linux":
        ends = (ctypes.c_int * 2)()
        checked(libc.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return ends[0], ends[1]
    else:  # noqa: RET505  # see `memory_file`
        import socket  # noqa: PLC0415  # it is slow, and does what that call does on Linux alone

        one, other = socket.socketpair()
        return one.detach(), other.detach()


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


def end_of(pid: int) -> int:
    """Return a descriptor that can be read when a process has ended; OSError where the system has none."""
    if sys.platform == "linux":
        return os.pidfd_open(pid)
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def children(pid: int) -> list[int]:
    """Return the processes that a process has started; none where it has ended, or the system does not tell."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
    return found


def can_measure_memory() -> bool:
    """Tell whether this system says how much memory a process takes; without, children have no limit."""
    return sys.platform == "linux" and os.path.exists("/proc/self/status")


def memory(pid: int) -> int:
    """Return the bytes of memory that a process and its descendants use.

    The pages of files, such as those of the program, do not count: several processes share them, and the kernel drops
    them where memory is short.
    """
    own = 0
    with suppress(OSError), open(f"/proc/{pid}/status", "rb") as file:  # or it has ended
        own = sum(int(line.split()[1]) for line in file if line.startswith(OWN_MEMORY)) << 10
    return own + sum(map(memory, children(pid)))


def processors() -> int:
    """Return the number of processors that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    else:  # noqa: RET505  # see `memory_file`
        return os.cpu_count() or 1


def has_memory_folder() -> bool:
    """Tell whether `MEMORY` is a file system of its own in which this process may make files."""
    return sys.platform == "linux" and os.path.ismount(MEMORY) and os.access(MEMORY, os.W_OK | os.X_OK)


def forbid_new_privileges() -> None:
    """Let no program that this process executes gain privileges, as Landlock demands."""
    checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def open_path(path: str) -> int:
    """Return a descriptor that only names a file or folder (O_PATH), as Landlock takes them."""
    if sys.platform == "linux":
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
