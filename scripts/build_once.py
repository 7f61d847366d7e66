"""Build programs for the tests once per machine: nothing is built again while what it was built from is the same."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from cmp.artifacts.toolstore import gobuild
from cmp.artifacts.toolstore.recipes import UnavailableError
from cmp.system.locks import single_flight

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.context import Context

SECONDS = 3600.0


class Go:
    """The Go toolchain in a module's folder; what it says about a failure ends the program."""

    def __init__(self, context: Context, folder: str) -> None:
        self._go = gobuild.Go(context.settings.env.build, folder, context.deadline)

    def run(self, *args: str) -> str:
        """Run `go args…` and return what it printed."""
        try:
            return self._go.run(*args)
        except UnavailableError as error:
            raise SystemExit(f"make: `go {' '.join(args)}`: {error}") from None

    def build(self, package: str, output: str, *flags: str) -> None:
        """Build a program without paths of this machine."""
        self.run("build", "-trimpath", *flags, "-o", output, package)


def build_once(program: str, source: str, build: Callable[[str], None]) -> None:
    """Let `build(path)` make a program that is published as `program`, unless that was built from the same `source`.

    A file beside the program holds its source (a digest).  Whoever comes second waits and finds it built.
    """
    stamp = f"{program}.source"
    with single_flight(f"{program}.lock", SECONDS):
        if os.path.isfile(program) and _content(stamp) == source:
            return
        build(f"{program}.new")
        os.rename(f"{program}.new", program)
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(source)


def digest_of(*paths: str) -> str:
    """Return the sha256 of files, and of the files in folders, with their names."""
    digest = hashlib.sha256()
    for path in paths:
        names = sorted(os.listdir(path)) if os.path.isdir(path) else [""]
        for name in names:
            with open(os.path.join(path, name) if name else path, "rb") as file:
                digest.update(f"{name}\0".encode() + hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
