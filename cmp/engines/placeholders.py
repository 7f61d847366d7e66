"""Placeholders `{name}` in options of helmfile and cue, filled with the facts of the application and its cluster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.errors import ConfigError

if TYPE_CHECKING:
    from cmp.model import Instance

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")


def filled(text: str, where: str, instance: Instance) -> str:
    """Return the text with every placeholder filled; ConfigError, with `where` the text stands, for an unknown one."""

    def fill(match: re.Match[str]) -> str:
        if match[1] not in instance.placeholders:
            whose = f"of cluster {instance.cluster}" if instance.cluster else "without a cluster"
            raise ConfigError(
                f"{{{match[1]}}} in {where} is not known {whose}",
                hint=f"known are {', '.join(sorted(instance.placeholders))}",
            )
        return instance.placeholders[match[1]]

    return _PLACEHOLDER.sub(fill, text)
