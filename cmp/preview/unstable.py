"""Differences that templates make up: certificates, passwords and times that are others in each render.

A second render of the same side shows them: what differs there says nothing about the change, and is never dropped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Change, Field

SUSPICIOUS = re.compile(
    r"secret|password|token|cert|ca-?bundle|tls|key|checksum|rand|uuid|time|date|salt", re.IGNORECASE
)
LONG = 16  # characters of one word


def is_suspicious(change: Change) -> bool:
    """Whether a second render is worth its time: something changed that no value explains and chance may have made."""
    if change.what not in ("changed", "renamed") or change.causes:
        return False
    return change.identity.kind == "Secret" or any(_may_be_chance(field) for field in change.fields)


def _may_be_chance(field: Field) -> bool:
    texts = [value for value in (field.before, field.after) if isinstance(value, str)]
    return any(SUSPICIOUS.search(part) for part in field.path) or any(
        re.search(rf"\w{{{LONG},}}", one) for one in texts
    )


def marked(changes: Sequence[Change], again: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes with the fields marked that differ `again`, between two renders of one revision."""
    chance = {(change.identity, field.path) for change in again for field in change.fields}
    return tuple(
        change._replace(
            unstable=tuple(
                index for index, field in enumerate(change.fields) if (change.identity, field.path) in chance
            )
        )
        for change in changes
    )
