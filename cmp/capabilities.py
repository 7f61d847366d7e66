"""What a version of a tool cannot do yet, or no longer: asked before it is run, so that the error names the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ToolError

if TYPE_CHECKING:
    from cmp.model import Tool


class Feature(NamedTuple):
    """A feature of a tool and the first version that has it."""

    tool: str
    name: str
    since: tuple[int, ...]


SKIP_SCHEMA_VALIDATION = Feature("helm", "--skip-schema-validation", (3, 16, 0))


def require(tool: Tool, feature: Feature) -> None:
    """Raise ToolError when the tool's version lacks the feature."""
    if numbers(tool.version) < feature.since:
        since = ".".join(str(number) for number in feature.since)
        raise ToolError(
            f"{tool.name} {tool.version} has no {feature.name}",
            hint=f"pin {tool.name} {since} or newer for this application, or do without {feature.name}",
        )


def numbers(version: str) -> tuple[int, ...]:
    """Return the numeric parts of an exact version; a pre-release suffix does not count."""
    core = version.partition("-")[0].partition("+")[0]
    return tuple(int(part) for part in core.split(".") if part.isdigit())
