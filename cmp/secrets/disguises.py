"""The forms in which programs print a text: encoded, quoted, escaped, in capitals.

Helm, kustomize, helmfile, cue and sops are written in Go: these functions do as those of Go's standard library and of
go-yaml, and as Python's where they differ.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GO_ESCAPES = {char: f"\\{name}" for char, name in zip('\a\b\f\n\r\t\v\\"', 'abfnrtv\\"', strict=True)}
_YAML_ESCAPES = _GO_ESCAPES | {
    char: f"\\{name}" for char, name in zip("\0\x1b\x85\xa0\u2028\u2029", "0eN_LP", strict=True)
}
_IN_JSON = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}
_ENTITIES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_QUOTES = tuple(
    {**_ENTITIES, ord('"'): double, ord("'"): single, **others}
    for double, single, others in (
        ("&#34;", "&#39;", {}),  # Go's html.EscapeString
        ("&#34;", "&#39;", {ord("+"): "&#43;"}),  # Go's html/template
        ("&quot;", "&#x27;", {}),  # Python's html.escape
        ("&quot;", "&#39;", {}),
        ("&quot;", "&apos;", {}),
    )
)


def disguises(value: str) -> set[str]:
    """Return the value and its other forms; bytes that are not UTF-8 are surrogates in it."""
    cased = {_upper(value), _lower(value)}
    return {*_spelled(value, cased), *cased, *hexadecimal(value), *map(value.translate, _QUOTES)}


def quotations(value: str) -> set[str]:
    """Return the value and its quoted and base64 forms, which a piece of a larger text may have."""
    return _spelled(value, set())


def hexadecimal(value: str) -> set[str]:
    """Return the bytes of the value in hexadecimal digits."""
    digits = _bytes(value).hex()
    return {digits, digits.upper()}


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _spelled(value: str, others: set[str]) -> set[str]:
    """Return the quoted forms of the value and of `others`, and the encoded forms of the value."""
    raw = _bytes(value)
    is_token = value.isascii() and ("x" + value.replace("-", "_")).isidentifier()
    if is_token:  # quoting does not change it: the usual secret, and fast
        return {value, *_base64(raw)}
    from urllib.parse import quote, quote_plus  # noqa: PLC0415  # not needed for a token

    return {
        raw.decode("utf-8", "replace"),
        *(form for text in (value, *others) for form in _quoted(text)),
        *(quote(raw, safe=safe) for safe in ("", "/", "$&+,/:;=@")),  # Go: QueryEscape, PathEscape and whole paths
        quote_plus(raw),
        *_base64(raw),
    }


def _quoted(value: str) -> Iterator[str]:
    import json  # noqa: PLC0415  # not needed for a token

    in_go = _go_quoted(value)
    in_json = json.dumps(value, ensure_ascii=False)[1:-1]
    yield from (value, in_go, in_json, json.dumps(value)[1:-1])
    yield value.replace("'", "''")  # YAML, single-quoted
    yield _go_quoted(value, str.isascii)
    yield in_go.replace('\\"', '"').replace("'", "\\'")  # in the findings of a JSON Schema
    yield _yaml_quoted(value)
    yield _quoted_as_time(_bytes(value))
    yield _formatted(value)
    yield in_json.translate(_IN_JSON)  # as Go's encoding/json does


def _upper(value: str) -> str:
    """Return the value in capitals as Go does, where a letter stays one letter (ß does not become SS)."""
    return value.upper() if value.isascii() else "".join(_same_length(char, char.upper()) for char in value)


def _lower(value: str) -> str:
    if value.isascii():
        return value.lower()
    return "".join("i" if char == "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}" else char.lower() for char in value)


def _same_length(char: str, changed: str) -> str:
    return changed if len(changed) == 1 else char


def _base64(raw: bytes) -> Iterator[str]:
    """Yield the encoded value, and its part of a longer encoded text at each of the three alignments."""
    from binascii import b2a_base64  # noqa: PLC0415  # only for a message

    for lead in range(3):
        whole = b2a_base64(b"\0" * lead + raw, newline=False).decode()
        # A character that also depends on the text before or after the value is not part of the pattern.
        core = whole[(0, 2, 3)[lead] :].rstrip("=")
        core = core[:-1] if (lead + len(raw)) % 3 else core
        for form in (whole, whole.rstrip("="), core) if lead == 0 else (core,):
            if len(form) > 1:
                yield form
                yield form.translate({ord("+"): "-", ord("/"): "_"})


def _go_quoted(value: str, is_plain: Callable[[str], bool] = str.isprintable) -> str:
    """Quote as Go's strconv.Quote does, without the quotes; characters that are `is_plain` stay as they are."""
    return "".join(_GO_ESCAPES.get(char) or _go_character(char, is_plain) for char in value)


def _go_character(char: str, is_plain: Callable[[str], bool]) -> str:
    code = ord(char)
    if char.isprintable() and is_plain(char):
        return char
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004  # a byte that is not UTF-8, as surrogateescape keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:  # noqa: PLR2004  # ASCII
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def _yaml_quoted(value: str) -> str:
    """Quote as go-yaml does between double quotes, without the quotes."""
    return "".join(_YAML_ESCAPES.get(char) or _yaml_character(char) for char in value)


def _yaml_character(char: str) -> str:
    code = ord(char)
    if " " <= char <= "~" or ("\xa0" < char < "\ufffe" and char != "\ufeff"):
        return char
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"  # noqa: PLR2004


def _quoted_as_time(raw: bytes) -> str:
    """Quote as Go's package time does a text that it cannot parse, without the quotes."""
    return "".join(
        f"\\x{byte:02x}" if byte >= 0x80 or byte < 0x20 else f"\\{chr(byte)}" if byte in b'"\\' else chr(byte)  # noqa: PLR2004
        for byte in raw
    )


def _formatted(value: str) -> str:
    """Return the output of Go for the value as a format string, as Helm 3.14 has it with the message of `required`."""
    complete = re.sub(r"%[-+# 0]*\d*(?:\.\d*)?$", "", value)  # the form of a last verb depends on the text after it
    return re.sub(r"%[-+# 0]*+\d*+(?:\.\d*+)?+(.)", _without_operand, complete, flags=re.DOTALL)


def _without_operand(verb: re.Match[str]) -> str:
    return "%" if verb[1] == "%" else f"%!{verb[1]}(MISSING)"
