"""The values layers and encrypted files of an instance: read, checked, and decrypted through memory files.

Every layer reaches the engine through a memory file, also the plain ones: the bytes that were checked here are the
bytes that the engine reads, and a layer that does not lie in the file system (a Git revision) needs no second way.
"""

from __future__ import annotations

import os
import re
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import SecretError
from cmp.secrets import sops
from cmp.system.process import MemoryFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.engines.protocol import Needs
    from cmp.model import Instance, Layer, Tool, ToolPin
    from cmp.secrets.redact import Redactor
    from cmp.system.process import Child, ChildProcesses, Result
    from cmp.system.tree import Tree
    from cmp.system.workspace import Workspace

SOPS = "sops"  # the program's name among pins and tools
# A group that is a domain, as a custom resource has it.  No parser is needed for a file without one.
MAY_BE_CUSTOM = rb"apiVersion[\"']?\s*:\s*[\"']?[a-z0-9-]+\."
AT_ONCE = 4  # sops processes; a decryption is mostly the start of a program


class SourceFile(NamedTuple):
    """A file as it lies in the repository; `sops_format` is sops' name for its format, empty for a file in clear."""

    path: str
    data: bytes
    sops_format: str = ""


class SourceFiles(NamedTuple):
    """All values layers in order, weakest first, and the encrypted files that the engine reads by their paths.

    `value_texts` are the files of `Instance.value_texts`; `kept` has the content of those that are listed to stay
    encrypted, of which an engine may print what it likes.
    """

    layers: tuple[SourceFile, ...]
    in_place: tuple[SourceFile, ...]
    value_texts: tuple[SourceFile, ...] = ()
    kept: tuple[bytes, ...] = ()

    @property
    def encrypted(self) -> list[SourceFile]:
        """The files that sops must decrypt."""
        return [file for file in (*self.layers, *self.in_place) if file.sops_format]


def read(tree: Tree, instance: Instance, needs: Needs) -> SourceFiles:
    """Read every layer, the files of `secrets.files`, and those that the engine needs and that are to be decrypted.

    For a built-in source every file is in clear: its values come as they lie, as to the repo-server, which has no keys.
    SecretError when a file that is declared secret, by its name or by `secrets.files`, is not encrypted.
    """
    if instance.is_builtin:
        return SourceFiles(
            layers=tuple(_clear(tree, layer) for layer in instance.layers),
            in_place=(),
            value_texts=tuple(_clear(tree, layer) for _, layer in instance.value_texts),
        )
    layers = tuple(_declared(tree, layer.path, is_secret=layer.is_secret) for layer in instance.layers)
    named = tuple(_source_file(tree, path) for path in instance.secret_files)
    for file in named:
        if not file.sops_format:
            raise _not_encrypted(file, "secrets.files names it")
    suffixes = instance.secret_suffixes
    others = (
        _declared(tree, path, is_secret=path.endswith(suffixes))
        for path in needs.encryptable_files
        if path not in instance.secret_files
    )
    decrypted = (file for file in others if file.sops_format and not is_kept(file.path, file.data, instance, needs))
    in_place = (*named, *decrypted)
    kept = tuple(tree.read(path) for path in instance.kept_files if path not in instance.secret_files)
    if text := instance.parameters.values_yaml:
        layers = (*layers, SourceFile("parameter values-yaml", text.encode()))
    return SourceFiles(layers, in_place, kept=kept)


def is_kept(path: str, data: bytes, instance: Instance, needs: Needs) -> bool:
    """Return whether an encrypted file that the engine reads stays as it is; `secrets.files` has the last word."""
    if path in instance.secret_files:
        return False
    if path in instance.kept_files:
        return True
    if path not in needs.object_files or not (instance.kept_kinds or re.search(MAY_BE_CUSTOM, data)):
        return False
    from cmp.secrets.kept import stays_encrypted  # noqa: PLC0415  # only for an encrypted file of objects

    return stays_encrypted(path, data, instance.kept_kinds)


def tool_pins(instance: Instance, needs: Needs, *, with_sops: bool) -> dict[str, ToolPin]:
    """Return the pins of the programs that a render runs, by the engine's name for each."""
    return {**needs.tools, SOPS: instance.pins[SOPS]} if with_sops else dict(needs.tools)


def _declared(tree: Tree, path: str, *, is_secret: bool) -> SourceFile:
    """Read a file that must be encrypted if its name declares it secret; an empty file cannot be."""
    file = _source_file(tree, path)
    if is_secret and not file.sops_format and not sops.holds_nothing(file.data):
        raise _not_encrypted(file, "its name declares it secret")
    return file


