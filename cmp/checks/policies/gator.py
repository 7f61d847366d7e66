"""One run of `gator test`: manifests go in as a stream of JSON, violations come out as JSON.

The stream goes through a sealed memory file, so that no manifest lies on a disk.  The exit code says nothing: it is 1
both for a violation that is denied and for a run that failed.  Source: cmd/gator/test/test.go and pkg/gator/test of
open-policy-agent/gatekeeper, 3.23.1.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.checks.policies.documents import rule
from cmp.errors import ConfigError, ToolError
from cmp.system.process import Command, run
from cmp.system.sandbox import Access
from cmp.yamldoc.access import dig, mapping, maps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.checks.policies.documents import Policies
    from cmp.context import Context
    from cmp.model import Tool
    from cmp.yamldoc.access import Map

NAME = "gator"
_WORDS_ABOUT = re.compile(r'(?:adding|converting unstructured) (?P<what>template|constraint)? ?"(?P<name>[^"]+)"')
_LINES = 12  # of what gator says; a template that does not compile has a line for each error


class Violation(NamedTuple):
    """A violation: the rule of the constraint, the object as gator had it, and the message of the policy."""

    rule: str
    manifest: Map
    message: str


def violations(tool: Tool, manifests: Iterable[Map], policies: Policies, context: Context) -> list[Violation]:
    """Run gator on policies and objects; ConfigError where it refuses a policy, ToolError where it fails otherwise.

    ValueError for a manifest with a number that JSON has not.
    """
    stream = "\n".join(json.dumps(manifest, allow_nan=False) for manifest in manifests)
    command = Command(
        label="gator test",
        argv=(tool.path, "test", "--output", "json"),
        env={**context.settings.env.plain, "HOME": "/nonexistent"},
        stdin=stream.encode(),
        access=Access((tool.path,)),
    )
    result = run(command, context.deadline)
    try:
        listed = json.loads(result.stdout)
    except ValueError:
        words = context.redactor.mask(result.stderr.decode(errors="replace"))
        raise _error(words, result.returncode, tool, policies) from None
    return [_violation(one) for one in maps(listed)]


def _violation(result: Map) -> Violation:
    return Violation(
        rule=rule(str(dig(result, "constraint", "kind")), str(dig(result, "constraint", "metadata", "name"))),
        manifest=mapping(result.get("violatingObject")),
        message=str(result.get("msg") or ""),
    )


def _error(words: str, code: int, tool: Tool, policies: Policies) -> ConfigError | ToolError:
    """Return the error of a run without JSON, at the policy that it names where it names one."""
    lines = [line for line in words.splitlines() if line.strip() and " WARNING - Resource named " not in line]
    said = "\n  ".join(lines[:_LINES]) or f"it printed no JSON, and ended with code {code}"
    if found := _WORDS_ABOUT.search(words):
        named = policies.constraints if found["what"] == "constraint" else policies.templates
        if places := [one.place for one in named if one.name == found["name"]]:
            return ConfigError(f"{NAME} {tool.version} refuses this policy: {said}", file=" or ".join(places))
    return ToolError(f"{NAME} {tool.version} cannot judge: {said}")
