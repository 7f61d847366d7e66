"""Replace every known secret in text that leaves the program: messages, logs, reports.

One `Redactor` a run, made in `cli` and passed down.  It learns while files are decrypted and works only when something
is said: parsing the decrypted files costs time that a run without a message does not spend.

Where a secret is cut off, its rest is not recognised: mask first, then shorten.  Nor is what a program makes of it in
ways of its own: in capitals, hashed, encoded twice, a word of it quoted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MASK = "‹secret›"
CIPHERTEXT = "ENC[AES256_GCM,"

SHORT = 6  # below this many characters, a value is masked only where it is a whole scalar
TRIVIAL = frozenset(("default", "disabled", "enabled", "localhost", "password", "postgres", "secret", "username"))
# What stands before and after a whole scalar in messages, JSON, YAML and Go's print of a map.
BEFORE = r"""(^[ \t]*(?:- )*|["'`]|[:=] ?|[\[({,] ?|\bgot )"""
AFTER = r"""(?=["'`\])},;]|[ \t\r]*$| [\w.-]+:)"""
_GO_ESCAPES = {char: f"\\{name}" for char, name in zip('\a\b\f\n\r\t\v\\"', 'abfnrtv\\"', strict=True)}
_YAML_ESCAPES = _GO_ESCAPES | {
    char: f"\\{name}" for char, name in zip("\0\x1b\x85\xa0\u2028\u2029", "0eN_LP", strict=True)
}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BLANK = r"\s+(?:\\\s*)?"  # where YAML folds a long text, with the backslash that it has between double quotes


class Secret(NamedTuple):
    """A secret, and the path of its leaf in the encrypted file, such as `db.password`; empty where it has none.

    With a `label` it is no secret but the stand-in of one whose key is not here, and that is what to show.
    """

    text: str
    path: str = ""
    label: str = ""


def _masked(_: Secret) -> str:
    return MASK


class Redactor:
    """Knows the secrets of one run and their usual disguises: base64, URL-encoded, JSON- and Go-quoted."""

    def __init__(self) -> None:
        self._pairs: list[tuple[bytes, bytes]] = []
        self._forms: dict[str, Secret] = {}
        self._whole: dict[str, Secret] = {}

    def learn(self, encrypted: bytes, plain: bytes) -> None:
        """Take a file before and after decryption: the leaves that were ciphertext are secrets, the others are not.

        It is parsed when `mask` first needs it; where the two cannot be compared, all of the plaintext is secret.
        """
        self._pairs.append((encrypted, plain))

    def add(self, value: str) -> None:
        """Take one secret, such as a password of a chart repository."""
        self.note(Secret(value))

    def note(self, secret: Secret) -> None:
        """Take one secret with its path; where several have the same text, the first in order counts."""
        text = secret.text.strip()
        found = secret._replace(text=text)
        if len(text) < SHORT or text.lower() in TRIVIAL:
            _note(self._whole, found, disguises(text) if text else set())
            return
        for known in {secret.text, text}:
            # The blanks at its ends are layout, and often the line break before the next part of a message.
            _note(self._forms, found, {form.strip() for form in disguises(known)})
        for line in {line.strip() for line in text.splitlines() if len(line.strip()) >= SHORT} - {text}:
            _note(self._forms, found._replace(text=line), {form.strip() for form in disguises(line)})

    def mask(self, text: str) -> str:
        """Return the text with `‹secret›` for every form of every secret, the longest first; never raises."""
        try:
            return self.labelled(text, _masked)
        except Exception:  # noqa: BLE001  # or a traceback would tell the message, and the secret that caused it
            return f"{MASK} (a bug in cmp: what is secret in this message cannot be told, so it is withheld)"

    def labelled(self, text: str, label: Callable[[Secret], str]) -> str:
        """Return the text with a label of its own for each secret, as `mask` does."""
        self._parse()
        text = _replaced(self._forms, text, ("", ""), label)
        return _replaced(self._whole, text, (BEFORE, AFTER), label)

    def may_hold(self, text: str) -> bool:
        """Whether any form of a secret occurs in the text, also one that `mask` would leave where it is."""
        self._parse()
        return bool(_present(self._forms, text) or _present(self._whole, text))

    def whole(self, scalar: str) -> Secret | None:
        """Return the secret that a scalar is as a whole, in whichever form."""
        self._parse()
        return self._forms.get(scalar.strip()) or self._whole.get(scalar.strip())

    def _parse(self) -> None:
        while self._pairs:
            for secret in _secrets(*self._pairs[-1]):
                self.note(secret)
            self._pairs.pop()


def _note(known: dict[str, Secret], secret: Secret, forms: set[str]) -> None:
    """Remember forms of a secret; where several secrets have one, the first in order counts, whoever came first."""
    for form in forms:
        known[form] = min(known.get(form, secret), secret)


def _replaced(forms: Mapping[str, Secret], text: str, around: tuple[str, str], label: Callable[[Secret], str]) -> str:
    """Replace the forms that stand between two patterns, of which the first has a group or is empty."""
    present = _present(forms, text)
    if not present:
        return text
    alternation = "|".join(present[form] for form in sorted(present, key=len, reverse=True))
    by_words = {re.sub(_BLANK, " ", form): forms[form] for form in sorted(present, key=len)}

    def replacement(found: re.Match[str]) -> str:
        before = found[1] if found.re.groups else ""
        form = found[0][len(before) :]
        return before + label(forms[form] if form in forms else by_words[re.sub(_BLANK, " ", form)])

    return re.sub(f"{around[0]}(?:{alternation}){around[1]}", replacement, text, flags=re.MULTILINE)


def _present(forms: Mapping[str, Secret], text: str) -> dict[str, str]:
    """Return a pattern for each form that occurs at all: searching each is much faster than one big pattern."""
    folded = re.sub(_BLANK, " ", text)
    patterns = {form: re.escape(form) for form in forms if form in text}
    for form in forms.keys() - patterns.keys():
        if (" " in form or "\n" in form) and re.sub(_BLANK, " ", form) in folded:
            patterns[form] = _BLANK.join(map(re.escape, re.split(_BLANK, form)))
    return patterns


def disguises(value: str) -> set[str]:
    """Return the value and the texts that programs make of it; bytes that are no UTF-8 are surrogates."""
    raw = value.encode("utf-8", "surrogateescape")
    if (
        value.isascii() and ("x" + value.replace("-", "_")).isidentifier()
    ):  # no quoting changes it: the usual token, and fast
        return {value, *_base64(raw)}
    import json  # noqa: PLC0415  # only when something is said
    from urllib.parse import quote, quote_plus  # noqa: PLC0415  # likewise

    quoted = json.dumps(value, ensure_ascii=False)[1:-1]
    return {
        value,
        raw.decode("utf-8", "replace"),
        value.replace("'", "''"),  # YAML, single-quoted
        _go_quoted(value),
        _go_quoted(value, str.isascii),
        _go_quoted(value).replace('\\"', '"').replace("'", "\\'"),  # by a JSON Schema's findings
        _yaml_quoted(value),
        _quoted_as_time(raw),
        _formatted(value),
        json.dumps(value)[1:-1],
        quoted,
        quoted.translate({ord(char): f"\\u{ord(char):04x}" for char in "<>&"}),  # as Go's encoding/json does
        *(quote(raw, safe=safe) for safe in ("", "/", "$&+,/:;=@")),  # Go: QueryEscape, PathEscape and whole paths
        quote_plus(raw),
        *_base64(raw),
    }


def _base64(raw: bytes) -> Iterator[str]:
    """Yield the value encoded, and what is left of it in a longer encoded text, at each of three alignments."""
    from binascii import b2a_base64  # noqa: PLC0415  # only when something is said

    for lead in range(3):
        whole = b2a_base64(b"\0" * lead + raw, newline=False).decode()
        # A character that also depends on what stands before or after the value is not part of the pattern.
        core = whole[(0, 2, 3)[lead] :].rstrip("=")
        core = core[:-1] if (lead + len(raw)) % 3 else core
        for form in (whole, whole.rstrip("="), core) if lead == 0 else (core,):
            if len(form) > 1:
                yield form
                yield form.translate({ord("+"): "-", ord("/"): "_"})


def _go_quoted(value: str, is_plain: Callable[[str], bool] = str.isprintable) -> str:
    """Quote as Go's strconv.Quote does, without the quotes; `is_plain` says which characters stay as they are."""
    return "".join(_GO_ESCAPES.get(char) or _go_character(char, is_plain) for char in value)


def _go_character(char: str, is_plain: Callable[[str], bool]) -> str:
    code = ord(char)
    if char.isprintable() and is_plain(char):
        return char
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004  # a byte that is no UTF-8, as surrogateescape keeps it
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
    """Quote as Go's package time does where it cannot parse something, without the quotes."""
    return "".join(
        f"\\x{byte:02x}" if byte >= 0x80 or byte < 0x20 else f"\\{chr(byte)}" if byte in b'"\\' else chr(byte)  # noqa: PLR2004
        for byte in raw
    )


def _formatted(value: str) -> str:
    """Return what Go prints when it takes the value for a format, as Helm 3.14 does with the message of `required`."""
    complete = re.sub(r"%[-+# 0]*\d*(?:\.\d*)?$", "", value)  # what a last verb becomes depends on the text after it
    return re.sub(r"%[-+# 0]*+\d*+(?:\.\d*+)?+(.)", _without_operand, complete, flags=re.DOTALL)


def _without_operand(verb: re.Match[str]) -> str:
    return "%" if verb[1] == "%" else f"%!{verb[1]}(MISSING)"


def _secrets(encrypted: bytes, plain: bytes) -> Iterator[Secret]:
    """Yield the plaintext of every leaf that was ciphertext; of everything when the files cannot be compared."""
    before, after = _parse(encrypted), _parse(plain)
    if _are_comparable(before, after):
        for first, second in zip(before, after, strict=True):
            yield from _leaves(first, second, "")
        return
    for document in after:
        yield from _leaves(CIPHERTEXT, document, "")
    text = plain.decode("utf-8", "surrogateescape")
    yield Secret(text)
    for line in text.splitlines():
        for part in (line, *re.split(r"[:=]\s*", line, maxsplit=1)[1:]):
            if re.search(r"\w", part):
                yield Secret(part)
                yield Secret(part.strip("*&!'\"[]{},- "))  # what YAML reads as something else than text


def _are_comparable(before: list[object], after: list[object]) -> bool:
    """Say whether the documents have the same shape; the one of a binary file is sops' own `data` and `sops`."""
    return len(before) == len(after) > 0 and all(
        isinstance(first, dict) and isinstance(second, dict) and (first.keys() != {"data", "sops"} or "data" in second)
        for first, second in zip(before, after, strict=True)
    )


def _parse(data: bytes) -> list[object]:
    """Read YAML, JSON, dotenv or INI as documents of nested dicts and lists; nothing when it is none of them."""
    from cmp import yamldoc  # noqa: PLC0415  # only when something is said

    if entries := _entries(data.decode("utf-8", "surrogateescape")):
        return [entries]
    try:
        return yamldoc.load_all(data)
    except (yamldoc.YamlError, ToolError):  # libyaml may be missing
        return []


def _entries(text: str) -> dict[str, str]:
    """Read `NAME=value` lines (dotenv), also below `[section]`s (INI); empty when a line is something else."""
    section, entries = "", {}
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line
        elif line and not line.startswith(("#", ";")):
            name, equals, value = line.partition("=")
            if not equals or not re.fullmatch(r"[\w.-]+ *", name):
                return {}
            entries[f"{section}{name.strip()}"] = value.strip()
    return entries


def _leaves(before: object, after: object, path: str) -> Iterator[Secret]:
    """Walk both sides together; a leaf is public only when it was readable before."""
    if isinstance(after, dict):
        known = before if isinstance(before, dict) else {}
        for key, value in after.items():
            yield from _leaves(known.get(key, CIPHERTEXT), value, f"{path}.{key}" if path else str(key))
    elif isinstance(after, list):
        others = before if isinstance(before, list) else []
        for index, value in enumerate(after):
            yield from _leaves(others[index] if index < len(others) else CIPHERTEXT, value, f"{path}[{index}]")
    elif after is not None and (before is None or isinstance(before, (dict, list)) or _is_ciphertext(before)):
        yield from (Secret(text, path) for text in _printed(after))


def _is_ciphertext(leaf: object) -> bool:
    return isinstance(leaf, str) and leaf.startswith(CIPHERTEXT)


def _printed(leaf: object) -> Iterator[str]:
    """Yield a scalar as text, and a number also as Go prints it after it became a float64 (1.2345678e+07)."""
    if isinstance(leaf, bool):
        yield str(leaf).lower()
        return
    yield str(leaf)
    if isinstance(leaf, (int, float)) and abs(leaf) < 1e300:  # noqa: PLR2004  # what a float64 holds, and no NaN
        from decimal import Decimal  # noqa: PLC0415  # rare, and only when something is said

        number = Decimal(repr(float(leaf))).normalize()
        mantissa, _, exponent = f"{number:e}".partition("e")
        yield f"{mantissa}e{int(exponent):+03d}"
        yield f"{number:f}"  # beyond 2^53 it is another number
        yield f"{Decimal(float(leaf)):f}"  # and another one as an int64
        # By a JSON Schema's findings, Helm 3.18 and newer.
        yield f"{number:,f}"
        yield f"{mantissa}\N{MULTIPLICATION SIGN}10{f'{int(exponent):02d}'.translate(_RAISED)}"
