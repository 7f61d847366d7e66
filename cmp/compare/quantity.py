"""Kubernetes' quantities: `10Gi`, `1.5`, `500m`, `1e3`."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,3})?")
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)}
_SMALL = {letter: Decimal(1).scaleb(-power) for letter, power in (("m", 3), ("u", 6), ("n", 9))}
_FACTORS = {"": Decimal(1), **_BINARY, **_DECIMAL, **_SMALL}


def quantity(value: object) -> Decimal | None:
    """Return the number that a quantity means, None where the text is none."""
    match = _QUANTITY.fullmatch(str(value))
    if not match:
        return None
    number, suffix = Decimal(match[1]), match[2] or ""
    factor = _FACTORS.get(suffix)
    return number.scaleb(int(suffix[1:])) if factor is None else number * factor
