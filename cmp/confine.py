"""What a child may see of the file system and the network: a second wall, kept by the kernel (Linux Landlock).

An engine's own files decide what its program opens: a template function may read any path, a reference may lead to any
host.  Such files are looked through before the program runs; what that overlooks meets this wall.  The wall is there
where the kernel has it (5.13 for files, 6.7 for TCP): without it nothing changes, so nothing may rest on it alone.

Source: Documentation/userspace-api/landlock.rst of Linux; the numbers are those of linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from typing import NamedTuple

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every architecture
ASK_VERSION = 1
PATH_BENEATH = 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FIRST_RIGHTS = (1 << 13) - 1  # what version 1 knows
LATER_RIGHTS = ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = EXECUTE | READ_FILE | READ_DIR
TCP, TCP_SINCE = 0b11, 4  # bind and connect

# What programs look at wherever they run, and nothing that somebody would mount a secret at.  Not /proc: there lies the
# environment of the process that started the child, and it may hold keys.
SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/sbin", "/proc/sys", "/sys/fs/cgroup", "/sys/kernel/mm"),
    *("/etc/ld.so.cache", "/etc/ssl", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/localtime"),
    *("/dev/zero", "/dev/random", "/dev/urandom"),
)
SINK = "/dev/null"


class Sight(NamedTuple):
    """The files and folders that a child may read, and those that it may also write, by absolute path."""

    reads: tuple[str, ...]
    writes: tuple[str, ...] = ()


def version() -> int:
    """Return the version of Landlock that the kernel has; 0 where it has none."""
    return max(0, _libc().syscall(CREATE_RULESET, None, 0, ASK_VERSION)) if sys.platform == "linux" else 0


def wall(sight: Sight) -> int:
    """Return a descriptor for `enter`, -1 where the kernel has no Landlock.  Paths that are not there are left out."""
    known = version()
    if not known:
        return -1
    rights = FIRST_RIGHTS
    for since, right in LATER_RIGHTS:
        rights |= right if known >= since else 0
    attributes = struct.pack("QQ", rights, TCP) if known >= TCP_SINCE else struct.pack("Q", rights)
    rules = _checked(_libc().syscall(CREATE_RULESET, attributes, len(attributes), 0))
    for path in (*SYSTEM, *sight.reads):
        _allow(rules, path, READ)
    for path in (SINK, *sight.writes):
        _allow(rules, path, rights)
    return rules


def enter(rules: int) -> None:
    """Put this process and all that it starts behind the wall, for good."""
    libc = _libc()
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(libc.syscall(RESTRICT_SELF, rules, 0))


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        wanted = rights if stat.S_ISDIR(os.fstat(opened).st_mode) else rights & OF_FILES
        _checked(_libc().syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", wanted, opened), 0))
    finally:
        os.close(opened)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
