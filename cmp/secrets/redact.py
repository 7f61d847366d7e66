"""The masking of secrets in all text that leaves the program: messages, logs, reports.

Each run has one `Redactor`, made in `cli` and passed down.  It gets each file as it is decrypted, and works only for a
message: a run without one does not spend the time to parse the decrypted files and to read the clear text beside them.

A secret is replaced as it is and in the disguises of cmp/secrets/disguises.py.  A part of a secret, such as a line or
the rest of a value that was cut off, is replaced from `LEAST` characters on, unless it is public: the armour of a PEM
file, or a text that the run reads in clear anyway.  docs/operations.md lists the forms that are not recognised.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import CmpError, ToolError
from cmp.secrets import sops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp.secrets.textsearch import Part

MASK = "‹secret›"
CIPHERTEXT = sops.CIPHERTEXT.decode()

SHORT = 6  # a value of fewer characters is masked only where it is a whole scalar
TRIVIAL = frozenset(("default", "disabled", "enabled", "localhost", "password", "postgres", "secret", "username"))
# The text before and after a whole scalar in messages, JSON, YAML and Go's print of a map.
BEFORE = r"""(^[ \t]*(?:- )*|["'`]|[:=] ?|[\[({,] ?|\bgot )"""
AFTER = r"""(?=["'`\])},;]|[ \t\r]*$| [\w.-]+:)"""
_ARMOUR = re.compile(r"-----(?:BEGIN|END) [^\n-]*-----")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BLANK = r"\s+(?:\\\s*)?"  # where YAML folds a long text, with the backslash that it has between double quotes


class Secret(NamedTuple):
    """A secret, and the path of its leaf in the encrypted file, such as `db.password`; empty where it has none.

    With a `label` it is the placeholder of a secret whose key is missing, and the label is shown for it.  With
    `is_part` it is a part of a secret, which may also be in clear elsewhere.
    """

    text: str
    path: str = ""
    label: str = ""
    is_part: bool = False


class _Occurrence(NamedTuple):
    """A place in a text that must be replaced, and the secret there."""

    start: int
    end: int
    secret: Secret


def _masked(_: Secret) -> str:
    return MASK


class Redactor:
    """The secrets of one run, their forms in the output of programs, and the clear text beside them."""

    def __init__(self) -> None:
        self._pairs: list[tuple[bytes, bytes]] = []
        self._sources: dict[str, Secret] = {}  # the secrets of which parts are recognised, by their text
        self._clear = _ClearText()

    @cached_property
    def _forms(self) -> _Forms:
        """Return the forms of secrets that are masked wherever they occur."""
        return _Forms()

    @cached_property
    def _scalars(self) -> _Forms:
        """Return the forms of secrets that are masked only where they are whole scalars."""
        return _Forms()

    def learn(self, encrypted: bytes, plain: bytes) -> None:
        """Add a file before and after decryption: the leaves that were ciphertext are secrets, the others are not.

        It is parsed when `mask` first needs it; where the two cannot be compared, all of the plaintext is secret.
        """
        self._pairs.append((encrypted, plain))
        self.add_clear_text(lambda: (encrypted,))

    def add_clear_text(self, inputs: Callable[[], Iterable[bytes]]) -> None:
        """Add files that the run reads in clear; they are read when a message first holds a part of a secret."""
        self._clear.add(inputs)

    def add(self, value: str) -> None:
        """Add the text of a secret, such as a password of a chart repository."""
        self.add_secret(Secret(value))

    def add_secret(self, secret: Secret) -> None:
        """Add a secret with its path; of several with the same text, the first in order counts."""
        from cmp.secrets import disguises  # noqa: PLC0415  # only for a message

        text = secret.text.strip()
        stripped = secret._replace(text=text)
        if secret.is_part and _is_armour(text):
            return
        if len(text) < SHORT or text.lower() in TRIVIAL:
            # Two hexadecimal digits are a usual number.
            self._scalars.add(stripped, disguises.disguises(text) - disguises.hexadecimal(text))
            return
        for known in {secret.text, text}:
            # Blanks at the ends of a form are layout, and often the line break before the next part of a message.
            self._forms.add(stripped, {form.strip() for form in disguises.disguises(known)})
        if not (secret.is_part or secret.label):
            self._add_parts(stripped)

    def _add_parts(self, secret: Secret) -> None:
        from cmp.secrets import disguises, textsearch  # noqa: PLC0415  # see above

        if len(secret.text) > textsearch.LEAST and secret.text not in self._sources:
            self._sources[secret.text] = secret
            self._forms.texts.add_parts(secret.text)
        for line in {line.strip() for line in secret.text.splitlines()} - {secret.text}:
            if len(line) >= SHORT and not _is_armour(line):
                forms = {form.strip() for form in disguises.quotations(line)}
                self._forms.add(secret._replace(text=line, is_part=True), forms)

    def mask(self, text: str) -> str:
        """Return the text with `‹secret›` for each form of each secret, the longest first; never raises."""
        try:
            return self.labelled(text, _masked)
        except Exception:  # noqa: BLE001  # or a traceback would show the message, and the secret that caused it
            return f"{MASK} (a bug in cmp: what is secret in this message cannot be told, so it is withheld)"

    def labelled(self, text: str, label: Callable[[Secret], str]) -> str:
        """Return the text with a label for each secret, in the places where `mask` has `‹secret›`."""
        self._parse()
        pieces, done = [], 0
        for start, end, secret in _merged(self._occurrences(text)):
            pieces += [text[done:start], label(secret)]
            done = end
        return self._without_scalars("".join([*pieces, text[done:]]), label)

    def may_hold(self, text: str) -> bool:
        """Tell whether any form of a secret occurs in the text, also a short one that `mask` would leave."""
        self._parse()
        return bool(self._scalars.present(text)) or any(True for _ in self._occurrences(text))

    def secret_of(self, scalar: str) -> Secret | None:
        """Return the secret whose form is the whole scalar; None for another scalar."""
        self._parse()
        secret = self._forms.get(scalar.strip()) or self._scalars.get(scalar.strip())
        return secret if secret and self._is_secret(secret) else None

    def _parse(self) -> None:
        while self._pairs:
            for secret in _secrets(*self._pairs[-1]):
                self.add_secret(secret)
            self._pairs.pop()

    def _occurrences(self, text: str) -> Iterator[_Occurrence]:
        """Yield the places of secrets, and of parts of them, but for the short ones; the places may overlap."""
        occurrences, parts_of_sources = self._forms.occurrences(text)
        wholes = list(_merged(occurrence for occurrence in occurrences if not occurrence.secret.is_part))
        yield from wholes
        parts = [occurrence for occurrence in occurrences if occurrence.secret.is_part]
        for part in map(_stripped, parts_of_sources):
            if _is_long_enough(part):
                secret = self._sources[part.text]._replace(text=part.own, is_part=True)
                parts.append(_Occurrence(part.start, part.end, secret))
        starts = [whole.start for whole in wholes]
        for part_of_secret in parts:
            before = bisect_right(starts, part_of_secret.start) - 1
            is_in_a_whole = before >= 0 and part_of_secret.end <= wholes[before].end
            if not is_in_a_whole and self._is_secret(part_of_secret.secret):
                yield part_of_secret

    def _without_scalars(self, text: str, label: Callable[[Secret], str]) -> str:
        """Replace short secrets where they are whole scalars."""
        present = {form for form in self._scalars.present(text) if self._is_secret(self._scalars[form])}
        if not present:
            return text
        alternation = "|".join(re.escape(form) for form in sorted(present, key=len, reverse=True))

        def replacement(match: re.Match[str]) -> str:
            return match[1] + label(self._scalars[match[2]])

        return re.sub(f"{BEFORE}({alternation}){AFTER}", replacement, text, flags=re.MULTILINE)

    def _is_secret(self, secret: Secret) -> bool:
        return not secret.is_part or not self._clear.has(secret.text.strip())


class _Forms(dict[str, Secret]):
    """The forms of secrets by their text; they are recognised also where YAML folded them."""

    def __init__(self) -> None:
        from cmp.secrets.textsearch import TextIndex  # noqa: PLC0415  # only for a message

        super().__init__()
        self.texts = TextIndex()
        self._folded = TextIndex()
        self._unfolded: dict[str, str] = {}  # each form by its text with one blank in the place of each gap

    def add(self, secret: Secret, forms: set[str]) -> None:
        """Add forms of a secret; of several secrets with one form, the first in order counts, whichever came first."""
        for form in forms - {""}:
            if form not in self:
                self._index(form)
            # A whole secret comes before a part of one.
            self[form] = min(self.get(form, secret), secret, key=lambda candidate: (candidate.is_part, candidate))

    def _index(self, form: str) -> None:
        self.texts.add(form)
        folded = re.sub(_BLANK, " ", form) if " " in form or "\n" in form else ""
        if folded and folded not in self._unfolded:
            self._unfolded[folded] = form
            self._folded.add(folded)

    def occurrences(self, text: str) -> tuple[list[_Occurrence], list[Part]]:
        """Return each place of a form in a text, and each place of a part of a secret."""
        wholes, parts = self.texts.occurrences(text)
        occurrences = [_Occurrence(whole.start, whole.end, self[whole.text]) for whole in wholes]
        for form in self._folded_in(text):
            pattern = _BLANK.join(map(re.escape, re.split(_BLANK, form)))
            occurrences += [_Occurrence(*match.span(), self[form]) for match in re.finditer(pattern, text)]
        return occurrences, parts

    def present(self, text: str) -> set[str]:
        """Return the forms that occur in a text without folds."""
        return {whole.text for whole in self.texts.occurrences(text)[0]}

    def _folded_in(self, text: str) -> set[str]:
        if not self._unfolded:
            return set()
        wholes, _ = self._folded.occurrences(re.sub(_BLANK, " ", text))
        return {self._unfolded[whole.text] for whole in wholes}


class _ClearText:
    """The files that a run reads in clear, read only for the first question."""

    def __init__(self) -> None:
        self._unread: list[Callable[[], Iterable[bytes]]] = []
        self._texts: list[str] = []
        self._known: dict[str, bool] = {}

    def add(self, inputs: Callable[[], Iterable[bytes]]) -> None:
        self._unread.append(inputs)
        self._known.clear()

    def has(self, text: str) -> bool:
        """Tell whether a text occurs in one of the files."""
        while self._unread:
            with suppress(CmpError, OSError):  # the file is gone: then more is masked than necessary
                for data in self._unread[-1]():
                    self._texts.append(data.decode("utf-8", "replace"))
            self._unread.pop()
        if text not in self._known:
            self._known[text] = any(text in clear for clear in self._texts)
        return self._known[text]


def _is_armour(text: str) -> bool:
    """Tell whether a part of a secret is the first or last line of a PEM file, with hardly any text beside it."""
    return "-----" in text and len(_ARMOUR.sub("", text).strip()) < SHORT


def _stripped(part: Part) -> Part:
    """Return a part without the blanks at its ends, which are layout."""
    own = part.own
    left, right = len(own) - len(own.lstrip()), len(own) - len(own.rstrip())
    return part._replace(start=part.start + left, end=part.end - right, offset=part.offset + left)


def _is_long_enough(part: Part) -> bool:
    """Tell whether a part has enough characters beside the armour of a PEM file, whole or cut off, in it."""
    from cmp.secrets.textsearch import LEAST  # noqa: PLC0415  # only for a message

    start, end = part.offset, part.offset + len(part.own)
    armour = (range(max(start, match.start()), min(end, match.end())) for match in _ARMOUR.finditer(part.text))
    return end - start - sum(map(len, armour)) >= LEAST


def _merged(occurrences: Iterable[_Occurrence]) -> Iterator[_Occurrence]:
    """Yield overlapping places as one, with the secret of the longest: no rest of any of them may stay."""
    longest: _Occurrence | None = None
    start = end = 0
    for occurrence in sorted(occurrences, key=lambda place: (place.start, -place.end)):
        if longest is not None and occurrence.start < end:
            end = max(end, occurrence.end)
            longest = max(longest, occurrence, key=lambda place: place.end - place.start)
            continue
        if longest is not None:
            yield _Occurrence(start, end, longest.secret)
        longest, (start, end, _) = occurrence, occurrence
    if longest is not None:
        yield _Occurrence(start, end, longest.secret)


def _secrets(encrypted: bytes, plain: bytes) -> Iterator[Secret]:
    """Yield the plaintext of each leaf that was ciphertext, and of every leaf where the files cannot be compared."""
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
                yield Secret(part.strip("*&!'\"[]{},- "), is_part=True)  # YAML may read the signs as syntax


def _are_comparable(before: list[object], after: list[object]) -> bool:
    """Tell whether the documents have the same shape; that of a binary file has `data` and `sops`, made by sops."""
    return len(before) == len(after) > 0 and all(
        isinstance(first, dict) and isinstance(second, dict) and (first.keys() != {"data", "sops"} or "data" in second)
        for first, second in zip(before, after, strict=True)
    )


def _parse(data: bytes) -> list[object]:
    """Parse YAML, JSON, dotenv or INI to documents of nested dicts and lists; none of another format."""
    from cmp import yamldoc  # noqa: PLC0415  # only for a message

    if entries := _entries(data.decode("utf-8", "surrogateescape")):
        return [entries]
    try:
        return yamldoc.load_all(data)
    except (yamldoc.YamlError, ToolError):  # libyaml may be missing
        return []


def _entries(text: str) -> dict[str, str]:
    """Parse `NAME=value` lines (dotenv), also below `[section]`s (INI); empty when another line is among them."""
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
    """Yield the secrets of two values that are walked together: a leaf is public only where it was readable before."""
    if isinstance(after, dict):
        known = before if isinstance(before, dict) else {}
        for key, value in after.items():
            yield from _leaves(known.get(key, CIPHERTEXT), value, f"{path}.{key}" if path else str(key))
    elif isinstance(after, list):
        others = before if isinstance(before, list) else []
        for index, value in enumerate(after):
            yield from _leaves(others[index] if index < len(others) else CIPHERTEXT, value, f"{path}[{index}]")
    elif after is not None:
        is_ciphertext = isinstance(before, str) and before.startswith(CIPHERTEXT)
        if is_ciphertext or before is None or isinstance(before, (dict, list)):
            yield from (Secret(text, path) for text in _printed(after))


def _printed(leaf: object) -> Iterator[str]:
    """Yield a scalar as text, and a number also as Go prints it after it became a float64 (1.2345678e+07)."""
    if isinstance(leaf, bool):
        yield str(leaf).lower()
        return
    yield str(leaf)
    if isinstance(leaf, (int, float)) and abs(leaf) < 1e300:  # noqa: PLR2004  # within a float64, and not NaN
        from decimal import Decimal  # noqa: PLC0415  # rare, and only for a message

        number = Decimal(repr(float(leaf))).normalize()
        mantissa, _, exponent = f"{number:e}".partition("e")
        yield f"{mantissa}e{int(exponent):+03d}"
        yield f"{number:f}"  # beyond 2^53 it is another number
        yield f"{Decimal(float(leaf)):f}"  # and another one as an int64
        # In the findings of a JSON Schema, Helm 3.18 and newer.
        yield f"{number:,f}"
        yield f"{mantissa}\N{MULTIPLICATION SIGN}10{f'{int(exponent):02d}'.translate(_RAISED)}"
