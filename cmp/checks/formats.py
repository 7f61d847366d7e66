"""The formats of texts that the API server checks in custom kinds.

It ignores all others.  Here stand those that a few lines judge as it does; of the rest (`creditcard`, `isbn`…) every
text is taken.  Source: k8s.io/kube-openapi, pkg/validation/strfmt, and what it calls in Go.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UUID = r"(?i:[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?{variant}[0-9a-f]{{3}}-?[0-9a-f]{{12}})"
_ANY, _VARIANT = "[0-9a-f]", "[89ab]"
_BYTE = "[0-9A-Fa-f]{2}"
_PAIR = f"{_BYTE}{_BYTE}"
_BASE64 = "[A-Za-z0-9+/]"
_MAX_PREFIX = {4: 32, 6: 128}
_OCTETS, _MAX_OCTET = 4, 255

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:.[0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})")
_URI = re.compile(r"/|\*$|[A-Za-z][A-Za-z0-9+.-]*:")
_DURATION = re.compile(r"[0-9]\.?\s*[A-Za-zµμ]")


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _is_ipv4(text: str) -> bool:
    if ":" in text:
        return "." in text and _is_ipv6(text)
    octets = text.split(".")
    return len(octets) == _OCTETS and all(_is_number(octet, _MAX_OCTET) for octet in octets)


def _is_number(text: str, at_most: int) -> bool:
    """Tell whether a text is a number; it may begin with zeros, as in Go before 1.17."""
    digits = text.lstrip("0")
    is_number = text.isascii() and text.isdecimal() and len(digits) <= len(str(at_most))
    return is_number and int(digits or "0") <= at_most


def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in text and ipaddress.IPv6Address(text) is not None
    except ValueError:
        return False


def _is_cidr(text: str) -> bool:
    address, _, prefix = text.partition("/")
    version = 6 if _is_ipv6(address) else 4 if _is_ipv4(address) else 0
    return bool(version) and _is_number(prefix, _MAX_PREFIX[version])


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if not found:
        return False
    year, month, day = (int(part) for part in found.groups())
    try:
        return date(year or 4, month, day) is not None  # Go has a year 0, a leap year, and Python has not
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    day, *rest = text.lower().split("t")
    return bool(rest) and _is_date(day) and _CLOCK.fullmatch(rest[0]) is not None


def _is_duration(text: str) -> bool:
    return text.lstrip("+-") == "0" or _DURATION.search(text) is not None


def _is_uri(text: str) -> bool:
    return _URI.match(text) is not None


# By the name without hyphens, as the server compares them: how a text is judged, and what it should be.
FORMATS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "bsonobjectid": (_matches("[0-9a-fA-F]{24}"), "24 hexadecimal digits"),
    "byte": (_matches(f"(?:{_BASE64}{{4}})*(?:{_BASE64}{{2}}==|{_BASE64}{{3}}=|{_BASE64}{{4}})"), "base64"),
    "cidr": (_is_cidr, "a network such as `10.0.0.0/8`"),
    "date": (_is_date, "a date such as `2006-01-02`"),
    "datetime": (_is_moment, "a time such as `2006-01-02T15:04:05Z`"),
    "duration": (_is_duration, "a duration such as `1h30m`"),
    "email": (lambda text: "@" in text, "an address of e-mail"),
    "hexcolor": (_matches("#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})"), "a colour such as `#ff8800`"),
    "ipv4": (_is_ipv4, "an IPv4 address"),
    "ipv6": (_is_ipv6, "an IPv6 address"),
    "mac": (
        _matches(
            f"{_BYTE}(?:(?::{_BYTE}){{5}}|(?::{_BYTE}){{7}}|(?::{_BYTE}){{19}}"
            f"|(?:-{_BYTE}){{5}}|(?:-{_BYTE}){{7}}|(?:-{_BYTE}){{19}})"
            rf"|{_PAIR}(?:(?:\.{_PAIR}){{2}}|(?:\.{_PAIR}){{3}}|(?:\.{_PAIR}){{9}})"
        ),
        "a MAC address",
    ),
    "uri": (_is_uri, "a URI"),
    "uuid": (_matches(_UUID.format(version=_ANY, variant=_ANY)), "a UUID"),
    "uuid3": (_matches(_UUID.format(version="3", variant=_ANY)), "a UUID of version 3"),
    "uuid4": (_matches(_UUID.format(version="4", variant=_VARIANT)), "a UUID of version 4"),
    "uuid5": (_matches(_UUID.format(version="5", variant=_VARIANT)), "a UUID of version 5"),
}


def known_format(name: object, kind: object) -> str:
    """Return the name of a format in FORMATS; empty for one that is not judged, or that is for no texts."""
    plain = name.replace("-", "") if isinstance(name, str) and kind in (None, "", "string") else ""
    return plain if plain in FORMATS else ""
