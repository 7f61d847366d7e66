"""Label selectors: those of Kubernetes (the clusters generator), and the same without limits on values (all others)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.argocd.shape import Spot

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL = re.compile(f"(?:{_NAME})?")
_DOMAIN = r"(?=.{1,253}/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/"
_KEY = re.compile(f"(?:{_DOMAIN})?{_NAME}")

Requirement = tuple[str, str, list[str]]


def is_label(key: str, value: str) -> bool:
    """Whether Kubernetes takes these for a label's name and value."""
    return bool(_KEY.fullmatch(key) and _LABEL.fullmatch(value))


class Selector:
    """A label selector, checked as it is read: ConfigError for one that selects nothing because it is wrong."""

    def __init__(self, value: object, spot: Spot, *, checks_values: bool = False) -> None:
        self._requirements = list(_requirements(cast("Mapping[str, object]", value or {})))
        for key, operator, values in self._requirements:
            if problem := _problem(key, operator, values, checks_values=checks_values):
                raise ConfigError(f"this selector is wrong: {problem}", file=spot.place)

    def __bool__(self) -> bool:
        return bool(self._requirements)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether all requirements hold; an empty selector matches everything."""
        return all(_holds(requirement, labels) for requirement in self._requirements)


def _requirements(value: Mapping[str, object]) -> Iterator[Requirement]:
    for key, text in cast("Mapping[str, str]", value.get("matchLabels") or {}).items():
        yield key, "In", [text]
    for each in cast("list[Mapping[str, object]]", value.get("matchExpressions") or []):
        yield str(each.get("key", "")), str(each.get("operator", "")), cast("list[str]", each.get("values") or [])


def _problem(key: str, operator: str, values: list[str], *, checks_values: bool) -> str:
    if not _KEY.fullmatch(key):
        return f"`{key}` is no label's name"
    if operator in ("In", "NotIn"):
        wrong = [value for value in values if checks_values and not _LABEL.fullmatch(value)]
        if wrong:
            return f"`{wrong[0]}` is no label's value"
        return "" if values else f"{operator} needs values"
    if operator in ("Exists", "DoesNotExist"):
        return f"{operator} takes no values" if values else ""
    return f"`{operator}` is no operator"


def _holds(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    key, operator, values = requirement
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    return (key in labels) == (operator == "Exists")
