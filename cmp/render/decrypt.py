"""An instance's layers and encrypted files, opened: plaintext flows from sops to its reader through memory files.

Every layer reaches the engine as a `MemoryFile`, also the plain ones: what was checked here is what the engine reads,
and a layer that does not lie in the file system (a Git revision) needs no second way.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import SecretError
from cmp.secrets import sops
from cmp.system.process import MemoryFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cmp.model import Instance, Tool
    from cmp.secrets.redact import Redactor
    from cmp.system.process import Child, ChildProcesses, Result
    from cmp.system.tree import Tree

CIPHERTEXT = b"ENC[AES256_GCM,"
AT_ONCE = 4  # sops processes; a decryption is mostly the start of a program


class Content(NamedTuple):
    """A file as it lies in the repository."""

    path: str
    data: bytes
    is_encrypted: bool


class Contents(NamedTuple):
    """All layers in order, weakest first, and the files that are encrypted where the engine reads them."""

    layers: tuple[Content, ...]
    files: tuple[Content, ...]

    @property
    def encrypted(self) -> list[Content]:
        """What sops must open."""
        return [content for content in (*self.layers, *self.files) if content.is_encrypted]


def read(tree: Tree, instance: Instance, files: Iterable[str] = ()) -> Contents:
    """Read every layer, what `secrets.files` names, and those of `files` that are encrypted.

    SecretError when a file that is declared secret, by its name or by `secrets.files`, is not encrypted.
    """
    layers = tuple(_declared(tree, layer.path, is_secret=layer.is_secret) for layer in instance.layers)
    named = tuple(_content(tree, path) for path in instance.secret_files)
    for content in named:
        if not content.is_encrypted:
            raise _not_encrypted(content, "secrets.files names it")
    suffixes = instance.secret_suffixes
    others = (
        _declared(tree, path, is_secret=path.endswith(suffixes)) for path in files if path not in instance.secret_files
    )
    encrypted = (*named, *(content for content in others if content.is_encrypted))
    if text := instance.parameters.values_yaml:
        layers = (*layers, Content("parameter values-yaml", text.encode(), is_encrypted=False))
    return Contents(layers, encrypted)


def _declared(tree: Tree, path: str, *, is_secret: bool) -> Content:
    """Read a file that must be encrypted if its name says that it is secret; what holds nothing cannot be."""
    content = _content(tree, path)
    if is_secret and not content.is_encrypted and not sops.holds_nothing(content.data):
        raise _not_encrypted(content, "its name declares it secret")
    return content


def _content(tree: Tree, path: str) -> Content:
    data = tree.read(path)
    return Content(path, data, sops.is_encrypted(path, data))


def _not_encrypted(content: Content, why: str) -> SecretError:
    path = content.path
    if CIPHERTEXT in content.data:
        return SecretError(
            "this file holds ciphertext, but its sops metadata is missing or incomplete",
            file=path,
            hint="it was cut off or merged by hand: restore it from Git; to encrypt it once more would not help",
        )
    return SecretError(
        f"this file is not encrypted, but {why}",
        file=path,
        hint=f"encrypt it with `sops encrypt --in-place {path}`, and change what it held: it is in Git's history",
    )


class Opener:
    """Decrypt files with a few sops processes at once and hand each plaintext to whoever waits for it.

    `envs` are the environments of sops by path; only the files that are listed there can be opened.
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
        self._queue: deque[tuple[Content, Callable[[bytes], object]]] = deque()
        self._children: list[Child] = []
        self._failures: dict[int, SecretError] = {}

    def memory_files(self, layers: tuple[Content, ...]) -> tuple[tuple[str, MemoryFile], ...]:
        """Return a memory file for each layer; plaintext of the encrypted ones follows while children are awaited."""
        memory_files = tuple((content.path, MemoryFile()) for content in layers)
        for content, (_, memory_file) in zip(layers, memory_files, strict=True):
            self.open(content, memory_file.provide)
        return memory_files

    def open(self, content: Content, give: Callable[[bytes], object]) -> None:
        """Hand over a plain file at once; start, or queue, the decryption of an encrypted one."""
        if not content.is_encrypted:
            give(content.data)
            return
        if self._is_keyless:
            from cmp.secrets import placeholders  # noqa: PLC0415  # only reports without keys need it

            give(placeholders.stand_in(sops.format_of(content.path, content.data), content.data, self._redactor.note))
            return
        self._queue.append((content, give))
        self._start_next()

    def wait(self) -> None:
        """Wait until every file is decrypted."""
        while pending := [child for child in self._children if child.result is None]:
            self._processes.wait(*pending)

    def _start_next(self) -> None:
        running = sum(child.result is None for child in self._children)
        if not self._queue or running >= AT_ONCE:
            return
        content, give = self._queue.popleft()
        turn = len(self._children)

        def done(result: Result) -> None:
            try:
                plain = sops.plaintext(result, content.path)
            except SecretError as error:
                self._failures[turn] = error.locate(phase="secrets")
            else:
                self._redactor.learn(content.data, plain)
                give(plain)
                self._start_next()
            self._report()

        command = sops.decrypt_command(self._tools["sops"], content.path, content.data, self._envs[content.path])
        self._children.append(self._processes.start(command, done))

    def _report(self) -> None:
        """Raise the first failure in the order of the layers, so that the same mistake always reads the same."""
        if self._failures and all(child.result for child in self._children):
            raise self._failures[min(self._failures)]
