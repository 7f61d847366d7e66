"""pyhelm3's client with the process runner of cmp in place of its own.

pyhelm3 knows the commands of helm and what differs between helm 3 and 4.  Its `Command.run` starts a shell, hands on
stdin and the whole environment and never gives up (0.5.8): this one starts the pinned helm by its argv, with stdin
closed, an environment of our own and a deadline.  Nothing here waits for an event loop (`result_of`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm3 import Client, Command
from semver import Version

from cmp.system import process

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import Any

    from cmp.model import Tool
    from cmp.system.process import Deadline, Result


class HelmCommand(Command):  # type: ignore[misc]  # pyhelm3 has no types
    """A command of pyhelm3 that runs the pinned helm; `refused` makes the error of one that fails."""

    def __init__(
        self,
        helm: Tool,
        kube_context: str,
        env: Mapping[str, str],
        *,
        deadline: Callable[[], Deadline],
        refused: Callable[[Result], Exception],
    ) -> None:
        super().__init__(executable=helm.path, kubecontext=kube_context or None)
        self._helm = helm
        self._env = env
        self._deadline = deadline
        self._refused = refused

    async def run(self, command: Sequence[object], input: bytes | None = None) -> bytes:  # noqa: A002  # pyhelm3's name
        """Return what helm prints; raises what `refused` makes of a failure, and DeadlineError."""
        words = [str(word) for word in command]
        chosen = ("--kube-context", self._kubecontext) if self._kubecontext else ()
        result = process.run(
            process.Command(
                label=f"helm {' '.join(words[:2])}",
                argv=(self._helm.path, *words, *chosen),
                env=self._env,
                stdin=input or b"",
            ),
            self._deadline(),
        )
        if result.returncode != 0:
            raise self._refused(result)
        return result.stdout

    def client_version(self) -> Version:
        """Return the version of the pinned helm, which need not run for that."""
        return Version.parse(self._helm.version)


def client(command: HelmCommand, helm: Tool) -> Client:
    """Return pyhelm3's client over a command."""
    return Client(command=command, executable=helm.path)


def result_of(coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401  # pyhelm3 has no types
    """Return the result of a coroutine that never waits, as none over `HelmCommand` does."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("pyhelm3 waits for something else than helm")
