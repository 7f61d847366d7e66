"""Private folders: made for one run, removed after it, swept by the next run where a SIGKILL left them.

A workspace is one folder `argocd-cmp-<random>` (mode 0700, its files 0600, copies of programs 0700), in memory where
the platform offers that.
Its run holds a lock on the file `owner` in it while it is alive; the kernel frees the lock however that run ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from cmp.errors import CmpError, ConfigError, ToolError
from cmp.system import kernel, signals
from cmp.system.tree import WorkTree, is_git, join, require_bounded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from types import TracebackType
    from typing import BinaryIO

    from cmp.system.tree import Tree

PREFIX = "argocd-cmp-"
OWNER = "owner"
DISK = "/tmp"  # noqa: S108  # private folders are made in it where there is no memory for them
MIN_FREE_BYTES = 32 * 1024 * 1024  # containers often have 64 MiB there, for all renders together
HALF_MADE_SECONDS = 60.0  # a folder that has no lock file for so long was abandoned

CHART, IGNORE = "Chart.yaml", ".helmignore"
NOWHERE = ".a-link-that-leads-nowhere"  # the target of a dangling link in a copy: no program makes a file of this name

MAX_COPY_BYTES = 128 * 1024 * 1024
MAX_COPY_ENTRIES = 20_000
MAX_COPY_DEPTH = 50

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_present: set[str] = set()  # the folders that this process has made and not yet removed


def harden() -> None:
    """Forbid core dumps to this process and to all its children: they would hold plaintext.

    The limit is 1 byte and not 0, because Linux ignores 0 where dumps go to a program, and not 1 (core(5)).
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 0 if hard == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def remove_left_behind() -> None:
    """Remove the folders whose removal a signal prevented: it may come just at the end of a block."""
    for path in _present:
        _remove_at_last(path)


class Workspace:
    """A private folder, which exists inside the `with` block and is removed after it, however the block ends."""

    def __init__(self, base: str = "", *, outside: Tree | None = None) -> None:
        """Choose the place: `base` (CMP_TMPDIR), else memory, else /tmp; never inside the source tree `outside`."""
        self._base = choose(base, outside.root if isinstance(outside, WorkTree) else "")
        self._given = base
        self._lock = -1
        self.path = ""

    def __enter__(self) -> Self:
        sweep(self._given)
        try:
            with signals.held():
                self.path, self._lock = _make(self._base)
                _present.add(self.path)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with signals.held():
            is_gone = not self.path or _remove_at_last(self.path)
            if self.path:
                os.close(self._lock)
                _present.discard(self.path)
            self.path = ""
        if not is_gone and kind is None:
            raise ToolError(f"cannot remove everything from the private folder in {self._base}", is_external=True)

    def folder(self, name: str) -> str:
        """Make the private folder `name`, and its parents, where it is missing; return its absolute path."""
        path = self._locate(name)
        with self._errors():
            make_folder(path)
        return path

    def write(self, name: str, data: bytes, *, is_executable: bool = False) -> str:
        """Write a private file, parents included, and return its absolute path; never through a symlink of `mirror`.

        The owner may execute a file that `is_executable`.
        """
        path = self._locate(name)
        with self._errors():
            make_folder(os.path.dirname(path))
            real, own = os.path.realpath(os.path.dirname(path)), os.path.realpath(self.path)
            assert real.startswith(own), f"{name} is behind a link"  # noqa: S101  # a bug: plaintext would leave the private folder
            with open_private(path) as file:
                if is_executable:
                    os.fchmod(file.fileno(), 0o700)
                file.write(data)
        return path

    def copy_tree(self, tree: Tree, folder: str, name: str) -> str:
        """Copy a folder of a source tree to the private folder `name` and return its absolute path.

        Symlinks become copies of their targets, which must lie in the tree; one that leads nowhere still does so in the
        copy.  `.git` is left out.  ConfigError for anything but files and folders, and for more than a chart can
        reasonably hold.
        """
        room = _Room()
        self.folder(name)
        for copied in _entries_of_copy(tree, folder, room):
            place = join(name, copied.place)
            if copied.is_folder:
                self.folder(place)
            elif copied.is_dangling:
                with self._errors():
                    os.symlink(NOWHERE, self._locate(place))
            else:
                data = tree.read(copied.path)
                room.take_bytes(copied.path, len(data))
                self.write(place, data, is_executable=tree.is_executable(copied.path))
        return self._locate(name)

    def mirror(self, tree: Tree, copies: Collection[str], reads: Collection[str], name: str) -> str:
        """Mirror the tree in `name`, with private `copies` (folders, files) and symlinks; return its absolute path.

        `.git` is left out, and so are symlinks that lead into it, or outside.  A tree that is not a work folder has no
        targets for symlinks: its mirror holds `copies` and `reads` alone.
        """
        root = self.folder(name)
        if isinstance(tree, WorkTree):
            self._link(tree, folder="", name=name, copies=copies)
            return root
        for path in sorted({*copies, *reads}):
            if tree.kind(path) == "file":
                self.write(join(name, path), tree.read(path), is_executable=tree.is_executable(path))
            else:
                self.copy_tree(tree, path, join(name, path))
        return root

    def _link(self, tree: WorkTree, folder: str, name: str, copies: Collection[str]) -> None:
        with self._errors():
            entries = sorted(name for name in os.listdir(tree.locate(folder)) if not is_git(name))
        for entry in entries:
            path, place = join(folder, entry), join(name, entry)
            if path in copies and tree.kind(path) == "file":
                self.write(place, tree.read(path), is_executable=tree.is_executable(path))
            elif path in copies:
                self.copy_tree(tree, path, place)
            elif any(copy.startswith(f"{path}/") for copy in copies):
                self.folder(place)
                self._link(tree, folder=path, name=place, copies=copies)
            else:
                with suppress(ConfigError), self._errors():
                    os.symlink(tree.locate(path), self._locate(place))

    def _locate(self, name: str) -> str:
        path = os.path.normpath(os.path.join(self.path, name))
        if not path.startswith(self.path + os.sep):
            raise ConfigError("this path leads outside its folder", file=name)
        return path

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot_write(error, self._base) from error


