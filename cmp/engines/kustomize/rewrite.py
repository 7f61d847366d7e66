"""The kustomizations of the private mirror, changed before kustomize reads them: the only place that writes them.

A step is a function of a `Build`: it changes the values of kustomizations, writes files of its own beside them, or adds
flags.  The steps stand in `__init__.py`, in their order; after the last one `save` writes what they changed.
"""

from __future__ import annotations

import os
from copy import deepcopy
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.engines.registry import ENGINES, KUSTOMIZE
from cmp.system.tree import join

if TYPE_CHECKING:
    from cmp.engines.kustomize.graph import Graph
    from cmp.engines.kustomize.uses import Map
    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses


class Build:
    """One `kustomize build` that is being prepared; `flags` are what steps add to its command line.

    `graph` is what the repository's kustomizations use.  A folder whose kustomization or files a step changes must be
    among `Needs.private_copies`, with all those above it (`graph.above`).
    """

    def __init__(self, instance: Instance, work: Work, processes: ChildProcesses, graph: Graph) -> None:
        self.instance = instance
        self.work = work
        self.processes = processes
        self.graph = graph
        self.flags: list[str] = []
        self._warnings: dict[str, None] = {}
        self._opened: dict[str, _Opened] = {}

    def kustomization(self, folder: str) -> Map:
        """Return the value of the kustomization in a folder of the mirror, to be changed in place.

        `folder` is relative to the mirror's root and may be one that a step has put there.
        """
        if folder not in self._opened:
            self._opened[folder] = _Opened(self.path(folder))
        return self._opened[folder].value

    def path(self, path: str) -> str:
        """Return the absolute path of what a step may write; it lies in a private copy."""
        absolute = join(self.work.root, path)
        real, root = os.path.realpath(absolute), os.path.realpath(self.work.root)
        assert real.startswith(f"{root}{os.sep}"), f"{path} is no private copy"  # noqa: S101  # a bug, not a mistake
        return absolute

    def has(self, path: str) -> bool:
        """Say whether the mirror has a file of this path."""
        return os.path.isfile(join(self.work.root, path))

    def read(self, path: str) -> bytes:
        """Return what a file of the mirror holds now: the plaintext of an encrypted one."""
        with open(join(self.work.root, path), "rb") as file:
            return file.read()

    def write(self, path: str, data: bytes) -> None:
        """Write a private file into a copy."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self.path(path), flags, 0o600), "wb") as file:
            file.write(data)

    def warn(self, text: str) -> None:
        """Note what is worth a reader's time, each text once."""
        self._warnings[text] = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was noted, in order."""
        return tuple(self._warnings)

    def save(self) -> None:
        """Write the kustomizations that are not what they were; they are read again when they are asked for."""
        for opened in self._opened.values():
            opened.save()
        self._opened.clear()


class _Opened:
    def __init__(self, folder: str) -> None:
        names = ENGINES[KUSTOMIZE].markers
        self._path = next(path for name in names if os.path.isfile(path := os.path.join(folder, name)))
        with open(self._path, "rb") as file:
            documents = yamldoc.load_all(file.read())
        self.value: Map = documents[0] if documents and isinstance(documents[0], dict) else {}
        self._was = deepcopy(self.value)

    def save(self) -> None:
        if self.value != self._was:
            with open(self._path, "wb") as file:
                file.write(yamldoc.dump_all([self.value]))
