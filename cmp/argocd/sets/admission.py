"""What keeps the controller from creating one Application of a set, while it goes on with the others."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, cast

from cmp.argocd.sets.selector import is_label

if TYPE_CHECKING:
    from collections.abc import Iterable

    Values = dict[str, object]

_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


def admitted(applications: Iterable[Values]) -> tuple[list[Values], list[str]]:
    """Return the Applications that are created, by name, and sentences about the others."""
    found = sorted(applications, key=name_of)
    counted = Counter(map(name_of, found))
    refused = {name_of(each): problem for each in found if (problem := _problem(each, counted[name_of(each)]))}
    notes = [f"the Application {name} is not created: {problem}" for name, problem in sorted(refused.items())]
    return [each for each in found if name_of(each) not in refused], notes


def name_of(application: Values) -> str:
    """Return an Application's name."""
    return str(cast("Values", application["metadata"]).get("name", ""))


def _problem(application: Values, times: int) -> str:
    if not _NAME.fullmatch(name_of(application)):
        return "this is no name"
    if times > 1:
        return f"{times} of this set have the name"
    labels = cast("dict[str, str]", cast("Values", application["metadata"]).get("labels") or {})
    if wrong := [key for key, value in labels.items() if not is_label(key, value)]:
        return f"its label {wrong[0]}: {labels[wrong[0]]} is none"
    if not cast("Values", application["spec"]).get("project"):
        return "it has no project"
    return ""
