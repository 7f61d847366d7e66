"""The value of a scalar as go-yaml v2 resolves it (its resolve.go), and so Argo CD, Helm and kustomize."""

from __future__ import annotations

import re
from math import isfinite

INT64_MIN, INT64_MAX, UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1

# The values of plain scalars that do not begin like a number; all others are text.
WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
}
NUMBER_START = frozenset("+-.0123456789")

_NON_FINITE = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
# strconv.ParseInt with base 0, after go-yaml has removed every underscore; the last form is a quirk of go-yaml's own.
_INT = re.compile(
    r"(?P<sign>[-+]?)"
    r"(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[oO]?(?P<octal>[0-7]+)|0[bB](?P<binary>[01]+)|(?P<decimal>0|[1-9][0-9]*))"
    r"|0b(?P<odd>[-+][01]+)"
)
_BASES = {"hex": 16, "octal": 8, "binary": 2, "decimal": 10, "odd": 2}
_MAX_DECIMAL_DIGITS = 20  # of an uint64; Python refuses to convert very long ones
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# A text that begins with a dot goes to strconv.ParseFloat as it is, which takes an underscore between digits only.
_DOT_FLOAT = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[-+]([0-9]{2}):([0-9]{2})))"
    r"|(?: ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?))?"
)

_CLOCK = (24, 60, 60, 25, 60, 24, 60, 60)  # the limits of the last groups of a timestamp
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_UNDECODED = re.compile("[\udc80-\udcff]")

_STANDARD = "tag:yaml.org,2002:"


def resolve_plain(text: str) -> object:
    """Return the value of a plain scalar without a tag."""
    return resolve_number(text) if text[:1] in NUMBER_START else WORDS.get(text, text)


def resolve_number(text: str) -> int | float | str:
    """Return the value of a plain scalar that begins like a number; beyond 64 bits it may be a float, or text."""
    if text in _NON_FINITE:
        return _NON_FINITE[text]
    if text[0] == ".":
        return _float(text.replace("_", ""), text) if _DOT_FLOAT.fullmatch(text) else text
    digits = text.replace("_", "")
    number = _INT.fullmatch(digits)
    value = _int(number) if number else None
    if value is not None:
        return value
    return _float(digits, text) if _FLOAT.fullmatch(digits) else text


def _int(number: re.Match[str]) -> int | None:
    base = number.lastgroup or ""
    digits = number[base]
    if base == "decimal" and len(digits) > _MAX_DECIMAL_DIGITS:
        return None
    value = int((number["sign"] or "") + digits, _BASES[base])
    largest = INT64_MAX if number["sign"] or base == "odd" else UINT64_MAX
    return value if INT64_MIN <= value <= largest else None


def _float(digits: str, text: str) -> float | str:
    value = float(digits)
    return value if isfinite(value) else text


def resolve_tagged(tag: str, text: str) -> object:
    """Return the value of a scalar with an explicit tag; ValueError (without the text) when they do not fit."""
    kind = tag.removeprefix(_STANDARD) if tag.startswith(_STANDARD) else ""
    if kind == "binary":
        return _binary(text)
    if kind == "timestamp":
        return _timestamp(text)
    if kind not in _FITS:
        return text  # !!str, and any private tag, which is dropped
    value = resolve_plain(text)
    if kind == "float" and type(value) is int and value <= INT64_MAX:
        return float(value)
    if type(value) is not _FITS[kind]:
        raise ValueError(f"the scalar is not a !!{kind}")
    return value


_FITS: dict[str, type] = {"bool": bool, "int": int, "float": float, "null": type(None)}


def _binary(text: str) -> str:
    from binascii import a2b_base64  # noqa: PLC0415  # rare

    encoded = text.replace("\r", "").replace("\n", "")
    if not _BASE64.fullmatch(encoded):
        raise ValueError("the scalar is not base64")
    decoded = a2b_base64(encoded).decode(errors="surrogateescape")
    # Go's JSON encoder writes one replacement character for each byte that is not UTF-8.
    return _UNDECODED.sub("\ufffd", decoded)


def _timestamp(text: str) -> str:
    match = _TIMESTAMP.fullmatch(text)
    if match is None or not _is_moment(*(int(part or 0) for part in match.groups())):
        raise ValueError("the scalar is not a !!timestamp")
    return text


def _is_moment(year: int, month: int, day: int, *clock: int) -> bool:
    import datetime as dt  # noqa: PLC0415  # rare

    try:
        dt.date(year or 4, month, day)  # Go has a year 0, a leap year
    except ValueError:
        return False
    return all(part < limit for part, limit in zip(clock, _CLOCK, strict=True))


def key_text(value: object) -> str | None:
    """Return a mapping's key as sigs.k8s.io/yaml writes it in JSON; None when it cannot."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is int:
        return str(value) if value <= INT64_MAX else None
    return _float32_text(value) if type(value) is float else None


def _float32_text(value: float) -> str:
    """Print as strconv.FormatFloat(value, 'g', -1, 32) does: the fewest digits that are the same 32-bit float."""
    import struct  # noqa: PLC0415  # rare

    def narrow(number: float) -> float:
        try:
            return float(struct.unpack("f", struct.pack("f", number))[0])
        except OverflowError:
            return float("inf") if number > 0 else float("-inf")

    single = narrow(value)
    if not isfinite(single):
        return {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}[str(single)]
    shortest = next(text for text in (f"{single:.{n}e}" for n in range(9)) if narrow(float(text)) == single)
    mantissa, exponent = shortest.split("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent)
    if -4 <= int(exponent) < 6:  # noqa: PLR2004  # where Go's %g leaves the exponent out
        return f"{single:.{max(0, decimals)}f}"
    return f"{mantissa}e{int(exponent):+03d}"
