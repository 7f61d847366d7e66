"""Values -> JSON, as Go's encoding/json prints them with HTML escaping off."""

from __future__ import annotations

from math import copysign, isfinite

_SCIENTIFIC_BELOW, _SCIENTIFIC_FROM = 1e-6, 1e21


def to_json(value: object) -> str:
    """Return JSON without blanks, keys sorted, numbers as Go prints them; `<`, `>` and `&` stay as they are.

    Raises ValueError for what JSON cannot hold: a number that is not finite.
    """
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(key)}:{to_json(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_json, value)) + "]"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _string(text: str) -> str:
    from json.encoder import encode_basestring  # noqa: PLC0415  # only `--output json` needs it

    return encode_basestring(text).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _number(value: float) -> str:
    """Print the fewest digits that are the same float (`repr` finds them), laid out as Go does."""
    if not isfinite(value):
        raise ValueError("JSON has no number that is not finite")
    if value and not _SCIENTIFIC_BELOW <= abs(value) < _SCIENTIFIC_FROM:
        return repr(value).replace("e-0", "e-")
    mantissa, _, power = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.removesuffix(".0").partition(".")
    digits, exponent = whole + fraction, int(power or 0) - len(fraction)
    if exponent < 0:
        digits = digits.zfill(1 - exponent)
        digits = f"{digits[:exponent]}.{digits[exponent:]}"
    sign = "-" if copysign(1, value) < 0 else ""
    return sign + digits + "0" * exponent