def files_of_copy(tree: Tree, folder: str) -> list[str]:
    """Return the files that a private copy of a folder would hold; ConfigError where it cannot be copied."""
    entries = _entries_of_copy(tree, folder, _Room())
    return [copied.path for copied in entries if not (copied.is_folder or copied.is_dangling)]


def require_room(sizes: Iterable[tuple[str, int]]) -> None:
    """ConfigError where files, each with its size, are more than a private copy may hold."""
    room = _Room()
    for path, size in sizes:
        require_bounded(path, size)
        room.take_bytes(path, size)


class _Copied(NamedTuple):
    """A file, folder or dangling link in a private copy: its path in the tree, and its place in the copy."""

    path: str
    place: str
    is_folder: bool
    is_dangling: bool


class _Room:
    """The bytes and entries that a copy may still hold."""

    def __init__(self) -> None:
        self._bytes = MAX_COPY_BYTES
        self._entries = MAX_COPY_ENTRIES

    def take_bytes(self, path: str, size: int) -> None:
        """Count the bytes of a file; ConfigError where they are too many."""
        self._bytes -= size
        if self._bytes < 0:
            raise ConfigError(f"the folder holds more than {MAX_COPY_BYTES // (1024 * 1024)} MiB", file=path)

    def take_entry(self, path: str, depth: int) -> None:
        """Count a file or a folder; ConfigError where there are too many, or it is too deep."""
        self._entries -= 1
        if self._entries < 0 or depth > MAX_COPY_DEPTH:
            raise ConfigError(
                f"the folder holds more than {MAX_COPY_ENTRIES} files, or is more than {MAX_COPY_DEPTH} folders deep",
                file=path,
                hint="does a link in it lead back to the folder itself?",
            )


def _entries_of_copy(
    tree: Tree, folder: str, room: _Room, *, place: str = "", depth: int = 0, is_read: bool = False
) -> Iterator[_Copied]:
    """Yield the files, folders and dangling links of a copy of a folder, each folder before its content.

    A dangling link is refused where `is_read`: in a chart without a .helmignore, all of which helm reads
    (pkg/chart/loader/directory.go).  Elsewhere it is the business of a program that opens it.
    """
    entries = tree.entries(folder)
    names = {entry.name for entry in entries}
    is_read = is_read or (CHART in names and IGNORE not in names)
    for entry in entries:
        is_dangling = entry.is_link and entry.kind not in ("file", "folder")
        copied = _Copied(join(folder, entry.name), join(place, entry.name), entry.kind == "folder", is_dangling)
        if entry.kind not in ("file", "folder") and (is_read or not is_dangling):
            raise ConfigError(
                "this is neither a file nor a folder, or a link that leads nowhere",
                file=copied.path,
                hint="helm reads all of a chart: remove it, or name it in .helmignore" if is_dangling else "",
            )
        room.take_entry(copied.path, depth)
        yield copied
        if copied.is_folder:
            yield from _entries_of_copy(tree, copied.path, room, place=copied.place, depth=depth + 1, is_read=is_read)


