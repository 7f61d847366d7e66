"""Pinned tools: the applications that run each, those not installed, and the pins that are unused or behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.artifacts import toolstore
from cmp.doctor import Check
from cmp.render import tool_usage
from cmp.repository.config.keys import RENDERERS
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Settings, ToolPin
    from cmp.render.tool_usage import ToolUse, Usage


def examine(usage: Usage, settings: Settings) -> Iterator[Check]:
    """Yield a check for each pin that some render looks up, and one for each written pin that is unused or behind."""
    users = uses_by_pin(usage)
    for pin, uses in sorted(users.items()):
        yield _installed(pin, reason(pin, uses, usage), settings)
    weaker: dict[ToolPin, set[ToolPin | None]] = {}
    for written in tool_usage.written_pins(usage.repository):
        weaker.setdefault(written.pin, set()).add(written.weaker)
    for pin, others in weaker.items():
        if pin in users:
            yield from _compared(pin, others)
        elif not usage.failures and pin.name in RENDERERS:  # else a pair that fails may run it
            yield _unused(pin)


def uses_by_pin(usage: Usage) -> dict[ToolPin, list[ToolUse]]:
    """Return each pin that some render looks up, with those renders."""
    users: dict[ToolPin, list[ToolUse]] = {}
    for use in usage.uses:
        for pin in set(use.pins):
            users.setdefault(pin, []).append(use)
    return users


def reason(pin: ToolPin, uses: list[ToolUse], usage: Usage) -> str:
    """Return the place of a pin and its users: `cmp.yaml:3; used by shop on dev`."""
    return f"{pin.source}; used by {'; '.join(tool_usage.describe(uses, usage.uses))}"


def _installed(pin: ToolPin, why: str, settings: Settings) -> Check:
    entry = toolstore.entry(settings.tools_dir, pin.name, pin.version, settings.custom_tools)
    subject = f"{pin.name} {pin.version}"
    if entry.problem:
        return Check(subject, "problem", f"{entry.problem} ({why})", hint=f"cmp tools install {pin.name}@{pin.version}")
    return Check(subject, "ok", f"{entry.path} ({why})")


def _compared(pin: ToolPin, others: set[ToolPin | None]) -> Iterator[Check]:
    """Compare a pin with those that would hold without it; a default of this package sets no standard."""
    subject = f"{pin.name} {pin.version}"
    weaker = sorted(other for other in others if other is not None and ":" in other.source)
    if len(weaker) == len(others) and all(pin.version == other.version for other in weaker):
        hint = "remove one that is not meant to stay when the other is raised"
        sources = " and ".join(other.source for other in weaker)
        yield Check(subject, "warning", f"{pin.source} pins what {sources} pins anyway", hint)
    for other in weaker:
        if numbers(pin.version) < numbers(other.version):
            yield Check(subject, "ok", f"{pin.source} is behind {other.source}, which pins {other.version}")


def _unused(pin: ToolPin) -> Check:
    finding = f"{pin.source} pins it, and no application runs it"
    return Check(f"{pin.name} {pin.version}", "warning", finding, hint="remove the line")
