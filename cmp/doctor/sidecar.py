"""Does a sidecar have what the repository pins?  Asked before a pin is merged, of the list that the sidecar printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile, toolstore
from cmp.doctor import Check
from cmp.doctor.pins import by_pin
from cmp.errors import UsageError
from cmp.render import tool_usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.artifacts.lockfile import Lock
    from cmp.model import Settings, ToolPin
    from cmp.system.tree import Tree

PRINTED_BY = "`cmp tools list --format json`"


class Listed(NamedTuple):
    """A program of the sidecar; without a record of what it is, only `problem` says something."""

    tool: str
    version: str
    problem: str
    sha256: str = ""
    os: str = ""
    arch: str = ""
    via: str = ""


_RECORDED = ("sha256", "os", "arch", "via")


def read(data: bytes, file: str) -> list[Listed]:
    """Read what the sidecar printed; UsageError when that is something else."""
    try:
        return [
            Listed(row["tool"], row["version"], row["problem"], *(row.get(name, "") for name in _RECORDED))
            for row in json.loads(data)
        ]
    except (ValueError, TypeError, LookupError, AttributeError):
        raise UsageError(f"this is not what {PRINTED_BY} prints", file=file) from None


def compare(tree: Tree, listed: list[Listed], settings: Settings) -> Iterator[Check]:
    """Yield a check for each version that some render of the tree looks up."""
    found = tool_usage.survey(tree)
    lock = lockfile.load(tree)
    for pin, uses in sorted(by_pin(found).items()):
        why = f"{pin.source}; used by {'; '.join(tool_usage.grouped(uses, found.uses))}"
        yield _compare(pin, why, listed, lock, settings)


def _compare(pin: ToolPin, why: str, listed: list[Listed], lock: Lock | None, settings: Settings) -> Check:
    subject = f"{pin.name} {pin.version} in the sidecar"
    there = [one for one in listed if (one.tool, one.version) == (pin.name, pin.version)]
    if not there:
        others = [one.version for one in listed if one.tool == pin.name and not one.problem]
        has = f"it has {', '.join(others)}" if others else f"it has no {pin.name}"
        hint = "let its image, or its tools folder, have this version before the pin is merged"
        return Check(subject, "problem", f"not there ({why}); {has}", hint)
    one = there[0]
    if one.problem:
        return Check(subject, "problem", f"{one.problem} ({why})")
    if lock and (refusal := _refused(one, lock)):
        return Check(subject, "problem", f"{refusal} ({why})", "lock what it has, or install there what is locked")
    here = toolstore.entry(settings.tools_dir, pin.name, pin.version, settings.custom_tools).record
    if here and (here.os, here.arch) == (one.os, one.arch) and here.sha256 != one.sha256:
        builds = f"sha256 {one.sha256} ({one.via}) there, {here.sha256} ({here.via}) here"
        return Check(subject, "warning", f"another build: {builds}", "install the same on both sides")
    return Check(subject, "ok", f"sha256 {one.sha256} ({why})")


def _refused(one: Listed, lock: Lock) -> str:
    """Say why a render in the sidecar would refuse its program, for it keeps to cmp.lock."""
    platform = (one.os, one.arch)
    locked = {
        tool.sha256 for tool in lock.tools if (tool.name, tool.version, (tool.os, tool.arch)) == (*one[:2], platform)
    }
    if one.sha256 in locked:
        return ""
    if not locked:
        return f"{lockfile.FILE} does not have it for {'/'.join(platform)}"
    return f"its sha256 {one.sha256} is not in {lockfile.FILE}, which has {', '.join(sorted(locked))}"