def _clear(tree: Tree, layer: Layer) -> SourceFile:
    return SourceFile(layer.path, tree.read(layer.path) if layer.data is None else layer.data)


def _source_file(tree: Tree, path: str) -> SourceFile:
    data = tree.read(path)
    return SourceFile(path, data, sops.format_of(path, data))


def _not_encrypted(file: SourceFile, why: str) -> SecretError:
    if sops.CIPHERTEXT in file.data:
        return SecretError(
            "this file holds ciphertext, but its sops metadata is missing or incomplete",
            file=file.path,
            hint="it was cut off or merged by hand: restore it from Git; to encrypt it once more would not help",
        )
    return SecretError(
        f"this file is not encrypted, but {why}",
        file=file.path,
        hint=f"encrypt it with `sops encrypt --in-place {file.path}`, and change what it held: it is in Git's history",
    )


class Decryptor:
    """Decrypt files with a few sops processes at once and hand each plaintext to a receiver.

    `envs` are the environments of sops by path; only the files that are listed there can be decrypted.  With
    `is_keyless` nothing is: each encrypted value becomes a placeholder.
    """

    def __init__(
        self,
        tools: Mapping[str, Tool],
        envs: Mapping[str, Mapping[str, str]],
        redactor: Redactor,
        processes: ChildProcesses,
        *,
        is_keyless: bool = False,
    ) -> None:
        self._tools = tools
        self._envs = envs
        self._redactor = redactor
        self._processes = processes
        self._is_keyless = is_keyless
        self._queue: deque[tuple[SourceFile, Callable[[bytes], object]]] = deque()
        self._children: list[Child] = []
        self._failures: dict[int, SecretError] = {}

    def memory_files(self, layers: tuple[SourceFile, ...]) -> tuple[tuple[str, MemoryFile], ...]:
        """Return a memory file for each layer; plaintext of the encrypted ones follows while children are awaited."""
        memory_files = tuple((layer.path, MemoryFile()) for layer in layers)
        for layer, (_, memory_file) in zip(layers, memory_files, strict=True):
            self.deliver(layer, memory_file.provide)
        return memory_files

    def private_files(self, layers: tuple[SourceFile, ...], workspace: Workspace) -> tuple[tuple[str, str], ...]:
        """Return the path of a private file for each layer; plaintext of the encrypted ones follows likewise."""
        names = [f"{number:03}-{os.path.basename(layer.path)}" for number, layer in enumerate(layers)]
        for layer, name in zip(layers, names, strict=True):
            self.deliver(layer, partial(workspace.write, f"layers/{name}"))
        folder = workspace.folder("layers")
        return tuple((layer.path, os.path.join(folder, name)) for layer, name in zip(layers, names, strict=True))

    def deliver(self, file: SourceFile, receive: Callable[[bytes], object]) -> None:
        """Hand over a file in clear at once; start, or queue, the decryption of an encrypted one."""
        if not file.sops_format:
            receive(file.data)
            return
        if self._is_keyless:
            from cmp.secrets import placeholders  # noqa: PLC0415  # only reports without keys need it

            receive(placeholders.with_placeholders(file.sops_format, file.data, self._redactor.add_secret))
            return
        self._queue.append((file, receive))
        self._start_next()

    def wait(self) -> None:
        """Wait until every file is decrypted."""
        while pending := [child for child in self._children if child.result is None]:
            self._processes.wait(*pending)

    def _start_next(self) -> None:
        running = sum(child.result is None for child in self._children)
        if not self._queue or running >= AT_ONCE:
            return
        file, receive = self._queue.popleft()
        number = len(self._children)

        def done(result: Result) -> None:
            try:
                plain = sops.plaintext(result, file.path)
            except SecretError as error:
                self._failures[number] = error.locate(phase="secrets")
            else:
                self._redactor.learn(file.data, plain)
                receive(plain)
                self._start_next()
            self._report()

        command = sops.decrypt_command(
            self._tools[SOPS], file.path, file.data, self._envs[file.path], file_format=file.sops_format
        )
        self._children.append(self._processes.start(command, done))

    def _report(self) -> None:
        """Raise the first failure in the order of the layers, so that the same mistake always reads the same."""
        if self._failures and all(child.result for child in self._children):
            raise self._failures[min(self._failures)]
