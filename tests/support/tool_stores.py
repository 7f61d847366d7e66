"""Tool stores for tests: a fresh folder, an environment built from nothing, and what was said on stderr."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from cmp import environ
from cmp.artifacts import toolstore
from cmp.artifacts.toolstore.install import Installer
from cmp.context import Context
from cmp.model import Tool, ToolPin
from cmp.secrets.redact import Redactor
from cmp.system.log import Log, Phases
from cmp.system.process import Deadline

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.artifacts.toolstore.install import Way

OS, ARCH = toolstore.platform()
PIN = ToolPin("sops", "3.10.2", "cmp.yaml:3")
ASSET = f"/getsops/sops/releases/download/v3.10.2/sops-v3.10.2.{OS}.{ARCH}"
SUMS = "/getsops/sops/releases/download/v3.10.2/sops-v3.10.2.checksums.txt"


class Store:
    """A store in a fresh folder, and what was said on stderr."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder / "tools"
        self.stderr = io.StringIO()
        self.env = {"HOME": str(folder), "PATH": "", "CMP_TOOLS_DIR": str(self.folder), **env}

    def context(self) -> Context:
        settings = environ.read(self.env, default_deadline=60).settings
        redactor = Redactor()
        return Context(settings, Deadline(60), redactor, Log(self.stderr, redactor.mask), Phases())

    def install(self, pin: ToolPin = PIN, *ways: Way, **locked: str) -> Tool:
        return Installer(self.context(), ways or ("release",)).install(pin, locked)

    def put(self, name: str, version: str, content: bytes = b"#!/bin/sh\n") -> Path:
        """Install a program by hand, with a record that fits."""
        program = self.folder / name / version / name
        program.parent.mkdir(parents=True)
        program.write_bytes(content)
        program.chmod(0o755)
        toolstore.write(str(program.parent), toolstore.describe(str(program), "go", "example.org/x@v1"))
        return program

    def files(self) -> list[str]:
        """List everything below, lock files left out."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return sorted(str(path) for path in found if path.suffix != ".lock")