def choose(base: str, tree_root: str = "") -> str:
    """Return the folder in which private folders are made; ConfigError for a `base` that cannot hold them.

    It is named without links, as programs name it in their messages: on macOS `/tmp` is one.
    """
    if base:
        if not os.path.isdir(base):
            raise ConfigError(f"CMP_TMPDIR is {base!r}, which is not a folder", is_external=True)
        if _is_inside(base, tree_root):
            raise ConfigError(
                f"CMP_TMPDIR is {base!r}, a folder inside the source tree",
                hint="charts and patterns could see plaintext there: choose a folder outside",
            )
        return os.path.realpath(base)
    return kernel.MEMORY if _has_room() and not _is_inside(kernel.MEMORY, tree_root) else os.path.realpath(DISK)


def _is_inside(folder: str, root: str) -> bool:
    return bool(root) and (os.path.realpath(folder) + os.sep).startswith(root.rstrip(os.sep) + os.sep)


def _has_room() -> bool:
    if not kernel.has_memory_folder():
        return False
    free = os.statvfs(kernel.MEMORY)
    return free.f_bavail * free.f_frsize >= MIN_FREE_BYTES


def cannot_write(error: OSError, base: str) -> CmpError:
    """Return the error for plaintext, or another file of a render, that could not be written in `base`."""
    hint = "free some space, or set CMP_TMPDIR to another folder"
    if error.errno in _FULL:
        return ToolError(f"no space left in {base} for the private folder", hint=hint, is_external=True)
    what = f"cannot write to a private folder in {base}: {error.strerror}"
    return ToolError(what, hint="set CMP_TMPDIR to a folder that can be written", is_external=True)


def new_name() -> str:
    """Return the name of a new private folder, or of a memory file that has one at first."""
    return PREFIX + os.urandom(8).hex()


def _make(base: str) -> tuple[str, int]:
    """Make a locked folder; the sweep of another process may remove it before it is locked, which asks for another."""
    while True:
        path = os.path.join(base, new_name())
        try:
            os.mkdir(path, 0o700)
            lock = _lock(path, os.O_CREAT | os.O_EXCL)
        except FileNotFoundError:
            if os.path.isdir(base):
                continue
            raise ToolError(f"there is no folder {base}", hint="set CMP_TMPDIR to one", is_external=True) from None
        except OSError as error:
            raise cannot_write(error, base) from error
        if lock is not None:
            return path, lock


def make_folder(path: str) -> None:
    """Make a folder and its parents, all private (`os.makedirs` would give the parents the mode of the umask)."""
    if not os.path.isdir(path):
        make_folder(os.path.dirname(path))
        os.mkdir(path, 0o700)


def open_private(path: str) -> BinaryIO:
    """Open a private file for writing, empty at first; OSError where the path is a symlink."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(path, flags, 0o600), "wb")


def _lock(folder: str, flags: int = 0) -> int | None:
    """Open and lock the owner file; None when another process holds it, or has removed it meanwhile."""
    path = os.path.join(folder, OWNER)
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    os.close(descriptor)
    return None


def sweep(base: str) -> None:
    """Remove what dead runs of this user left in `base` (CMP_TMPDIR), without one in the usual places."""
    for place in (base,) if base else (kernel.MEMORY, DISK):
        with suppress(OSError), os.scandir(place) as entries:
            private_folders = [entry for entry in entries if entry.name.startswith(PREFIX)]
            for entry in private_folders:
                with suppress(OSError):
                    _sweep_one(entry)


def _sweep_one(entry: os.DirEntry[str]) -> None:
    status = entry.stat(follow_symlinks=False)
    if status.st_uid != os.getuid():
        return
    is_abandoned = time.time() - status.st_mtime > HALF_MADE_SECONDS
    if stat.S_ISREG(status.st_mode) and not status.st_size and is_abandoned:
        os.unlink(entry.path)  # a memory file whose maker was killed before it took the name away
    if not stat.S_ISDIR(status.st_mode):
        return
    try:
        lock = _lock(entry.path)
    except FileNotFoundError:
        if is_abandoned:
            _remove(entry.path)
        return
    if lock is not None:
        _remove(entry.path)
        os.close(lock)


def _remove_at_last(folder: str) -> bool:
    """Remove a folder into which a dying grandchild may still be writing; tell whether it is gone."""
    for pause in (0.0, 0.05, 0.2):
        time.sleep(pause)
        _remove(folder)
        if not os.path.lexists(folder):
            return True
    return False


def _remove(folder: str) -> None:
    """Remove a folder as far as possible, read-only ones in it too, and never through a symlink."""
    with suppress(OSError):
        os.chmod(folder, 0o700)
        with os.scandir(folder) as scanned:
            entries = list(scanned)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _remove(entry.path)
            else:
                with suppress(OSError):
                    os.unlink(entry.path)
        os.rmdir(folder)
