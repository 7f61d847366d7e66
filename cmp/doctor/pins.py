"""Pins: which application runs what, what is not installed, and which pins nobody needs or that are behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.artifacts import toolstore
from cmp.doctor import Check
from cmp.render import tool_usage
from cmp.versions import numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Settings, ToolPin
    from cmp.render.tool_usage import Usage, Use, Written


def examine(found: Usage, settings: Settings) -> Iterator[Check]:
    """Yield a check for each pin that some render looks up, and what is to be known of those that are written."""
    users = by_pin(found)
    for pin, uses in sorted(users.items()):
        yield _installed(pin, f"{pin.source}; used by {'; '.join(tool_usage.grouped(uses, found.uses))}", settings)
    for one in tool_usage.written(found.repository):
        if one.pin in users:
            yield from _compared(one)
        elif not found.failures:  # else one of them may run it
            yield _unused(one.pin)


def by_pin(found: Usage) -> dict[ToolPin, list[Use]]:
    """Return each pin that some render looks up, with those renders."""
    users: dict[ToolPin, list[Use]] = {}
    for use in found.uses:
        for pin in set(use.pins):
            users.setdefault(pin, []).append(use)
    return users


def _installed(pin: ToolPin, why: str, settings: Settings) -> Check:
    entry = toolstore.entry(settings.tools_dir, pin.name, pin.version, settings.custom_tools)
    subject = f"{pin.name} {pin.version}"
    if entry.problem:
        return Check(subject, "problem", f"{entry.problem} ({why})", f"cmp tools install {pin.name}@{pin.version}")
    return Check(subject, "ok", f"{entry.path} ({why})")


def _compared(one: Written) -> Iterator[Check]:
    """Compare a pin with what would hold without it; a default of the package is no standard to follow."""
    pin, weaker = one
    if weaker is None or ":" not in weaker.source:
        return
    subject = f"{pin.name} {pin.version}"
    if pin.version == weaker.version:
        hint = "remove one that is not meant to stay when the other is raised"
        yield Check(subject, "warning", f"{pin.source} pins what {weaker.source} pins anyway", hint)
    elif numbers(pin.version) < numbers(weaker.version):
        yield Check(subject, "ok", f"{pin.source} is behind {weaker.source}, which pins {weaker.version}")


def _unused(pin: ToolPin) -> Check:
    return Check(
        f"{pin.name} {pin.version}", "warning", f"{pin.source} pins it, and no application runs it", "remove the line"
    )
