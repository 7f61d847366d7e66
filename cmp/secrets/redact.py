"""Replace every known secret in text that leaves the program: messages, logs, reports.

One `Redactor` a run, made in `cli` and passed down.  It learns while files are decrypted and works only when something
is said: parsing the decrypted files, and reading what is in clear beside them, costs time that a run without a message
does not spend.

A secret is replaced as it is and in the disguises of cmp/secrets/disguises.py.  A part of one, such as a line, or
what is left of a value that was cut off, is replaced from `LEAST` characters on, unless nothing is secret about it: it
is the armour of a PEM file, or stands in clear in what the run reads anyway.  docs/operations.md lists what is not
recognised.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import CmpError, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp.secrets.textsearch import Part

MASK = "‹secret›"
CIPHERTEXT = "ENC[AES256_GCM,"

SHORT = 6  # below this many characters, a value is masked only where it is a whole scalar
TRIVIAL = frozenset(("default", "disabled", "enabled", "localhost", "password", "postgres", "secret", "username"))
# What stands before and after a whole scalar in messages, JSON, YAML and Go's print of a map.
BEFORE = r"""(^[ \t]*(?:- )*|["'`]|[:=] ?|[\[({,] ?|\bgot )"""
AFTER = r"""(?=["'`\])},;]|[ \t\r]*$| [\w.-]+:)"""
_ARMOUR = re.compile(r"-----(?:BEGIN|END) [^\n-]*-----")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BLANK = r"\s+(?:\\\s*)?"  # where YAML folds a long text, with the backslash that it has between double quotes


class Secret(NamedTuple):
    """A secret, and the path of its leaf in the encrypted file, such as `db.password`; empty where it has none.

    With a `label` it is no secret but the stand-in of one whose key is not here, and that is what to show.  What
    `is_part` is a part of a secret, which may also stand in clear elsewhere.
    """

    text: str
    path: str = ""
    label: str = ""
    is_part: bool = False


class _Found(NamedTuple):
    """A place in a text that is to be replaced, and what it is."""

    start: int
    end: int
    secret: Secret


def _masked(_: Secret) -> str:
    return MASK


class Redactor:
    """Knows the secrets of one run, what programs make of them, and what stands in clear beside them."""

    def __init__(self) -> None:
        self._pairs: list[tuple[bytes, bytes]] = []
        self._sources: dict[str, Secret] = {}  # the secrets that parts are looked for of, by their text
        self._clear = _Clear()

    @cached_property
    def _forms(self) -> _Forms:
        """The forms of secrets that are masked wherever they occur."""
        return _Forms()

    @cached_property
    def _scalars(self) -> _Forms:
        """The forms of those that are masked only where they are whole scalars."""
        return _Forms()

    def learn(self, encrypted: bytes, plain: bytes) -> None:
        """Take a file before and after decryption: the leaves that were ciphertext are secrets, the others are not.

        It is parsed when `mask` first needs it; where the two cannot be compared, all of the plaintext is secret.
        """
        self._pairs.append((encrypted, plain))
        self.compare(lambda: (encrypted,))

    def compare(self, inputs: Callable[[], Iterable[bytes]]) -> None:
        """Take what the run reads and is in clear; it is read when a part of a secret is first found in a message."""
        self._clear.add(inputs)

    def add(self, value: str) -> None:
        """Take one secret, such as a password of a chart repository."""
        self.note(Secret(value))

    def note(self, secret: Secret) -> None:
        """Take one secret with its path; where several have the same text, the first in order counts."""
        from cmp.secrets import disguises  # noqa: PLC0415  # only when something is said

        text = secret.text.strip()
        found = secret._replace(text=text)
        if secret.is_part and _is_armour(text):
            return
        if len(text) < SHORT or text.lower() in TRIVIAL:
            # Two digits in hexadecimal are a number as any other.
            self._scalars.add(found, disguises.disguises(text) - disguises.hexadecimal(text))
            return
        for known in {secret.text, text}:
            # The blanks at its ends are layout, and often the line break before the next part of a message.
            self._forms.add(found, {form.strip() for form in disguises.disguises(known)})
        if not (secret.is_part or secret.label):
            self._note_parts(found)

    def _note_parts(self, secret: Secret) -> None:
        from cmp.secrets import disguises, textsearch  # noqa: PLC0415  # see above

        if len(secret.text) > textsearch.LEAST and secret.text not in self._sources:
            self._sources[secret.text] = secret
            self._forms.texts.add_parts(secret.text)
        for line in {line.strip() for line in secret.text.splitlines()} - {secret.text}:
            if len(line) >= SHORT and not _is_armour(line):
                forms = {form.strip() for form in disguises.quotations(line)}
                self._forms.add(secret._replace(text=line, is_part=True), forms)

    def mask(self, text: str) -> str:
        """Return the text with `‹secret›` for every form of every secret, the longest first; never raises."""
        try:
            return self.labelled(text, _masked)
        except Exception:  # noqa: BLE001  # or a traceback would tell the message, and the secret that caused it
            return f"{MASK} (a bug in cmp: what is secret in this message cannot be told, so it is withheld)"

    def labelled(self, text: str, label: Callable[[Secret], str]) -> str:
        """Return the text with a label of its own for each secret, as `mask` does."""
        self._parse()
        pieces, done = [], 0
        for start, end, secret in _merged(self._found(text)):
            pieces += [text[done:start], label(secret)]
            done = end
        return self._without_scalars("".join([*pieces, text[done:]]), label)

    def may_hold(self, text: str) -> bool:
        """Whether any form of a secret occurs in the text, also one that `mask` would leave where it is."""
        self._parse()
        return bool(self._scalars.present(text)) or any(True for _ in self._found(text))

    def whole(self, scalar: str) -> Secret | None:
        """Return the secret that a scalar is as a whole, in whichever form."""
        self._parse()
        secret = self._forms.get(scalar.strip()) or self._scalars.get(scalar.strip())
        return secret if secret and self._is_secret(secret) else None

    def _parse(self) -> None:
        while self._pairs:
            for secret in _secrets(*self._pairs[-1]):
                self.note(secret)
            self._pairs.pop()

    def _found(self, text: str) -> Iterator[_Found]:
        """Yield all that is secret in the text and longer than a word; the places may overlap."""
        found, of_secrets = self._forms.occurrences(text)
        wholes = list(_merged(one for one in found if not one.secret.is_part))
        yield from wholes
        parts = [one for one in found if one.secret.is_part]
        for part in map(_trimmed, of_secrets):
            if _tells_something(part):
                secret = self._sources[part.text]._replace(text=part.own, is_part=True)
                parts.append(_Found(part.start, part.end, secret))
        starts = [one.start for one in wholes]
        for one in parts:
            before = bisect_right(starts, one.start) - 1
            is_in_a_whole = before >= 0 and one.end <= wholes[before].end
            if not is_in_a_whole and self._is_secret(one.secret):
                yield one

    def _without_scalars(self, text: str, label: Callable[[Secret], str]) -> str:
        """Replace short secrets where they are whole scalars."""
        present = {form for form in self._scalars.present(text) if self._is_secret(self._scalars[form])}
        if not present:
            return text
        alternation = "|".join(re.escape(form) for form in sorted(present, key=len, reverse=True))

        def replacement(found: re.Match[str]) -> str:
            return found[1] + label(self._scalars[found[2]])

        return re.sub(f"{BEFORE}({alternation}){AFTER}", replacement, text, flags=re.MULTILINE)

    def _is_secret(self, secret: Secret) -> bool:
        return not secret.is_part or not self._clear.has(secret.text.strip())


class _Forms(dict[str, Secret]):
    """Forms of secrets, which are found in a text also where YAML folded them."""

    def __init__(self) -> None:
        from cmp.secrets.textsearch import Texts  # noqa: PLC0415  # only when something is said

        super().__init__()
        self.texts = Texts()
        self._folded = Texts()
        self._unfolded: dict[str, str] = {}  # a form by what it is with one blank for each of its gaps

    def add(self, secret: Secret, forms: set[str]) -> None:
        """Remember forms of a secret; where several secrets have one, the first in order counts, whoever came first."""
        for form in forms - {""}:
            if form not in self:
                self._index(form)
            self[form] = _first(self.get(form), secret)

    def _index(self, form: str) -> None:
        self.texts.add(form)
        folded = re.sub(_BLANK, " ", form) if " " in form or "\n" in form else ""
        if folded and folded not in self._unfolded:
            self._unfolded[folded] = form
            self._folded.add(folded)

    def occurrences(self, text: str) -> tuple[list[_Found], list[Part]]:
        """Return each place of a form, and each of a part of a secret."""
        wholes, parts = self.texts.occurrences(text)
        found = [_Found(one.start, one.end, self[one.text]) for one in wholes]
        for form in self._folded_in(text):
            pattern = _BLANK.join(map(re.escape, re.split(_BLANK, form)))
            found += [_Found(*one.span(), self[form]) for one in re.finditer(pattern, text)]
        return found, parts

    def present(self, text: str) -> set[str]:
        """Return the forms that occur as they are."""
        return {one.text for one in self.texts.occurrences(text)[0]}

    def _folded_in(self, text: str) -> set[str]:
        if not self._unfolded:
            return set()
        wholes, _ = self._folded.occurrences(re.sub(_BLANK, " ", text))
        return {self._unfolded[one.text] for one in wholes}


class _Clear:
    """What a run reads and is in clear, read only when it is asked for."""

    def __init__(self) -> None:
        self._unread: list[Callable[[], Iterable[bytes]]] = []
        self._texts: list[str] = []
        self._known: dict[str, bool] = {}

    def add(self, inputs: Callable[[], Iterable[bytes]]) -> None:
        self._unread.append(inputs)
        self._known.clear()

    def has(self, text: str) -> bool:
        """Whether the text stands somewhere in it."""
        while self._unread:
            with suppress(CmpError, OSError):  # it is gone: then more is masked than need be
                for data in self._unread[-1]():
                    self._texts.append(data.decode("utf-8", "replace"))
            self._unread.pop()
        if text not in self._known:
            self._known[text] = any(text in one for one in self._texts)
        return self._known[text]


def _first(known: Secret | None, secret: Secret) -> Secret:
    """Return the first of two secrets that have the same form; a part of one comes after a whole one."""
    return secret if known is None else min(known, secret, key=lambda one: (one.is_part, one))


def _is_armour(text: str) -> bool:
    """Say whether a part of a secret is the first or last line of a PEM file, with hardly anything beside it."""
    return "-----" in text and len(_ARMOUR.sub("", text).strip()) < SHORT


def _trimmed(part: Part) -> Part:
    """Return a part without the blanks at its ends, which are layout."""
    own = part.own
    left, right = len(own) - len(own.lstrip()), len(own) - len(own.rstrip())
    return part._replace(start=part.start + left, end=part.end - right, offset=part.offset + left)


def _tells_something(part: Part) -> bool:
    """Say whether a part is long enough without the armour of a PEM file, whole or cut off, that it has in it."""
    from cmp.secrets.textsearch import LEAST  # noqa: PLC0415  # see above

    start, end = part.offset, part.offset + len(part.own)
    armour = (range(max(start, found.start()), min(end, found.end())) for found in _ARMOUR.finditer(part.text))
    return end - start - sum(map(len, armour)) >= LEAST


def _merged(found: Iterable[_Found]) -> Iterator[_Found]:
    """Yield places that overlap as one, called by the longest: of none of them may the rest be left."""
    longest: _Found | None = None
    start = end = 0
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if longest is not None and one.start < end:
            end = max(end, one.end)
            longest = max(longest, one, key=lambda each: each.end - each.start)
            continue
        if longest is not None:
            yield _Found(start, end, longest.secret)
        longest, (start, end, _) = one, one
    if longest is not None:
        yield _Found(start, end, longest.secret)


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
            if re.search(r"\w", part) and not _is_armour(line):
                yield Secret(part, is_part=True)
                yield Secret(part.strip("*&!'\"[]{},- "), is_part=True)  # what YAML reads as something else than text


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
