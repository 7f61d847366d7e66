"""`cmp tools`: install the pinned programs, list them, and check that they are what they were."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cmp import instances, lockfile, toolstore
from cmp.commands import Invocation, Output
from cmp.config.reference import PINS
from cmp.engines import FACTS
from cmp.errors import ConfigError, UsageError
from cmp.model import NOTHING, ToolPin
from cmp.toolstore.download import silent
from cmp.toolstore.install import WAYS, Installer
from cmp.tree import WorkTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cmp.toolstore import Entry
    from cmp.toolstore.install import Way

WIDTHS = (10, 10, 8, 12)  # of the columns tool, version, way, platform


@click.group()
def command() -> None:
    """Install, list and verify the exact versions of tools that applications pin."""


@command.command()
@click.argument("specs", metavar="[TOOL@VERSION]...", nargs=-1)
@click.option(
    "--via", type=click.Choice(WAYS), help="Only this way: the project's release, or a build of its Go module."
)
@click.option("--from", "lock", metavar="FILE", help="What this cmp.lock names, each with the sha256 it names.")
@click.pass_obj
def install(invocation: Invocation, specs: tuple[str, ...], via: Way | None, lock: str | None) -> Output:
    """Install tools, by default all that this repository pins."""
    if specs and lock:
        raise UsageError("give either tools or --from, not both")
    if lock:
        wanted = list(_locked(os.path.join(invocation.cwd, lock)))
    else:
        wanted = [(pin, NOTHING) for pin in ([_pin(spec) for spec in specs] or _pins(invocation.cwd))]
    ways = (via,) if via else WAYS
    installer = Installer(invocation.context, ways, progress=_bar if invocation.context.is_terminal else silent)
    tools = [installer.install(pin, locked) for pin, locked in wanted]
    return _lines(f"{tool.name} {tool.version} {tool.path}" for tool in tools)


@command.command("list")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def list_(invocation: Invocation, output_format: str) -> Output:
    """List what is in the store."""
    found = toolstore.entries(invocation.context.settings.tools_dir)
    if output_format == "json":
        return Output(json.dumps([_row(entry) for entry in found], indent=2).encode() + b"\n")
    return _lines(_line(entry) for entry in found)


@command.command()
@click.pass_obj
def verify(invocation: Invocation) -> Output:
    """Check the sha256 of every program in the store.

    The exit code is 1 when one is not what was installed.
    """
    checked = [
        entry._replace(problem=toolstore.verify(entry))
        for entry in toolstore.entries(invocation.context.settings.tools_dir)
    ]
    output = _lines(f"{entry.name} {entry.version} {entry.problem or 'is what was installed'}" for entry in checked)
    return output._replace(exit_code=1 if any(entry.problem for entry in checked) else 0)


def _pin(spec: str) -> ToolPin:
    name, at, version = spec.partition("@")
    if not at:
        raise UsageError(f"{spec!r} is not of the form tool@version", hint="for example: cmp tools install helm@3.18.6")
    return ToolPin(name, version, "command line")


def _pins(cwd: str) -> list[ToolPin]:
    """Return each version once that the repository around a folder pins: for itself, an application or an instance.

    Of the package's own pins, which hold where the repository has none, only those that some render can need.
    """
    tree, _ = instances.open_repository(cwd)
    repository = instances.Repository(tree, FACTS)
    folders = {folder for pair in repository.pairs() for folder in (pair.app_folder, pair.instance_folder)}
    configs = [repository.config.defaults, *(repository.app_config(folder) for folder in sorted(folders))]
    needed = {"sops", "helm"}
    found = {(pin.name, pin.version): pin for one in configs for pin in one.tools.values()}
    return [pin for _, pin in sorted(found.items()) if pin not in PINS.values() or pin.name in needed]


def _locked(path: str) -> list[tuple[ToolPin, Mapping[str, str]]]:
    """Read the tools of a cmp.lock: each pin, with the sha256 by way of obtaining it on this platform."""
    folder, name = os.path.split(path)
    ways: dict[ToolPin, dict[str, str]] = {}
    for tool in lockfile.parse(WorkTree(folder).read(name), name).tools:
        here = ways.setdefault(ToolPin(tool.name, tool.version, name), {})
        if (tool.os, tool.arch) == toolstore.platform():
            here[tool.via] = tool.sha256
    for pin, here in ways.items():
        if not here:
            platform = "/".join(toolstore.platform())
            raise ConfigError(f"{pin.name} {pin.version} is not locked for {platform}", file=name)
    return list(ways.items())


def _row(entry: Entry) -> dict[str, object]:
    found = entry.record._asdict() if entry.record else {}
    return {"tool": entry.name, "version": entry.version, "path": entry.path, "problem": entry.problem, **found}


def _line(entry: Entry) -> str:
    record = entry.record
    if entry.problem or record is None:
        columns = (entry.name, entry.version, "-", "-", entry.problem)
    else:
        columns = (entry.name, entry.version, record.via, f"{record.os}/{record.arch}", f"sha256:{record.sha256}")
    *short, last = columns
    return "".join(f"{text:<{width}}" for text, width in zip(short, WIDTHS, strict=True)) + last


def _lines(lines: Iterable[str]) -> Output:
    return Output("".join(f"{line}\n" for line in lines).encode())


@contextmanager
def _bar(name: str, size: int) -> Iterator[Callable[[int], object]]:
    with click.progressbar(length=size, label=name, file=sys.stderr) as bar:
        yield bar.update
