"""A tree, and the contents of the files that are other ones in it."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from cmp.engines import ENGINES
from cmp.repository import edit
from cmp.repository.instances import Repository

if TYPE_CHECKING:
    from cmp.repository.git import GitTree


class Edits:
    """Edits of files of a tree, one on top of the other; the tree itself stays as it is."""

    def __init__(self, tree: GitTree) -> None:
        self.tree = tree
        self.files: dict[str, bytes | None] = {}
        self._edited = tree

    @property
    def edited(self) -> GitTree:
        """The tree with all edits so far."""
        return self._edited

    @property
    def repository(self) -> Repository:
        """The edited tree as a repository; ConfigError where its configuration cannot be read."""
        return Repository(self._edited, ENGINES)

    def read(self, path: str) -> bytes:
        """Return the content of a file as it is now; a missing file is empty."""
        return self._edited.read(path) if self._edited.kind(path) == "file" else b""

    def set_text(self, path: str, keys: edit.Path, value: str, *, document: int = 0) -> str:
        """Set a text in a file as `edit.set_text` does, and return its place; links are followed."""
        return self.write(path, edit.set_text(self.read(path), keys, value, path, document=document))

    def write(self, path: str, data: bytes) -> str:
        """Give a file another content, and return the place of the first line that differs."""
        before = self.read(path)
        self._apply({self._edited.resolve(path): data})
        lines = enumerate(zip_longest(before.splitlines(), data.splitlines()), start=1)
        return f"{path}:{next((number for number, (old, new) in lines if old != new), 1)}"

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all that is below."""
        self._apply({name: None for name in self._edited.blobs if name == path or name.startswith(f"{path}/")})

    def _apply(self, files: dict[str, bytes | None]) -> None:
        self.files |= files
        self._edited = self.tree.with_files(self.files)
