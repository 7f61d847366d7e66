"""Words that several parts of a report share."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.changes import Subject
    from cmp.model import Identity

_FEW = 3


def listed(names: Sequence[str]) -> str:
    """Return the first names as code, and how many more there are."""
    quoted = [f"`{name}`" for name in names[:_FEW]]
    rest = len(names) - len(quoted)
    if rest:
        return f"{', '.join(quoted)} and {rest} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if quoted[1:] else quoted)


def where(subject: Subject) -> str:
    """Return the cluster, or the application where there are no clusters."""
    return subject.cluster or subject.app


def object_name(identity: Identity) -> str:
    """Return kind, namespace and name: `Deployment shop/web`."""
    return f"{identity.kind} {'/'.join(filter(None, (identity.namespace, identity.name)))}"


def order(subject: Subject) -> tuple[object, ...]:
    """Return by what subjects are ordered: application, environment, cluster; `dev-2` before `dev-10`."""
    # Texts and numbers take turns, so that the same place never has one of each.
    parts = re.split(r"(\d+)", subject.cluster)
    natural = tuple(int(part) if at % 2 else part for at, part in enumerate(parts))
    return (subject.app, subject.environment, natural, subject.cluster)


def value_text(value: object) -> str:
    """Return a value in one line: a text as it is, all else as JSON, nothing as a dash."""
    if isinstance(value, str):
        return value.replace("\n", "⏎") or '""'
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
