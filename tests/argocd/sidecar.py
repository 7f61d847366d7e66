"""The plugin's container without the container: argocd-cmp-server with our plugin.yaml, in its own environment."""

from __future__ import annotations

import itertools
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from tests.argocd.processes import Process, Program
from tests.support.harness import CHECKOUT, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from tests.argocd.programs import Programs

PLUGIN = CHECKOUT / "plugin.yaml"


class Sidecar:
    """A plugin that Applications can name; as a context manager it ends with the block.

    `sandbox` has its folders (cache, state, tmp, home) and its environment: ``sandbox.run(...)`` is what `kubectl exec`
    would do.  `work` is where argocd-cmp-server unpacks repositories, `socket` where it listens.  At the first SIGTERM
    it only removes the socket and goes on; the second, or SIGKILL, ends it.
    """

    def __init__(self, name: str, process: Process, sandbox: Sandbox, listens_at: Path) -> None:
        self.name = name
        self.process = process
        self.sandbox = sandbox
        self.work = sandbox.folder / "work"
        self.socket = listens_at

    def __enter__(self) -> Self:
        """Return it; it runs already."""
        return self

    def __exit__(self, *args: object) -> None:
        """End it, and take its name away."""
        self.process.kill()
        self.socket.unlink()


class Sidecars:
    """Starts sidecars below `folder`; repo-servers find their sockets in the folder `plugins`."""

    def __init__(
        self, folder: Path, plugins: Path, programs: Programs, tools_dir: str, join: Callable[[Process], Process]
    ) -> None:
        self._folder = folder
        self._plugins = plugins
        self._programs = programs
        self._tools_dir = tools_dir
        self._join = join
        self._numbers = itertools.count()

    def start(self, name: str, env: Mapping[str, str]) -> Sidecar:
        """Start a sidecar whose plugin is called `name` and wait for its socket.

        Its environment is that of `tests.support.harness.Sandbox` with `cmp` on PATH; `env` is added to it.
        """
        folder = self._folder / "sidecars" / f"{name}-{next(self._numbers)}"
        sandbox = Sandbox(folder, self._tools_dir)
        sandbox.extra = {
            "PATH": f"{folder / 'bin'}:{sandbox.env()['PATH']}",
            "ARGOCD_PLUGINSOCKFILEPATH": str(self._plugins),
            "ARGOCD_CMP_WORKDIR": str(folder / "work"),
            "TMPDIR": str(sandbox.tmp),
            **env,
        }
        self._furnish(folder, name)
        listens_at = self._plugins / f"{name}.sock"
        argv = (str(folder / "bin/argocd-cmp-server"), f"--config-dir-path={folder}", "--logformat=text")
        program = Program(f"sidecar-{name}", argv, sandbox.env())
        process = self._join(Process(program, self._folder / "logs", lambda: _answers(listens_at)))
        process.wait_ready()
        return Sidecar(name, process, sandbox, listens_at)

    def _furnish(self, folder: Path, name: str) -> None:
        for part in ("bin", "work"):
            (folder / part).mkdir(parents=True)
        (folder / "bin/cmp").symlink_to(Path(sys.executable).with_name("cmp"))
        (folder / "bin/argocd-cmp-server").symlink_to(self._programs.argocd)
        plugin = yaml.safe_load(PLUGIN.read_text())
        plugin["metadata"]["name"] = name
        (folder / "plugin.yaml").write_text(yaml.safe_dump(plugin))


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0
