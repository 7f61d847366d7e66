"""Findings as annotations of GitHub: commands that a job prints, each one line.

Reference: docs.github.com, "Workflow commands for GitHub Actions": values escape `%` and line breaks, properties
also `:` and `,`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.report.findings import words
from cmp.system.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.findings import Level
    from cmp.report.findings.result import FoundOn, Result, Verdict

_COMMANDS: Mapping[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}


def view(result: Result, verdict: Verdict) -> str:
    """Return a command for each finding and each pair that fails, then one with the verdict."""
    commands = [
        *map(_finding, result.findings),
        *(
            _command("error", {"title": f"{words.pair(failed.subject)} cannot be rendered"}, "\n".join(failed.lines))
            for failed in result.failures
        ),
        _command("notice", {"title": "cmp check"}, verdict.verdict),
    ]
    return "".join(f"{command}\n" for command in commands)


def _finding(found: FoundOn) -> str:
    finding, place = found.finding, words.place(found.finding)
    properties = {"file": place.file} if place else {}
    if place and place.line:
        properties["line"] = str(place.line)
    text = f"{words.sentence(finding)} ({words.pairs(found.subjects)})"
    return _command(_COMMANDS[finding.level], {**properties, "title": finding.rule}, text)


def _command(name: str, properties: Mapping[str, str], text: str) -> str:
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {given}::{_value(text)}"


def _value(text: str) -> str:
    """Escape a value; what it hides is shown, but for line breaks, which the page shows."""
    shown = "\n".join(map(visible, text.split("\n")))
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _value(visible(text)).replace(":", "%3A").replace(",", "%2C")
