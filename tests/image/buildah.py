"""buildah with a storage of its own, without a daemon and without a registry."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PASSED_ON = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class Buildah(NamedTuple):
    """Images in `folder`/storage."""

    folder: Path

    def has(self, image: str) -> bool:
        """Return whether there is such an image."""
        return any(image in (found.get("names") or []) for found in self._images())

    def size(self) -> int:
        """Return how many images there are, layers of unfinished and older ones included."""
        return len(self._images())

    def clear(self) -> None:
        """Remove everything."""
        self._run("rm", "--all")
        self._run("rmi", "--all", "--force")

    def build(self, context: Path, image: str, **arguments: str) -> None:
        """Build a Dockerfile; AssertionError with the end of what was said when it fails."""
        given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        self._run("build", "--isolation=chroot", "--layers", "--pull-never", *given, f"--tag={image}", str(context))

    def import_base(self, archive: Path, files: Mapping[Path, str], image: str) -> None:
        """Make an image of an archive of a root file system, and of more files."""
        container = self._run("from", "scratch")
        self._run("add", "--quiet", container, str(archive), "/")
        for source, target in files.items():
            self._run("copy", "--quiet", container, str(source), target)
        self._run("commit", "--quiet", "--rm", container, image)

    def config(self, image: str) -> dict[str, Any]:
        """Return what the image says about how it is to be run."""
        found: dict[str, Any] = json.loads(self._run("inspect", "--type=image", image))["OCIv1"]["config"]
        return found

    @contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """Yield the root file system of a container of the image."""
        container = self._run("from", "--pull-never", image)
        try:
            yield Path(self._run("mount", container))
        finally:
            self._run("rm", container)

    def _images(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._run("images", "--all", "--json") or "[]") or []
        return found

    def _run(self, *argv: str) -> str:
        storage = (f"--root={self.folder / 'storage'}", f"--runroot={self.folder / 'run'}")
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        env |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        done = subprocess.run(["buildah", *storage, *argv], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"buildah {' '.join(argv)}: {(done.stdout + done.stderr)[-4000:]}"
        return done.stdout.strip()
