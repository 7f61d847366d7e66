"""From pins to programs: only an installed program may run, and never one from PATH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.artifacts import lockfile, toolstore
from cmp.errors import ToolError
from cmp.versions import newest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.artifacts.lockfile import Lock
    from cmp.model import Settings, Tool, ToolPin


def find(pins: Mapping[str, ToolPin], settings: Settings, lock: Lock | None = None) -> dict[str, Tool]:
    """Return the installed program of each pin under the pin's key; where there is a lock, it must name the program.

    ToolError names every pin that is not installed, the installed versions, and the command that installs it.
    """
    tools: dict[str, Tool] = {}
    missing: list[ToolPin] = []
    for key, pin in pins.items():
        tool = toolstore.lookup(settings.tools_dir, pin, settings.custom_tools)
        if tool:
            tools[key] = tool
        elif pin not in missing:
            missing.append(pin)
    if missing:
        raise _not_installed(missing, settings)
    if lock:
        for tool in tools.values():
            _check_locked(tool, lock)
    return tools


def newest_helm(tools_dir: str) -> Tool:
    """Return the newest installed release of helm, for work that belongs to no application."""
    helms = {tool.version: tool for tool in toolstore.installed(tools_dir) if tool.name == "helm"}
    if not helms:
        raise ToolError(
            f"no helm is installed in {tools_dir}", hint="install one, such as `cmp tools install helm@3.18.6`"
        )
    return helms[newest([*helms])]


def _check_locked(tool: Tool, lock: Lock) -> None:
    """Raise ToolError unless cmp.lock names this very program, or another build of it for this platform."""
    platform = toolstore.platform()
    wanted = (tool.name, tool.version, platform)
    locked = {entry.sha256 for entry in lock.tools if (entry.name, entry.version, (entry.os, entry.arch)) == wanted}
    if tool.sha256 in locked:
        return
    named = f"{tool.name} {tool.version} for {'/'.join(platform)}"
    raise ToolError(
        f"the installed {named} is not in cmp.lock: sha256 {tool.sha256}, locked {', '.join(sorted(locked))}"
        if locked
        else f"cmp.lock has no {named}",
        file=lockfile.FILE,
        hint="install what is locked with `cmp tools install --from cmp.lock`, or write the lock again with `cmp lock`",
        is_external=bool(locked),
    )


def _not_installed(missing: list[ToolPin], settings: Settings) -> ToolError:
    """Make the error for missing versions; a retry without a new commit can succeed, once they are installed."""
    specs = " ".join(f"{pin.name}@{pin.version}" for pin in missing if not toolstore.version_problem(pin.version))
    install = f"install with `cmp tools install {specs}`, or " if specs else ""
    return ToolError(
        "\n  ".join(_describe(pin, settings) for pin in missing),
        hint=f"{install}pin a version that is installed",
        is_external=True,
    )


def _describe(pin: ToolPin, settings: Settings) -> str:
    tools_dir, custom = settings.tools_dir, settings.custom_tools
    problem = toolstore.entry(tools_dir, pin.name, pin.version, custom).problem
    others = toolstore.versions(tools_dir, pin.name, custom)
    folders = " or ".join([tools_dir, *custom])
    instead = f"installed: {', '.join(others)}" if others else f"no {pin.name} is installed in {folders}"
    return f"{pin.name} {pin.version} {problem} (pinned in {pin.source}); {instead}"
