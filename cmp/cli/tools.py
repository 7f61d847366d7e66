"""`cmp tools`: install the pinned programs, list them, and verify their digests."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from cmp.artifacts import lockfile, toolstore
from cmp.artifacts.toolstore.install import WAYS, Installer
from cmp.cli import Invocation, Output, candidates, for_people
from cmp.cli.builtin_pairs import builtin_pairs
from cmp.cli.io import as_json, example, progress_bar
from cmp.errors import CmpError, ConfigError, UsageError, suggestion
from cmp.model import NOTHING, ToolPin
from cmp.render import tool_usage
from cmp.render.unread import needs_of
from cmp.repository import instances
from cmp.repository.config.keys import GATOR, TOOLS
from cmp.system import signals
from cmp.system.download import silent
from cmp.system.tree import WorkTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cmp.artifacts.toolstore import Entry
    from cmp.artifacts.toolstore.install import Way
    from cmp.cli.builtin_pairs import BuiltinPair
    from cmp.context import Context
    from cmp.model import Tool

EXAMPLE = "for example: cmp tools install helm@3.18.6"
WIDTHS = (10, 10, 8, 12)  # of the columns tool, version, way, platform


@click.group(epilog=example("cmp tools install"))
def command() -> None:
    """Install, list and verify the exact versions of tools that applications pin."""


@command.command(epilog=example("cmp tools install helm@4.3.2 sops@3.13.3"))
@click.argument("specs", metavar="[TOOL@VERSION]...", nargs=-1, shell_complete=candidates.tools_at_versions)
@click.option(
    "--via", type=click.Choice(WAYS), help="Only this way: the project's release, or a build of its Go module."
)
@click.option(
    "--from",
    "lock",
    metavar="FILE",
    shell_complete=candidates.files,
    help="What this cmp.lock names, each with the sha256 it names.",
)
@click.option(
    "--from-file",
    "program",
    metavar="PROGRAM",
    shell_complete=candidates.files,
    help="A copy of this program, as the one TOOL@VERSION.",
)
@click.pass_obj
def install(
    invocation: Invocation, specs: tuple[str, ...], via: Way | None, lock: str | None, program: str | None
) -> Output:
    """Install tools, or all that are needed here.

    Those are the ones that the repository pins, or that its applications, and Argo CD's without a plugin, need.
    Each has the time of CMP_DEADLINE.  One that fails stops no other: the last line names what failed, and the exit
    code is that of the first.
    """
    installer = Installer(
        invocation.context,
        (via,) if via else WAYS,
        progress=progress_bar if invocation.context.is_terminal else silent,
    )
    if program:
        if lock or via or len(specs) != 1:
            raise UsageError("--from-file takes one tool@version, and neither --from nor --via")
        return _installed([installer.adopt(_known(_pin(specs[0])), os.path.join(invocation.cwd, program))])
    return _install_all(_wanted(invocation, specs, lock), installer, invocation.context)


@command.command("list", epilog=example("cmp tools list --format json > tools.json"))
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def list_(invocation: Invocation, output_format: str) -> Output:
    """List the installed tools.

    They are those in the store, and in the folders of CMP_CUSTOM_TOOLS.
    """
    settings = invocation.context.settings
    entries = toolstore.entries(settings.tools_dir, settings.custom_tools)
    if output_format == "json":
        return as_json([_record(entry) for entry in entries], is_ascii=True)
    return for_people(_line(entry) for entry in entries)


@command.command(epilog=example("cmp tools verify"))
@click.pass_obj
def verify(invocation: Invocation) -> Output:
    """Check the sha256 of every installed tool.

    The exit code is 1 when one in the store is not what was installed.
    """
    checked = [
        entry._replace(problem=toolstore.verify(entry))
        for entry in toolstore.entries(invocation.context.settings.tools_dir)
    ]
    output = for_people(f"{entry.name} {entry.version} {entry.problem or 'is what was installed'}" for entry in checked)
    return output._replace(exit_code=1 if any(entry.problem for entry in checked) else 0)


def _install_all(wanted: Sequence[tuple[ToolPin, Mapping[str, str]]], installer: Installer, context: Context) -> Output:
    """Install one tool after another; a lone error is raised, those of several tools are written as they come."""
    tools: list[Tool] = []
    failed: list[tuple[ToolPin, CmpError]] = []
    for pin, locked in wanted:
        context.deadline.renew()
        signals.expire_after(context.deadline.seconds)
        try:
            tools.append(installer.install(pin, locked))
        except CmpError as error:
            if len(wanted) == 1:
                raise
            failed.append((pin, error))
            for line in error.lines(mask=context.redactor.mask):
                context.log.plain(line)
    if not failed:
        return _installed(tools)
    names = ", ".join(f"{pin.name} {pin.version}" for pin, _ in failed)
    summary = f"cmp: {len(failed)} of {len(wanted)} tools failed: {names}"
    return _installed(tools)._replace(exit_code=failed[0][1].exit_code, summary=summary)


def _installed(tools: Sequence[Tool]) -> Output:
    return for_people(f"{tool.name} {tool.version} {tool.path}" for tool in tools)


def _wanted(
    invocation: Invocation, specs: tuple[str, ...], lock: str | None
) -> list[tuple[ToolPin, Mapping[str, str]]]:
    if specs and lock:
        raise UsageError("give either tools or --from, not both")
    if lock:
        return _locked(os.path.join(invocation.cwd, lock))
    return [(pin, NOTHING) for pin in ([_pin(spec) for spec in specs] or _pins(invocation))]


def _known(pin: ToolPin) -> ToolPin:
    if pin.name not in TOOLS:
        raise UsageError(f"there is no tool {pin.name}", hint=suggestion(pin.name, TOOLS))
    return pin


def _pin(spec: str) -> ToolPin:
    name, at, version = spec.partition("@")
    if not at:
        raise UsageError(f"{spec!r} is not of the form tool@version", hint=EXAMPLE)
    return ToolPin(name, version, "command line")


def _pins(invocation: Invocation) -> list[ToolPin]:
    """Return each version once that the repository pins, or that something needs.

    That is a render, of Applications without a plugin too, or policies to judge by.  ConfigError where nothing is to be
    rendered.
    """
    tree = instances.open_checkout(invocation.cwd)
    usage = tool_usage.survey(tree)
    written = [written.pin for written in tool_usage.written_pins(usage.repository)]
    needed = [pin for use in usage.uses for pin in use.pins]
    config = usage.repository.config
    needed += [config.defaults.tools[GATOR]] if config.checks.policies else []
    of_argocd = [*builtin_pairs(tree, usage.repository, invocation, has_warnings=False)]
    if not (written or usage.uses or usage.failures or of_argocd):
        raise ConfigError(
            f"no tool is needed here: there is no application, and no Application of Argo CD, in {tree.root}",
            hint=EXAMPLE,
        )
    pins = {(pin.name, pin.version): pin for pin in (*written, *needed, *_pins_of_argocd(tree, of_argocd))}
    return [pins[key] for key in sorted(pins)]


def _pins_of_argocd(tree: WorkTree, pairs: Sequence[BuiltinPair]) -> Iterator[ToolPin]:
    """Yield the tools by which Argo CD renders Applications without a plugin; one with an error has none."""
    for pair in pairs:
        with suppress(CmpError):  # `cmp apps` and `cmp diff` say it
            for instance in pair.instances():
                yield from needs_of(tree, instance).tools.values()


def _locked(path: str) -> list[tuple[ToolPin, Mapping[str, str]]]:
    """Read the tools of a cmp.lock: each pin, with its sha256 on this platform by the way of installing it."""
    folder, name = os.path.split(path)
    ways: dict[ToolPin, dict[str, str]] = {}
    for tool in lockfile.parse(WorkTree(folder).read(name), name).tools:
        if problem := toolstore.version_problem(tool.version):
            raise ConfigError(f"{tool.name} {tool.version} {problem}", file=name, hint=lockfile.HINT)
        here = ways.setdefault(ToolPin(tool.name, tool.version, name), {})
        if (tool.os, tool.arch) == toolstore.platform():
            here[tool.via] = tool.sha256
    for pin, here in ways.items():
        if not here:
            platform = "/".join(toolstore.platform())
            raise ConfigError(f"{pin.name} {pin.version} is not locked for {platform}", file=name)
    return list(ways.items())


def _record(entry: Entry) -> dict[str, object]:
    installed = entry.record._asdict() if entry.record else {}
    return {"tool": entry.name, "version": entry.version, "path": entry.path, "problem": entry.problem, **installed}


def _line(entry: Entry) -> str:
    record = entry.record
    if entry.problem or record is None:
        columns = (entry.name, entry.version, "-", "-", entry.problem)
    else:
        columns = (entry.name, entry.version, record.via, f"{record.os}/{record.arch}", f"sha256:{record.sha256}")
    *short, last = columns
    return "".join(f"{text:<{width}}" for text, width in zip(short, WIDTHS, strict=True)) + last
