"""Run containers by runc as a node of Kubernetes does: read-only root, no capabilities, only the Pod's volumes."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.harness import Ran

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SECONDS = 120.0
USER = 999
# What the kubelet and containerd give every container.
_SYSTEM: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("/proc", "proc", ("nosuid", "noexec", "nodev")),
    ("/dev", "tmpfs", ("nosuid", "mode=755", "size=65536k")),
    ("/dev/pts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
    ("/dev/shm", "tmpfs", ("nosuid", "noexec", "nodev", "mode=1777", "size=65536k")),  # noqa: S108
    ("/sys", "sysfs", ("nosuid", "noexec", "nodev", "ro")),
)


class Volume(NamedTuple):
    """A folder of this machine at a path of the container."""

    source: Path
    target: str
    read_only: bool = False


class Container(NamedTuple):
    """The settings of every process in a container, on this machine's network: loopback servers can be reached."""

    root: Path
    folder: Path
    env: Mapping[str, str]
    volumes: tuple[Volume, ...]
    cwd: str

    def run(self, *argv: str, cwd: str = "", **env: str) -> Ran:
        """Run a program to its end as the first process of a container of its own."""
        command = self._bundle(argv, cwd, env).command
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def running(self, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
        """Let a program run during the block, its output in `folder`/log; then kill its container.

        SIGTERM to the process that is yielded goes to the program.
        """
        bundle = self._bundle(argv, "", {})
        with (self.folder / "log").open("wb") as log, ExitStack() as stack:
            process = subprocess.Popen(bundle.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            stack.callback(process.wait, SECONDS)
            stack.callback(bundle.kill)
            yield process

    def _bundle(self, argv: tuple[str, ...], cwd: str, env: Mapping[str, str]) -> _Bundle:
        folder = self.folder / uuid.uuid4().hex
        folder.mkdir(parents=True)
        spec = self._spec(argv, cwd or self.cwd, {**self.env, **env})
        (folder / "config.json").write_text(json.dumps(spec))
        return _Bundle(self.folder / "state", folder)

    def _spec(self, argv: tuple[str, ...], cwd: str, env: Mapping[str, str]) -> dict[str, Any]:
        mounts = [{"destination": at, "type": kind, "source": kind, "options": opts} for at, kind, opts in _SYSTEM]
        return {
            "ociVersion": "1.0.2",
            "root": {"path": str(self.root), "readonly": True},
            "mounts": [*mounts, *map(_bind, self.volumes)],
            "process": {
                "args": argv,
                "cwd": cwd,
                "env": [f"{name}={value}" for name, value in env.items()],
                "user": {"uid": USER, "gid": USER},
                "capabilities": {},
                "noNewPrivileges": True,
            },
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]},
        }


class _Bundle(NamedTuple):
    """One container of runc, whose name is its folder's."""

    state: Path
    folder: Path

    @property
    def command(self) -> list[str]:
        return ["runc", f"--root={self.state}", "run", f"--bundle={self.folder}", self.folder.name]

    def kill(self) -> None:
        subprocess.run(["runc", f"--root={self.state}", "kill", self.folder.name, "KILL"], check=True)


def _bind(volume: Volume) -> dict[str, Any]:
    options = ["rbind", "nosuid", "nodev", "ro" if volume.read_only else "rw"]
    return {"destination": volume.target, "type": "bind", "source": str(volume.source), "options": options}


def writable_folder(path: Path) -> Path:
    """Make a folder as the kubelet makes an emptyDir."""
    path.mkdir(parents=True)
    os.chmod(path, 0o777)  # noqa: S103
    return path
