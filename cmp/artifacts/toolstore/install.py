"""Install tools: look, lock, look again, make beside, publish by rename; a version is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from cmp.artifacts import toolstore
from cmp.artifacts.toolstore import gobuild, release
from cmp.artifacts.toolstore.recipes import SOURCES, UnavailableError, recipe
from cmp.errors import DeadlineError, ToolError
from cmp.model import NOTHING, Tool
from cmp.system.download import silent
from cmp.system.locks import single_flight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.artifacts.toolstore.recipes import Recipe, ToolSource
    from cmp.context import Context
    from cmp.model import ToolPin
    from cmp.system.download import Progress

    # Makes the file that it is called with, and returns the way and the source of the program.
    Obtain = Callable[[str], tuple[str, str]]

Way = Literal["release", "go"]
WAYS: tuple[Way, ...] = ("release", "go")
FILE = "file"  # the way of a program that was installed from a file


class Installer:
    """Install one tool after another into the store of the settings, by the given ways in their order."""

    def __init__(
        self,
        context: Context,
        ways: tuple[Way, ...] = WAYS,
        sources: tuple[ToolSource, ...] = SOURCES,
        progress: Progress = silent,
    ) -> None:
        self._context = context
        self._ways = ways
        self._sources = sources
        self._downloads = release.Downloads(context.settings, context.deadline, progress)

    def install(self, pin: ToolPin, locked: Mapping[str, str] = NOTHING) -> Tool:
        """Return the installed tool, obtained first if need be; ToolError when every way fails.

        `locked` maps ways to the sha256 that the program must have then; other ways are not taken.  Several processes
        may ask for the same version at once: one works, the others wait and find it done.
        """
        settings = self._context.settings
        if tool := toolstore.lookup(settings.tools_dir, pin, settings.custom_tools):
            return _checked(tool, locked)
        wanted = recipe(pin, self._sources)
        return self._once(pin, lambda program: self._obtain(wanted, program, locked), locked)

    def adopt(self, pin: ToolPin, path: str) -> Tool:
        """Return the tool, installed as a copy of a file if it is not there; ToolError when another one is."""
        if problem := toolstore.version_problem(pin.version):
            hint = "give a build of your own a version of your own, such as 3.18.6-acme.1"
            raise ToolError(f"{pin.name} {pin.version} {problem}", hint=hint)

        def copy(program: str) -> tuple[str, str]:
            shutil.copyfile(path, program)
            return FILE, path

        try:
            sha256 = toolstore.sha256(path)
        except OSError as error:
            raise ToolError(f"cannot read this file: {error.strerror}", file=path) from None
        tool = self._once(pin, copy, NOTHING)
        if tool.sha256 != sha256:
            raise ToolError(
                f"another {pin.name} {pin.version} is installed: its sha256 is {tool.sha256}, {path} has {sha256}",
                file=tool.path,
                hint="remove it from the store if it should be that file",
            )
        return tool

    def _once(self, pin: ToolPin, obtain: Obtain, locked: Mapping[str, str]) -> Tool:
        """Install a version that is not in the store, while no other process does."""
        tools_dir = self._context.settings.tools_dir
        versions = os.path.join(tools_dir, pin.name)
        lock = os.path.join(versions, f".{pin.version}.lock")
        with single_flight(lock, self._context.deadline.remaining()) as is_alone:
            if tool := toolstore.lookup(tools_dir, pin):
                return _checked(tool, locked)
            if is_alone:
                _sweep(versions, pin.version)
            return self._make(pin, obtain, locked)

    def _make(self, pin: ToolPin, obtain: Obtain, locked: Mapping[str, str]) -> Tool:
        tools_dir = self._context.settings.tools_dir
        versions = os.path.join(tools_dir, pin.name)
        final = os.path.join(versions, pin.version)
        try:
            with _beside(versions, pin.version) as folder:
                program = os.path.join(folder, pin.name)
                way, source = obtain(program)
                os.chmod(program, 0o755)  # noqa: S103  # whoever may read the store may run its tools
                record = toolstore.describe(program, way, source)
                tool = Tool(pin.name, pin.version, os.path.join(final, pin.name), sha256=record.sha256)
                _checked(tool, {way: locked[way]} if locked else {})
                toolstore.write(folder, record)
                if not toolstore.lookup(tools_dir, pin):  # where locks fail, it may be there
                    _publish(folder, final)
        except OSError as error:
            raise ToolError(
                f"{pin.name} {pin.version} cannot be installed: {error.strerror}",
                file=str(error.filename or versions),
            ) from error
        return tool

    def _obtain(self, wanted: Recipe, program: str, locked: Mapping[str, str]) -> tuple[Way, str]:
        """Try the ways in order and return the one that worked, with the source of the program."""
        if self._context.settings.offline:
            raise ToolError(f"{wanted.name} {wanted.version} is not installed, and CMP_OFFLINE forbids to fetch it")
        work = f"{program}.work"
        reasons = []
        hints = ["name a mirror of the release downloads in CMP_TOOLS_MIRROR"]
        for way in self._ways:
            if locked and way not in locked:
                reasons.append(f"{way}: not in the lock file for this platform")
                continue
            os.mkdir(work)
            try:
                source = self._try(way, wanted, os.path.join(work, wanted.name), is_locked=way in locked)
                os.rename(os.path.join(work, wanted.name), program)
            except UnavailableError as error:
                reasons.append(f"{way}: {error}")
                hints.extend([error.hint] if error.hint else [])
                if way != self._ways[-1]:
                    self._context.log.line(f"cmp: {wanted.name} {wanted.version}: {reasons[-1]}")
            except DeadlineError as error:
                raise DeadlineError(
                    f"{wanted.name} {wanted.version} cannot be installed\n  {way}: {error.what}",
                    hint=f"allow each tool more time, as in CMP_DEADLINE={2 * self._context.deadline.seconds:g}",
                ) from None
            else:
                return way, source
            finally:
                shutil.rmtree(work)
        raise ToolError(
            "\n  ".join([f"{wanted.name} {wanted.version} cannot be installed", *reasons]),
            hint=", or ".join(hints),
        )

    def _try(self, way: Way, wanted: Recipe, output: str, *, is_locked: bool) -> str:
        settings, deadline = self._context.settings, self._context.deadline
        if way == "release":
            return release.fetch(wanted, output, settings.mirror, self._downloads, is_locked=is_locked)

        def tell(message: str) -> None:
            self._context.log.line(f"cmp: {wanted.name} {wanted.version}: {message}")

        tell(f"building from {wanted.go.module}")
        return gobuild.build(wanted, output, settings.env.build, deadline, tell)


def _checked(tool: Tool, locked: Mapping[str, str]) -> Tool:
    if locked and tool.sha256 not in locked.values():
        raise ToolError(
            f"{tool.name} {tool.version} is not the one of the lock file: its sha256 is {tool.sha256}, "
            f"locked is {' or '.join(sorted(set(locked.values())))}",
            file=tool.path,
            hint="remove it from the store if it should be the locked one; `cmp lock` locks what is installed",
        )
    return tool


@contextmanager
def _beside(versions: str, version: str) -> Iterator[str]:
    """Make a folder beside the final one, and leave nothing of it when the block ends."""
    folder = os.path.join(versions, f".{version}.{os.getpid()}")
    os.makedirs(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: str, final: str) -> None:
    """Rename into place; a folder that lies there did not count as installed, and goes."""
    if os.path.lexists(final):
        os.rename(final, f"{folder}.old")
    os.rename(folder, final)
    shutil.rmtree(f"{folder}.old", ignore_errors=True)


def _sweep(versions: str, version: str) -> None:
    """Remove the folders of a killed install; only the holder of the lock may."""
    for name in os.listdir(versions):
        if name.startswith(f".{version}.") and not name.endswith(".lock"):
            shutil.rmtree(os.path.join(versions, name), ignore_errors=True)
