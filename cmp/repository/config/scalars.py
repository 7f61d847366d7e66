"""What a plain scalar means in YAML 1.2's core schema: the one that editors check configuration files with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cmp.yamldoc.nodes import Node

Meaning = Literal["text", "a number", "true or false", "nothing"]

TRUE = frozenset({"true", "True", "TRUE"})
FALSE = frozenset({"false", "False", "FALSE"})

_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def meaning(node: Node) -> Meaning:
    """Say what a scalar is to a reader of YAML."""
    if not node.plain:
        return "text"
    if node.is_nothing:
        return "nothing"
    if node.text in TRUE or node.text in FALSE:
        return "true or false"
    return "a number" if _NUMBER.fullmatch(node.text) else "text"


def is_number(node: Node, number: int) -> bool:
    """Say whether a scalar is this whole number, however it is written."""
    if meaning(node) != "a number":
        return False
    if node.text[:2] in {"0o", "0x"}:
        return int(node.text, 0) == number
    return float(node.text.lower().replace(".inf", "inf").replace(".nan", "nan")) == number
