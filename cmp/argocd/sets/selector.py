"""Label selectors: those of Kubernetes (the clusters generator), and the same without limits on values (all others)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.argocd.sets.specification import Expression
from cmp.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.argocd.sets.specification import LabelSelector
    from cmp.schema.json_node import SourceLocation

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL = re.compile(f"(?:{_NAME})?")
_DOMAIN = r"(?=.{1,253}/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/"
_KEY = re.compile(f"(?:{_DOMAIN})?{_NAME}")


def is_label(key: str, value: str) -> bool:
    """Say whether Kubernetes takes these for a label's name and value."""
    return bool(_KEY.fullmatch(key) and _LABEL.fullmatch(value))


class Selector:
    """A label selector, checked as it is read: ConfigError for one that selects nothing because it is wrong."""

    def __init__(self, selector: LabelSelector, location: SourceLocation, *, checks_values: bool = False) -> None:
        self._expressions = [
            *(Expression(key, "In", (value,)) for key, value in selector.match_labels.items()),
            *selector.match_expressions,
        ]
        for expression in self._expressions:
            if problem := _problem(expression, checks_values=checks_values):
                raise ConfigError(f"this selector is wrong: {problem}", file=location.place)

    def __bool__(self) -> bool:
        return bool(self._expressions)

    @property
    def keys(self) -> frozenset[str]:
        """The labels that it asks for."""
        return frozenset(expression.key for expression in self._expressions)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Say whether all expressions hold; an empty selector matches everything."""
        return all(_holds(expression, labels) for expression in self._expressions)


def _problem(expression: Expression, *, checks_values: bool) -> str:
    key, operator, values = expression
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


def _holds(expression: Expression, labels: Mapping[str, str]) -> bool:
    key, operator, values = expression
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    return (key in labels) == (operator == "Exists")
