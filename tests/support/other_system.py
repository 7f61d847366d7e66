"""`cmp` as it runs on a POSIX system that is not Linux: no call that Linux alone has, no /proc, no memory to mount.

The list is that of the names which typeshed (mypy's) gives to Linux alone, and macOS lacks.  What cannot be shown here
is macOS itself: its `/dev/fd/N` gives a program the position of the descriptor, as a pipe does; `SHARED` does that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

# Run in the process of cmp, before any of its modules.
PRELUDE = """
import ctypes, fcntl, os, resource, select, signal, socket, subprocess, sys, sysconfig, tempfile

sysconfig.get_config_vars()  # read once, from a file that is named by the real system

ABSENT = {
    os: ("memfd_create", "MFD_", "pidfd_open", "PIDFD_", "sched_", "O_PATH", "O_TMPFILE", "O_DIRECT", "O_NOATIME",
         "O_LARGEFILE", "pipe2", "eventfd", "EFD_", "copy_file_range", "splice", "SPLICE_", "getrandom", "GRND_",
         "getresuid", "getresgid", "setresuid", "setresgid", "setns", "unshare", "CLONE_", "posix_fallocate",
         "posix_fadvise", "getxattr", "setxattr", "listxattr", "removexattr", "timerfd_", "fdatasync"),
    fcntl: ("F_ADD_SEALS", "F_GET_SEALS", "F_SEAL_", "F_OFD_", "F_NOTIFY", "F_SETPIPE_SZ", "F_GETPIPE_SZ"),
    select: ("epoll", "EPOLL"),
    signal: ("SIGRT", "SIGPWR", "SIGSTKFLT", "SIGPOLL", "SIGCLD", "sigtimedwait", "sigwaitinfo", "pidfd_"),
    resource: ("prlimit", "RLIMIT_NICE", "RLIMIT_RT", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE"),
    socket: ("SOCK_CLOEXEC", "SOCK_NONBLOCK", "AF_NETLINK", "AF_VSOCK"),
}
for module, prefixes in ABSENT.items():
    for name in dir(module):
        if name.startswith(prefixes):
            delattr(module, name)

class Library(ctypes.CDLL):
    def __getattr__(self, name):
        if name in ("prctl", "syscall", "socketpair", "memfd_create", "pidfd_open", "renameat2", "close_range"):
            raise AttributeError(name)
        return super().__getattr__(name)

ctypes.CDLL = Library

def hide(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str):
        if arguments[0].startswith(("/proc", "/sys/", "/dev/shm")):
            raise FileNotFoundError(2, "No such file or directory", arguments[0])

sys.addaudithook(hide)
sys.platform = "darwin"
from cmp.system import kernel
kernel.libc = Library(None)
"""
START = """
from cmp.__main__ import entry
entry()
"""
# Each memory file has one position, shared by all that open its path.
SHARED = """
def pipe(folder, name):
    return os.pipe()
def write(descriptor, data, offset):
    return os.write(descriptor, data)
kernel.memory_file, os.pwrite = pipe, write
"""


def on(sandbox: Sandbox, more: str = "") -> Sandbox:
    """Return a sandbox whose runs of cmp find no call of Linux; `more` is Python that runs before cmp starts."""
    return replace(sandbox, program=("-c", PRELUDE + more + START))
