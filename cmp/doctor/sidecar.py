"""The tools of a sidecar, read from the list that it printed and compared with the pins before one is merged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile, toolstore
from cmp.doctor import Check
from cmp.doctor.pins import reason, uses_by_pin
from cmp.errors import UsageError
from cmp.render import tool_usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.artifacts.lockfile import Lock
    from cmp.model import Settings, ToolPin
    from cmp.system.tree import Tree

PRINTED_BY = "`cmp tools list --format json`"


class SidecarTool(NamedTuple):
    """A tool of the sidecar; one without a record in the tool store has a `problem`, and no digest or platform."""

    name: str
    version: str
    problem: str
    sha256: str = ""
    os: str = ""
    arch: str = ""
    via: str = ""


def read(data: bytes, file: str) -> list[SidecarTool]:
    """Read the list that a sidecar printed; UsageError for anything else."""
    try:
        return [
            SidecarTool(
                name=row["tool"],
                version=row["version"],
                problem=row["problem"],
                sha256=row.get("sha256", ""),
                os=row.get("os", ""),
                arch=row.get("arch", ""),
                via=row.get("via", ""),
            )
            for row in json.loads(data)
        ]
    except (ValueError, TypeError, LookupError, AttributeError):
        raise UsageError(f"this is not what {PRINTED_BY} prints", file=file) from None


def compare(tree: Tree, tools: list[SidecarTool], settings: Settings) -> Iterator[Check]:
    """Yield a check for each version that some render of the tree looks up."""
    usage = tool_usage.survey(tree)
    lock = lockfile.load(tree)
    for pin, uses in sorted(uses_by_pin(usage).items()):
        yield _compare(pin, tools, why=reason(pin, uses, usage), lock=lock, settings=settings)


def _compare(pin: ToolPin, tools: list[SidecarTool], *, why: str, lock: Lock | None, settings: Settings) -> Check:
    subject = f"{pin.name} {pin.version} in the sidecar"
    tool = next((tool for tool in tools if (tool.name, tool.version) == (pin.name, pin.version)), None)
    if tool is None:
        others = [other.version for other in tools if other.name == pin.name and not other.problem]
        has = f"it has {', '.join(others)}" if others else f"it has no {pin.name}"
        hint = "let its image, or its tools folder, have this version before the pin is merged"
        return Check(subject, "problem", f"not there ({why}); {has}", hint)
    if tool.problem:
        return Check(subject, "problem", f"{tool.problem} ({why})")
    if lock and (refusal := _refusal(tool, lock)):
        hint = "lock what it has, or install there what is locked"
        return Check(subject, "problem", f"{refusal} ({why})", hint)
    here = toolstore.entry(settings.tools_dir, pin.name, pin.version, settings.custom_tools).record
    if here and (here.os, here.arch) == (tool.os, tool.arch) and here.sha256 != tool.sha256:
        builds = f"sha256 {tool.sha256} ({tool.via}) there, {here.sha256} ({here.via}) here"
        return Check(subject, "warning", f"another build: {builds}", hint="install the same on both sides")
    return Check(subject, "ok", f"sha256 {tool.sha256} ({why})")


def _refusal(tool: SidecarTool, lock: Lock) -> str:
    """Return why cmp.lock makes a render in the sidecar refuse this tool; empty where it does not."""
    build = (tool.name, tool.version, tool.os, tool.arch)
    locked = {other.sha256 for other in lock.tools if (other.name, other.version, other.os, other.arch) == build}
    if tool.sha256 in locked:
        return ""
    if not locked:
        return f"{lockfile.FILE} does not have it for {tool.os}/{tool.arch}"
    return f"its sha256 {tool.sha256} is not in {lockfile.FILE}, which has {', '.join(sorted(locked))}"
