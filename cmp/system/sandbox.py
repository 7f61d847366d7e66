"""The sandbox of a child: the kernel limits its access to files, network and other processes (Linux Landlock).

The documentation calls it the wall.  The files of an application decide which paths and hosts its program opens: a
template function may read any path, a schema or a reference may lead to any host.  Most of that is checked before the
program runs; the sandbox stops the rest.  It covers files and `/proc` of other processes (Linux 5.13), TCP (6.7),
signals and abstract sockets (6.12); not UDP, and not sockets that have a path.  Where the kernel lacks Landlock, the
program runs all the same: no promise may rest on the sandbox alone.

Source: Documentation/userspace-api/landlock.rst of Linux; the numbers are those of linux/landlock.h.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import TYPE_CHECKING, NamedTuple

from cmp.system.kernel import checked, forbid_new_privileges, is_linux, libc, open_path

if TYPE_CHECKING:
    from collections.abc import Iterator

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every architecture
ASK_VERSION = 1
PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
FIRST_RIGHTS = (1 << 13) - 1  # those of version 1
LATER_RIGHTS = ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV))
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READ = READ_FILE | READ_DIR
TCP, TCP_SINCE = 0b11, 4  # bind and connect
SCOPES, SCOPES_SINCE = 0b11, 6  # abstract sockets and signals: only to processes in the same sandbox

SINK = "/dev/null"
# Go looks for time zones in these places and silently takes UTC where it finds none (time/zoneinfo_unix.go).
EVERYWHERE = (
    *("/dev/urandom", "/etc/localtime"),
    *("/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"),
)
NAMES = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf")  # configure the look-up of host names
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
# Paths that programs of the system read on every machine, and where no secret is mounted.  Not /proc: the
# environment of the process that started the child is there, and it may hold keys.
SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/sbin", "/proc/sys", "/sys/fs/cgroup", "/sys/kernel/mm"),
    *("/etc/ld.so.cache", "/etc/ssl", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"),
    *("/dev/zero", "/dev/random"),
)

ELF, ELF_64, LITTLE = b"\x7fELF", 2, 1
PT_INTERP = 3  # the program header that names the loader of a dynamically linked program (elf.h)


class Access(NamedTuple):
    """The access of a child: absolute paths of programs to run, of files and folders to read, and of those to write.

    With `runs_any` it also runs the programs of the system, which read more than the pinned tools do; with `connects`
    it reaches hosts by TCP.
    """

    programs: tuple[str, ...]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    runs_any: bool = False
    connects: bool = False


def version() -> int:
    """Return the version of Landlock in the kernel; 0 where it has none."""
    return max(0, libc.syscall(CREATE_RULESET, None, 0, ASK_VERSION)) if is_linux() else 0


def ruleset(access: Access) -> int:
    """Return a descriptor for `restrict_self`, -1 where the kernel has no Landlock.  Missing paths are left out."""
    known = version()
    if not known:
        return -1
    rights = FIRST_RIGHTS
    for since, right in LATER_RIGHTS:
        rights |= right if known >= since else 0
    attributes = struct.pack("Q", rights)
    attributes += struct.pack("Q", 0 if access.connects else TCP) if known >= TCP_SINCE else b""
    attributes += struct.pack("Q", SCOPES) if known >= SCOPES_SINCE else b""
    descriptor = checked(libc.syscall(CREATE_RULESET, attributes, len(attributes), 0))
    try:
        for path, allowed in _rules(access, rights):
            _add_rule(descriptor, path, allowed)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def restrict_self(ruleset: int) -> None:
    """Apply a ruleset to this process and to all that it starts, for good."""
    forbid_new_privileges()
    checked(libc.syscall(RESTRICT_SELF, ruleset, 0))


def _rules(access: Access, rights: int) -> Iterator[tuple[str, int]]:
    """Yield the path and the rights of each rule; the rights of one path add up."""
    for path in EVERYWHERE:
        yield path, READ
    yield SINK, READ | WRITE_FILE | rights & (TRUNCATE | IOCTL_DEV)
    for program in access.programs:
        yield from _to_run(program)
    for path in access.reads:
        yield path, READ
    # A child may run a program that it wrote itself only where it may run any program.
    for path in access.writes:
        yield path, rights if access.runs_any else rights & ~EXECUTE
    if access.runs_any:
        for path in (*SYSTEM, *access.reads):
            yield path, READ | EXECUTE


def _to_run(program: str) -> Iterator[tuple[str, int]]:
    """Yield the rules to run a program: for itself, its loader and libraries, or for a script the system's programs."""
    yield program, READ | EXECUTE
    loader = _loader(program)
    if loader is None:
        for path in SYSTEM:
            yield path, READ | EXECUTE
    elif loader:
        yield loader, READ | EXECUTE
        for path in LIBRARIES:
            yield path, READ


def _loader(program: str) -> str | None:
    """Return the loader that an ELF program names, an empty text for a static one; None for another kind of file."""
    try:
        with open(program, "rb") as file:
            head = file.read(64)
            if not (head.startswith(ELF) and len(head) == 64 and head[4:6] == bytes((ELF_64, LITTLE))):  # noqa: PLR2004
                return None
            (headers,) = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            file.seek(headers)
            table = file.read(size * count)
            for start in range(0, len(table), size):
                kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", table, start)
                if kind == PT_INTERP:
                    file.seek(offset)
                    return os.fsdecode(file.read(length).rstrip(b"\0"))
    except (OSError, ValueError, struct.error):
        return None
    return ""


def _add_rule(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = open_path(path)
    except OSError:
        return
    try:
        applicable = rights if stat.S_ISDIR(os.fstat(descriptor).st_mode) else rights & OF_FILES
        checked(libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", applicable, descriptor), 0))
    finally:
        os.close(descriptor)
