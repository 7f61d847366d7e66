"""Source trees, read-only: the files and folders below a root, and nothing outside of it.

Configuration, layout and fingerprints read through a `Tree`, so that the same code reads a work folder and (for the
preview of a change) a Git revision.  Paths are relative to the root, use `/`, and `""` is the root itself.

The folder `.git` is not part of a tree: its configuration may hold credentials, and no commit contains its files.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Kind = Literal["file", "folder", "other", "missing"]

GIT = ".git"
MAX_FILE_BYTES = 16 * 1024 * 1024  # no values file or configuration is that large; a tree reads no archives


class Entry(NamedTuple):
    """A name in a folder; the kind of a symlink is that of its target, `other` for a missing target."""

    name: str
    kind: Kind
    is_link: bool = False


class Tree(Protocol):
    """A source tree.  A path that leads outside its root, or into `.git`, raises ConfigError.

    `prefix` is the path of the root in its repository: empty at the top, `deploy` where only that folder is a tree.
    """

    prefix: str

    def kind(self, path: str) -> Kind:
        """Return the kind of file at a path, symlinks followed."""

    def entries(self, path: str) -> list[Entry]:
        """Return the entries of a folder without `.git`, sorted by name; none of a missing folder."""

    def read(self, path: str) -> bytes:
        """Read a whole file; ConfigError when it is missing, too large or not a file."""

    def is_executable(self, path: str) -> bool:
        """Tell whether the owner of a file may execute it, symlinks followed; no file is no program."""

    def resolve(self, path: str) -> str:
        """Return the root-relative path with every symlink followed."""


class WorkTree:
    """A folder of the file system as a source tree; `repository` is the folder of the whole repository around it."""

    def __init__(self, root: str, repository: str = "") -> None:
        self.root = os.path.realpath(root)
        self.repository = os.path.realpath(repository) if repository and repository != root else self.root
        self.prefix = "" if self.repository == self.root else os.path.relpath(self.root, self.repository)
        self._inside = self.root.rstrip(os.sep) + os.sep

    def locate(self, path: str) -> str:
        """Return the absolute path, symlinks resolved; ConfigError when it is outside the root, or in `.git`."""
        if "\0" in path:
            raise ConfigError("a path with a NUL character", file=path.replace("\0", "\\0"))
        real = os.path.realpath(os.path.join(self.root, path))
        if real != self.root and not real.startswith(self._inside):
            raise outside(path)
        if is_in_git(real[len(self._inside) :]):
            raise in_git(path)
        return real

    def kind(self, path: str) -> Kind:
        real = self.locate(path)
        if os.path.isfile(real):
            return "file"
        if os.path.isdir(real):
            return "folder"
        return "other" if os.path.lexists(os.path.join(self.root, path)) else "missing"

    def entries(self, path: str) -> list[Entry]:
        try:
            with os.scandir(self.locate(path)) as scanned:
                entries = sorted((entry for entry in scanned if not is_git(entry.name)), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise ConfigError(f"cannot list this folder: {error.strerror}", file=path) from None
        return [Entry(entry.name, self._kind_of(path, entry), entry.is_symlink()) for entry in entries]

    def _kind_of(self, folder: str, entry: os.DirEntry[str]) -> Kind:
        if entry.is_symlink():
            return self.kind(join(folder, entry.name))
        if entry.is_file():
            return "file"
        return "folder" if entry.is_dir() else "other"

    def read(self, path: str) -> bytes:
        try:
            with open(self.locate(path), "rb", opener=_open_without_waiting) as file:
                if not os.path.isfile(file.fileno()):
                    raise ConfigError("this is not a regular file", file=path)
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise ConfigError(f"cannot read this file: {error.strerror}", file=path) from None
        return bounded(path, data)

    def is_executable(self, path: str) -> bool:
        try:
            return bool(os.stat(self.locate(path)).st_mode & stat.S_IXUSR)
        except OSError:
            return False

    def resolve(self, path: str) -> str:
        return self.locate(path)[len(self._inside) :]


def bounded(path: str, data: bytes) -> bytes:
    """Return the content of a file; ConfigError where it is larger than any configuration."""
    require_bounded(path, len(data))
    return data


def require_bounded(path: str, size: int) -> None:
    """ConfigError for a file that is larger than any configuration."""
    if size > MAX_FILE_BYTES:
        raise ConfigError(
            f"this file is larger than {MAX_FILE_BYTES // (1024 * 1024)} MiB",
            file=path,
            hint="that is no configuration: was it committed by mistake?",
        )


def outside(path: str) -> ConfigError:
    """Return the error for a path that leads out of its tree."""
    return ConfigError(
        "this path leads outside the source tree",
        file=path,
        hint="everything an application uses must lie in its repository",
    )


def is_git(name: str) -> bool:
    """Tell whether a name is that of `.git`, also on a file system that ignores case."""
    return name.lower() == GIT


def git_root(folder: str) -> str:
    """Return the nearest folder that holds `.git`, the given one included; empty without one."""
    while not os.path.lexists(os.path.join(folder, GIT)):
        if folder == os.path.dirname(folder):
            return ""
        folder = os.path.dirname(folder)
    return folder


def is_in_git(path: str) -> bool:
    """Tell whether a path leads into `.git`, or into that of a nested repository."""
    return GIT in path.lower() and any(map(is_git, path.split("/")))


def in_git(path: str) -> ConfigError:
    """Return the error for a path that leads into `.git`."""
    return ConfigError(
        "this path leads into .git, the folder of Git itself",
        file=path,
        hint="everything an application uses must lie in a commit: remove the link, or copy the file",
    )


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file without waiting, as a named pipe would for its writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def join(folder: str, *parts: str) -> str:
    """Join root-relative paths; an empty folder is the root."""
    return "/".join(part for part in (folder, *parts) if part)


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Say whether a root-relative path is one of the folders, or in one; an empty folder is the root."""
    return any(not folder or f"{path}/".startswith(f"{folder}/") for folder in folders)


def walk(tree: Tree, folder: str) -> Iterator[str]:
    """Yield the root-relative path of each file below a folder, sorted; symlinks to folders (cycles) are left out."""
    for entry in tree.entries(folder):
        path = join(folder, entry.name)
        if entry.kind == "file":
            yield path
        elif entry.kind == "folder" and not entry.is_link:
            yield from walk(tree, path)
