"""A `kustomize build` that is being prepared: the kustomizations of the private mirror are changed before it runs.

A step is a function of a `Build`: it changes the values of kustomizations, writes files of its own beside them, or adds
flags.  The steps stand in `__init__.py`, in their order; after the last one `save` writes what they changed.  Only this
module writes into the mirror, and only it runs kustomize.
"""

from __future__ import annotations

import os
from copy import deepcopy
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.engines.registry import ENGINES, KUSTOMIZE
from cmp.system.process import Command
from cmp.system.tree import join

if TYPE_CHECKING:
    from cmp.engines.kustomize.graph import Graph
    from cmp.engines.protocol import Work
    from cmp.model import Instance
    from cmp.system.process import ChildProcesses
    from cmp.yamldoc.access import Map


class Build:
    """One `kustomize build`; `flags` are those that steps add to its command line.

    `graph` has the kustomizations of the repository.  A folder whose kustomization or files a step changes must be
    among `Needs.private_copies`, with all its overlays (`graph.with_overlays`).
    """

    def __init__(self, instance: Instance, work: Work, processes: ChildProcesses, graph: Graph) -> None:
        self.instance = instance
        self.work = work
        self.processes = processes
        self.graph = graph
        self.flags: list[str] = []
        self._warnings: dict[str, None] = {}
        self._files: dict[str, _KustomizationFile] = {}

    def kustomization(self, folder: str) -> Map:
        """Return the value of the kustomization in a folder of the mirror, to be changed in place.

        `folder` is relative to the mirror's root and may be one that a step has added.
        """
        if folder not in self._files:
            self._files[folder] = _KustomizationFile(self.writable_path(folder))
        return self._files[folder].value

    def writable_path(self, relative: str) -> str:
        """Return the absolute path of a file or folder that a step may write; it lies in a private copy."""
        absolute = join(self.work.root, relative)
        real, root = os.path.realpath(absolute), os.path.realpath(self.work.root)
        assert real.startswith(f"{root}{os.sep}"), f"{relative} is no private copy"  # noqa: S101  # a bug, not a mistake
        return absolute

    def has(self, path: str) -> bool:
        """Say whether the mirror has a file of this path."""
        return os.path.isfile(join(self.work.root, path))

    def read(self, path: str) -> bytes:
        """Return the present content of a file of the mirror: the plaintext of an encrypted one."""
        with open(join(self.work.root, path), "rb") as file:
            return file.read()

    def write(self, path: str, data: bytes) -> None:
        """Write a private file into a copy."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self.writable_path(path), flags, 0o600), "wb") as file:
            file.write(data)

    def warn(self, text: str) -> None:
        """Add a warning that is worth a reader's time, each text once."""
        self._warnings[text] = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings, in order."""
        return tuple(self._warnings)

    def save(self) -> None:
        """Write the kustomizations that were changed; they are read again when they are asked for."""
        for file in self._files.values():
            file.save()
        self._files.clear()

    def run(self, folder: str, *arguments: str) -> bytes:
        """Run kustomize in a folder of the mirror and return its stdout; EngineError when it refuses."""
        work = self.work
        tool = work.tools[KUSTOMIZE]
        command = Command(
            label=f"kustomize {arguments[0]}",
            argv=(tool.path, *arguments),
            # It would run git, find plugins in the home, and write values of charts to the common /tmp.
            env={**work.env, "HOME": work.home, "PATH": "", "TMPDIR": work.scratch},
            cwd=f"{work.root}/{folder}",
            access=work.access,
            place=self.instance.folder,
        )
        result = self.processes.wait(self.processes.start(command))[0]
        if not (result.returncode or result.stderr):
            return result.stdout
        from cmp.engines.kustomize.messages import Mirror, StderrParser  # noqa: PLC0415  # patterns take milliseconds to compile

        # Whatever is no copy is a symlink into the tree itself, and kustomize prints the targets of symlinks.
        roots = tuple(filter(None, (work.root, work.source)))
        parser = StderrParser(result.stderr, Mirror(roots, self.instance.folder, self.graph))
        if result.returncode != 0:
            raise parser.error(result.returncode, tool.version)
        for warning in parser.warnings():
            self.warn(warning)
        return result.stdout


class _KustomizationFile:
    def __init__(self, folder: str) -> None:
        names = ENGINES[KUSTOMIZE].markers
        self._path = next(path for name in names if os.path.isfile(path := os.path.join(folder, name)))
        with open(self._path, "rb") as file:
            documents = yamldoc.load_all(file.read())
        self.value: Map = documents[0] if documents and isinstance(documents[0], dict) else {}
        self._original = deepcopy(self.value)

    def save(self) -> None:
        if self.value != self._original:
            with open(self._path, "wb") as file:
                file.write(yamldoc.dump_all([self.value]))
